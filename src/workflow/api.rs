//! What statements can ask of workflows.

use crate::base::{Error, Name, Result};
use crate::catalog::workflow::Fragment;
use crate::catalog::{Live, Workflow};
use crate::query::{Context, Rows};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Runs ordinary statements for steps and FINALLY clauses; the statement room lends it, because it
/// lies to the left of this one.
#[async_trait]
pub trait StatementRunner: Send + Sync {
    /// Refuses text that is not one INSERT, UPDATE, DELETE or MERGE, or that does not plan in `context`.
    async fn check(&self, context: &Context, text: &str) -> Result<()>;

    /// Runs it and tells how many rows it changed.
    async fn run(&self, context: &Context, text: &str, cancel: CancellationToken) -> Result<u64>;
}

/// `EXECUTE WORKFLOW`
#[derive(Debug)]
pub struct Execute {
    pub name: Name,
    /// `USING (p = e, …)`
    pub using: Vec<(String, Fragment)>,
    /// Waits for the end, at most so long when a time is given.
    pub wait: Option<Option<Duration>>,
    pub user: String,
}

/// What `EXPLAIN WHY` asks about.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    Workflow(Name),
    Run(String),
}

/// The answer to a definition: done, or already there and left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Done,
    Existed,
}

/// All workflows and their runs.
pub struct Workflows {
    pub(super) catalog: Arc<Live>,
}

impl Workflows {
    /// `CREATE [OR REPLACE] WORKFLOW` and `CREATE MATERIALIZED VIEW`: refuses what cannot run, with offsets in
    /// `workflow.text`' source. A materialized view is filled before this returns.
    pub async fn create(self: &Arc<Self>, workflow: Workflow, or_replace: bool, if_not_exists: bool) -> Result<Answer> {
        let _ = (&self.catalog, workflow, or_replace, if_not_exists);
        Err(Error::unsupported("workflows"))
    }

    /// `DROP WORKFLOW`, `DROP MATERIALIZED VIEW`
    pub async fn drop(&self, name: &Name, user: &str) -> Result<()> {
        let _ = (name, user);
        Err(Error::unsupported("workflows"))
    }

    /// One row: `run_id`, `status`, `reason`. An error only when the run could not be started.
    pub async fn execute(self: &Arc<Self>, execute: Execute, cancel: CancellationToken) -> Result<Rows> {
        let _ = (execute, cancel);
        Err(Error::unsupported("workflows"))
    }

    /// `REFRESH MATERIALIZED VIEW`: an error unless the refresh was published.
    pub async fn refresh(self: &Arc<Self>, name: &Name, user: &str, cancel: CancellationToken) -> Result<()> {
        let _ = (name, user, cancel);
        Err(Error::unsupported("workflows"))
    }

    /// `PAUSE WORKFLOW`, `RESUME WORKFLOW`
    pub async fn set_paused(&self, name: &Name, paused: bool, user: &str) -> Result<()> {
        let _ = (name, paused, user);
        Err(Error::unsupported("workflows"))
    }

    /// `CANCEL RUN`
    pub async fn cancel(&self, run_id: &str) -> Result<()> {
        let _ = run_id;
        Err(Error::unsupported("workflows"))
    }

    /// `PREVIEW WORKFLOW`: the rows of a step (default: the last) with default parameters, nothing published.
    pub async fn preview(
        &self,
        name: &Name,
        step: Option<&str>,
        limit: Option<u64>,
        using: &[(String, Fragment)],
        user: &str,
        cancel: CancellationToken,
    ) -> Result<Rows> {
        let _ = (name, step, limit, using, user, cancel);
        Err(Error::unsupported("workflows"))
    }

    /// `EXPLAIN WORKFLOW`: one row per step.
    pub async fn explain(&self, name: &Name) -> Result<Rows> {
        let _ = name;
        Err(Error::unsupported("workflows"))
    }

    /// `EXPLAIN WHY`: the chain from what is seen to its cause, as rows.
    pub async fn why(&self, subject: &Subject) -> Result<Rows> {
        let _ = subject;
        Err(Error::unsupported("workflows"))
    }
}
