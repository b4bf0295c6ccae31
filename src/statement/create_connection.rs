//! `CREATE CONNECTION`: another system becomes a catalog.

use super::clause::options::{Options, options};
use super::create_workflow::if_not_exists;
use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, rooms};
use crate::base::name;
use crate::base::{Error, Kind, Result, quote_identifier};
use crate::catalog::{Change, Connection};
use datafusion::common::ScalarValue;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "CREATE CONNECTION",
        synopsis: "\
CREATE [OR REPLACE] CONNECTION [IF NOT EXISTS] name TYPE type
  OPTIONS (option 'value', option SECRET secret, …)",
        about: "Makes another system's tables readable as name.schema.table and usable as targets. Nothing is asked of \
it now: TEST CONNECTION does. Types and their options are listed under Connections.",
        example: "\
CREATE CONNECTION ops TYPE postgres OPTIONS (
  host 'db.example.com', dbname 'ops', user 'aqueduct', password SECRET ops_password
);
SELECT count(*) FROM ops.public.flights;",
    },
    leads: &["CREATE CONNECTION _", "CREATE OR REPLACE CONNECTION _"],
    read,
};

#[derive(Debug)]
struct CreateConnection {
    connection: Connection,
    or_replace: bool,
    if_not_exists: bool,
    offset: usize,
    kind_at: usize,
    options_at: usize,
    places: BTreeMap<String, Range<usize>>,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("CREATE")?;
    let or_replace = cursor.eat("OR REPLACE");
    cursor.expect("CONNECTION")?;
    let if_not_exists = if_not_exists(cursor, or_replace)?;
    let offset = cursor.offset();
    let name = cursor.identifier()?;
    cursor.expect("TYPE")?;
    let kind_at = cursor.offset();
    let kind = cursor.string().or_else(|_| cursor.identifier())?.to_lowercase();
    let options_at = cursor.offset();
    let Options { values, secrets, places } = match cursor.eat("OPTIONS") || cursor.eat("WITH") {
        true => options(cursor)?,
        false => Options::default(),
    };
    let connection = Connection { name, kind, options: values, secrets };
    Ok(Arc::new(CreateConnection { connection, or_replace, if_not_exists, offset, kind_at, options_at, places }))
}

impl fmt::Display for CreateConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_replace = if self.or_replace { "OR REPLACE " } else { "" };
        let if_not_exists = if self.if_not_exists { "IF NOT EXISTS " } else { "" };
        write!(f, "CREATE {or_replace}CONNECTION {if_not_exists}{}", rest(&self.connection))
    }
}

/// `name TYPE type OPTIONS (…)`
fn rest(connection: &Connection) -> String {
    let options =
        Options { values: connection.options.clone(), secrets: connection.secrets.clone(), ..Options::default() };
    let given = !options.values.is_empty() || !options.secrets.is_empty();
    let options = if given { format!(" OPTIONS {options}") } else { String::new() };
    format!("{} TYPE {}{options}", quote_identifier(&connection.name), quote_identifier(&connection.kind))
}

/// The statement that makes the connection.
pub fn statement(connection: &Connection) -> String {
    format!("CREATE CONNECTION {}", rest(connection))
}

impl Statement for CreateConnection {
    /// A password that was typed here is refused, and must not be kept in a history either.
    fn hidden(&self) -> Vec<Range<usize>> {
        let sensitive =
            |key: &str| ["pass", "secret", "token", "key", "credential"].iter().any(|word| key.contains(word));
        let mut places: Vec<_> =
            self.places.iter().filter(|(key, _)| sensitive(key)).map(|(_, place)| place.clone()).collect();
        places.sort_unstable_by_key(|place| place.start);
        places
    }

    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let snapshot = session.snapshot();
        let name = &self.connection.name;
        if snapshot.connections.contains_key(name) && !self.or_replace {
            if !self.if_not_exists {
                let message = format!("connection \"{name}\" already exists");
                return Err(Error::new(Kind::DuplicateObject, message).at(self.offset));
            }
            session.notice(format!("connection \"{name}\" already exists, skipping"));
            return Ok(rooms::done("CREATE CONNECTION"));
        }
        if name == name::database() {
            return Err(
                Error::new(Kind::DuplicateObject, format!("\"{name}\" is the name of this database")).at(self.offset)
            );
        }
        let checked = session.engine.connections.check(&self.connection);
        checked.map_err(|error| {
            let at = if error.kind == Kind::FeatureNotSupported { self.kind_at } else { self.options_at };
            error.at(at)
        })?;
        let change = Change::PutConnection { connection: self.connection.clone(), or_replace: self.or_replace };
        rooms::define(session, vec![change], "CREATE CONNECTION").map_err(|error| error.at(self.options_at))
    }
}

#[cfg(test)]
mod tests {
    use crate::statement::parse;

    #[test]
    fn a_password_that_was_typed_is_not_kept() {
        let text = "CREATE CONNECTION c TYPE postgres OPTIONS (password 'hunter2', host 'h', api_key 'hunter3')";
        let kept = "CREATE CONNECTION c TYPE postgres OPTIONS (password '***', host 'h', api_key '***')";
        assert_eq!(parse(text).unwrap().remove(0).text, kept);
    }
}
