//! `SET`: settings of the session, and the modes of transactions.

use super::transaction::{self, Modes};
use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement};
use crate::base::sql::Kinds;
use crate::base::value::Zone;
use crate::base::{Error, Kind, Result, quote_identifier, quote_literal};
use crate::session::settings::{Shape, entry};
use crate::session::{Effect, Status};
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "SET",
        synopsis: "\
SET [SESSION | LOCAL] name {TO | =} {value [, …] | DEFAULT}
SET [SESSION | LOCAL] TIME ZONE {'zone' | hours | LOCAL | DEFAULT}
SET TRANSACTION mode [, …]
SET SESSION CHARACTERISTICS AS TRANSACTION mode [, …]
mode: ISOLATION LEVEL {SERIALIZABLE | REPEATABLE READ | READ COMMITTED | READ UNCOMMITTED} | READ ONLY | READ WRITE",
        about: "Changes a setting until the session ends, with LOCAL until the transaction does. `SHOW ALL` lists the \
settings; a name with a dot in it is yours to use.",
        example: "SET statement_timeout = '5s';",
    },
    leads: &["SET"],
    read,
};

#[derive(Debug)]
struct Set {
    local: bool,
    what: What,
}

#[derive(Debug)]
enum What {
    /// `None` is DEFAULT.
    Value {
        name: String,
        values: Option<Vec<String>>,
    },
    Transaction(Modes),
    Characteristics(Modes),
    /// `SET CONSTRAINTS ALL IMMEDIATE`: as they always are.
    Constraints,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("SET")?;
    let mut local = false;
    let what = if cursor.eat("SESSION CHARACTERISTICS AS TRANSACTION") {
        What::Characteristics(transaction::modes(cursor)?)
    } else if cursor.eat("TRANSACTION") {
        What::Transaction(transaction::modes(cursor)?)
    } else if cursor.eat("CONSTRAINTS") {
        constraints(cursor)?
    } else {
        local = cursor.eat("LOCAL");
        if !local && !cursor.sees("SESSION AUTHORIZATION") {
            cursor.eat("SESSION");
        }
        let (name, values) = assignment(cursor)?;
        What::Value { name, values }
    };
    Ok(Arc::new(Set { local, what }))
}

fn assignment(cursor: &mut Cursor) -> Result<(String, Option<Vec<String>>)> {
    for (phrase, name) in [("TIME ZONE", "timezone"), ("NAMES", "client_encoding"), ("SCHEMA", "search_path")] {
        if cursor.eat(phrase) {
            let value = if phrase == "TIME ZONE" { zone(cursor)? } else { one_value(cursor)? };
            return Ok((name.to_string(), value));
        }
    }
    if cursor.sees("ROLE") || cursor.sees("SESSION AUTHORIZATION") {
        return Err(Error::unsupported("there are no roles to change to").at(cursor.offset()));
    }
    let name = cursor.dotted()?.join(".");
    if !cursor.eat("TO") {
        cursor.expect_token(&Kinds::Eq)?;
    }
    if cursor.eat("DEFAULT") {
        return Ok((name, None));
    }
    let mut values = vec![value(cursor)?];
    while cursor.eat_token(&Kinds::Comma) {
        values.push(value(cursor)?);
    }
    Ok((name, Some(values)))
}

fn one_value(cursor: &mut Cursor) -> Result<Option<Vec<String>>> {
    if cursor.eat("DEFAULT") { Ok(None) } else { Ok(Some(vec![value(cursor)?])) }
}

/// A word, a string or a number.
fn value(cursor: &mut Cursor) -> Result<String> {
    if let Ok(text) = cursor.string() {
        return Ok(text);
    }
    if let Ok(number) = cursor.number() {
        return Ok(number.to_string());
    }
    // `on` and `default` are words, and so is whatever else is not quoted.
    cursor.identifier().map_err(|_| cursor.expected("a value"))
}

fn zone(cursor: &mut Cursor) -> Result<Option<Vec<String>>> {
    if cursor.eat("LOCAL") || cursor.eat("DEFAULT") {
        return Ok(None);
    }
    if cursor.eat("INTERVAL") {
        let at = cursor.offset();
        let text = cursor.string()?;
        cursor.eat("HOUR TO MINUTE");
        let zone = Zone::parse(&text).filter(|zone| matches!(zone, Zone::Fixed(_)));
        let zone = zone.ok_or_else(|| {
            Error::new(Kind::InvalidParameterValue, format!("invalid interval value for time zone: \"{text}\"")).at(at)
        })?;
        return Ok(Some(vec![zone.to_string()]));
    }
    one_value(cursor)
}

fn constraints(cursor: &mut Cursor) -> Result<What> {
    let at = cursor.offset();
    cursor.rest(|cursor| cursor.sees("IMMEDIATE") || cursor.sees("DEFERRED"))?;
    if cursor.eat("DEFERRED") {
        return Err(Error::unsupported("constraints cannot be deferred").at(at));
    }
    cursor.expect("IMMEDIATE")?;
    Ok(What::Constraints)
}

/// The values of a list as the one text that the setting keeps.
fn joined(name: &str, values: &[String]) -> String {
    match entry(name).map(|setting| setting.shape) {
        Ok(Shape::Names) => values.iter().map(|value| quote_identifier(value)).collect::<Vec<_>>().join(", "),
        _ => values.join(", "),
    }
}

impl Statement for Set {
    fn effect(&self) -> Effect {
        Effect::Session
    }

    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let idle = session.transaction.status() == Status::Idle;
        session.transaction.remember(&session.settings);
        match &self.what {
            What::Value { name, values } => {
                let value = values.as_ref().map(|values| joined(name, values));
                if !self.local {
                    session.settings.set(name, value.as_deref())?;
                } else if idle {
                    // Checked all the same: a wrong value is wrong wherever it stands.
                    session.settings.clone().set_local(name, value.as_deref())?;
                    session.warning("25P01", "SET LOCAL can only be used in transaction blocks");
                } else {
                    session.settings.set_local(name, value.as_deref())?;
                }
            }
            What::Transaction(_) if idle => {
                session.warning("25P01", "SET TRANSACTION can only be used in transaction blocks");
            }
            What::Transaction(modes) => modes.apply(session)?,
            What::Characteristics(modes) => modes.apply_default(session)?,
            What::Constraints => return Ok(Response::Done { tag: "SET CONSTRAINTS".into() }),
        }
        Ok(Response::Done { tag: "SET".into() })
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = if self.local { "LOCAL " } else { "" };
        match &self.what {
            What::Value { name, values: None } => write!(f, "SET {local}{name} TO DEFAULT"),
            What::Value { name, values: Some(values) } => {
                let values: Vec<_> = values.iter().map(|value| quote_literal(value)).collect();
                write!(f, "SET {local}{name} TO {}", values.join(", "))
            }
            What::Transaction(modes) => write!(f, "SET TRANSACTION{modes}"),
            What::Characteristics(modes) => write!(f, "SET SESSION CHARACTERISTICS AS TRANSACTION{modes}"),
            What::Constraints => f.write_str("SET CONSTRAINTS ALL IMMEDIATE"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    fn check(text: &str, printed: &str) {
        let parsed = parse(text).unwrap().remove(0);
        assert_eq!(parsed.statement.to_string(), printed);
        assert_eq!(parse(printed).unwrap()[0].statement.to_string(), printed);
    }

    #[test]
    fn what_is_set_reads_back() {
        check("set search_path = a, \"B c\", public", "SET search_path TO 'a', 'B c', 'public'");
        check("SET LOCAL statement_timeout to 500", "SET LOCAL statement_timeout TO '500'");
        check("set session jit = off", "SET jit TO 'off'");
        check("set time zone interval '-08:00' hour to minute", "SET timezone TO '<-08>+08'");
        check("set time zone -3", "SET timezone TO '-3'");
        check("set time zone local", "SET timezone TO DEFAULT");
        check("set names 'utf8'", "SET client_encoding TO 'utf8'");
        check("set my.app = default", "SET my.app TO DEFAULT");
        check("set constraints a, b immediate", "SET CONSTRAINTS ALL IMMEDIATE");
        check(
            "set session characteristics as transaction read only, isolation level repeatable read",
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        );
    }

    #[test]
    fn mistakes_are_found_where_they_are() {
        for (text, at) in [("set", 3), ("set x", 5), ("set x =", 7), ("set x to (", 9), ("set x to 1 2", 11)] {
            assert_eq!(parse(text).unwrap_err().offset, Some(at), "{text}");
        }
    }
}
