//! Actions as functions, for tools that may only SELECT: `SELECT aqueduct.execute('w', wait => 'on')`.
//!
//! Such a statement is read as the action it stands for, its arguments as the clauses of `WITH`.

use super::{AnyStatement, Cursor, Response, Session, Statement};
use crate::base::sql::{self, Kinds};
use crate::base::{Error, Kind, Result, quote_identifier, quote_literal};
use crate::session::{Description, Effect};
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

/// The function, and the statement that it stands for.
pub const ALL: &[(&str, &str)] = &[
    ("execute", "EXECUTE WORKFLOW"),
    ("pause", "PAUSE WORKFLOW"),
    ("resume", "RESUME WORKFLOW"),
    ("preview", "PREVIEW WORKFLOW"),
    ("explain", "EXPLAIN WORKFLOW"),
    ("why", "EXPLAIN WHY"),
    ("why_run", "EXPLAIN WHY RUN"),
    ("cancel_run", "CANCEL RUN"),
    ("refresh", "REFRESH MATERIALIZED VIEW"),
    ("describe_model", "DESCRIBE MODEL"),
    ("test_connection", "TEST CONNECTION"),
];

/// An action that was called as a function.
#[derive(Debug)]
struct Twin {
    action: Arc<dyn AnyStatement>,
    function: &'static str,
    arguments: Vec<(Option<String>, String)>,
    /// Where the first argument stands; places in the action are none in what was typed.
    offset: usize,
}

/// The statement, when it is nothing but one such call.
pub fn read(cursor: &Cursor) -> Result<Option<Arc<dyn AnyStatement>>> {
    let mut cursor = cursor.clone();
    let Some((function, action)) = function(&mut cursor) else { return Ok(None) };
    let offset = cursor.offset();
    let arguments = arguments(&mut cursor)?;
    cursor.end()?;
    let here = |error: Error| Error { offset: Some(offset), ..error };
    let text = action_text(action, &arguments).map_err(here)?.ok_or_else(|| {
        let message = format!("function aqueduct.{function} needs a name first, then key => 'text'");
        Error::new(Kind::UndefinedFunction, message).hint(format!("it stands for {action}")).at(offset)
    })?;
    let mut action = super::parse(&text).map_err(here)?;
    let action = action.pop().ok_or_else(|| Error::internal("an action must be a statement"))?.statement;
    Ok(Some(Arc::new(Twin { action, function, arguments, offset })))
}

/// `SELECT [* FROM] aqueduct.function`, up to its parenthesis.
fn function(cursor: &mut Cursor) -> Option<(&'static str, &'static str)> {
    if !cursor.eat("SELECT") {
        return None;
    }
    if cursor.eat_token(&Kinds::Mul) && !cursor.eat("FROM") {
        return None;
    }
    let name = cursor.dotted().ok()?;
    let [schema, name] = name.as_slice() else { return None };
    let found = ALL.iter().find(|(function, _)| schema == "aqueduct" && name == function);
    found.filter(|_| cursor.sees_token(&Kinds::LParen)).copied()
}

/// `('text', key => 'text', …)`
fn arguments(cursor: &mut Cursor) -> Result<Vec<(Option<String>, String)>> {
    cursor.list(|cursor| {
        let key = match cursor.sees("_") {
            true => {
                let key = cursor.identifier()?;
                cursor.expect_token(&Kinds::RArrow)?;
                Some(key)
            }
            false => None,
        };
        Ok((key, cursor.string()?))
    })
}

/// `EXECUTE WORKFLOW ml.w WITH (wait = 'on')`; `None` unless a name comes first and only clauses after it.
fn action_text(action: &str, arguments: &[(Option<String>, String)]) -> Result<Option<String>> {
    let Some(((None, name), rest)) = arguments.split_first() else { return Ok(None) };
    let name = if action.ends_with(" RUN") { quote_literal(name) } else { quoted(name)? };
    let mut clauses = vec![];
    for (key, value) in rest {
        let Some(key) = key else { return Ok(None) };
        clauses.push(format!("{} = {}", quote_identifier(key), quote_literal(value)));
    }
    let with = if clauses.is_empty() { String::new() } else { format!(" WITH ({})", clauses.join(", ")) };
    Ok(Some(format!("{action} {name}{with}")))
}

/// The name as it must be typed; text that is more than a name is refused, not run.
fn quoted(name: &str) -> Result<String> {
    let tokens = sql::tokenize(name)?;
    let mut cursor = Cursor::new(name, &tokens);
    let parts = cursor.dotted()?;
    cursor.end()?;
    Ok(parts.iter().map(|part| quote_identifier(part)).collect::<Vec<_>>().join("."))
}

impl fmt::Display for Twin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let argument = |(key, value): &(Option<String>, String)| {
            let key = key.as_ref().map_or(String::new(), |key| format!("{} => ", quote_identifier(key)));
            format!("{key}{}", quote_literal(value))
        };
        let arguments: Vec<_> = self.arguments.iter().map(argument).collect();
        write!(f, "SELECT aqueduct.{}({})", self.function, arguments.join(", "))
    }
}

impl Statement for Twin {
    fn effect(&self) -> Effect {
        self.action.effect()
    }

    async fn describe(&self, session: &Session, hints: &[Option<crate::base::Type>]) -> Result<Description> {
        let described = self.action.describe(session, hints).await;
        let described = described.map_err(|error| Error { offset: Some(self.offset), ..error })?;
        match described.columns {
            Some(_) => Ok(described),
            None => Ok(super::rooms::texts(&[self.function])),
        }
    }

    async fn run(&self, session: &mut Session, parameters: &[ScalarValue]) -> Result<Response> {
        let answer = self.action.run(session, parameters).await;
        match answer.map_err(|error| Error { offset: Some(self.offset), ..error })? {
            Response::Rows { rows, .. } => Ok(Response::Rows { rows, tag: "SELECT" }),
            // A SELECT must answer with a row.
            Response::Done { tag } => super::rooms::table(&[self.function], vec![vec![Some(tag)]], "SELECT"),
            other => Ok(other),
        }
    }
}
