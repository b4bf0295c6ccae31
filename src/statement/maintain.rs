//! `VACUUM`, `ANALYZE`, `LOCK TABLE`: accepted, for the lake needs none of them. Old files are looked after by
//! the server, statistics are exact, and nobody waits for a lock.

use super::target::Written;
use super::{AnyStatement, Cursor, Response, Session, Statement};
use crate::base::sql::Kinds;
use crate::base::{Error, Kind, Result};
use crate::session::{Effect, Status};
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

#[derive(Debug)]
struct Maintain {
    what: What,
    tables: Vec<Written>,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Vacuum,
    Analyze,
    Lock,
}

/// `None` when it is another statement.
pub fn read(cursor: &Cursor) -> Result<Option<Arc<dyn AnyStatement>>> {
    let mut cursor = cursor.clone();
    let what = match () {
        () if cursor.eat("VACUUM") => What::Vacuum,
        () if cursor.eat("ANALYZE") || cursor.eat("ANALYSE") => What::Analyze,
        () if cursor.eat("LOCK") => What::Lock,
        () => return Ok(None),
    };
    if cursor.sees_token(&Kinds::LParen) {
        while !cursor.at_end() && !cursor.eat_token(&Kinds::RParen) {
            cursor.skip();
        }
    }
    for word in ["FULL", "FREEZE", "VERBOSE", "ANALYZE", "TABLE", "ONLY"] {
        cursor.eat(word);
    }
    let mut tables = vec![];
    while !cursor.at_end() {
        let offset = cursor.offset();
        tables.push(Written::of(cursor.dotted()?, offset));
        if cursor.sees_token(&Kinds::LParen) {
            cursor.list(Cursor::identifier)?;
        }
        if !cursor.eat_token(&Kinds::Comma) {
            break;
        }
    }
    if what == What::Lock {
        if cursor.eat("IN") {
            while !cursor.at_end() && !cursor.sees("NOWAIT") {
                cursor.skip();
            }
        }
        cursor.eat("NOWAIT");
    }
    cursor.end()?;
    Ok(Some(Arc::new(Maintain { what, tables, text: cursor.text().to_string() })))
}

impl fmt::Display for Maintain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Statement for Maintain {
    fn effect(&self) -> Effect {
        match self.what {
            What::Vacuum => Effect::Write,
            What::Analyze | What::Lock => Effect::Read,
        }
    }

    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let context = session.context();
        for table in &self.tables {
            if table.find(&context)?.is_none() {
                return Err(table.undefined(&context.snapshot));
            }
        }
        let tag = match self.what {
            What::Vacuum => "VACUUM",
            What::Analyze => "ANALYZE",
            What::Lock if session.transaction.status() == Status::Idle => {
                return Err(Error::new(Kind::NoActiveTransaction, "LOCK TABLE can only be used in transaction blocks"));
            }
            What::Lock => "LOCK TABLE",
        };
        Ok(Response::Done { tag: tag.to_string() })
    }
}
