//! The life of a step: computed, staged, checked, as often as its RETRY allows.

use super::audit::{Audit, Checked, Verdict};
use super::execute::{Computed, Progress, StepEnd, Work, expired, step_status, timed_out};
use super::record::{self, StepRow};
use super::retry::backoff;
use super::run::Status;
use super::stage::{Recalled, Staged};
use super::{Workflows, publish};
use crate::base::{Error, Result};
use crate::catalog::Workflow;
use crate::catalog::workflow::{Body, Fragment, Outcome, Step};
use crate::query::ModelUse;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

impl Workflows {
    /// One step, as often as its RETRY allows.
    pub(super) async fn step(
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
                let at = self.clock.now();
                let ready = StepRow { status: "ready", ..StepRow::new(step, 1, at) };
                self.write(record::step(work.run, &ready, at)).await?;
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
        let Left { attempt: first, mut recalled } = self.left(work, step).await?;
        for (tries, attempt) in (1..).zip(first..) {
            let started = self.clock.now();
            let done = self.attempt(work, step, body, attempt, recalled.take(), started, models, progress).await;
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
                status: step_status(work.run, &error),
                error: Some(&error),
                finished_at: Some(at),
                ..StepRow::new(step, attempt, started)
            };
            self.write(record::step(work.run, &row, at)).await?;
            let Some(wait) = backoff(&retry, tries, &error, rand::random()) else { return Err(error) };
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
        recalled: Option<Recalled>,
        started: DateTime<Utc>,
        models: &mut BTreeSet<ModelUse>,
        progress: &Progress,
    ) -> Result<(Verdict<Checked>, Audit)> {
        let run = work.run;
        let time = step.run.timeout_ms.map(Duration::from_millis);
        let staged = match recalled {
            Some(Recalled { checked: true, staged, set_aside, models: noted }) => {
                models.extend(noted);
                let row = StepRow {
                    status: "reused",
                    rows_written: Some(staged.rows),
                    bytes: Some(staged.bytes),
                    finished_at: Some(self.clock.now()),
                    staged: self.note(&staged, &set_aside, models),
                    ..StepRow::new(step, attempt, started)
                };
                self.write(record::step(run, &row, self.clock.now())).await?;
                let audit = Audit { set_aside, ..Audit::default() };
                return Ok((Verdict::Passed(Checked::recalled(staged)), audit));
            }
            Some(Recalled { staged, models: noted, .. }) => {
                models.extend(noted);
                staged
            }
            None => {
                // That it has begun is written down while it goes.
                let begun = self.write(record::step(run, &StepRow::new(step, attempt, started), started));
                let staging = async {
                    tokio::select! {
                        staged = self.stage_step(work, step, body, models, progress) => staged,
                        () = expired(time) => Err(timed_out(&format!("step \"{}\"", step.name), time)),
                    }
                };
                let (begun, staged) = tokio::join!(begun, staging);
                begun?;
                staged?
            }
        };
        publish::failpoint("staged")?;
        if is_audited(&run.workflow, &step.name) {
            let note = self.note(&staged, &[], models);
            let row = StepRow { status: "staged", staged: note, ..StepRow::new(step, attempt, started) };
            self.write(record::step(run, &row, self.clock.now())).await?;
        }
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
                    row.staged = self.note(checked.staged(), &audit.set_aside, models);
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

    /// What an earlier process has left of this step.
    async fn left(&self, work: &Work<'_>, step: &Step) -> Result<Left> {
        if work.run.epoch == 1 {
            return Ok(Left { attempt: 1, recalled: None });
        }
        let last = "SELECT attempt, status, staged FROM aqueduct_step_run WHERE run_id = ? AND step = ? ORDER BY attempt DESC LIMIT 1";
        let rows = self.catalog.store().query(last, &[work.run.id.clone().into(), step.name.clone().into()]).await?;
        let Some(row) = rows.first() else { return Ok(Left { attempt: 1, recalled: None }) };
        let (attempt, status) = (u32::try_from(row.int("attempt")?).unwrap_or(1), row.text("status")?);
        Ok(match (status, row.optional_text("staged")?) {
            ("staged" | "succeeded" | "reused", Some(notes)) => {
                Left { attempt, recalled: self.recall(work, step, notes, status != "staged").await }
            }
            // It was interrupted: that is no attempt of its own.
            ("running" | "staged" | "succeeded" | "reused", _) => Left { attempt, recalled: None },
            _ => Left { attempt: attempt + 1, recalled: None },
        })
    }

    pub(super) async fn skip_reason(
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
        for after in &step.after {
            let failed = matches!(ends.get(&after.step), Some(StepEnd::Failed | StepEnd::Blocked));
            match after.outcome {
                Outcome::Success if failed => return Ok(Some(format!("upstream_failed:{}", after.step))),
                Outcome::Failure if !failed => return Ok(Some(format!("no_failure:{}", after.step))),
                _ => {}
            }
        }
        if in_trouble && !acts_in_trouble(step) {
            return Ok(Some("run_failed".to_string()));
        }
        match &step.when {
            Some(when) if !self.holds(&work.context, when).await? => Ok(Some("condition".to_string())),
            _ => Ok(None),
        }
    }
}

/// Whether the step has a place in a run that has failed or is blocked: `AFTER … ON FAILURE`, `ON ANY`.
pub(super) fn acts_in_trouble(step: &Step) -> bool {
    step.after.iter().any(|after| after.outcome != Outcome::Success)
}

/// Whether checks or metrics look at the step's rows, which may take long.
fn is_audited(workflow: &Workflow, step: &str) -> bool {
    let named = |name: &str| name == step;
    workflow.checks.iter().any(|check| named(&check.on.text))
        || workflow.metrics.iter().any(|metric| named(&metric.on.text))
}

/// Where an earlier process of the run was with a step.
struct Left {
    /// The number of the attempt that is next.
    attempt: u32,
    /// Its staged rows, if they are whole.
    recalled: Option<Recalled>,
}

impl<'a> StepRow<'a> {
    fn new(step: &'a Step, attempt: u32, started_at: DateTime<Utc>) -> Self {
        StepRow { attempt, ..StepRow::starting(&step.name, started_at) }
    }
}

pub(super) fn skipped<'a>(step: &'a Step, reason: &str, at: DateTime<Utc>) -> StepRow<'a> {
    StepRow { status: "skipped", reason: Some(reason.to_string()), finished_at: Some(at), ..StepRow::new(step, 1, at) }
}

/// Offsets in a definition mean nothing to someone who reads the ledger.
fn unplaced(error: Error, step: &Step) -> Error {
    tracing::debug!("step {}: {error}", step.name);
    error.unplaced()
}
