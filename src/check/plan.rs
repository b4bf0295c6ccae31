//! A check as SQL: how many rows fail, which, and what makes a single row good.

use super::fold::Folded;
use super::kind::{self, section};
use super::sql::Sql;
use crate::base::{Error, Result, quote_identifier, quote_literal, sql as text};
use crate::catalog::workflow::{Assertion, Check, Fragment};
use datafusion::arrow::datatypes::SchemaRef;

/// What to run for a check.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckPlan {
    /// Answers one row: `failures` and `total` as bigint, `value` as float8 or NULL.
    pub summary: Sql,
    /// Answers failing rows, as many as are kept; `None` when there are no such rows.
    pub failures: Option<Sql>,
    /// For an assertion about single rows: true for a good row; false or NULL for one that fails.
    pub good: Option<String>,
    /// The same numbers as `summary`, as aggregates over the whole relation.
    pub(super) folded: Option<Folded>,
}

/// What goes into a template: the check, and the plain name under which the rows can be queried.
struct Scope<'a> {
    check: &'a Check,
    relation: &'a str,
}

/// Plans a check on the rows that can be queried as `relation`, a name without a schema.
///
/// The user's expressions are bound when the SQL is planned; [`Sql::placed`] puts an error of that into the
/// user's statement.
pub fn plan(check: &Check, relation: &str, schema: &SchemaRef) -> Result<CheckPlan> {
    kind::admit(check, schema)?;
    let scope = Scope { check, relation };
    let file = kind::file(&check.assertion);
    let good = section(file, "good").map(|template| scope.good(template)).transpose()?;
    let summary = match section(file, "summary") {
        Some(template) => scope.fill(template)?,
        None => scope.summary(file, good.as_ref())?,
    };
    Ok(CheckPlan {
        summary,
        failures: if check.keep_failures > 0 { scope.sample(file, good.as_ref())? } else { None },
        folded: if section(file, "summary").is_none() { scope.folded(file, good.as_ref())? } else { None },
        good: good.map(|good| scope.good_or_not_asked(&good).to_string()),
    })
}

impl Scope<'_> {
    fn sql(&self) -> Sql {
        Sql::new(self.check.offset)
    }

    fn fill(&self, template: &str) -> Result<Sql> {
        self.sql().fill(template, &|sql, name| self.name(sql, name))
    }

    /// The condition of a good row, for each column of the check when the template is about one.
    fn good(&self, template: &str) -> Result<Sql> {
        if !template.contains("{column}") {
            return self.fill(template);
        }
        let mut all = self.sql();
        for (index, column) in self.check.columns.iter().enumerate() {
            let one = self.sql().fill(template, &|sql, name| match name {
                "column" => Ok(sql.text(&format!("{}.{}", self.relation, quote_identifier(column)))),
                _ => self.name(sql, name),
            })?;
            let and = if index > 0 { " AND " } else { "" };
            all = if self.check.columns.len() > 1 { all.text(and).text("(").sql(&one).text(")") } else { one };
        }
        Ok(all)
    }

    /// A row that the check's WHERE leaves out is not bad.
    fn good_or_not_asked(&self, good: &Sql) -> Sql {
        match &self.check.filter {
            None => good.clone(),
            Some(filter) => {
                self.sql().text("(").fragment(filter).text(") IS NOT TRUE OR (").sql(good).text(") IS TRUE")
            }
        }
    }

    fn summary(&self, file: &str, good: Option<&Sql>) -> Result<Sql> {
        let counts = self.counts(file, good, false)?;
        let from = self.rows(self.sql().text("\nFROM "));
        Ok(match good {
            // A subquery cannot stand inside an aggregate.
            Some(good) if has_subquery(good) => {
                let failing = self.rows(self.sql().text("SELECT (SELECT count(*) FROM "));
                let failing = failing.text(" WHERE (").sql(good).text(") IS NOT TRUE) AS failures, (SELECT count(*)");
                failing.sql(&from).text(") AS total, CAST(NULL AS double precision) AS value")
            }
            _ => counts.select(self.sql().text("SELECT "), "").sql(&from),
        })
    }

    fn folded(&self, file: &str, good: Option<&Sql>) -> Result<Option<Folded>> {
        let filter = self.check.filter.as_ref().map(|filter| filter.text.as_str());
        if good.is_some_and(|good| has_subquery(good)) || filter.is_some_and(has_subquery) {
            return Ok(None);
        }
        self.counts(file, good, true).map(Some)
    }

    /// The numbers as aggregates over the rows to check, or over all rows when `over_all`.
    fn counts(&self, file: &str, good: Option<&Sql>, over_all: bool) -> Result<Folded> {
        let filter = self.check.filter.as_ref().filter(|_| over_all);
        let total = match filter {
            None => self.sql().text("count(*)"),
            Some(filter) => self.sql().text("count(*) FILTER (WHERE (").fragment(filter).text("))"),
        };
        let counted = |template: &str| {
            self.sql().fill(template, &|sql, name| match name {
                "count" => Ok(sql.sql(&total)),
                _ => self.name(sql, name),
            })
        };
        let failures = match (section(file, "failures"), good) {
            (Some(template), _) => self.sql().text("CAST(").sql(&counted(template)?).text(" AS bigint)"),
            (None, Some(good)) => {
                let failing = self.sql().text("count(*) FILTER (WHERE ");
                let failing = match filter {
                    None => failing,
                    Some(filter) => failing.text("(").fragment(filter).text(") AND "),
                };
                failing.text("(").sql(good).text(") IS NOT TRUE)")
            }
            (None, None) => return Err(Error::internal("a kind of check must say what fails")),
        };
        let value = match section(file, "value") {
            Some(template) => counted(template)?,
            None => self.sql().text("NULL"),
        };
        let value = self.sql().text("CAST(").sql(&value).text(" AS double precision)");
        Ok(Folded { failures, total, value })
    }

    fn sample(&self, file: &str, good: Option<&Sql>) -> Result<Option<Sql>> {
        let sample = match (section(file, "sample"), good) {
            (Some(template), _) => self.fill(template)?,
            (None, Some(good)) => {
                let from = self.rows(self.sql().text("SELECT * FROM "));
                from.text(" WHERE (").sql(good).text(") IS NOT TRUE")
            }
            (None, None) => return Ok(None),
        };
        Ok(Some(sample.text(&format!(" LIMIT {}", self.check.keep_failures))))
    }

    /// The rows to check, under the relation's own name.
    fn rows(&self, sql: Sql) -> Sql {
        let relation = self.relation;
        match &self.check.filter {
            None => sql.text(relation),
            Some(filter) => {
                let sql = sql.text(&format!("(SELECT * FROM {relation} WHERE (")).fragment(filter);
                sql.text(&format!(")) AS {relation}"))
            }
        }
    }

    /// What a name in a template stands for.
    fn name(&self, sql: Sql, name: &str) -> Result<Sql> {
        let columns = || self.check.columns.iter().map(|column| quote_identifier(column));
        let listed =
            |part: &dyn Fn(String) -> String, between: &str| columns().map(part).collect::<Vec<_>>().join(between);
        Ok(match (name, &self.check.assertion) {
            ("rows", _) => self.rows(sql),
            ("columns", _) => sql.text(&listed(&|column| column, ", ")),
            ("any_null", _) => sql.text(&listed(&|column| format!("{column} IS NULL"), " OR ")),
            ("single_matches", _) => {
                sql.text(&listed(&|column| format!("single.{column} = {}.{column}", self.relation), " AND "))
            }
            ("values", Assertion::In(values)) => values
                .iter()
                .enumerate()
                .fold(sql, |sql, (index, value)| sql.text(if index > 0 { ", " } else { "" }).fragment(value)),
            ("null_is_listed", Assertion::In(values)) => {
                let listed = values.iter().any(|value| value.text.trim().eq_ignore_ascii_case("null"));
                sql.text(if listed { "true" } else { "false" })
            }
            ("pattern", Assertion::Matches(pattern)) => sql.text(&quote_literal(pattern)),
            ("low", Assertion::Between(low, _)) => sql.fragment(low),
            ("high", Assertion::Between(_, high)) => sql.fragment(high),
            ("table", Assertion::References { table, .. }) => sql.fragment(table),
            ("referenced", Assertion::References { column, .. }) => sql.text(&quote_identifier(column)),
            ("comparison", Assertion::RowCount { comparison, .. }) => sql.text(comparison),
            ("value", Assertion::RowCount { value, .. }) => sql.fragment(value),
            ("condition", Assertion::Expect(condition)) => sql.fragment(condition),
            ("query", Assertion::Query(query)) => sql.fragment(query),
            ("with", Assertion::Query(_)) => self.with(sql),
            _ => return Err(Error::internal(format!("a check's template must not name {{{name}}}"))),
        })
    }

    /// Makes the rows to check known under the name of the relation that the check is on.
    fn with(&self, sql: Sql) -> Sql {
        match plain_name(&self.check.on) {
            Some(name) => self.rows(sql.text(&format!("WITH {name} AS (SELECT * FROM "))).text(")\n"),
            None => sql,
        }
    }
}

/// The name of a relation that is one part: a step, or a relation of the default schema.
fn plain_name(on: &Fragment) -> Option<&str> {
    let bare = !on.text.contains(['.', '"']);
    let quoted = || on.text.strip_prefix('"')?.strip_suffix('"').filter(|name| !name.replace("\"\"", "").contains('"'));
    (bare || quoted().is_some()).then_some(on.text.as_str())
}

fn has_subquery(expression: &str) -> bool {
    let is_select = |token: &text::Token| expression[token.start..token.end].eq_ignore_ascii_case("select");
    text::tokenize(expression).is_ok_and(|tokens| tokens.iter().any(is_select))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
