//! Quoting, encodings and arrays, as catalog statements use them.

use super::{Call, Entry};
use crate::base::{Error, Kind, Result, quote_identifier, quote_literal};
use crate::query::system::page::Cell;

pub const ALL: &[Entry] = &[
    ("aqueduct_options(any) text[]", options),
    ("aqueduct_prefixed(text, any) text[]", prefixed),
    ("array_lower(any, int4) int4", |call| Ok(length(call).map(|_| 1).into())),
    ("array_upper(any, int4) int4", |call| Ok(length(call).into())),
    ("format(text) text", format),
    ("format(text, any) text", format),
    ("format(text, any, any) text", format),
    ("format(text, any, any, any) text", format),
    ("format(text, any, any, any, any) text", format),
    ("getdatabaseencoding() name", |_| Ok("UTF8".into())),
    ("parse_ident(text) text[]", |call| Ok(call.text(0).map(super::lookup::parts).into())),
    ("pg_char_to_encoding(name) int4", |call| Ok(call.text(0).map(|name| if is_utf8(name) { 6 } else { -1 }).into())),
    ("pg_client_encoding() name", |_| Ok("UTF8".into())),
    ("pg_encoding_max_length(int4) int4", |_| Ok(4.into())),
    ("pg_encoding_to_char(int4) name", |call| Ok(if call.int(0) == Some(6) { "UTF8" } else { "" }.into())),
    ("quote_ident(text) text", |call| Ok(call.text(0).map(quote_identifier).into())),
    ("quote_literal(any) text", |call| Ok(call.text(0).map(quote_literal).into())),
    ("quote_nullable(any) text", |call| Ok(call.text(0).map_or("NULL".into(), quote_literal).into())),
];

fn is_utf8(name: &str) -> bool {
    ["utf8", "utf-8", "unicode"].contains(&name.to_lowercase().as_str())
}

/// Items of the first dimension; NULL when there are none, as in Postgres.
fn length(call: &Call<'_>) -> Option<usize> {
    match call.values.first() {
        Some(Cell::List(items)) if call.int(1) == Some(1) => Some(items.len()).filter(|length| *length > 0),
        _ => None,
    }
}

/// `{host=a,port=1}` as `host 'a'`, `port '1'`: each as it was typed after OPTIONS.
fn options(call: &Call<'_>) -> Result<Cell> {
    let Some(Cell::List(options)) = call.values.first() else { return Ok(Cell::Null) };
    let shown = options.iter().map(|option| {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        format!("{} {}", quote_identifier(key), quote_literal(value))
    });
    Ok(Cell::List(shown.collect()))
}

/// `%s` as it is, `%I` as an identifier, `%L` as a literal, `%%` a percent sign, `%2$s` the second argument.
fn format(call: &Call<'_>) -> Result<Cell> {
    let Some(template) = call.text(0) else { return Ok(Cell::Null) };
    let mut shown = String::new();
    let mut next = 1;
    let mut rest = template;
    while let Some(at) = rest.find('%') {
        shown.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits > 0 && rest[digits..].starts_with('$') {
            next = rest[..digits].parse().unwrap_or(next);
            rest = &rest[digits + 1..];
        }
        let Some(kind) = rest.chars().next() else { return Err(unfinished(template)) };
        rest = &rest[kind.len_utf8()..];
        if kind == '%' {
            shown.push('%');
            continue;
        }
        let Some(value) = call.values.get(next) else {
            return Err(Error::new(Kind::InvalidParameterValue, "too few arguments for format()"));
        };
        next += 1;
        let value = plain(value);
        match (kind, value) {
            ('s', value) => shown.push_str(&value.unwrap_or_default()),
            ('I', Some(value)) => shown.push_str(&quote_identifier(&value)),
            ('I', None) => {
                return Err(Error::new(Kind::NullNotAllowed, "null values cannot be formatted as an SQL identifier"));
            }
            ('L', value) => shown.push_str(&value.map_or("NULL".into(), |value| quote_literal(&value))),
            _ => return Err(unfinished(template)),
        }
    }
    shown.push_str(rest);
    Ok(shown.into())
}

fn plain(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Null => None,
        Cell::Bool(value) => Some(if *value { "t" } else { "f" }.into()),
        Cell::Int(value) | Cell::Instant(value) => Some(value.to_string()),
        Cell::Real(value) => Some(value.to_string()),
        Cell::Text(value) => Some(value.clone()),
        Cell::List(items) => Some(format!("{{{}}}", items.join(","))),
    }
}

fn unfinished(template: &str) -> Error {
    Error::new(Kind::InvalidParameterValue, format!("unrecognized format() type specifier in \"{template}\""))
        .hint("for a single \"%\" use \"%%\"".to_string())
}

fn prefixed(call: &Call<'_>) -> Result<Cell> {
    let (Some(prefix), Some(Cell::List(items))) = (call.text(0), call.values.get(1)) else { return Ok(Cell::Null) };
    Ok(Cell::List(items.iter().map(|item| format!("{prefix}{item}")).collect()))
}
