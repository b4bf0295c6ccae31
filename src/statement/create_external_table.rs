//! `CREATE EXTERNAL TABLE`: files that read like a table.

use super::clause::options::{Options, options};
use super::clause::target::format_name;
use super::clause::{Clauses, Once};
use super::create_workflow::if_not_exists;
use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, rooms};
use crate::base::sql::Kinds;
use crate::base::{Error, Kind, Name, Result, Type, quote_identifier, quote_literal};
use crate::catalog::{Change, External};
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "CREATE EXTERNAL TABLE",
        synopsis: "\
CREATE EXTERNAL TABLE [IF NOT EXISTS] name [(column type [NOT NULL], …)]
  STORED AS parquet | csv | json LOCATION 'path' [OPTIONS (option 'value', …)]",
        about: "Reads a file, or every file of that format in a folder, where it is; nothing is copied, and what is \
added later is seen. The path is below one of the folders of the setting roots. Without columns they are read from the \
files now. A row that does not fit is an error with file, line and column. Options are listed under External tables.",
        example: "CREATE EXTERNAL TABLE files.flights STORED AS parquet LOCATION 'data/flights.parquet';",
    },
    leads: &["CREATE EXTERNAL TABLE _"],
    read,
};

#[derive(Debug)]
struct CreateExternalTable {
    name: Name,
    if_not_exists: bool,
    columns: Vec<(String, Type, bool)>,
    clauses: Draft,
    offset: usize,
}

#[derive(Debug, Default)]
struct Draft {
    format: Option<(String, usize)>,
    location: Option<(String, usize)>,
    options: Options,
    options_at: Option<usize>,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("CREATE EXTERNAL TABLE")?;
    let if_not_exists = if_not_exists(cursor, false)?;
    let offset = cursor.offset();
    let name = cursor.name()?;
    let columns = match cursor.sees_token(&Kinds::LParen) {
        true => columns(cursor)?,
        false => vec![],
    };
    let mut clauses = Draft::default();
    clauses.clauses(cursor, &mut Once::default())?;
    if clauses.format.is_none() {
        return Err(cursor.expected("STORED AS parquet, csv or json"));
    }
    if clauses.location.is_none() {
        return Err(cursor.expected("LOCATION 'path'"));
    }
    Ok(Arc::new(CreateExternalTable { name, if_not_exists, columns, clauses, offset }))
}

fn columns(cursor: &mut Cursor) -> Result<Vec<(String, Type, bool)>> {
    let mut names: Vec<String> = vec![];
    cursor.list(|cursor| {
        let at = cursor.offset();
        let name = cursor.identifier()?;
        if names.contains(&name) {
            return Err(Error::new(Kind::DuplicateColumn, format!("column \"{name}\" specified more than once")).at(at));
        }
        names.push(name.clone());
        let ty = cursor.data_type()?;
        let not_null = cursor.eat("NOT NULL");
        let _ = not_null || cursor.eat("NULL");
        Ok((name, ty, !not_null))
    })
}

impl Clauses for Draft {
    const WORDS: &'static [&'static str] = &["STORED AS", "LOCATION"];

    fn clause(&mut self, cursor: &mut Cursor, once: &mut Once) -> Result<bool> {
        let at = cursor.offset();
        if cursor.eat("STORED AS") {
            once.note("STORED AS", at)?;
            let at = cursor.offset();
            self.format = Some((format_name(cursor)?, at));
        } else if cursor.eat("LOCATION") {
            once.note("LOCATION", at)?;
            let at = cursor.offset();
            self.location = Some((cursor.string()?, at));
        } else if cursor.eat("OPTIONS") {
            once.note("OPTIONS", at)?;
            self.options_at = Some(at);
            self.options = options(cursor)?;
            if let Some(key) = self.options.secrets.keys().next() {
                let message = format!("option \"{key}\" of an external table cannot be a secret");
                return Err(Error::unsupported(message).at(at));
            }
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

impl CreateExternalTable {
    fn external(&self, columns: Vec<(String, Type, bool)>) -> External {
        External {
            name: self.name.clone(),
            format: self.clauses.format.clone().unwrap_or_default().0,
            location: self.clauses.location.clone().unwrap_or_default().0,
            options: self.clauses.options.values.clone(),
            columns,
        }
    }
}

impl fmt::Display for CreateExternalTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let if_not_exists = if self.if_not_exists { "IF NOT EXISTS " } else { "" };
        write!(f, "CREATE EXTERNAL TABLE {if_not_exists}{}", rest(&self.external(self.columns.clone())))
    }
}

/// `name (columns) STORED AS … LOCATION … OPTIONS (…)`
fn rest(external: &External) -> String {
    let column = |(name, ty, nullable): &(String, Type, bool)| {
        format!("{} {ty}{}", quote_identifier(name), if *nullable { "" } else { " NOT NULL" })
    };
    let columns: Vec<_> = external.columns.iter().map(column).collect();
    let columns = if columns.is_empty() { String::new() } else { format!(" ({})", columns.join(", ")) };
    let options = Options { values: external.options.clone(), ..Options::default() };
    let options = if options.values.is_empty() { String::new() } else { format!(" OPTIONS {options}") };
    let (format, location) = (quote_identifier(&external.format), quote_literal(&external.location));
    format!("{}{columns} STORED AS {format} LOCATION {location}{options}", external.name)
}

/// The statement that makes the table.
pub fn statement(external: &External) -> String {
    format!("CREATE EXTERNAL TABLE {}", rest(external))
}

impl Statement for CreateExternalTable {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let snapshot = session.snapshot();
        if self.if_not_exists && snapshot.relation(&self.name).is_some() {
            session.notice(format!("relation \"{}\" already exists, skipping", self.name.name));
            return Ok(rooms::done("CREATE EXTERNAL TABLE"));
        }
        snapshot.schema(&self.name.schema).map_err(|error| error.at(self.offset))?;
        let external = self.external(self.columns.clone());
        let (format, location, options) = (&external.format, &external.location, &external.options);
        let found =
            session.engine.connections.infer(format, location, options).await.map_err(|error| self.place(error))?;
        let columns = if self.columns.is_empty() { found } else { self.columns.clone() };
        let change = Change::PutExternal(External { columns, ..external });
        rooms::define(session, vec![change], "CREATE EXTERNAL TABLE").map_err(|error| error.at(self.offset))
    }
}

impl CreateExternalTable {
    /// Where in the statement the culprit stands: format, option or file.
    fn place(&self, error: Error) -> Error {
        let at = |clause: &Option<(String, usize)>| clause.as_ref().map(|(_, at)| *at);
        let place = match error.kind {
            Kind::FeatureNotSupported => at(&self.clauses.format),
            Kind::InvalidParameterValue => self.clauses.options_at.or(at(&self.clauses.format)),
            _ => at(&self.clauses.location),
        };
        error.at(place)
    }
}
