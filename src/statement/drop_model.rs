//! `DROP MODEL`

use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, rooms};
use crate::base::{Name, Result};
use crate::catalog::Change;
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "DROP MODEL",
        synopsis: "DROP MODEL [IF EXISTS] name",
        about: "Removes a model with all its versions. Refused (2BP01) while a workflow names it. The files stay with \
the record of the runs that used them.",
        example: "DROP MODEL IF EXISTS delay;",
    },
    leads: &["DROP MODEL _"],
    read,
};

#[derive(Debug)]
struct DropModel {
    name: Name,
    if_exists: bool,
    offset: usize,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("DROP MODEL")?;
    let if_exists = cursor.eat("IF EXISTS");
    let offset = cursor.offset();
    Ok(Arc::new(DropModel { name: cursor.name()?, if_exists, offset }))
}

impl fmt::Display for DropModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DROP MODEL {}{}", if self.if_exists { "IF EXISTS " } else { "" }, self.name)
    }
}

impl Statement for DropModel {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        if self.if_exists && !session.snapshot().models.contains_key(&self.name) {
            session.notice(format!("model \"{}\" does not exist, skipping", self.name));
            return Ok(rooms::done("DROP MODEL"));
        }
        let change = Change::DropModel { name: self.name.clone() };
        rooms::define(session, vec![change], "DROP MODEL").map_err(|error| error.at(self.offset))
    }
}
