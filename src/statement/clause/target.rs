//! Where rows go: `INTO schema.table | connection.schema.table | FILE 'uri' [FORMAT f]`, and `MODE …`.

use super::{later, refuse_later};
use crate::base::name;
use crate::base::{Error, Kind, Name, Result, quote_identifier, quote_literal};
use crate::catalog::workflow::{Mode, Target};
use crate::statement::cursor::Cursor;
use std::fmt;

/// Formats of files, with the endings that mean them.
const FORMATS: &[(&str, &[&str])] =
    &[("parquet", &["parquet", "pq"]), ("csv", &["csv"]), ("json", &["json", "jsonl", "ndjson"])];

/// What stands after `INTO`.
pub fn target(cursor: &mut Cursor) -> Result<Target> {
    let at = cursor.offset();
    if cursor.sees("FILE") && cursor.clone().file().is_some() {
        cursor.expect("FILE")?;
        return file(cursor, at);
    }
    match cursor.dotted()?.as_slice() {
        [table] => Ok(Target::Table(Name::public(table))),
        [schema, table] => Ok(Target::Table(Name::new(schema, table))),
        [database, schema, table] if database == name::database() => Ok(Target::Table(Name::new(schema, table))),
        [connection, schema, table] => {
            Ok(Target::Remote { connection: connection.clone(), schema: schema.clone(), table: table.clone() })
        }
        parts => Err(Error::new(
            Kind::Syntax,
            format!("improper qualified name (too many dotted names): {}", parts.join(".")),
        )
        .at(at)),
    }
}

fn file(cursor: &mut Cursor, at: usize) -> Result<Target> {
    let uri = cursor.string()?;
    let format = match cursor.eat("FORMAT") {
        true => {
            let at = cursor.offset();
            let named = format_name(cursor)?;
            let known = FORMATS.iter().find(|(name, _)| *name == named);
            known.ok_or_else(|| unknown_format(&named, at))?.0
        }
        false => {
            let ending = uri.rsplit_once('.').map_or("", |(_, ending)| ending).to_lowercase();
            let known = FORMATS.iter().find(|(_, endings)| endings.contains(&ending.as_str()));
            known
                .ok_or_else(|| {
                    Error::new(
                        Kind::InvalidParameterValue,
                        format!("cannot tell the format of file \"{uri}\" from its name"),
                    )
                    .hint("add FORMAT parquet, csv or json".to_string())
                    .at(at)
                })?
                .0
        }
    };
    Ok(Target::File { uri, format: format.to_string() })
}

/// A format's name, bare or as text.
pub fn format_name(cursor: &mut Cursor) -> Result<String> {
    cursor.string().or_else(|_| cursor.identifier()).map(|name| name.to_lowercase())
}

pub fn unknown_format(name: &str, at: usize) -> Error {
    Error::new(Kind::InvalidParameterValue, format!("format \"{name}\" not recognized"))
        .hint("formats of files are parquet, csv and json".to_string())
        .at(at)
}

/// What stands after `MODE`.
pub fn mode(cursor: &mut Cursor) -> Result<Mode> {
    refuse_later(cursor)?;
    let at = cursor.offset();
    if cursor.eat("REPLACE") {
        Ok(Mode::Replace)
    } else if cursor.eat("APPEND") {
        Ok(Mode::Append)
    } else if cursor.eat("FAIL") {
        Ok(Mode::Fail)
    } else if cursor.eat("UPSERT") {
        cursor.expect("KEY")?;
        let key = cursor.list(Cursor::identifier)?;
        Ok(Mode::Upsert { key, delete_missing: cursor.eat("DELETE MISSING") })
    } else if cursor.sees("OVERWRITE") {
        Err(later("MODE OVERWRITE", at))
    } else {
        Err(cursor.expected("REPLACE, APPEND, FAIL or UPSERT KEY (…)"))
    }
}

/// ` INTO … MODE …`, with a space in front.
pub fn print_target(f: &mut fmt::Formatter<'_>, target: &Target, mode: &Mode) -> fmt::Result {
    match target {
        Target::Table(name) => write!(f, " INTO {name}")?,
        Target::Remote { connection, schema, table } => {
            let parts = [connection, schema, table].map(|part| quote_identifier(part));
            write!(f, " INTO {}", parts.join("."))?;
        }
        Target::File { uri, format } => write!(f, " INTO FILE {} FORMAT {format}", quote_literal(uri))?,
    }
    match mode {
        Mode::Replace => Ok(()),
        Mode::Append => f.write_str(" MODE APPEND"),
        Mode::Fail => f.write_str(" MODE FAIL"),
        Mode::Upsert { key, delete_missing } => {
            let key: Vec<_> = key.iter().map(|column| quote_identifier(column)).collect();
            write!(f, " MODE UPSERT KEY ({})", key.join(", "))?;
            if *delete_missing { f.write_str(" DELETE MISSING") } else { Ok(()) }
        }
    }
}

impl Cursor<'_> {
    /// The address behind the word FILE, when this is no table of that name.
    fn file(&mut self) -> Option<String> {
        self.eat("FILE").then(|| self.string().ok()).flatten()
    }
}
