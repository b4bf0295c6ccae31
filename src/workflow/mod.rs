//! What a run does: bind, plan, execute, check, publish, record, recover.
//!
//! Outside this room nobody starts a run or moves its state. The order is the
//! promise: a run's rows are staged, then audited, then published; each of these
//! values is made only from the one before.

mod audit; // checks and metrics on staged rows
mod bind; // what can be known to be wrong before a definition is accepted
mod bind_check; // the same for checks
mod conclude; // statements, FINALLY and the last word on a run
mod define; // CREATE, DROP, PAUSE, RESUME
mod execute; // the life of a run
mod explain; // EXPLAIN WORKFLOW
mod judge; // the numbers of checks and metrics, and what they mean
mod outside; // targets of other systems: reserve, act, receipt
mod params; // USING
mod preview; // PREVIEW WORKFLOW
mod publish; // from checked rows to visible rows, once
mod record; // the ledger
mod recover; // runs that a dead process left
pub mod retry; // whether and when an attempt is repeated
mod run; // a run and its states
mod stage; // rows on the disk that no reader sees
mod start; // EXECUTE, REFRESH, CANCEL, and ticks
mod step; // the life of a step
mod target; // targets by name
mod verify; // the invariants of the ledger
mod why; // EXPLAIN WHY

pub use execute::Progress;
pub use preview::Preview;
pub use run::Status;
pub use start::{Execute, Tick};
pub use why::Subject;

use crate::base::clock::parse_stamp;
use crate::base::{Clock, Result};
use crate::catalog::Live;
use crate::connect::Connections;
use crate::lake::Lake;
use crate::query::{Context, Query};
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Runs ordinary statements for steps and FINALLY clauses; the statement room lends it, because it
/// lies to the left of this one.
pub trait StatementRunner: Send + Sync {
    /// Refuses text that is not one INSERT, UPDATE, DELETE or MERGE, or that does not plan in `context`.
    fn check<'a>(&'a self, context: &'a Context, text: &'a str) -> BoxFuture<'a, Result<()>>;

    /// Runs it and tells how many rows it changed.
    fn run<'a>(&'a self, context: &'a Context, text: &'a str, cancel: CancellationToken) -> BoxFuture<'a, Result<u64>>;
}

/// All workflows and their runs.
pub struct Workflows {
    catalog: Arc<Live>,
    query: Arc<Query>,
    lake: Arc<Lake>,
    connections: Arc<Connections>,
    clock: Arc<dyn Clock>,
    statements: Arc<dyn StatementRunner>,
    /// This installation, in the markers of its publications.
    server: String,
    /// Runs that may execute at one time.
    places: Semaphore,
    /// Runs of this process that have not ended.
    live: Mutex<HashMap<String, start::LiveRun>>,
    /// One publication at a time for each target.
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// Runs at work, so that stopping can wait for them; `None` once no more may start.
    tasks: Mutex<Option<tokio::task::JoinSet<()>>>,
    /// Told when a definition or a schedule changes.
    changed: tokio::sync::Notify,
}

/// The rooms that workflows are made of.
pub struct Parts {
    pub catalog: Arc<Live>,
    pub query: Arc<Query>,
    pub lake: Arc<Lake>,
    pub connections: Arc<Connections>,
    pub clock: Arc<dyn Clock>,
    pub statements: Arc<dyn StatementRunner>,
    pub server: String,
    pub runs_max: usize,
}

impl Workflows {
    pub fn new(parts: Parts) -> Workflows {
        Workflows {
            catalog: parts.catalog,
            query: parts.query,
            lake: parts.lake,
            connections: parts.connections,
            clock: parts.clock,
            statements: parts.statements,
            server: parts.server,
            places: Semaphore::new(parts.runs_max.max(1)),
            live: Mutex::default(),
            turns: Mutex::default(),
            tasks: Mutex::new(Some(tokio::task::JoinSet::new())),
            changed: tokio::sync::Notify::new(),
        }
    }

    /// Returns when a definition or a schedule has changed since the last call.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Since when the oldest run that has not ended is known.
    pub async fn oldest_open_run(&self) -> Result<Option<DateTime<Utc>>> {
        let sql = "SELECT min(queued_at) AS oldest FROM aqueduct_run WHERE finished_at IS NULL";
        let rows = self.catalog.store().query(sql, &[]).await?;
        let oldest = rows.first().map(|row| row.optional_text("oldest")).transpose()?.flatten();
        Ok(oldest.and_then(parse_stamp))
    }

    /// Lets no run start any more and waits until those of this process have ended.
    pub async fn drain(&self) {
        let tasks = self.tasks.lock().take();
        if let Some(tasks) = tasks {
            tasks.join_all().await;
        }
    }

    /// Sets a task going that [`Workflows::drain`] waits for. `false` when the server is stopping.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> bool {
        match &mut *self.tasks.lock() {
            Some(tasks) => {
                while tasks.try_join_next().is_some() {}
                tasks.spawn(task);
                true
            }
            None => false,
        }
    }
}
