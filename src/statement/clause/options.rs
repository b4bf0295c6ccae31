//! Lists of options: `WITH (key = 'text', …)` and `OPTIONS (key 'text', key SECRET name, …)`.

use crate::base::sql::Kinds;
use crate::base::{Error, Kind, Result, quote_identifier, quote_literal};
use crate::statement::cursor::Cursor;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// One option as it was typed.
#[derive(Debug)]
pub struct Opt {
    /// In lower case.
    pub key: String,
    pub value: String,
    /// Where the key stands.
    pub offset: usize,
    /// Where the value's own text begins.
    pub value_offset: usize,
}

/// `(key = 'text' | number | word, …)`
pub fn with(cursor: &mut Cursor) -> Result<Vec<Opt>> {
    cursor.list(|cursor| {
        let offset = cursor.offset();
        let key = key(cursor)?;
        cursor.expect_token(&Kinds::Eq)?;
        let at = cursor.offset();
        let (value, quoted) = value(cursor)?;
        Ok(Opt { key, value, offset, value_offset: at + usize::from(quoted) })
    })
}

/// What `OPTIONS (…)` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    pub values: BTreeMap<String, String>,
    /// Option → name of a secret.
    pub secrets: BTreeMap<String, String>,
    /// Where the values stand.
    pub places: BTreeMap<String, Range<usize>>,
}

/// `(key 'text', key SECRET name, …)`, with or without `=`.
pub fn options(cursor: &mut Cursor) -> Result<Options> {
    let mut options = Options::default();
    cursor.list(|cursor| {
        let at = cursor.offset();
        let key = key(cursor)?;
        if options.values.contains_key(&key) || options.secrets.contains_key(&key) {
            return Err(Error::new(Kind::Syntax, format!("option \"{key}\" is given more than once")).at(at));
        }
        cursor.eat_token(&Kinds::Eq);
        if cursor.sees("SECRET _") {
            cursor.expect("SECRET")?;
            options.secrets.insert(key, cursor.identifier()?);
        } else {
            options.places.insert(key.clone(), cursor.span());
            options.values.insert(key, value(cursor)?.0);
        }
        Ok(())
    })?;
    Ok(options)
}

/// A key: a word or a string, dots allowed (`format.delimiter`).
fn key(cursor: &mut Cursor) -> Result<String> {
    if let Ok(text) = cursor.string() {
        return Ok(text.to_lowercase());
    }
    Ok(cursor.dotted()?.join("."))
}

/// The value as text, and whether it was quoted.
fn value(cursor: &mut Cursor) -> Result<(String, bool)> {
    if let Ok(text) = cursor.string() {
        return Ok((text, true));
    }
    if cursor.word(0).is_some() {
        return Ok((cursor.identifier()?, false));
    }
    let number = cursor.until(|_| false)?;
    match number.text.parse::<f64>() {
        Ok(_) => Ok((number.text, false)),
        Err(_) => Err(Error::syntax(&number.text, number.offset).hint("write the value as 'text'".to_string())),
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.values.iter().map(|(key, value)| format!("{} {}", shown(key), quote_literal(value)));
        let secrets =
            self.secrets.iter().map(|(key, name)| format!("{} SECRET {}", shown(key), quote_identifier(name)));
        write!(f, "({})", values.chain(secrets).collect::<Vec<_>>().join(", "))
    }
}

fn shown(key: &str) -> String {
    key.split('.').map(quote_identifier).collect::<Vec<_>>().join(".")
}
