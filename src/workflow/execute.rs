//! The life of a run, from a free place to its ending.

use super::Workflows;
use super::audit::{Audit, Checked, SetAside, Verdict};
use super::record;
use super::run::{Ending, Run, Status};
use super::stage::columns;
use super::step::skipped;
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::workflow::Fragment;
use crate::catalog::{Relation, Table};
use crate::query::{Context, ModelUse};
use crate::store::Write;
use datafusion::arrow::array::Array;
use datafusion::arrow::array::cast::AsArray;
use datafusion::arrow::datatypes::SchemaRef;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How far a run has come, for whoever waits.
#[derive(Debug, Default)]
pub struct Progress {
    pub(super) rows: AtomicU64,
    pub(super) step: Mutex<String>,
}

impl Progress {
    pub(super) fn add(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// `step scored, 846 rows`
    pub fn line(&self) -> String {
        format!("step {}, {} rows", self.step.lock(), self.rows.load(Ordering::Relaxed))
    }
}

/// A run at work: everything its steps share.
pub(super) struct Work<'a> {
    pub run: &'a Run,
    /// The catalog as of the run's start, and the steps that are done.
    pub context: Context,
    /// Trips on CANCEL RUN and when the run's time is up.
    pub cancel: CancellationToken,
    /// Tables for rows that checks set aside, by name.
    pub quarantines: Mutex<BTreeMap<Name, Arc<Table>>>,
}

impl Work<'_> {
    /// The table for rows that a check sets aside; one that does not exist yet is the same for the whole run.
    pub(super) fn quarantine(&self, target: &Name, schema: &SchemaRef) -> Result<Arc<Table>> {
        if let Some(table) = self.quarantines.lock().get(target) {
            return Ok(table.clone());
        }
        let snapshot = &self.context.snapshot;
        let table = match snapshot.relation(target) {
            Some(Relation::Table(table)) => table.clone(),
            Some(_) => return Err(Error::new(Kind::WrongObjectType, format!("\"{target}\" is not a managed table"))),
            None => Arc::new(Table::staged(snapshot.schema(&target.schema)?, target, columns(schema))),
        };
        self.quarantines.lock().insert(target.clone(), table.clone());
        Ok(table)
    }
}

/// What the steps of a run have come to, all checked.
#[derive(Default)]
pub(super) struct Computed {
    /// Step name → its rows, in the order of the steps.
    pub steps: Vec<(String, Checked)>,
    pub set_aside: Vec<SetAside>,
    pub warned: bool,
    /// Steps of statements, which act after everything is checked.
    pub statements: Vec<String>,
    /// What is known of the whole run, to be written with its next state.
    pub writes: Vec<Write>,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StepEnd {
    Succeeded,
    Failed,
    Blocked,
    Skipped,
}

impl Workflows {
    /// Drives a claimed run to its end. Never fails: what goes wrong is the ending.
    pub(super) async fn drive(self: &Arc<Self>, run: &Run, progress: &Progress) -> Ending {
        let mut time = None;
        let ending = match self.compute_and_publish(run, progress, &mut time).await {
            Ok(ending) => ending,
            Err(error) => self.ending_of(run, error).await,
        };
        self.conclude(run, ending, time).await.unwrap_or_else(|error| unrecorded(run, error))
    }

    /// `time` is set to the end of the run's time when it has a place and begins.
    async fn compute_and_publish(
        self: &Arc<Self>,
        run: &Run,
        progress: &Progress,
        time: &mut Option<Instant>,
    ) -> Result<Ending> {
        let _place = tokio::select! {
            place = self.places.acquire() => place.map_err(|_| Error::new(Kind::Shutdown, "the server is shutting down"))?,
            () = run.cancel.cancelled() => return Err(canceled()),
        };
        self.transition(run, Status::Running, None).await?;
        *time = deadline(run);
        let time = run.workflow.run.timeout_ms.map(Duration::from_millis);
        let cancel = run.cancel.child_token();
        let computed = tokio::select! {
            computed = self.compute(run, cancel.clone(), progress) => computed?,
            () = run.cancel.cancelled() => { cancel.cancel(); return Err(canceled()) }
            () = expired(time) => { cancel.cancel(); return Err(timed_out("run", time)) }
        };
        // From here on nothing is dropped half-way: the target decides.
        match computed {
            Verdict::Blocked { by, error } => Ok(Ending {
                status: Status::Blocked,
                reason: Some(format!("blocked_by_check:{by}")),
                error: Some(error),
            }),
            Verdict::Passed(computed) => self.publish(run, computed).await,
        }
    }

    /// All steps, staged and checked.
    async fn compute(
        self: &Arc<Self>,
        run: &Run,
        cancel: CancellationToken,
        progress: &Progress,
    ) -> Result<Verdict<Computed>> {
        let mut context = Context::new(self.catalog.snapshot(), &run.user, self.clock.now());
        context.run = Some(run.context(None));
        context.cancel = cancel.clone();
        let mut work = Work { run, context, cancel, quarantines: Mutex::default() };
        let mut computed = Computed::default();
        let mut ends: BTreeMap<String, StepEnd> = BTreeMap::new();
        let mut models = BTreeSet::new();
        let mut trouble: Option<Verdict<Computed>> = None;
        let mut failure: Option<Error> = None;
        for step in &run.workflow.steps {
            if let Some(reason) = self.skip_reason(&work, step, &ends, trouble.is_some() || failure.is_some()).await? {
                self.write(record::step(run, &skipped(step, &reason, self.clock.now()), self.clock.now())).await?;
                ends.insert(step.name.clone(), StepEnd::Skipped);
                continue;
            }
            let end = match self.step(&mut work, step, &mut computed, &mut models, progress).await {
                Ok(Verdict::Passed(())) => StepEnd::Succeeded,
                Ok(Verdict::Blocked { by, error }) => {
                    trouble = trouble.or(Some(Verdict::Blocked { by, error }));
                    StepEnd::Blocked
                }
                Err(error) if status_of(run, &error) != Status::Failed => return Err(error),
                Err(error) => {
                    failure = failure.or(Some(error));
                    StepEnd::Failed
                }
            };
            ends.insert(step.name.clone(), end);
        }
        computed.writes = vec![record::models(run, &models_text(&models))];
        let verdict = match (failure, trouble) {
            (Some(error), _) => Err(error),
            (None, Some(blocked)) => Ok(blocked),
            (None, None) => {
                let mut audit = Audit::default();
                let verdict = self.audit_relations(&work, &mut audit).await;
                computed.warned |= audit.warned;
                computed.writes.extend(audit.writes);
                match verdict {
                    Ok(Verdict::Passed(())) => return Ok(Verdict::Passed(computed)),
                    Ok(Verdict::Blocked { by, error }) => Ok(Verdict::Blocked { by, error }),
                    Err(error) => Err(error),
                }
            }
        };
        self.write(computed.writes).await?;
        verdict
    }

    /// Whether a `WHEN (…)` is true now.
    pub(super) async fn holds(&self, context: &Context, when: &Fragment) -> Result<bool> {
        let answer = self.small(context, &format!("SELECT ({})::boolean", when.text)).await?;
        let column = answer.column(0).as_boolean();
        Ok(!column.is_empty() && !column.is_null(0) && column.value(0))
    }

    async fn ending_of(&self, run: &Run, error: Error) -> Ending {
        let status = status_of(run, &error);
        tracing::info!("{run}: {}: {error}", status.as_str());
        // A step that was at work when the run's time was up could not say so itself.
        let ended = record::open_steps_are(run, step_status(run, &error), &error, self.clock.now());
        if let Err(error) = self.write(ended).await {
            tracing::error!("{run}: its steps could not be ended: {error}");
        }
        Ending { status, reason: Some(error.to_string()), error: Some(error) }
    }

    /// Writes a change of state and its event.
    pub(super) async fn transition(&self, run: &Run, status: Status, reason: Option<&str>) -> Result<()> {
        self.write(record::status(run, status, reason, self.clock.now())).await
    }

    pub(super) async fn write(&self, writes: Vec<Write>) -> Result<()> {
        if writes.is_empty() { Ok(()) } else { self.catalog.store().write(&writes).await }
    }
}

fn models_text(models: &BTreeSet<ModelUse>) -> String {
    let versions: BTreeMap<String, i64> = models.iter().map(|model| (model.name.to_string(), model.version)).collect();
    serde_json::to_string(&versions).unwrap_or_default()
}

/// What whoever waits is told when the store would not take the ending.
pub(super) fn unrecorded(run: &Run, error: Error) -> Ending {
    tracing::error!("{run}: the ending could not be recorded: {error}");
    Ending { status: Status::Failed, reason: Some(error.to_string()), error: Some(error) }
}

/// What an error makes of a run. Another system may have cancelled its part for reasons of its own: that is a failure.
pub(super) fn status_of(run: &Run, error: &Error) -> Status {
    match error.kind {
        Kind::Cancelled if error.message.starts_with(TIMEOUT) => Status::TimedOut,
        Kind::Cancelled if run.cancel.is_cancelled() => Status::Canceled,
        _ => Status::Failed,
    }
}

/// What an error makes of a step.
pub(super) fn step_status(run: &Run, error: &Error) -> &'static str {
    match status_of(run, error) {
        Status::Canceled => "canceled",
        _ => "failed",
    }
}

/// When the time of a run that begins now will be up.
pub(super) fn deadline(run: &Run) -> Option<Instant> {
    run.workflow.run.timeout_ms.map(|ms| Instant::now() + Duration::from_millis(ms))
}

pub(super) fn canceled() -> Error {
    Error::new(Kind::Cancelled, "canceled by CANCEL RUN")
}

/// How the message of an error begins that a TIMEOUT of ours has caused.
const TIMEOUT: &str = "timeout: ";

/// `what` took longer than a TIMEOUT allows.
pub(super) fn timed_out(what: &str, time: Option<Duration>) -> Error {
    let limit = time.map_or("it may".to_string(), |time| format!("{} ms", time.as_millis()));
    Error::new(Kind::Cancelled, format!("{TIMEOUT}{what} took longer than {limit}"))
        .hint("raise TIMEOUT, or make the step read less".to_string())
}

pub(super) async fn expired(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}
