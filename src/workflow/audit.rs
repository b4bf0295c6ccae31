//! Checks and metrics on staged rows, before anybody can read them.
//!
//! [`Checked`] can be made only here, and only [`Checked`] rows can be published:
//! leaving out the audit does not compile.

use super::Workflows;
use super::execute::{Progress, Work};
use super::judge::Outcome;
use super::stage::Staged;
use crate::base::{Error, Name, Result, quote_literal};
use crate::catalog::workflow::{Check, Metric, Violation};
use crate::check;
use crate::query::Context;
use crate::store::Write;
use datafusion::arrow::datatypes::SchemaRef;
use std::collections::HashMap;

/// Staged rows that passed every check that could block them.
#[derive(Clone, Debug)]
pub(super) struct Checked(Staged);

impl Checked {
    pub(super) fn staged(&self) -> &Staged {
        &self.0
    }

    /// Rows whose passing is in the ledger, in the same commit as their staging.
    pub(super) fn recalled(staged: Staged) -> Checked {
        Checked(staged)
    }
}

/// What the checks on one relation came to.
#[derive(Debug)]
pub(super) enum Verdict<T> {
    Passed(T),
    /// The check or metric that stands in the way.
    Blocked {
        by: String,
        error: Error,
    },
}

/// Rows that a check set aside, to be published to their own table with the run.
#[derive(Clone, Debug)]
pub(super) struct SetAside {
    pub target: Name,
    pub rows: Checked,
}

/// What audits write and count.
#[derive(Debug, Default)]
pub(super) struct Audit {
    pub writes: Vec<Write>,
    pub warned: bool,
    pub dropped: u64,
    pub set_aside: Vec<SetAside>,
    pub quarantined: u64,
}

/// Under this name the SQL of checks finds the rows.
pub(super) const RELATION: &str = "checked";

impl Workflows {
    /// Runs the checks on a step in their order, then its metrics. Rows that a check takes away are gone
    /// for the checks after it, for metrics and for later steps.
    pub(super) async fn audit(
        &self,
        work: &Work<'_>,
        step: &str,
        staged: Staged,
        audit: &mut Audit,
        progress: &Progress,
    ) -> Result<Verdict<Checked>> {
        let mut staged = staged;
        let checks: Vec<&Check> = work.run.workflow.checks.iter().filter(|check| check.on.text == step).collect();
        let mut done = 0;
        while done < checks.len() {
            let relation = self.staged_relation(&staged)?;
            let context = work.context.clone().with_relation(RELATION, relation.clone());
            let judged = self.judge_all(work.run, &context, &relation.schema(), &checks[done..], audit).await;
            done += judged.len();
            match judged.into_iter().last() {
                Some(Outcome::Blocked(error)) => {
                    return Ok(Verdict::Blocked { by: checks[done - 1].name.clone(), error });
                }
                Some(Outcome::Bad { good }) => {
                    staged =
                        self.without(work, &context, step, staged, checks[done - 1], &good, audit, progress).await?;
                }
                Some(Outcome::Passed) | None => {}
            }
        }
        let metrics: Vec<&Metric> = work.run.workflow.metrics.iter().filter(|metric| metric.on.text == step).collect();
        if !metrics.is_empty() {
            let relation = self.staged_relation(&staged)?;
            let context = work.context.clone().with_relation(RELATION, relation.clone());
            if let Some((by, error)) = self.measure(work.run, &context, &relation.schema(), &metrics, audit).await? {
                return Ok(Verdict::Blocked { by, error });
            }
        }
        Ok(Verdict::Passed(Checked(staged)))
    }

    /// Checks and metrics on relations that are no steps.
    pub(super) async fn audit_relations(&self, work: &Work<'_>, audit: &mut Audit) -> Result<Verdict<()>> {
        let workflow = &work.run.workflow;
        let is_step = |name: &str| workflow.steps.iter().any(|step| step.name == name);
        for check in workflow.checks.iter().filter(|check| !is_step(&check.on.text)) {
            let (context, schema) = self.aliased(work, &check.on.text).await?;
            let judged = self.judge_all(work.run, &context, &schema, &[check], audit).await;
            if let Some(Outcome::Blocked(error)) = judged.into_iter().last() {
                return Ok(Verdict::Blocked { by: check.name.clone(), error });
            }
        }
        for metric in workflow.metrics.iter().filter(|metric| !is_step(&metric.on.text)) {
            let (context, schema) = self.aliased(work, &metric.on.text).await?;
            if let Some((by, error)) = self.measure(work.run, &context, &schema, &[metric], audit).await? {
                return Ok(Verdict::Blocked { by, error });
            }
        }
        Ok(Verdict::Passed(()))
    }

    async fn aliased(&self, work: &Work<'_>, name: &str) -> Result<(Context, SchemaRef)> {
        let plan = self.query.plan_text(&work.context, &format!("SELECT * FROM {name}")).await?;
        Ok((work.context.clone().with_relation(RELATION, plan.relation()), plan.schema().clone()))
    }

    /// The staging again without the rows that are not good; those go to the quarantine, if there is one.
    #[allow(clippy::too_many_arguments)] // all of it is the audit's state
    async fn without(
        &self,
        work: &Work<'_>,
        context: &Context,
        step: &str,
        staged: Staged,
        check: &Check,
        good: &str,
        audit: &mut Audit,
        progress: &Progress,
    ) -> Result<Staged> {
        let keep = format!("SELECT * FROM {RELATION} WHERE ({good}) IS TRUE");
        let plan = self.query.plan_text(context, &keep).await?;
        let rows = self.query.run(&plan, &[], work.cancel.clone()).await?;
        let clean = self.stage(context, staged.table.clone(), rows, progress).await?;
        let taken = staged.rows - clean.rows;
        let Violation::Quarantine(target) = &check.on_violation else {
            audit.dropped += taken;
            return Ok(clean);
        };
        let bad = format!(
            "SELECT *, {}::text AS run_id, {}::text AS step, {}::text AS check_name FROM {RELATION} WHERE ({good}) IS NOT TRUE",
            quote_literal(&work.run.id),
            quote_literal(step),
            quote_literal(&check.name)
        );
        let plan = self.query.plan_text(context, &bad).await?;
        let rows = self.query.run(&plan, &[], work.cancel.clone()).await?;
        let table = work.quarantine(target, &rows.schema)?;
        let aside = self.stage(context, table, rows, progress).await?;
        if aside.rows != taken {
            let message = format!("check \"{}\" took {taken} rows away but {} are set aside", check.name, aside.rows);
            return Err(Error::internal(message));
        }
        audit.quarantined += taken;
        audit.set_aside.push(SetAside { target: target.clone(), rows: Checked(aside) });
        Ok(clean)
    }

    /// What a metric's bounds are compared with: by dimensions, the value that was published last.
    pub(super) async fn last_published(&self, workflow: &str, metric: &str) -> Result<HashMap<String, Option<f64>>> {
        let rows = self
            .catalog
            .store()
            .query(
                "SELECT dimensions, value FROM (SELECT dimensions, value,
                   row_number() OVER (PARTITION BY dimensions ORDER BY at DESC, run_id DESC) AS age
                   FROM aqueduct_metric_value WHERE workflow = ? AND metric = ? AND status = 'published') AS v WHERE age = 1",
                &[workflow.into(), metric.into()],
            )
            .await?;
        rows.iter().map(|row| Ok((row.text("dimensions")?.to_string(), row.real("value")?))).collect()
    }
}

/// How a check's demand is shown in results.
pub(super) fn threshold(check: &Check) -> String {
    check::describe(check)
}
