//! `format`, and values as literals.

use super::super::bounded::{BYTES_MAX, too_long};
use super::{Entry, Row, text};
use crate::base::{Error, Kind, Result, quote_identifier, quote_literal};
use datafusion::common::ScalarValue;

pub(super) const ALL: &[Entry] = &[
    ("format(text, variadic any) text", format),
    ("quote_literal(any) text", |row| Ok(row.shown(0)?.map(|shown| ScalarValue::from(quote_literal(&shown))))),
    ("quote_nullable(any) text", |row| text(row.shown(0)?.map_or("NULL".into(), |shown| quote_literal(&shown)))),
];

/// `%s` as it is, `%I` as an identifier, `%L` as a literal, `%%` a percent sign; `%2$s` the second argument,
/// `%-5s` at least five characters wide.
fn format(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    if row.is_null(0) {
        return Ok(None);
    }
    let refused = |message: String| Error::new(Kind::InvalidParameterValue, message);
    let mut shown = String::new();
    let mut next = 1;
    let mut rest = row.text(0);
    while let Some(at) = rest.find('%') {
        shown.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            shown.push('%');
            rest = after;
            continue;
        }
        let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if rest[digits(rest)..].starts_with('$') {
            let end = digits(rest);
            next = rest[..end].parse().unwrap_or(next);
            rest = &rest[end + 1..];
        }
        let left = rest.starts_with('-');
        rest = rest.trim_start_matches('-');
        let width: usize = match &rest[..digits(rest)] {
            "" => 0,
            width => width
                .parse::<i32>()
                .ok()
                .and_then(|width| usize::try_from(width).ok())
                .ok_or_else(|| Error::new(Kind::NumericOutOfRange, "number is out of range"))?,
        };
        rest = &rest[digits(rest)..];
        let kind = rest.chars().next().ok_or_else(|| refused("unterminated format() type specifier".into()))?;
        rest = &rest[kind.len_utf8()..];
        if next >= row.values.len() {
            return Err(refused("too few arguments for format()".into()));
        }
        let value = row.shown(next)?;
        next += 1;
        let value = match (kind, value) {
            ('s', value) => value.unwrap_or_default(),
            ('I', Some(value)) => quote_identifier(&value),
            ('I', None) => {
                return Err(Error::new(Kind::NullNotAllowed, "null values cannot be formatted as an SQL identifier"));
            }
            ('L', value) => value.map_or("NULL".into(), |value| quote_literal(&value)),
            (other, _) => {
                return Err(refused(format!("unrecognized format() type specifier \"{other}\""))
                    .hint("For a single \"%\" use \"%%\".".to_string()));
            }
        };
        let blanks = width.saturating_sub(value.chars().count());
        if (shown.len() + value.len() + blanks) as u64 > BYTES_MAX {
            return Err(too_long("format"));
        }
        if left {
            shown.push_str(&value);
        }
        shown.extend(std::iter::repeat_n(' ', blanks));
        if !left {
            shown.push_str(&value);
        }
    }
    shown.push_str(rest);
    text(shown)
}
