//! `DROP CONNECTION`

use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, rooms};
use crate::base::{Result, quote_identifier};
use crate::catalog::Change;
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "DROP CONNECTION",
        synopsis: "DROP CONNECTION [IF EXISTS] name",
        about: "Forgets how to reach the other system; nothing changes there. Refused (2BP01) while a workflow reads \
from it or writes to it.",
        example: "DROP CONNECTION ops;",
    },
    leads: &["DROP CONNECTION _"],
    read,
};

#[derive(Debug)]
struct DropConnection {
    name: String,
    if_exists: bool,
    offset: usize,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("DROP CONNECTION")?;
    let if_exists = cursor.eat("IF EXISTS");
    let offset = cursor.offset();
    Ok(Arc::new(DropConnection { name: cursor.identifier()?, if_exists, offset }))
}

impl fmt::Display for DropConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let if_exists = if self.if_exists { "IF EXISTS " } else { "" };
        write!(f, "DROP CONNECTION {if_exists}{}", quote_identifier(&self.name))
    }
}

impl Statement for DropConnection {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        if self.if_exists && !session.snapshot().connections.contains_key(&self.name) {
            session.notice(format!("connection \"{}\" does not exist, skipping", self.name));
            return Ok(rooms::done("DROP CONNECTION"));
        }
        let change = Change::DropConnection { name: self.name.clone() };
        rooms::define(session, vec![change], "DROP CONNECTION").map_err(|error| error.at(self.offset))
    }
}
