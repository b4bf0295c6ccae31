//! `ALTER VIEW … RENAME TO`, `ALTER … SET SCHEMA`: a relation under another name, its rows where they are.

use super::super::target::Written;
use super::super::{AnyStatement, Cursor, Response, Session, Statement};
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::{Change, Relation};
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

#[derive(Debug)]
struct Relocate {
    what: &'static str,
    name: Written,
    if_exists: bool,
    to: To,
    text: String,
}

#[derive(Debug)]
enum To {
    Name(String),
    Schema(String),
    /// The same role as before.
    Owner,
}

/// `None` when it is another statement.
pub fn relocated(cursor: &Cursor) -> Result<Option<Arc<dyn AnyStatement>>> {
    let mut cursor = cursor.clone();
    let what = match () {
        () if cursor.eat("ALTER VIEW") => "VIEW",
        () if cursor.eat("ALTER MATERIALIZED VIEW") => "MATERIALIZED VIEW",
        () if cursor.eat("ALTER TABLE") => "TABLE",
        () => return Ok(None),
    };
    let if_exists = cursor.eat("IF EXISTS");
    let offset = cursor.offset();
    let Ok(parts) = cursor.dotted() else { return Ok(None) };
    let to = match () {
        () if what != "TABLE" && cursor.eat("RENAME TO") => To::Name(cursor.identifier()?),
        () if cursor.eat("SET SCHEMA") => To::Schema(cursor.identifier()?),
        () if what != "TABLE" && cursor.eat("OWNER TO") => {
            cursor.identifier()?;
            To::Owner
        }
        () => return Ok(None),
    };
    cursor.end()?;
    let (name, text) = (Written::of(parts, offset), cursor.text().to_string());
    Ok(Some(Arc::new(Relocate { what, name, if_exists, to, text })))
}

impl fmt::Display for Relocate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Statement for Relocate {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let context = session.context();
        let done = Response::Done { tag: format!("ALTER {}", self.what) };
        let Some(from) = self.name.find(&context)? else {
            if self.if_exists {
                session.notice(format!("relation \"{}\" does not exist, skipping", self.name.last()));
                return Ok(done);
            }
            return Err(self.name.undefined(&context.snapshot));
        };
        let materialized = context.snapshot.workflows.get(&from).is_some_and(|workflow| workflow.materialized_view);
        let fits = match context.snapshot.relation(&from) {
            Some(Relation::View(_)) => matches!(self.what, "VIEW" | "TABLE"),
            Some(Relation::Table(_)) if materialized => self.what == "MATERIALIZED VIEW",
            _ => self.what == "TABLE",
        };
        if !fits {
            let message = format!("\"{}\" is not a {}", from.name, self.what.to_lowercase());
            return Err(Error::new(Kind::WrongObjectType, message).at(self.name.offset));
        }
        let to = match &self.to {
            To::Name(name) => Name::new(&from.schema, name),
            To::Schema(schema) => {
                context.snapshot.schema(schema)?;
                Name::new(schema, &from.name)
            }
            To::Owner => return Ok(done),
        };
        if materialized {
            return Err(Error::unsupported("a materialized view cannot be renamed")
                .hint("drop it and create it under the other name".to_string())
                .at(self.name.offset));
        }
        if from == to {
            return Ok(done);
        }
        let (change, tag) = (Change::RenameRelation { from, to }, format!("ALTER {}", self.what));
        session.change(vec![change], &tag).map_err(|error| error.at(self.name.offset))?;
        Ok(done)
    }
}
