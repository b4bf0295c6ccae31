//! A PostgreSQL server of the tests' own: private data folder, free port, stopped when its last user is done.

use aqueduct::base::Roots;
use aqueduct::catalog::{Change, Connection, Secret, SecretSource, Snapshot};
use aqueduct::connect::Connections;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use tokio_postgres::{Client, NoTls};

pub const PASSWORD: &str = "correct horse";

/// A running server.
pub struct Server {
    folder: tempfile::TempDir,
    process: Child,
    pub port: u16,
}

static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());

impl Server {
    /// The server that tests share; each takes a database of its own in it.
    pub fn shared() -> Arc<Server> {
        let mut shared = SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Server::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// Starts a server and waits until it answers.
    pub fn start() -> Server {
        Server::start_with(&[])
    }

    /// A server that speaks TLS with these, in PEM.
    pub fn start_encrypted(certificate: &str, key: &str) -> Server {
        Server::start_with(&[("server.crt", certificate), ("server.key", key)])
    }

    /// `files` go into the data folder; a certificate turns TLS on.
    fn start_with(files: &[(&str, &str)]) -> Server {
        let folder = tempfile::Builder::new().prefix("aqueduct-postgres-").tempdir().unwrap();
        let password = folder.path().join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        give(folder.path());
        give(&password);
        let data = folder.path().join("data");
        let status = command("initdb")
            .args(["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--username=ann", "--no-sync"])
            .arg(format!("--pwfile={}", password.display()))
            .arg(&data)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "initdb failed");
        for (name, text) in files {
            let path = data.join(name);
            std::fs::write(&path, text).unwrap();
            // The server refuses a key that others may read.
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            give(&path);
        }
        // The port was free a moment ago; another process may take it first.
        for _ in 0..5 {
            let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if let Some(process) = serve(&data, folder.path(), port, !files.is_empty()) {
                return Server { folder, process, port };
            }
        }
        panic!("PostgreSQL found no free port");
    }

    /// A new, empty database.
    pub async fn database(self: &Arc<Self>) -> Database {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let database = Database { server: Arc::clone(self), name };
        let admin = database.login_to("postgres", "ann", PASSWORD).await;
        admin.batch_execute(&format!("CREATE DATABASE {}", database.name)).await.unwrap();
        database
    }

    pub fn socket_folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Without a checkpoint: the folder is about to go.
        let _ = Command::new("kill").arg("-QUIT").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

/// Starts the server; `None` when it ended before it answered.
fn serve(data: &Path, sockets: &Path, port: u16, encrypted: bool) -> Option<Child> {
    let mut process = command("postgres")
        .arg("-D")
        .arg(data)
        .arg("-k")
        .arg(sockets)
        .args(["-p", &port.to_string()])
        .args(["-c", if encrypted { "ssl=on" } else { "ssl=off" }])
        .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=200"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
    if !log.any(|line| line.contains("ready to accept connections")) {
        let _ = process.wait();
        return None;
    }
    // A full pipe would stop the server.
    std::thread::spawn(move || log.for_each(drop));
    Some(process)
}

/// A program of PostgreSQL; as root it runs as somebody else, since the server refuses root.
fn command(program: &str) -> Command {
    let path = program_path(program);
    match nobody() {
        None => Command::new(path),
        Some((uid, gid)) => {
            let mut command = Command::new("setpriv");
            command.args([&format!("--reuid={uid}"), &format!("--regid={gid}"), "--clear-groups"]).arg(path);
            command
        }
    }
}

fn program_path(program: &str) -> PathBuf {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<_> = installed.map(|version| version.path().join("bin")).collect();
    folders.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = folders.into_iter().rev().chain(std::env::split_paths(&path));
    places
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{program} not found: tests need PostgreSQL (apt-get install postgresql)"))
}

/// The user to become when this is root.
fn nobody() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let user = |name: &str| {
        let line = users.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        let mut fields = line.split(':').skip(2).map(|field| field.parse().ok());
        Some((fields.next()??, fields.next()??))
    };
    user("postgres").or_else(|| user("nobody"))
}

fn give(path: &Path) {
    if let Some((uid, gid)) = nobody() {
        chown(path, Some(uid), Some(gid)).unwrap();
    }
}

/// A database of one test, with what the engine needs to reach it.
pub struct Database {
    pub server: Arc<Server>,
    pub name: String,
}

impl Database {
    pub async fn client(&self) -> Client {
        self.login_to(&self.name, "ann", PASSWORD).await
    }

    async fn login_to(&self, database: &str, user: &str, password: &str) -> Client {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(self.server.port).user(user).password(password).dbname(database);
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    pub async fn execute(&self, statements: &str) {
        self.client().await.batch_execute(statements).await.unwrap_or_else(|error| panic!("{statements}: {error:?}"));
    }

    /// The answer as text: rows by `;`, columns by `|`, NULL as nothing.
    pub async fn ask(&self, query: &str) -> String {
        answer(&self.client().await, query).await
    }

    /// The connection `ops` to it.
    pub fn connection(&self) -> Connection {
        self.connection_by(self.server.port, "ann", "pw")
    }

    pub fn connection_by(&self, port: u16, user: &str, secret: &str) -> Connection {
        let port = port.to_string();
        let options = [("host", "127.0.0.1"), ("port", &port), ("dbname", &self.name), ("user", user)];
        Connection {
            name: "ops".into(),
            kind: "postgres".into(),
            options: options.map(|(name, value)| (name.to_string(), value.to_string())).into(),
            secrets: BTreeMap::from([("password".to_string(), secret.to_string())]),
        }
    }
}

pub async fn answer(client: &Client, query: &str) -> String {
    let mut rows = vec![];
    for message in client.simple_query(query).await.unwrap_or_else(|error| panic!("{query}: {error:?}")) {
        if let tokio_postgres::SimpleQueryMessage::Row(row) = message {
            let columns: Vec<_> = (0..row.len()).map(|at| row.get(at).unwrap_or_default()).collect();
            rows.push(columns.join("|"));
        }
    }
    rows.join(";")
}

/// A catalog that knows the secrets `pw` (right) and `wrong`, and the connection.
pub fn snapshot(connection: &Connection) -> Snapshot {
    let secret =
        |name: &str, source| Change::PutSecret { secret: Secret { name: name.into(), source }, or_replace: true };
    Snapshot::default()
        .apply_all(&[
            secret("pw", SecretSource::File("pw".into())),
            secret("wrong", SecretSource::File("wrong".into())),
            secret("unset", SecretSource::Environment("AQUEDUCT_TEST_UNSET".into())),
            Change::PutConnection { connection: connection.clone(), or_replace: true },
        ])
        .unwrap()
}

/// Connections with a folder of files of their own, the secrets' among them.
pub fn connections(folder: &Path) -> Connections {
    std::fs::write(folder.join("pw"), PASSWORD).unwrap();
    std::fs::write(folder.join("wrong"), "tr0ub4dor").unwrap();
    let roots = Roots::new(folder, &[folder.to_path_buf()], &folder.join("data"));
    Connections::new(roots, tokio::runtime::Handle::current())
}
