//! The life of a run, from a free place to its ending.

use super::audit::{Audit, Checked, SetAside, Verdict};
use super::record::{self, StepRow};
use super::retry::backoff;
use super::run::{Ending, Run, Status};
use super::stage::{Recalled, Staged, columns};
use super::{Workflows, publish};
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::workflow::{Body, Fragment, Outcome, Step};
use crate::catalog::{Relation, Table};
use crate::query::{Context, ModelUse};
use crate::store::Write;
use chrono::{DateTime, Utc};
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
    rows: AtomicU64,
    step: Mutex<String>,
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
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StepEnd {
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
        match self.conclude(run, ending, time).await {
            Ok(ending) => ending,
            Err(error) => {
                tracing::error!("{run}: the ending could not be recorded: {error}");
                Ending { status: Status::Failed, reason: Some(error.to_string()), error: Some(error) }
            }
        }
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
            Verdict::Passed(computed) => self.publish_with_retry(run, computed).await,
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
                Err(error) if error.kind == Kind::Cancelled => return Err(error),
                Err(error) => {
                    failure = failure.or(Some(error));
                    StepEnd::Failed
                }
            };
            ends.insert(step.name.clone(), end);
        }
        self.write(vec![record::models(run, &models_text(&models))]).await?;
        if let Some(error) = failure {
            return Err(error);
        }
        if let Some(blocked) = trouble {
            return Ok(blocked);
        }
        let mut audit = Audit::default();
        let verdict = self.audit_relations(&work, &mut audit).await;
        computed.warned |= audit.warned;
        self.write(audit.writes).await?;
        Ok(match verdict? {
            Verdict::Passed(()) => Verdict::Passed(computed),
            Verdict::Blocked { by, error } => Verdict::Blocked { by, error },
        })
    }

    /// One step, as often as its RETRY allows.
    async fn step(
        &self,
        work: &mut Work<'_>,
        step: &Step,
        computed: &mut Computed,
        models: &mut BTreeSet<ModelUse>,
        progress: &Progress,
    ) -> Result<Verdict<()>> {
        *progress.step.lock() = step.name.clone();
        let body = match &step.body {
            Body::Query(body) => body,
            Body::Statements(_) => {
                computed.statements.push(step.name.clone());
                return Ok(Verdict::Passed(()));
            }
        };
        if !step.materialized {
            let plan = self.query.plan_text(&work.context, &body.text).await.map_err(|error| unplaced(error, step))?;
            models.extend(plan.models().cloned());
            work.context.relations.insert(step.name.clone(), plan.relation());
            return Ok(Verdict::Passed(()));
        }
        let retry = step.run.retry.clone().or(work.run.workflow.run.retry.clone()).unwrap_or_default();
        for attempt in 1.. {
            let started = self.clock.now();
            let done = self.attempt(work, step, body, attempt, started, models, progress).await;
            let error = match done {
                Ok((verdict, audit)) => {
                    computed.warned |= audit.warned;
                    computed.set_aside.extend(audit.set_aside);
                    let Verdict::Passed(checked) = verdict else {
                        return Ok(match verdict {
                            Verdict::Blocked { by, error } => Verdict::Blocked { by, error },
                            Verdict::Passed(_) => Verdict::Passed(()),
                        });
                    };
                    work.context.relations.insert(step.name.clone(), self.staged_relation(checked.staged())?);
                    computed.steps.push((step.name.clone(), checked));
                    return Ok(Verdict::Passed(()));
                }
                Err(error) => unplaced(error, step),
            };
            let at = self.clock.now();
            let row = StepRow {
                status: step_status(&error),
                error: Some(&error),
                finished_at: Some(at),
                ..StepRow::new(step, attempt, started)
            };
            self.write(record::step(work.run, &row, at)).await?;
            let Some(wait) = backoff(&retry, attempt, &error, rand::random()) else { return Err(error) };
            self.transition(work.run, Status::RetryWait, Some(&format!("step {}: {error}", step.name))).await?;
            tokio::time::sleep(wait).await;
            self.transition(work.run, Status::Running, None).await?;
        }
        Err(Error::internal("a step must end"))
    }

    #[allow(clippy::too_many_arguments)] // one attempt needs all that the step has
    async fn attempt(
        &self,
        work: &Work<'_>,
        step: &Step,
        body: &Fragment,
        attempt: u32,
        started: DateTime<Utc>,
        models: &mut BTreeSet<ModelUse>,
        progress: &Progress,
    ) -> Result<(Verdict<Checked>, Audit)> {
        let run = work.run;
        self.write(record::step(run, &StepRow::new(step, attempt, started), started)).await?;
        let time = step.run.timeout_ms.map(Duration::from_millis);
        let staged = match self.recalled(work, step).await? {
            Some(Recalled { checked: true, staged, set_aside }) => {
                let row = StepRow {
                    status: "reused",
                    rows_written: Some(staged.rows),
                    bytes: Some(staged.bytes),
                    finished_at: Some(self.clock.now()),
                    staged: self.note(&staged, &set_aside),
                    ..StepRow::new(step, attempt, started)
                };
                self.write(record::step(run, &row, self.clock.now())).await?;
                let audit = Audit { set_aside, ..Audit::default() };
                return Ok((Verdict::Passed(Checked::recalled(staged)), audit));
            }
            Some(Recalled { staged, .. }) => staged,
            None => tokio::select! {
                staged = self.stage_step(work, step, body, models, progress) => staged?,
                () = expired(time) => return Err(timed_out(&format!("step \"{}\"", step.name), time)),
            },
        };
        publish::failpoint("staged")?;
        let row = StepRow { status: "staged", staged: self.note(&staged, &[]), ..StepRow::new(step, attempt, started) };
        self.write(record::step(run, &row, self.clock.now())).await?;
        let mut audit = Audit::default();
        let verdict = self.audit(work, &step.name, staged, &mut audit, progress).await;
        let at = self.clock.now();
        let mut writes = std::mem::take(&mut audit.writes);
        if let Ok(verdict) = &verdict {
            let mut row = StepRow {
                rows_dropped: Some(audit.dropped),
                rows_quarantined: Some(audit.quarantined),
                finished_at: Some(at),
                ..StepRow::new(step, attempt, started)
            };
            match verdict {
                Verdict::Passed(checked) => {
                    row.status = "succeeded";
                    row.rows_written = Some(checked.staged().rows);
                    row.bytes = Some(checked.staged().bytes);
                    row.staged = self.note(checked.staged(), &audit.set_aside);
                    writes.extend(record::step(run, &row, at));
                }
                Verdict::Blocked { by, error } => {
                    row.status = "failed";
                    row.reason = Some(format!("blocked_by_check:{by}"));
                    row.error = Some(error);
                    writes.extend(record::step(run, &row, at));
                }
            }
        }
        self.write(writes).await?;
        Ok((verdict?, audit))
    }

    async fn stage_step(
        &self,
        work: &Work<'_>,
        step: &Step,
        body: &Fragment,
        models: &mut BTreeSet<ModelUse>,
        progress: &Progress,
    ) -> Result<Staged> {
        let plan = self.query.plan_text(&work.context, &body.text).await?;
        models.extend(plan.models().cloned());
        let rows = self.query.run(&plan, &[], work.cancel.clone()).await?;
        let table = self.staging_table(&work.context.snapshot, work.run, step, &rows.schema)?;
        self.stage(&work.context, table, rows, progress).await
    }

    /// What an earlier process staged for this step, if it is whole.
    async fn recalled(&self, work: &Work<'_>, step: &Step) -> Result<Option<Recalled>> {
        if work.run.epoch == 1 {
            return Ok(None);
        }
        let rows = self.catalog.store().query(
            "SELECT status, staged FROM aqueduct_step_run WHERE run_id = ? AND step = ? AND status IN ('staged', 'succeeded', 'reused')
               AND staged IS NOT NULL ORDER BY attempt DESC LIMIT 1",
            &[work.run.id.clone().into(), step.name.clone().into()],
        ).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(self.recall(work, step, row.text("staged")?, row.text("status")? != "staged").await)
    }

    async fn skip_reason(
        &self,
        work: &Work<'_>,
        step: &Step,
        ends: &BTreeMap<String, StepEnd>,
        in_trouble: bool,
    ) -> Result<Option<String>> {
        for upstream in &step.reads {
            match ends.get(upstream) {
                Some(StepEnd::Failed) => return Ok(Some(format!("upstream_failed:{upstream}"))),
                Some(StepEnd::Blocked) => return Ok(Some(format!("upstream_blocked:{upstream}"))),
                Some(StepEnd::Skipped) => return Ok(Some(format!("upstream_skipped:{upstream}"))),
                Some(StepEnd::Succeeded) | None => {}
            }
        }
        let mut wants_trouble = false;
        for after in &step.after {
            let failed = matches!(ends.get(&after.step), Some(StepEnd::Failed | StepEnd::Blocked));
            wants_trouble |= after.outcome != Outcome::Success;
            match after.outcome {
                Outcome::Success if failed => return Ok(Some(format!("upstream_failed:{}", after.step))),
                Outcome::Failure if !failed => return Ok(Some(format!("no_failure:{}", after.step))),
                _ => {}
            }
        }
        if in_trouble && !wants_trouble {
            return Ok(Some("run_failed".to_string()));
        }
        match &step.when {
            Some(when) if !self.holds(&work.context, when).await? => Ok(Some("condition".to_string())),
            _ => Ok(None),
        }
    }

    /// Whether a `WHEN (…)` is true now.
    pub(super) async fn holds(&self, context: &Context, when: &Fragment) -> Result<bool> {
        let answer = self.small(context, &format!("SELECT ({})::boolean", when.text)).await?;
        let column = answer.column(0).as_boolean();
        Ok(!column.is_empty() && !column.is_null(0) && column.value(0))
    }

    async fn ending_of(&self, run: &Run, error: Error) -> Ending {
        let status = status_of(&error);
        tracing::info!("{run}: {}: {error}", status.as_str());
        // A step that was at work when the run's time was up could not say so itself.
        let ended = record::open_steps_are(run, step_status(&error), &error, self.clock.now());
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

impl<'a> StepRow<'a> {
    fn new(step: &'a Step, attempt: u32, started_at: DateTime<Utc>) -> Self {
        StepRow { attempt, ..StepRow::starting(&step.name, started_at) }
    }
}

fn skipped<'a>(step: &'a Step, reason: &str, at: DateTime<Utc>) -> StepRow<'a> {
    StepRow { status: "skipped", reason: Some(reason.to_string()), finished_at: Some(at), ..StepRow::new(step, 1, at) }
}

fn models_text(models: &BTreeSet<ModelUse>) -> String {
    let versions: BTreeMap<String, i64> = models.iter().map(|model| (model.name.to_string(), model.version)).collect();
    serde_json::to_string(&versions).unwrap_or_default()
}

/// Offsets in a definition mean nothing to someone who reads the ledger.
fn unplaced(error: Error, step: &Step) -> Error {
    tracing::debug!("step {}: {error}", step.name);
    Error { offset: None, ..error }
}

/// What an error makes of a run.
pub(super) fn status_of(error: &Error) -> Status {
    match error.kind {
        Kind::Cancelled if error.message.contains("timeout") => Status::TimedOut,
        Kind::Cancelled => Status::Canceled,
        _ => Status::Failed,
    }
}

/// What an error makes of a step.
pub(super) fn step_status(error: &Error) -> &'static str {
    match status_of(error) {
        Status::Canceled => "canceled",
        _ => "failed",
    }
}

/// When the time of a run that begins now will be up.
pub(super) fn deadline(run: &Run) -> Option<Instant> {
    run.workflow.run.timeout_ms.map(|ms| Instant::now() + Duration::from_millis(ms))
}

fn canceled() -> Error {
    Error::new(Kind::Cancelled, "canceled by CANCEL RUN or shutdown")
}

fn timed_out(what: &str, time: Option<Duration>) -> Error {
    let ms = time.map_or(0, |time| time.as_millis());
    Error::new(Kind::Cancelled, format!("timeout: {what} took longer than {ms} ms"))
        .hint("raise TIMEOUT, or make the step read less".to_string())
}

async fn expired(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}
