//! `DROP EXTERNAL TABLE`

use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, rooms};
use crate::base::{Name, Result};
use crate::catalog::Change;
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "DROP EXTERNAL TABLE",
        synopsis: "DROP EXTERNAL TABLE [IF EXISTS] name",
        about: "Forgets the table; its files stay. DROP TABLE does the same.",
        example: "DROP EXTERNAL TABLE files.flights;",
    },
    leads: &["DROP EXTERNAL TABLE _"],
    read,
};

#[derive(Debug)]
struct DropExternalTable {
    name: Name,
    if_exists: bool,
    offset: usize,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("DROP EXTERNAL TABLE")?;
    let if_exists = cursor.eat("IF EXISTS");
    let offset = cursor.offset();
    Ok(Arc::new(DropExternalTable { name: cursor.name()?, if_exists, offset }))
}

impl fmt::Display for DropExternalTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DROP EXTERNAL TABLE {}{}", if self.if_exists { "IF EXISTS " } else { "" }, self.name)
    }
}

impl Statement for DropExternalTable {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        if self.if_exists && session.snapshot().relation(&self.name).is_none() {
            session.notice(format!("table \"{}\" does not exist, skipping", self.name));
            return Ok(rooms::done("DROP EXTERNAL TABLE"));
        }
        let change = Change::DropExternal { name: self.name.clone() };
        rooms::define(session, vec![change], "DROP EXTERNAL TABLE").map_err(|error| error.at(self.offset))
    }
}
