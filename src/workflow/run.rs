//! A run: its identity, its states, and what it knows about itself.

use crate::base::clock::{parse_stamp, stamp};
use crate::base::{Error, Result, Type};
use crate::catalog::Workflow;
use crate::query::RunContext;
use crate::store::Row;
use chrono::{DateTime, Utc};
use datafusion::common::ScalarValue;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The states of `runs.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Queued,
    Running,
    RetryWait,
    Publishing,
    Finalizing,
    Succeeded,
    SucceededWithWarnings,
    Blocked,
    Failed,
    TimedOut,
    Canceled,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Queued => "queued",
            Status::Running => "running",
            Status::RetryWait => "retry_wait",
            Status::Publishing => "publishing",
            Status::Finalizing => "finalizing",
            Status::Succeeded => "succeeded",
            Status::SucceededWithWarnings => "succeeded_with_warnings",
            Status::Blocked => "blocked",
            Status::Failed => "failed",
            Status::TimedOut => "timed_out",
            Status::Canceled => "canceled",
        }
    }

    pub fn is_final(self) -> bool {
        !matches!(self, Status::Queued | Status::Running | Status::RetryWait | Status::Publishing | Status::Finalizing)
    }

    /// Whether its outputs are visible.
    pub fn is_published(self) -> bool {
        matches!(self, Status::Succeeded | Status::SucceededWithWarnings)
    }
}

/// How a run ended, and why it did not end well.
#[derive(Clone, Debug)]
pub struct Ending {
    pub status: Status,
    pub reason: Option<String>,
    /// The error that ended it.
    pub error: Option<Error>,
}

/// Why a run was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    Schedule,
    Manual,
    Refresh,
}

impl Trigger {
    pub fn as_str(self) -> &'static str {
        match self {
            Trigger::Schedule => "schedule",
            Trigger::Manual => "manual",
            Trigger::Refresh => "refresh",
        }
    }
}

/// One execution of a workflow.
#[derive(Clone, Debug)]
pub struct Run {
    pub id: String,
    pub workflow: Arc<Workflow>,
    pub trigger: Trigger,
    /// The due instant, for scheduled runs.
    pub tick: Option<DateTime<Utc>>,
    pub scheduled_at: DateTime<Utc>,
    pub interval: (DateTime<Utc>, DateTime<Utc>),
    pub user: String,
    pub params: BTreeMap<String, (Type, ScalarValue)>,
    /// Counts the processes that have had this run; a publication of an older one is refused.
    pub epoch: i64,
    pub cancel: CancellationToken,
}

impl Run {
    /// Ids sort by time.
    pub fn new_id() -> String {
        uuid::Uuid::now_v7().to_string()
    }

    /// The parameters as JSON: name → text or null.
    pub fn params_text(&self) -> String {
        let texts: BTreeMap<&str, Option<String>> = self
            .params
            .iter()
            .map(|(name, (_, value))| (name.as_str(), (!value.is_null()).then(|| value.to_string())))
            .collect();
        serde_json::to_string(&texts).unwrap_or_default()
    }

    /// What the run's statements may ask.
    pub fn context(&self, status: Option<Status>) -> Arc<RunContext> {
        Arc::new(RunContext {
            run_id: self.id.clone(),
            scheduled_at: self.scheduled_at,
            interval_start: self.interval.0,
            interval_end: self.interval.1,
            status: status.map(|status| status.as_str().to_string()),
            params: self.params.clone(),
        })
    }

    /// A run that a dead process left behind, from its row of the ledger.
    pub fn from_row(row: &Row) -> Result<Run> {
        let workflow: Workflow = serde_json::from_str(row.text("definition")?).map_err(unreadable)?;
        let texts: BTreeMap<String, Option<String>> = serde_json::from_str(row.text("params")?).map_err(unreadable)?;
        let mut params = BTreeMap::new();
        for param in &workflow.params {
            let arrow = param.ty.arrow();
            let value = match texts.get(&param.name).cloned().flatten() {
                Some(text) => ScalarValue::try_from_string(text, &arrow)?,
                None => ScalarValue::try_from(&arrow)?,
            };
            params.insert(param.name.clone(), (param.ty.clone(), value));
        }
        let instant = |column: &str| -> Result<DateTime<Utc>> {
            parse_stamp(row.text(column)?).ok_or_else(|| unreadable(column))
        };
        let trigger = match row.text("trigger_kind")? {
            "schedule" => Trigger::Schedule,
            "refresh" => Trigger::Refresh,
            _ => Trigger::Manual,
        };
        Ok(Run {
            id: row.text("run_id")?.to_string(),
            workflow: Arc::new(workflow),
            trigger,
            tick: row.optional_text("tick")?.and_then(parse_stamp),
            scheduled_at: instant("scheduled_at")?,
            interval: (instant("interval_start")?, instant("interval_end")?),
            user: row.text("requested_by")?.to_string(),
            params,
            epoch: row.int("epoch")?,
            cancel: CancellationToken::new(),
        })
    }
}

fn unreadable(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("the ledger's row of a run must be readable: {error}"))
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "run {} of {} due {}", self.id, self.workflow.name, stamp(self.scheduled_at))
    }
}
