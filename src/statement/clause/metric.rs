//! `METRIC name ON rel AS (aggregate) [DIMENSIONS (col, …)] [WHERE (b)] [BOUNDS (MIN x, MAX y, CHANGE <= p)]`

use super::check::relation;
use super::step::{checked_expression, columns, condition};
use super::{Clauses, Once};
use crate::base::sql::Kinds;
use crate::base::{Error, Kind, Result, quote_identifier};
use crate::catalog::workflow::Metric;
use crate::statement::cursor::Cursor;
use std::fmt;

/// A metric, after the word METRIC.
pub fn metric(cursor: &mut Cursor) -> Result<Metric> {
    let offset = cursor.offset();
    let name = cursor.identifier()?;
    cursor.expect("ON")?;
    let on = relation(cursor)?;
    cursor.expect("AS")?;
    let expression = checked_expression(cursor.parenthesised()?)?;
    let mut metric =
        Metric { name, on, expression, filter: None, dimensions: vec![], min: None, max: None, change: None, offset };
    metric.clauses(cursor, &mut Once::default())?;
    Ok(metric)
}

impl Clauses for Metric {
    const WORDS: &'static [&'static str] = &["WHERE", "DIMENSIONS", "BOUNDS"];

    fn clause(&mut self, cursor: &mut Cursor, once: &mut Once) -> Result<bool> {
        let at = cursor.offset();
        if cursor.eat("WHERE") {
            once.note("WHERE", at)?;
            self.filter = Some(condition(cursor)?);
        } else if cursor.eat("DIMENSIONS") {
            once.note("DIMENSIONS", at)?;
            self.dimensions = columns(cursor)?;
        } else if cursor.eat("BOUNDS") {
            once.note("BOUNDS", at)?;
            self.bounds(cursor)?;
            if self.min.zip(self.max).is_some_and(|(min, max)| min > max) {
                return Err(Error::new(Kind::InvalidDefinition, "MIN must not be above MAX").at(at));
            }
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

trait Bounds {
    fn bounds(&mut self, cursor: &mut Cursor) -> Result<()>;
}

impl Bounds for Metric {
    fn bounds(&mut self, cursor: &mut Cursor) -> Result<()> {
        let mut once = Once::default();
        cursor.list(|cursor| {
            let at = cursor.offset();
            if cursor.eat("MIN") {
                once.note("MIN", at)?;
                self.min = Some(cursor.number()?);
            } else if cursor.eat("MAX") {
                once.note("MAX", at)?;
                self.max = Some(cursor.number()?);
            } else if cursor.eat("CHANGE") {
                once.note("CHANGE", at)?;
                cursor.expect_token(&Kinds::LtEq)?;
                self.change = Some(fraction(cursor)?);
            } else {
                return Err(cursor.expected("MIN, MAX or CHANGE <="));
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// `0.2` or `20 %`
fn fraction(cursor: &mut Cursor) -> Result<f64> {
    let at = cursor.offset();
    let number = cursor.number()?;
    let fraction = if cursor.eat_token(&Kinds::Mod) { number / 100.0 } else { number };
    if fraction < 0.0 {
        return Err(Error::new(Kind::InvalidParameterValue, "CHANGE must not be negative").at(at));
    }
    Ok(fraction)
}

/// `METRIC name ON …`
pub fn print_metric(f: &mut fmt::Formatter<'_>, metric: &Metric) -> fmt::Result {
    write!(f, "METRIC {} ON {} AS ({})", quote_identifier(&metric.name), metric.on.text, metric.expression.text)?;
    if !metric.dimensions.is_empty() {
        let columns: Vec<_> = metric.dimensions.iter().map(|column| quote_identifier(column)).collect();
        write!(f, " DIMENSIONS ({})", columns.join(", "))?;
    }
    if let Some(filter) = &metric.filter {
        write!(f, " WHERE ({})", filter.text)?;
    }
    let bounds = [("MIN", metric.min), ("MAX", metric.max), ("CHANGE <=", metric.change)];
    let bounds: Vec<_> = bounds.iter().filter_map(|(words, x)| x.map(|x| format!("{words} {x}"))).collect();
    if bounds.is_empty() { Ok(()) } else { write!(f, " BOUNDS ({})", bounds.join(", ")) }
}
