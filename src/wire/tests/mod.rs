//! A server in this process, with a handful of made-up statements beside the session's own.

mod attack;
mod login;
mod protocol;
mod sessions;
mod stub;

use super::door::Limits;
use super::listener;
use crate::base::clock::SystemClock;
use crate::base::{Config, password};
use crate::engine::Engine;
use crate::statement;
use crate::store::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};
use tokio_util::sync::CancellationToken;

const PASSWORD: &str = "a good password";

/// A server on a port of its own.
struct Server {
    address: SocketAddr,
    shutdown: CancellationToken,
    served: JoinHandle<crate::base::Result<()>>,
    /// Lives as long as the server.
    folder: TempDir,
}

impl Server {
    async fn start() -> Server {
        Server::with(|config, _| config, Limits::default()).await
    }

    async fn with(configure: impl FnOnce(Config, &TempDir) -> Config, limits: Limits) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data: folder.path().join("data"), ..Config::default() };
        let config = configure(config, &folder);
        let engine = Engine::open(config, Arc::new(SystemClock), statement::runner).await.unwrap();
        let verifier = password::verifier(PASSWORD);
        let write = Write::new(
            "INSERT OR REPLACE INTO aqueduct_setting(name, value) VALUES ('role.aqueduct', ?)",
            [verifier.into()],
        );
        engine.catalog.store().write(&[write]).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let served = tokio::spawn(listener::serve_with(engine, listener, shutdown.clone(), limits, stub::parse));
        Server { address, shutdown, served, folder }
    }

    fn target(&self) -> String {
        format!("host=127.0.0.1 port={} user=aqueduct dbname=aqueduct password='{PASSWORD}'", self.address.port())
    }

    async fn client(&self) -> Client {
        self.client_with("").await
    }

    async fn client_with(&self, more: &str) -> Client {
        let (client, connection) = tokio_postgres::connect(&format!("{} {more}", self.target()), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    async fn socket(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

/// Everything that the server sends until it closes the connection.
async fn rest(stream: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let mut bytes = vec![];
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut bytes).await;
    bytes
}

async fn send(stream: &mut (impl AsyncWriteExt + Unpin), bytes: &[u8]) {
    stream.write_all(bytes).await.unwrap();
    stream.flush().await.unwrap();
}

/// The field of the error that the server answered.
fn field(bytes: &[u8], code: u8) -> Option<String> {
    let at = bytes.iter().position(|byte| *byte == b'E')?;
    let fields = bytes.get(at + 5..)?;
    let found = fields.split(|byte| *byte == 0).find(|field| field.first() == Some(&code))?;
    Some(String::from_utf8_lossy(&found[1..]).into_owned())
}

/// Waits, within reason, for something that is about to become true.
async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    });
    assert!(waited.await.is_ok(), "it never became true");
}
