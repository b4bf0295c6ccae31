//! The numbers of checks and metrics, many in one scan, and what they mean.

use super::Workflows;
use super::audit::{Audit, RELATION, threshold};
use super::record::{self, CheckRow};
use super::run::Run;
use crate::base::{Error, Kind, Result, quote_identifier};
use crate::catalog::workflow::{Assertion, Check, Fragment, Metric, Violation};
use crate::check::{self, CheckPlan, Found, Sql, Status};
use crate::query::Context;
use datafusion::arrow::array::{Array, Float64Array, Int64Array, RecordBatch, cast::AsArray};
use datafusion::arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef};
use datafusion::arrow::json::writer::{LineDelimited, WriterBuilder};
use std::collections::HashMap;
use std::sync::Arc;

/// What a check means for its run.
pub(super) enum Outcome {
    Passed,
    Blocked(Error),
    /// Rows for which `good` is not true must go.
    Bad {
        good: String,
    },
}

impl Workflows {
    /// Judges checks in their order, up to and with the first that does not let all rows pass.
    pub(super) async fn judge_all(
        &self,
        run: &Run,
        context: &Context,
        schema: &SchemaRef,
        checks: &[&Check],
        audit: &mut Audit,
    ) -> Vec<Outcome> {
        let plans: Vec<Result<CheckPlan>> = checks.iter().map(|check| check::plan(check, RELATION, schema)).collect();
        let folded = self.fold(context, &plans).await;
        let mut outcomes = vec![];
        for (at, (check, plan)) in checks.iter().zip(plans).enumerate() {
            let found = folded.get(at).copied().flatten();
            let judged = match plan {
                Ok(plan) => self.judge(context, check, &plan, found).await.map(|row| (row, plan)),
                Err(error) => Err(error),
            };
            let (row, outcome) = match judged {
                Ok((row, plan)) => {
                    let outcome = outcome(check, &row, plan);
                    (row, outcome)
                }
                // A check that cannot be evaluated has not been passed.
                Err(error) => (errored(check, &error), Outcome::Blocked(error.unplaced())),
            };
            audit.warned |= row.status == Status::Warned.as_str();
            audit.writes.extend(record::check(run, &row, self.clock.now()));
            let passed = matches!(outcome, Outcome::Passed);
            outcomes.push(outcome);
            if !passed {
                break;
            }
        }
        outcomes
    }

    /// The numbers of all checks that can be counted in one scan. One that fails is evaluated alone later, so
    /// that its error is its own.
    async fn fold(&self, context: &Context, plans: &[Result<CheckPlan>]) -> Vec<Option<Found>> {
        let mut found = vec![None; plans.len()];
        let foldable: Vec<(usize, &CheckPlan)> = plans
            .iter()
            .enumerate()
            .filter_map(|(at, plan)| plan.as_ref().ok().filter(|plan| plan.folds()).map(|plan| (at, plan)))
            .collect();
        if foldable.len() < 2 {
            return found;
        }
        let checks: Vec<&CheckPlan> = foldable.iter().map(|(_, plan)| *plan).collect();
        let Some(sql) = check::fold(RELATION, &checks, &[]) else { return found };
        let Ok(answer) = self.small(context, &sql).await else { return found };
        for (index, (at, _)) in foldable.iter().enumerate() {
            found[*at] = Found::of(&answer, Some(index)).ok();
        }
        found
    }

    async fn judge(
        &self,
        context: &Context,
        check: &Check,
        plan: &CheckPlan,
        found: Option<Found>,
    ) -> Result<CheckRow> {
        let found = match found {
            Some(found) => found,
            None => Found::of(&self.small(context, &plan.summary).await?, None)?,
        };
        let numbers = numbers(&found)?;
        let fail = self.holds_of(context, &check.fail_when, &numbers).await?;
        let warn = self.holds_of(context, &check.warn_when, &numbers).await?;
        let status = check::verdict(check, found.failures.unwrap_or(0), fail, warn);
        let sample = match (&plan.failures, found.failures) {
            (Some(sql), Some(bad)) if bad > 0 => json_rows(&self.small(context, sql).await?)?,
            _ => vec![],
        };
        Ok(CheckRow {
            check: check.name.clone(),
            target: check.on.text.clone(),
            status: status.as_str(),
            failures: found.failures,
            total: found.total,
            value: found.value,
            threshold: threshold(check),
            message: None,
            sample,
        })
    }

    async fn holds_of(
        &self,
        context: &Context,
        when: &Option<Fragment>,
        numbers: &RecordBatch,
    ) -> Result<Option<bool>> {
        let Some(when) = when else { return Ok(None) };
        let array = self.query.condition(context, &when.text, &numbers.schema()).await?.evaluate(numbers)?;
        Ok(Some(!array.is_null(0) && array.as_boolean().value(0)))
    }

    /// The values of metrics, those without dimensions in one scan. Answers the first that is out of bounds.
    pub(super) async fn measure(
        &self,
        run: &Run,
        context: &Context,
        schema: &SchemaRef,
        metrics: &[&Metric],
        audit: &mut Audit,
    ) -> Result<Option<(String, Error)>> {
        let aggregates: Vec<Option<Sql>> = metrics.iter().map(|metric| check::metric::aggregate(metric)).collect();
        let together: Vec<&Sql> = aggregates.iter().flatten().collect();
        let folded = match check::fold(RELATION, &[], &together) {
            Some(sql) if together.len() > 1 => self.small(context, &sql).await.ok(),
            _ => None,
        };
        let mut blocked = None;
        let mut index = 0;
        for (metric, aggregate) in metrics.iter().zip(&aggregates) {
            // An earlier attempt may have seen other groups.
            audit.writes.push(record::no_metric(run, &metric.name));
            let mut values = vec![];
            if let (Some(answer), Some(_)) = (&folded, aggregate) {
                values.push(("{}".to_string(), Found::of(answer, Some(index))?.value));
                index += 1;
            } else {
                let sql = check::metric::plan(metric, RELATION, schema)?;
                values.extend(value_rows(&self.small(context, &sql).await?)?);
                if values.len() > check::metric::GROUPS_MAX {
                    return Err(too_many_groups(metric));
                }
            }
            let before = match metric.change {
                Some(_) => self.last_published(&run.workflow.name.to_string(), &metric.name).await?,
                None => HashMap::new(),
            };
            for (dimensions, value) in values {
                let before = before.get(&dimensions).copied().flatten();
                let broken = check::metric::out_of_bounds(metric, value, before);
                let status = if broken.is_some() { "out_of_bounds" } else { "staged" };
                audit.writes.push(record::metric(run, &metric.name, &dimensions, value, status, self.clock.now()));
                if let Some(why) = broken {
                    let message = format!("metric \"{}\" is out of bounds: {why}", metric.name);
                    blocked = blocked.or(Some((metric.name.clone(), Error::new(Kind::CheckViolation, message))));
                }
            }
        }
        Ok(blocked)
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

fn too_many_groups(metric: &Metric) -> Error {
    let (most, dimensions) = (check::metric::GROUPS_MAX, metric.dimensions.join(", "));
    Error::new(Kind::TooLarge, format!("metric \"{}\" has more than {most} groups", metric.name))
        .detail(format!("its dimensions are {dimensions}"))
        .hint("give it dimensions with few values, or make its values a step".to_string())
}

/// What was found, to stand before what is required.
pub(super) fn counted(of_rows: bool, failures: Option<i64>, total: Option<i64>) -> String {
    match (failures, total) {
        (_, Some(total)) if of_rows => format!("it has {total} row{}", if total == 1 { "" } else { "s" }),
        (Some(failures), Some(total)) => format!("{failures} of {total} rows"),
        _ => "its condition does not hold".to_string(),
    }
}

fn outcome(check: &Check, row: &CheckRow, plan: CheckPlan) -> Outcome {
    if row.status != Status::Failed.as_str() {
        return Outcome::Passed;
    }
    let counted = counted(matches!(check.assertion, Assertion::RowCount { .. }), row.failures, row.total);
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
        threshold: threshold(check),
        message: Some(error.to_string()),
        sample: vec![],
    }
}

pub(super) fn numbers_schema() -> SchemaRef {
    let field = |name: &str, ty: DataType| Field::new(name, ty, true);
    Arc::new(Schema::new(vec![
        field("failures", DataType::Int64),
        field("total", DataType::Int64),
        field("ratio", DataType::Float64),
        field("value", DataType::Float64),
    ]))
}

/// What WARN WHEN and FAIL WHEN see.
fn numbers(found: &Found) -> Result<RecordBatch> {
    let ratio = found.failures.zip(found.total).map(|(bad, all)| if all == 0 { 0.0 } else { bad as f64 / all as f64 });
    Ok(RecordBatch::try_new(
        numbers_schema(),
        vec![
            Arc::new(Int64Array::from(vec![found.failures])),
            Arc::new(Int64Array::from(vec![found.total])),
            Arc::new(Float64Array::from(vec![ratio])),
            Arc::new(Float64Array::from(vec![found.value])),
        ],
    )?)
}

/// Dimensions and value of each row of a metric's answer.
fn value_rows(answer: &RecordBatch) -> Result<Vec<(String, Option<f64>)>> {
    let dimensions = answer.column(0).as_string_opt::<i32>();
    let values = answer.column(1).as_primitive_opt::<Float64Type>();
    let (Some(dimensions), Some(values)) = (dimensions, values) else {
        return Err(Error::internal("a metric must answer dimensions as text and value as float8"));
    };
    let value = |row: usize| (!values.is_null(row)).then(|| values.value(row));
    Ok((0..answer.num_rows()).map(|row| (dimensions.value(row).to_string(), value(row))).collect())
}

/// One JSON object per row.
fn json_rows(batch: &RecordBatch) -> Result<Vec<String>> {
    // A column that is NULL is often why the row fails.
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
    writer.write(batch)?;
    writer.finish()?;
    let text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    Ok(text.lines().map(str::to_string).collect())
}
