//! `PREPARE`, `EXECUTE`, `DEALLOCATE`: statements kept by name, their parameters given later.

use super::keep::{Kept, keep};
use super::{AnyStatement, Cursor, Form, Manual, Parsed, Response, Session, Statement, execute, parse};
use crate::base::sql::Kinds;
use crate::base::{Error, Kind, Result, Type, quote_identifier};
use crate::catalog::workflow::Fragment;
use crate::session::{Description, Effect, Prepared};
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "PREPARE, EXECUTE, DEALLOCATE",
        synopsis: "\
PREPARE name [(type, …)] AS statement
EXECUTE name [(value, …)]
DEALLOCATE [PREPARE] {name | ALL}",
        about: "Keeps a statement for this session, to be run with other values of $1, $2, … each time.",
        example: "PREPARE late (float8) AS SELECT count(*) FROM flights WHERE arr_delay > $1;",
    },
    leads: &["PREPARE", "EXECUTE", "DEALLOCATE"],
    read,
};

#[derive(Debug)]
enum Preparation {
    Keep { name: String, types: Vec<Type>, statement: Parsed },
    Execute { name: String, values: Vec<Fragment> },
    Deallocate { name: Option<String> },
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    let statement = if cursor.eat("EXECUTE") {
        let name = cursor.identifier()?;
        let values = match cursor.sees_token(&Kinds::LParen) {
            true => cursor.list(|cursor| cursor.until(|_| false))?,
            false => vec![],
        };
        Preparation::Execute { name, values }
    } else if cursor.eat("DEALLOCATE") {
        cursor.eat("PREPARE");
        Preparation::Deallocate { name: if cursor.eat("ALL") { None } else { Some(cursor.identifier()?) } }
    } else {
        cursor.expect("PREPARE")?;
        if cursor.sees("TRANSACTION") {
            return Err(Error::unsupported("two-phase commit is not supported").at(cursor.offset()));
        }
        let name = cursor.identifier()?;
        let types = match cursor.sees_token(&Kinds::LParen) {
            true => cursor.list(Cursor::data_type)?,
            false => vec![],
        };
        cursor.expect("AS")?;
        let body = cursor.rest(|_| false)?;
        let mut statements = parse(&body.text).map_err(|error| error.shifted(body.offset))?;
        let statement = statements.pop().ok_or_else(|| cursor.expected("a statement"))?;
        Preparation::Keep { name, types, statement: Parsed { offset: body.offset, ..statement } }
    };
    Ok(Arc::new(statement))
}

impl Statement for Preparation {
    fn effect(&self) -> Effect {
        match self {
            // What it executes is asked for its own effect.
            Preparation::Execute { .. } => Effect::Transaction,
            Preparation::Keep { .. } | Preparation::Deallocate { .. } => Effect::Session,
        }
    }

    async fn describe(&self, session: &Session, _: &[Option<Type>]) -> Result<Description> {
        let Preparation::Execute { name, .. } = self else { return Ok(Description::default()) };
        let kept = Kept::of(session.prepared.get(name)?)?;
        Ok(Description { parameters: vec![], columns: kept.columns.clone() })
    }

    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        match self {
            Preparation::Keep { name, types, statement } => {
                let hints: Vec<_> = types.iter().cloned().map(Some).collect();
                let begin = statement.offset;
                // The kept statement is its own source: what precedes it here is not part of it.
                let own = Parsed { offset: 0, ..statement.clone() };
                let kept = keep(session, &statement.text, Some(own), &hints).await;
                let kept = kept.map_err(|error| error.shifted(begin))?;
                session.prepared.insert(name, Prepared { from_sql: true, ..kept })?;
                Ok(Response::Done { tag: "PREPARE".into() })
            }
            Preparation::Execute { name, values } => {
                let prepared = session.prepared.get(name)?.clone();
                let values = evaluate(session, name, values, &prepared.parameters).await?;
                let kept = Kept::of(&prepared)?;
                let Some(parsed) = &kept.parsed else { return Ok(Response::Empty) };
                // A position would be one in the other statement's text.
                let outcome = Box::pin(execute(session, parsed, &values)).await;
                outcome.map_err(Error::unplaced)
            }
            Preparation::Deallocate { name: None } => {
                session.prepared.clear();
                Ok(Response::Done { tag: "DEALLOCATE ALL".into() })
            }
            Preparation::Deallocate { name: Some(name) } => {
                session.prepared.get(name)?;
                session.prepared.remove(name);
                Ok(Response::Done { tag: "DEALLOCATE".into() })
            }
        }
    }
}

/// The values as those of the parameters' types.
async fn evaluate(session: &Session, name: &str, values: &[Fragment], types: &[Type]) -> Result<Vec<ScalarValue>> {
    if values.len() != types.len() {
        let message = format!("wrong number of parameters for prepared statement \"{name}\"");
        let detail = format!("expected {} parameters but got {}", types.len(), values.len());
        return Err(Error::new(Kind::Syntax, message).detail(detail));
    }
    let context = session.context();
    let mut found = vec![];
    for (value, ty) in values.iter().zip(types) {
        let scalar = session.engine.query.value(&context, &value.text, Some(ty)).await;
        found.push(scalar.map_err(|error| error.shifted(value.offset))?);
    }
    Ok(found)
}

impl fmt::Display for Preparation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list =
            |items: Vec<String>| if items.is_empty() { String::new() } else { format!(" ({})", items.join(", ")) };
        match self {
            Preparation::Keep { name, types, statement } => {
                let types = list(types.iter().map(Type::to_string).collect());
                write!(f, "PREPARE {}{types} AS {}", quote_identifier(name), statement.text)
            }
            Preparation::Execute { name, values } => {
                let values = list(values.iter().map(|value| value.text.clone()).collect());
                write!(f, "EXECUTE {}{values}", quote_identifier(name))
            }
            Preparation::Deallocate { name: None } => f.write_str("DEALLOCATE ALL"),
            Preparation::Deallocate { name: Some(name) } => write!(f, "DEALLOCATE {}", quote_identifier(name)),
        }
    }
}
