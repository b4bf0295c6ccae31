//! Many checks and metrics of one relation in one scan of it.

use super::plan::CheckPlan;
use super::sql::Sql;
use crate::base::{Error, Result};
use datafusion::arrow::array::{Array, RecordBatch, cast::AsArray};
use datafusion::arrow::datatypes::{Float64Type, Int64Type};

/// The numbers of a check as aggregates over a whole relation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Folded {
    pub failures: Sql,
    pub total: Sql,
    pub value: Sql,
}

/// What a scan found for a check; a metric has only a value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Found {
    pub failures: Option<i64>,
    pub total: Option<i64>,
    pub value: Option<f64>,
}

/// One query for all of these checks, whose answer [`Found::of`] reads by their index; `None` when one of them
/// needs a query of its own (see [`CheckPlan::folds`]). `metrics` are values as [`super::metric::aggregate`] gives them.
pub fn fold(relation: &str, checks: &[&CheckPlan], metrics: &[&Sql]) -> Option<Sql> {
    let mut sql = Sql::default().text("SELECT count(*) AS rows");
    for (index, check) in checks.iter().enumerate() {
        sql = check.folded.as_ref()?.select(sql.text(",\n  "), &format!("_{index}"));
    }
    for (index, metric) in metrics.iter().enumerate() {
        sql = sql.text(",\n  ").sql(metric).text(&format!(" AS value_{}", checks.len() + index));
    }
    Some(sql.text(&format!("\nFROM {relation}")))
}

impl CheckPlan {
    /// Whether its numbers can be counted in one scan with others'.
    pub fn folds(&self) -> bool {
        self.folded.is_some()
    }
}

impl Folded {
    /// The numbers under their names with a suffix.
    pub(super) fn select(&self, sql: Sql, suffix: &str) -> Sql {
        let sql = sql.sql(&self.failures).text(&format!(" AS failures{suffix}, "));
        let sql = sql.sql(&self.total).text(&format!(" AS total{suffix}, "));
        sql.sql(&self.value).text(&format!(" AS value{suffix}"))
    }
}

impl Found {
    /// The answer of a plan's `summary`, or with an index that of a [`fold`]: first its checks, then its metrics.
    pub fn of(answer: &RecordBatch, index: Option<usize>) -> Result<Found> {
        let column = |name: &str| {
            let name = index.map_or(name.to_string(), |index| format!("{name}_{index}"));
            answer.column_by_name(&name).filter(|column| !column.is_empty())
        };
        let count = |name: &str| -> Result<Option<i64>> {
            let Some(column) = column(name) else { return Ok(None) };
            let counts = column.as_primitive_opt::<Int64Type>();
            let counts = counts.ok_or_else(|| Error::internal(format!("a check must answer {name} as bigint")))?;
            Ok((!counts.is_null(0)).then(|| counts.value(0)))
        };
        let values = column("value").and_then(|column| column.as_primitive_opt::<Float64Type>());
        let values = values.ok_or_else(|| Error::internal("a check must answer value as float8"))?;
        let value = (!values.is_null(0)).then(|| values.value(0));
        Ok(Found { failures: count("failures")?, total: count("total")?, value })
    }
}
