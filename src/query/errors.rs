//! The planner's errors in Postgres' words, with the byte where the culprit is.

use super::phrases::{CASTS, in_sql, postgres};
use super::places::Places;
use super::rewrite::columns::shown;
use super::rewrite::folded;
use crate::base::{Error, Kind};
use datafusion::common::{DataFusionError, SchemaError};
use datafusion::sql::sqlparser::ast::{Expr, Spanned, Statement, Visit, Visitor};
use datafusion::sql::sqlparser::tokenizer::Location;
use std::ops::ControlFlow;

/// An error of planning `statement`, which was read from the text of `places`.
pub fn located(error: DataFusionError, statement: &Statement, places: &Places<'_>) -> Error {
    let offset = places.of_error(&error);
    let from_clause = missing_from(&error);
    let error = from_clause.unwrap_or_else(|| refined(Error::from(error)));
    if error.offset.is_some() {
        return error;
    }
    let culprit = || culprit(&error).and_then(|name| find(statement, &name)).and_then(|at| places.offset(at));
    let offset = offset.or_else(culprit);
    error.at(offset)
}

/// A column of a table that is not in FROM is no missing column.
fn missing_from(error: &DataFusionError) -> Option<Error> {
    let DataFusionError::SchemaError(error, _) = error.find_root() else { return None };
    let SchemaError::FieldNotFound { field, valid_fields } = error.as_ref() else { return None };
    let relation = field.relation.as_ref()?;
    let known =
        valid_fields.iter().any(|valid| valid.relation.as_ref().is_some_and(|valid| valid.table() == relation.table()));
    let name = shown(relation.table());
    (!known).then(|| Error::new(Kind::UndefinedTable, format!("missing FROM-clause entry for table \"{name}\"")))
}

fn refined(error: Error) -> Error {
    let error = Error { message: error.message.replace(|c: char| c.is_control(), ""), ..error };
    let message = error.message.as_str();
    if let Some(column) = quoted_after(message, "column \"").filter(|_| message.contains("must appear in the GROUP BY"))
    {
        return Error {
            kind: Kind::Grouping,
            message: format!(
                "column \"{column}\" must appear in the GROUP BY clause or be used in an aggregate function"
            ),
            ..error
        };
    }
    // An error of one of our functions, of which DataFusion keeps the text alone.
    if let Some((_, own)) = message.split_once("user-defined coercion failed with: External error: ") {
        let own = own.split(". No function matches").next().unwrap_or(own);
        return Error::new(Kind::UndefinedFunction, own.to_string()).hint(CASTS.to_string());
    }
    if let Some(call) = message.split("argument types '").nth(1).and_then(|rest| rest.split('\'').next()) {
        if call.starts_with("array_has(") {
            return Error::new(Kind::WrongObjectType, "op ANY/ALL (array) requires array on right side");
        }
        return Error::new(Kind::UndefinedFunction, format!("function {} does not exist", in_sql(call)))
            .hint(CASTS.to_string());
    }
    if let Some(rest) = message.split("to satisfy a call to '").nth(1) {
        let name = rest.split('\'').next().unwrap_or_default();
        return Error::new(
            Kind::UndefinedFunction,
            format!("function {name} does not exist with these argument types"),
        )
        .detail(message.to_string());
    }
    if let Some((_, ty)) = message.split_once("create filter with non-boolean predicate '")
        && let Some((_, ty)) = ty.rsplit_once("returning ")
    {
        let message = format!("a condition must be type boolean, not type {}", in_sql(ty));
        return Error::new(Kind::DatatypeMismatch, message);
    }
    if message.contains("aggregate functions are not allowed in the WHERE clause") {
        return Error::new(Kind::Grouping, "aggregate functions are not allowed in WHERE");
    }
    match postgres(message) {
        Some(known) => Error { offset: error.offset, ..known },
        None => error,
    }
}

fn quoted_after<'a>(message: &'a str, before: &str) -> Option<&'a str> {
    message.split(before).nth(1)?.split('"').next()
}

/// What an error is about.
enum Culprit {
    Function(String),
    Column(String),
}

fn culprit(error: &Error) -> Option<Culprit> {
    match error.kind {
        Kind::UndefinedFunction | Kind::Grouping | Kind::UndefinedColumn | Kind::AmbiguousColumn => {}
        _ => return None,
    }
    if let Some(rest) = error.message.strip_prefix("function ") {
        let name = rest.split(['(', ' ']).next()?;
        return Some(Culprit::Function(name.to_string()));
    }
    let column = error.message.split('"').nth(1)?;
    Some(Culprit::Column(column.rsplit('.').next()?.to_string()))
}

fn find(statement: &Statement, culprit: &Culprit) -> Option<Location> {
    let mut search = Search { culprit, found: None };
    let _ = statement.visit(&mut search);
    search.found
}

struct Search<'a> {
    culprit: &'a Culprit,
    found: Option<Location>,
}

impl Visitor for Search<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let place = match (self.culprit, expr) {
            (Culprit::Function(name), Expr::Function(function)) => {
                let last = function.name.0.last().and_then(|part| part.as_ident());
                last.filter(|last| folded(last) == *name).map(|last| last.span.start)
            }
            (Culprit::Column(name), Expr::Identifier(column)) if folded(column) == *name => Some(column.span.start),
            (Culprit::Column(name), Expr::CompoundIdentifier(parts)) => {
                parts.last().filter(|last| folded(last) == *name).map(|_| expr.span().start)
            }
            _ => None,
        };
        match place.filter(|place| place.line > 0) {
            Some(place) => {
                self.found = Some(place);
                ControlFlow::Break(())
            }
            None => ControlFlow::Continue(()),
        }
    }
}

/// An error of a plan that runs, or is about to.
pub fn running(error: DataFusionError) -> Error {
    refined(Error::from(error))
}
