//! Checks and metrics on staged rows, before anybody can read them.
//!
//! [`Checked`] can be made only here, and only [`Checked`] rows can be published:
//! leaving out the audit does not compile.

use super::Workflows;
use super::execute::{Progress, Work};
use super::record::{self, CheckRow};
use super::run::Run;
use super::stage::Staged;
use crate::base::{Error, Kind, Name, Result, quote_identifier};
use crate::catalog::workflow::{Check, Metric, Violation};
use crate::catalog::{Relation, Table};
use crate::check::{self, CheckPlan, Status};
use crate::query::Context;
use crate::store::Write;
use datafusion::arrow::array::{Array, RecordBatch, cast::AsArray};
use datafusion::arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema, SchemaRef};
use std::sync::Arc;

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
        for check in work.run.workflow.checks.iter().filter(|check| check.on.text == step) {
            let relation = self.staged_relation(&staged)?;
            let context = work.context.clone().with_relation(RELATION, relation.clone());
            let outcome = self.check(work.run, &context, &relation.schema(), check, audit).await;
            match outcome {
                Outcome::Passed => {}
                Outcome::Blocked(error) => return Ok(Verdict::Blocked { by: check.name.clone(), error }),
                Outcome::Bad { good } => {
                    staged = self.without(work, &context, step, staged, check, &good, audit, progress).await?
                }
            }
        }
        let relation = self.staged_relation(&staged)?;
        let context = work.context.clone().with_relation(RELATION, relation.clone());
        for metric in work.run.workflow.metrics.iter().filter(|metric| metric.on.text == step) {
            if let Some(error) = self.metric(work.run, &context, &relation.schema(), metric, audit).await? {
                return Ok(Verdict::Blocked { by: metric.name.clone(), error });
            }
        }
        Ok(Verdict::Passed(Checked(staged)))
    }

    /// Checks and metrics on relations that are no steps.
    pub(super) async fn audit_relations(&self, work: &Work<'_>, audit: &mut Audit) -> Result<Verdict<()>> {
        let workflow = &work.run.workflow;
        let is_step = |name: &str| workflow.steps.iter().any(|step| step.name == name);
        for check in workflow.checks.iter().filter(|check| !is_step(&check.on.text)) {
            let schema = self.relation_schema(work, &check.on.text).await?;
            let context = self.aliased(work, &check.on.text).await?;
            if let Outcome::Blocked(error) = self.check(work.run, &context, &schema, check, audit).await {
                return Ok(Verdict::Blocked { by: check.name.clone(), error });
            }
        }
        for metric in workflow.metrics.iter().filter(|metric| !is_step(&metric.on.text)) {
            let schema = self.relation_schema(work, &metric.on.text).await?;
            let context = self.aliased(work, &metric.on.text).await?;
            if let Some(error) = self.metric(work.run, &context, &schema, metric, audit).await? {
                return Ok(Verdict::Blocked { by: metric.name.clone(), error });
            }
        }
        Ok(Verdict::Passed(()))
    }

    async fn relation_schema(&self, work: &Work<'_>, name: &str) -> Result<SchemaRef> {
        Ok(self.query.plan_text(&work.context, &format!("SELECT * FROM {name}")).await?.schema().clone())
    }

    async fn aliased(&self, work: &Work<'_>, name: &str) -> Result<Context> {
        let plan = self.query.plan_text(&work.context, &format!("SELECT * FROM {name}")).await?;
        Ok(work.context.clone().with_relation(RELATION, plan.relation()))
    }

    async fn check(
        &self,
        run: &Run,
        context: &Context,
        schema: &SchemaRef,
        check: &Check,
        audit: &mut Audit,
    ) -> Outcome {
        let (row, outcome) = match self.evaluate(context, schema, check).await {
            Ok((row, plan)) => {
                let outcome = outcome(check, &row, plan);
                (row, outcome)
            }
            // A check that cannot be evaluated has not been passed.
            Err(error) => (errored(check, &error), Outcome::Blocked(error)),
        };
        audit.warned |= row.status == Status::Warned.as_str();
        audit.writes.extend(record::check(run, &row, self.clock.now()));
        outcome
    }

    async fn evaluate(&self, context: &Context, schema: &SchemaRef, check: &Check) -> Result<(CheckRow, CheckPlan)> {
        let plan = check::plan(check, RELATION, schema)?;
        let summary = self.small(context, &plan.summary).await?;
        let (failures, total, value) = (int(&summary, "failures")?, int(&summary, "total")?, real(&summary, "value")?);
        let numbers = numbers(failures, total, value)?;
        let holds = async |when: &Option<crate::catalog::workflow::Fragment>| -> Result<Option<bool>> {
            let Some(when) = when else { return Ok(None) };
            let array = self.query.condition(context, &when.text, &numbers.schema()).await?.evaluate(&numbers)?;
            Ok(Some(!array.is_null(0) && array.as_boolean().value(0)))
        };
        let status = check::verdict(
            check,
            failures.unwrap_or(0),
            holds(&check.fail_when).await?,
            holds(&check.warn_when).await?,
        );
        let sample = match (&plan.failures, failures) {
            (Some(sql), Some(bad)) if bad > 0 => json_rows(&self.small(context, sql).await?)?,
            _ => vec![],
        };
        let row = CheckRow {
            check: check.name.clone(),
            target: check.on.text.clone(),
            status: status.as_str(),
            failures,
            total,
            value,
            threshold: check::describe(check),
            message: None,
            sample,
        };
        Ok((row, plan))
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
        let clean = self.stage(staged.table.clone(), rows, progress).await?;
        let taken = staged.rows - clean.rows;
        let Violation::Quarantine(target) = &check.on_violation else {
            audit.dropped += taken;
            return Ok(clean);
        };
        let mark = |text: &str| crate::base::quote_literal(text);
        let bad = format!(
            "SELECT *, {}::text AS run_id, {}::text AS step, {}::text AS check_name FROM {RELATION} WHERE ({good}) IS NOT TRUE",
            mark(&work.run.id),
            mark(step),
            mark(&check.name)
        );
        let plan = self.query.plan_text(context, &bad).await?;
        let rows = self.query.run(&plan, &[], work.cancel.clone()).await?;
        let table = self.quarantine_table(work, target, &rows.schema)?;
        let aside = self.stage(table, rows, progress).await?;
        if aside.rows != taken {
            let message = format!("check \"{}\" took {taken} rows away but {} are quarantined", check.name, aside.rows);
            return Err(Error::internal(message));
        }
        audit.quarantined += taken;
        audit.set_aside.push(SetAside { target: target.clone(), rows: Checked(aside) });
        Ok(clean)
    }

    fn quarantine_table(&self, work: &Work<'_>, target: &Name, schema: &SchemaRef) -> Result<Arc<Table>> {
        if let Some(table) = work.quarantines.lock().get(target) {
            return Ok(table.clone());
        }
        let table = match work.context.snapshot.relation(target) {
            Some(Relation::Table(table)) => Ok(table.clone()),
            Some(_) => Err(Error::new(Kind::WrongObjectType, format!("\"{target}\" is not a managed table"))),
            None => {
                let columns = schema
                    .fields()
                    .iter()
                    .map(|field| crate::catalog::Column::new(field.name().clone(), crate::base::Type::of(field), true));
                let home = work.context.snapshot.schema(&target.schema)?;
                Ok(Arc::new(Table::staged(home, target, columns.collect())))
            }
        }?;
        // Two checks of a run may set rows aside in one table that does not exist yet.
        work.quarantines.lock().insert(target.clone(), table.clone());
        Ok(table)
    }

    async fn metric(
        &self,
        run: &Run,
        context: &Context,
        schema: &SchemaRef,
        metric: &Metric,
        audit: &mut Audit,
    ) -> Result<Option<Error>> {
        let answer = self.small(context, &check::metric::plan(metric, RELATION, schema)?).await?;
        let mut blocked = None;
        for row in 0..answer.num_rows() {
            let dimensions = answer.column(0).as_string::<i32>().value(row).to_string();
            let values = answer.column(1).as_primitive::<Float64Type>();
            let value = (!values.is_null(row)).then(|| values.value(row));
            let before = self.last_published(run, &metric.name, &dimensions).await?;
            let broken = check::metric::out_of_bounds(metric, value, before);
            let status = if broken.is_some() { "out_of_bounds" } else { "staged" };
            audit.writes.push(record::metric(run, &metric.name, &dimensions, value, status, self.clock.now()));
            if let Some(why) = broken {
                let message = format!("metric \"{}\" is out of bounds: {why}", metric.name);
                blocked = blocked.or(Some(Error::new(Kind::CheckViolation, message)));
            }
        }
        Ok(blocked)
    }

    async fn last_published(&self, run: &Run, metric: &str, dimensions: &str) -> Result<Option<f64>> {
        let rows = self.catalog.store().query(
            "SELECT value FROM aqueduct_metric_value WHERE workflow = ? AND metric = ? AND dimensions = ? AND status = 'published'
             ORDER BY at DESC LIMIT 1",
            &[run.workflow.name.to_string().into(), metric.into(), dimensions.into()],
        ).await?;
        rows.first().map_or(Ok(None), |row| row.real("value"))
    }

    /// An answer of a few rows as one batch.
    pub(super) async fn small(&self, context: &Context, sql: &str) -> Result<RecordBatch> {
        let plan = self.query.plan_text(context, sql).await?;
        let rows = self.query.run(&plan, &[], context.cancel.clone()).await?;
        let schema = rows.schema.clone();
        let batches = rows.collect().await?;
        Ok(datafusion::arrow::compute::concat_batches(&schema, &batches)?)
    }
}

/// Under this name the SQL of checks finds the rows.
pub(super) const RELATION: &str = "checked";

enum Outcome {
    Passed,
    Blocked(Error),
    /// Rows for which `good` is not true must go.
    Bad {
        good: String,
    },
}

fn outcome(check: &Check, row: &CheckRow, plan: CheckPlan) -> Outcome {
    if row.status != Status::Failed.as_str() {
        return Outcome::Passed;
    }
    let counted = match (row.failures, row.total) {
        (Some(failures), Some(total)) => format!("{failures} of {total} rows"),
        _ => "its condition does not hold".to_string(),
    };
    match (&check.on_violation, plan.good) {
        (Violation::DropRows | Violation::Quarantine(_), Some(good)) => Outcome::Bad { good },
        (Violation::Warn, _) => Outcome::Passed,
        _ => {
            let columns = check.columns.iter().map(|column| quote_identifier(column)).collect::<Vec<_>>().join(", ");
            let on = if columns.is_empty() { check.on.text.clone() } else { format!("{} ({columns})", check.on.text) };
            let error = Error::new(Kind::CheckViolation, format!("check \"{}\" on {on} failed: {counted}", check.name));
            Outcome::Blocked(error.detail(format!("required: {}", row.threshold)))
        }
    }
}

fn errored(check: &Check, error: &Error) -> CheckRow {
    CheckRow {
        check: check.name.clone(),
        target: check.on.text.clone(),
        status: Status::Errored.as_str(),
        failures: None,
        total: None,
        value: None,
        threshold: check::describe(check),
        message: Some(error.to_string()),
        sample: vec![],
    }
}

/// What WARN WHEN and FAIL WHEN see.
fn numbers(failures: Option<i64>, total: Option<i64>, value: Option<f64>) -> Result<RecordBatch> {
    use datafusion::arrow::array::{Float64Array, Int64Array};
    let ratio = failures.zip(total).map(|(bad, all)| if all == 0 { 0.0 } else { bad as f64 / all as f64 });
    let field = |name: &str, ty: DataType| Field::new(name, ty, true);
    let schema = Schema::new(vec![
        field("failures", DataType::Int64),
        field("total", DataType::Int64),
        field("ratio", DataType::Float64),
        field("value", DataType::Float64),
    ]);
    Ok(RecordBatch::try_new(
        Arc::new(schema),
        vec![
            Arc::new(Int64Array::from(vec![failures])),
            Arc::new(Int64Array::from(vec![total])),
            Arc::new(Float64Array::from(vec![ratio])),
            Arc::new(Float64Array::from(vec![value])),
        ],
    )?)
}

fn int(batch: &RecordBatch, column: &str) -> Result<Option<i64>> {
    let array = batch.column_by_name(column).and_then(|array| array.as_primitive_opt::<Int64Type>());
    let array = array.ok_or_else(|| Error::internal(format!("a check must answer {column} as bigint")))?;
    Ok((!array.is_empty() && !array.is_null(0)).then(|| array.value(0)))
}

fn real(batch: &RecordBatch, column: &str) -> Result<Option<f64>> {
    let array = batch.column_by_name(column).and_then(|array| array.as_primitive_opt::<Float64Type>());
    let array = array.ok_or_else(|| Error::internal(format!("a check must answer {column} as float8")))?;
    Ok((!array.is_empty() && !array.is_null(0)).then(|| array.value(0)))
}

/// One JSON object per row.
fn json_rows(batch: &RecordBatch) -> Result<Vec<String>> {
    let mut writer = datafusion::arrow::json::LineDelimitedWriter::new(Vec::new());
    writer.write(batch)?;
    writer.finish()?;
    let text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    Ok(text.lines().map(str::to_string).collect())
}
