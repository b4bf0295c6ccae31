//! The end of a run: steps that are statements, FINALLY, and the last word.

use super::Workflows;
use super::execute::{status_of, step_status, timed_out};
use super::record::{self, StepRow};
use super::run::{Ending, Run, Status};
use super::step::{acts_in_trouble, skipped};
use crate::base::{Error, Kind, Result};
use crate::catalog::workflow::{Body, Fragment};
use crate::query::Context;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long each FINALLY may take, whatever the run's TIMEOUT.
const FINALLY_MAX: Duration = Duration::from_secs(600);

/// What statements of a run act as.
struct Acting<'a> {
    /// The step or FINALLY that they are of.
    name: &'a str,
    /// How the run has ended, for FINALLY.
    status: Option<Status>,
    cancel: CancellationToken,
    deadline: Option<Instant>,
}

impl Workflows {
    /// Statement steps, FINALLY, and the final state with its event.
    pub(super) async fn conclude(&self, run: &Run, ending: Ending, deadline: Option<Instant>) -> Result<Ending> {
        let mut ending = self.statement_steps(run, ending, deadline).await?;
        if !run.workflow.finally.is_empty() {
            let at = self.clock.now();
            let mut writes = record::status(run, Status::Finalizing, ending.reason.as_deref(), at);
            writes.push(record::event(run, "ending", ending.status.as_str(), at));
            self.write(writes).await?;
        }
        for finally in &run.workflow.finally {
            let context = self.final_context(run, ending.status);
            let wanted = match &finally.when {
                Some(when) => self.holds(&context, when).await,
                None => Ok(true),
            };
            let done = match wanted {
                Ok(true) => {
                    // The run's own token has tripped after CANCEL RUN, and its time is over after TIMEOUT.
                    let (cancel, deadline) = (CancellationToken::new(), Some(Instant::now() + FINALLY_MAX));
                    let acting = Acting { name: &finally.name, status: Some(ending.status), cancel, deadline };
                    self.statements_of(run, &acting, &finally.body).await
                }
                Ok(false) => Ok(()),
                Err(error) => Err(error),
            };
            // A cleanup that succeeds hides nothing; one that fails is a failure.
            if let Err(error) = done
                && (ending.status.is_published() || ending.status == Status::Failed)
            {
                ending = failed(&finally.name, error);
            }
        }
        let acts = run.workflow.steps.iter().any(|step| matches!(step.body, Body::Statements(_)));
        if ending.status.is_published() && run.workflow.finally.is_empty() && !acts {
            // The commit that published the rows said so.
            return Ok(ending);
        }
        let at = self.clock.now();
        let mut writes = record::status(run, ending.status, ending.reason.as_deref(), at);
        if !ending.status.is_published() {
            writes.push(record::metrics_are(run, "unpublished"));
        }
        self.write(writes).await?;
        if run.tick.is_some() && ending.status == Status::Failed {
            self.suspend_if_failing(&run.workflow).await?;
        }
        Ok(ending)
    }

    /// The statement steps whose turn had come: all when the rows were published, after a failure or a block those
    /// that wait for one. They have what is left of the run's time.
    async fn statement_steps(&self, run: &Run, ending: Ending, deadline: Option<Instant>) -> Result<Ending> {
        let mut ending = ending;
        for step in &run.workflow.steps {
            let Body::Statements(bodies) = &step.body else { continue };
            if !self.is_ready(run, &step.name).await? {
                continue;
            }
            let in_trouble = matches!(ending.status, Status::Failed | Status::Blocked);
            if !(ending.status.is_published() || in_trouble && acts_in_trouble(step)) {
                let at = self.clock.now();
                self.write(record::step(run, &skipped(step, "run_failed", at), at)).await?;
                continue;
            }
            let acting = Acting { name: &step.name, status: None, cancel: run.cancel.child_token(), deadline };
            if let Err(error) = self.statements_of(run, &acting, bodies).await
                && ending.status.is_published()
            {
                ending = Ending { status: status_of(run, &error), ..failed(&step.name, error) };
            }
        }
        Ok(ending)
    }

    /// What the run had come to when it began to finalize: published, or the reason that its row kept.
    pub(super) async fn ending_before_finalizing(&self, run: &Run) -> Result<Ending> {
        let rows = self.catalog.store().query(
            "SELECT kind, detail FROM aqueduct_event WHERE run_id = ? AND kind = 'ending' ORDER BY seq DESC LIMIT 1",
            &[run.id.clone().into()],
        ).await?;
        let status = match rows.first().map(|row| row.text("detail")).transpose()? {
            Some("blocked") => Status::Blocked,
            Some("failed") => Status::Failed,
            Some("timed_out") => Status::TimedOut,
            Some("canceled") => Status::Canceled,
            Some("succeeded_with_warnings") => Status::SucceededWithWarnings,
            _ => Status::Succeeded,
        };
        let rows = self
            .catalog
            .store()
            .query("SELECT reason FROM aqueduct_run WHERE run_id = ?", &[run.id.clone().into()])
            .await?;
        let reason = rows.first().map(|row| row.optional_text("reason")).transpose()?.flatten().map(str::to_string);
        Ok(Ending { status, reason, error: None })
    }

    async fn statements_of(&self, run: &Run, acting: &Acting<'_>, bodies: &[Fragment]) -> Result<()> {
        let started = self.clock.now();
        let mut rows = 0;
        let mut outcome = Ok(());
        for body in bodies {
            let mut context = match acting.status {
                Some(status) => self.final_context(run, status),
                None => self.statement_context(run),
            };
            self.with_steps(&mut context, run).await?;
            match self.act(&context, acting, &body.text).await {
                Ok(changed) => rows += changed,
                Err(error) => {
                    outcome = Err(error.unplaced());
                    break;
                }
            }
        }
        let at = self.clock.now();
        let row = StepRow {
            step: acting.name,
            attempt: 1,
            status: outcome.as_ref().map_or_else(|error| step_status(run, error), |()| "succeeded"),
            error: outcome.as_ref().err(),
            rows_written: Some(rows),
            finished_at: Some(at),
            ..StepRow::starting(acting.name, started)
        };
        self.write(record::step(run, &row, at)).await?;
        outcome
    }

    /// One statement. When its time is up it is cancelled and waited for: it may have been done just then.
    async fn act(&self, context: &Context, acting: &Acting<'_>, text: &str) -> Result<u64> {
        let mut statement = self.statements.run(context, text, acting.cancel.clone());
        tokio::select! {
            done = &mut statement => done,
            () = passed(acting.deadline) => {
                acting.cancel.cancel();
                statement.await.map_err(|error| match error.kind {
                    Kind::Cancelled => timed_out(&format!("step \"{}\"", acting.name), None),
                    _ => error,
                })
            }
        }
    }

    /// Makes the steps of the run readable: what was written down from the ledger's notes, the others inlined.
    async fn with_steps(&self, context: &mut Context, run: &Run) -> Result<()> {
        for step in &run.workflow.steps {
            let Body::Query(body) = &step.body else { continue };
            let relation = match step.materialized {
                true => self.noted_relation(run, &step.name).await?,
                false => self.query.plan_text(context, &body.text).await.ok().map(|plan| plan.relation()),
            };
            // A step that was skipped or failed is no relation.
            if let Some(relation) = relation {
                context.relations.insert(step.name.clone(), relation);
            }
        }
        Ok(())
    }

    fn statement_context(&self, run: &Run) -> Context {
        let mut context = Context::new(self.catalog.snapshot(), &run.user, self.clock.now());
        context.run = Some(run.context(None));
        context
    }

    fn final_context(&self, run: &Run, status: Status) -> Context {
        let mut context = self.statement_context(run);
        context.run = Some(run.context(Some(status)));
        context
    }

    /// Whether the step's turn had come and it has not acted.
    async fn is_ready(&self, run: &Run, step: &str) -> Result<bool> {
        let ready = "SELECT step FROM aqueduct_step_run WHERE run_id = ? AND step = ? AND status = 'ready'";
        let rows = self.catalog.store().query(ready, &[run.id.clone().into(), step.into()]).await?;
        Ok(!rows.is_empty())
    }
}

async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn failed(step: &str, error: Error) -> Ending {
    Ending { status: Status::Failed, reason: Some(format!("step \"{step}\" failed: {error}")), error: Some(error) }
}
