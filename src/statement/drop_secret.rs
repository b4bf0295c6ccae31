//! `DROP SECRET`

use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, rooms};
use crate::base::{Result, quote_identifier};
use crate::catalog::Change;
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "DROP SECRET",
        synopsis: "DROP SECRET [IF EXISTS] name",
        about: "Forgets the value. Refused (2BP01) while a connection uses it.",
        example: "DROP SECRET ops_password;",
    },
    leads: &["DROP SECRET _"],
    read,
};

#[derive(Debug)]
struct DropSecret {
    name: String,
    if_exists: bool,
    offset: usize,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("DROP SECRET")?;
    let if_exists = cursor.eat("IF EXISTS");
    let offset = cursor.offset();
    Ok(Arc::new(DropSecret { name: cursor.identifier()?, if_exists, offset }))
}

impl fmt::Display for DropSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let if_exists = if self.if_exists { "IF EXISTS " } else { "" };
        write!(f, "DROP SECRET {if_exists}{}", quote_identifier(&self.name))
    }
}

impl Statement for DropSecret {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        if self.if_exists && !session.snapshot().secrets.contains_key(&self.name) {
            session.notice(format!("secret \"{}\" does not exist, skipping", self.name));
            return Ok(rooms::done("DROP SECRET"));
        }
        let change = Change::DropSecret { name: self.name.clone() };
        rooms::define(session, vec![change], "DROP SECRET").map_err(|error| error.at(self.offset))
    }
}
