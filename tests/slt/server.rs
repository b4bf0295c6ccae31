//! A server of one script's own.

use aqueduct::base::Config;
use aqueduct::base::clock::SystemClock;
use aqueduct::engine::Engine;
use aqueduct::store::Write;
use aqueduct::{base, statement, wire};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const PASSWORD: &str = "a password of these tests";

pub struct Server {
    engine: Arc<Engine>,
    port: u16,
    shutdown: CancellationToken,
    serving: JoinHandle<aqueduct::base::Result<()>>,
    folder: tempfile::TempDir,
}

impl Server {
    /// One with nothing in it, which may read the repository and write its own folder.
    pub async fn start() -> Server {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let mut config = Config::load(&data).unwrap();
        config.roots = vec![PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap()), folder.path().to_path_buf()];
        let engine = Engine::open(config, Arc::new(SystemClock), statement::runner).await.unwrap();
        let role = Write::new(
            "INSERT INTO aqueduct_setting(name, value) VALUES ('role.aqueduct', ?)",
            [base::password::verifier(PASSWORD).into()],
        );
        engine.catalog.store().write(&[role]).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(wire::serve(engine.clone(), listener, shutdown.clone()));
        Server { engine, port, shutdown, serving, folder }
    }

    /// How a client connects.
    pub fn target(&self) -> String {
        format!("host=127.0.0.1 port={} user=aqueduct dbname=aqueduct password='{PASSWORD}'", self.port)
    }

    /// A folder that statements may read and write.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Stops it, and tells what is not as it must be.
    pub async fn stop(self) -> Vec<String> {
        self.shutdown.cancel();
        self.serving.await.unwrap().unwrap();
        let problems = self.engine.verify().await.unwrap();
        self.engine.close().await;
        problems
    }
}
