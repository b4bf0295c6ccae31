//! The rooms put together: one engine that sessions share.

mod lock;
mod scheduler;
mod upkeep;

pub use lock::Lock;

use crate::base::{Clock, Config, Counts, Error, Kind, Result, Roots, folder, name};
use crate::catalog::Live;
use crate::connect::Connections;
use crate::lake::Lake;
use crate::model::Registry;
use crate::query::Query;
use crate::store::{Store, Write};
use crate::workflow::{Parts, StatementRunner, Workflows};
use parking_lot::Mutex;
use scheduler::Scheduler;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Everything a session needs.
pub struct Engine {
    pub config: Config,
    pub clock: Arc<dyn Clock>,
    pub counts: Counts,
    pub roots: Roots,
    pub catalog: Arc<Live>,
    pub lake: Arc<Lake>,
    pub connections: Arc<Connections>,
    pub models: Arc<Registry>,
    pub query: Arc<Query>,
    pub workflows: Arc<Workflows>,
    stop: CancellationToken,
    scheduler: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

/// How long statements and runs may go on when the server stops.
pub const DRAIN_MAX: Duration = Duration::from_secs(30);

impl Engine {
    /// Opens a data folder, making it when it is not there. Runs that were cut off wait for [`Engine::recover`].
    ///
    /// `statements` lends the statement room, which lies to the left of this one.
    pub async fn open(
        config: Config,
        clock: Arc<dyn Clock>,
        statements: fn(Weak<Engine>) -> Arc<dyn StatementRunner>,
    ) -> Result<Arc<Engine>> {
        name::call_database(&config.database)?;
        make_private(&config.data)?;
        folder::create(&config.data.join("files"))?;
        let data = config.data.canonicalize()?;
        let here = std::env::current_dir()?;
        let allowed = if config.roots.is_empty() { vec![here.clone()] } else { config.roots.clone() };
        let roots = Roots::new(&here, &allowed, &data);
        let store = Store::open(&data).await?;
        let lake = Arc::new(Lake::open(&data)?);
        let catalog = Arc::new(Live::load(store, clock.clone(), &lake.data_path()).await?);
        let connections = Arc::new(Connections::new(roots.clone(), tokio::runtime::Handle::current()));
        let models = Arc::new(Registry::open(&data)?);
        let query = Arc::new(Query::new(&config, catalog.clone(), lake.clone(), connections.clone(), models.clone())?);
        let server = server_id(catalog.store()).await?;
        let engine = Arc::new_cyclic(|engine| {
            let workflows = Arc::new(Workflows::new(Parts {
                catalog: catalog.clone(),
                query: query.clone(),
                lake: lake.clone(),
                connections: connections.clone(),
                clock: clock.clone(),
                statements: statements(engine.clone()),
                server,
                runs_max: config.runs_max,
            }));
            let (stop, scheduler) = (CancellationToken::new(), Mutex::new(None));
            Engine {
                config,
                clock,
                counts: Counts::default(),
                roots,
                catalog,
                lake,
                connections,
                models,
                query,
                workflows,
                stop,
                scheduler,
            }
        });
        Ok(engine)
    }

    /// Goes on with the runs that a process before this one left.
    pub async fn recover(&self) -> Result<()> {
        self.workflows.recover().await.map(drop)
    }

    /// Lets schedules fire, and old files go.
    pub fn start(self: &Arc<Self>) {
        let scheduler = Scheduler::new(self.catalog.clone(), self.workflows.clone(), self.clock.clone());
        *self.scheduler.lock() = Some(tokio::spawn(scheduler.run(self.stop.clone())));
        tokio::spawn(self.clone().keep_up());
    }

    /// Gives every tick that is due now its run; for tests that move the clock.
    pub async fn settle_schedules(self: &Arc<Self>) -> Result<()> {
        Scheduler::new(self.catalog.clone(), self.workflows.clone(), self.clock.clone()).settle().await.map(|_| ())
    }

    /// Starts no run any more, and lets those that go end, for a while.
    pub async fn drain(&self) {
        self.stop.cancel();
        if tokio::time::timeout(DRAIN_MAX, self.workflows.drain()).await.is_err() {
            tracing::warn!("runs were still going after {} s; they go on at the next start", DRAIN_MAX.as_secs());
        }
    }

    /// Drains and closes the store. What is cut off goes on at the next start.
    pub async fn close(&self) {
        self.drain().await;
        self.catalog.store().close().await;
    }

    /// What is not as it must be: one line each, none when all is well.
    pub async fn verify(&self) -> Result<Vec<String>> {
        let kept = self.kept_since().await?;
        let mut problems = self.lake.verify(self.catalog.store(), &self.catalog.snapshot(), kept).await?;
        problems.extend(self.workflows.verify().await?);
        problems.extend(self.connections.verify(&self.catalog.snapshot()));
        Ok(problems)
    }
}

/// The folder holds passwords' verifiers and data: nobody else reads it.
fn make_private(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let failed =
        |error: String| Error::new(Kind::Io, format!("data folder \"{}\" cannot be made: {error}", path.display()));
    folder::create(path).map_err(|error| failed(error.message))?;
    if let Err(error) = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)) {
        tracing::warn!("others may be able to read the data folder: {error}");
    }
    Ok(())
}

/// This installation's id, made once.
async fn server_id(store: &Store) -> Result<String> {
    let made = uuid::Uuid::new_v4().to_string();
    let write = Write::new(
        "INSERT INTO aqueduct_setting(name, value) VALUES ('server', ?) ON CONFLICT(name) DO NOTHING",
        [made.into()],
    );
    store.write(&[write]).await?;
    let rows = store.query("SELECT value FROM aqueduct_setting WHERE name = 'server'", &[]).await?;
    let row = rows.first().ok_or_else(|| Error::internal("the store must know its server's id"))?;
    Ok(row.text("value")?.to_string())
}
