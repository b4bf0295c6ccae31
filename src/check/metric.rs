//! Metrics: a number for the whole relation or for each combination of its dimensions.

use super::sql::Sql;
use crate::base::error::did_you_mean;
use crate::base::{Error, Kind, Result, Type, quote_identifier, quote_literal};
use crate::catalog::workflow::Metric;
use datafusion::arrow::datatypes::SchemaRef;

/// Groups that a metric may have. Each is kept for every run.
pub const GROUPS_MAX: usize = 10_000;

/// A query for the metric's values: `dimensions`, a JSON object as text, and `value`, a float8;
/// at most one group more than there may be.
pub fn plan(metric: &Metric, relation: &str, schema: &SchemaRef) -> Result<Sql> {
    let mut dimensions = vec![];
    for column in &metric.dimensions {
        let Ok(field) = schema.field_with_name(column) else {
            let known = schema.fields().iter().map(|field| field.name().as_str());
            return Err(Error::new(Kind::UndefinedColumn, format!("column \"{column}\" does not exist"))
                .hint(did_you_mean(column, known))
                .at(metric.on.offset));
        };
        dimensions.push(member(column, &Type::of(field)));
    }
    let dimensions = match dimensions.is_empty() {
        true => "'{}'".to_string(),
        false => format!("'{{' || {} || '}}'", dimensions.join(" || ', ' || ")),
    };
    let sql = Sql::new(metric.offset).text(&format!("SELECT CAST({dimensions} AS text) AS dimensions, "));
    // A count beside it makes one row of what is no aggregate, or says that it is none.
    let sql = value(metric, sql).text(&format!(" AS value, count(*) AS rows\nFROM {relation}"));
    let sql = match &metric.filter {
        None => sql,
        Some(filter) => sql.text(" WHERE (").fragment(filter).text(")"),
    };
    let columns: Vec<_> = metric.dimensions.iter().map(|column| quote_identifier(column)).collect();
    Ok(match columns.is_empty() {
        true => sql,
        false => sql.text(&format!("\nGROUP BY {}\nORDER BY 1\nLIMIT {}", columns.join(", "), GROUPS_MAX + 1)),
    })
}

/// The metric's value as an aggregate that [`super::fold`] can put beside others.
pub fn aggregate(metric: &Metric) -> Option<Sql> {
    (metric.dimensions.is_empty() && metric.filter.is_none()).then(|| value(metric, Sql::new(metric.offset)))
}

/// Why a value is outside the metric's BOUNDS, if it is; `before` is the last published one.
pub fn out_of_bounds(metric: &Metric, value: Option<f64>, before: Option<f64>) -> Option<String> {
    if metric.min.is_none() && metric.max.is_none() && metric.change.is_none() {
        return None;
    }
    let Some(value) = value.filter(|value| !value.is_nan()) else {
        return Some("it has no value".to_string());
    };
    if let Some(min) = metric.min.filter(|min| value < *min) {
        return Some(format!("{value} is less than {min}"));
    }
    if let Some(max) = metric.max.filter(|max| value > *max) {
        return Some(format!("{value} is greater than {max}"));
    }
    let (limit, before) = (metric.change?, before.filter(|before| !before.is_nan())?);
    // From zero every change is without measure.
    let change = if value == before { 0.0 } else { ((value - before) / before).abs() };
    (change > limit).then(|| {
        format!(
            "{value} differs from the last published {before} by {:.1} %, more than {} %",
            change * 100.0,
            limit * 100.0
        )
    })
}

fn value(metric: &Metric, sql: Sql) -> Sql {
    sql.text("CAST((").fragment(&metric.expression).text(") AS double precision)")
}

/// SQL for `"column": value` of a JSON object.
fn member(column: &str, ty: &Type) -> String {
    let key = serde_json::Value::from(column).to_string() + ": ";
    let text = format!("CAST({} AS text)", quote_identifier(column));
    let value = match ty {
        Type::Bool | Type::Int2 | Type::Int4 | Type::Int8 | Type::Oid => text,
        _ => {
            let special = [("\\", "'\\'"), ("\"", "'\"'"), ("n", "chr(10)"), ("r", "chr(13)"), ("t", "chr(9)")];
            let escaped = special
                .iter()
                .fold(text, |text, (escape, character)| format!("replace({text}, {character}, '\\{escape}')"));
            format!("'\"' || {escaped} || '\"'")
        }
    };
    format!("{} || coalesce({value}, 'null')", quote_literal(&key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::workflow::Fragment;

    fn metric(min: Option<f64>, max: Option<f64>, change: Option<f64>) -> Metric {
        let fragment = |text: &str| Fragment { text: text.into(), offset: 0 };
        Metric {
            name: "m".into(),
            on: fragment("t"),
            expression: fragment("avg(x)"),
            filter: None,
            dimensions: vec![],
            min,
            max,
            change,
            offset: 0,
        }
    }

    #[test]
    fn bounds_hold_or_say_why_not() {
        let check = |bounds: (Option<f64>, Option<f64>, Option<f64>), value, before, expected: Option<&str>| {
            assert_eq!(out_of_bounds(&metric(bounds.0, bounds.1, bounds.2), value, before).as_deref(), expected);
        };
        check((None, None, None), None, None, None);
        check((Some(0.0), Some(1.0), None), Some(1.0), None, None);
        check((Some(0.0), None, None), Some(-0.5), None, Some("-0.5 is less than 0"));
        check((None, Some(1.0), None), Some(1.5), None, Some("1.5 is greater than 1"));
        check((Some(0.0), None, None), None, None, Some("it has no value"));
        check((Some(0.0), None, None), Some(f64::NAN), None, Some("it has no value"));
        check((None, None, Some(0.1)), Some(5.0), None, None);
        check((None, None, Some(0.1)), Some(10.5), Some(10.0), None);
        let far = "12 differs from the last published 10 by 20.0 %, more than 10 %";
        check((None, None, Some(0.1)), Some(12.0), Some(10.0), Some(far));
        check((None, None, Some(0.1)), Some(0.0), Some(0.0), None);
        assert!(out_of_bounds(&metric(None, None, Some(0.1)), Some(1.0), Some(0.0)).is_some());
    }
}
