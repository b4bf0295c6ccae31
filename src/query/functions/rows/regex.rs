//! Regular expressions: every match, the parts between, and one of them.

use super::{Entry, Row, list, texts};
use crate::base::{Error, Kind, Result};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::ScalarValue;
use regex::{Captures, Regex, RegexBuilder};
use std::sync::Arc;

pub(super) const ALL: &[Entry] = &[
    ("regexp_matches(text, text) setof text[]", |row| matches(row, "")),
    ("regexp_matches(text, text, text) setof text[]", |row| matches(row, row.text(2))),
    ("regexp_split_to_array(text, text) text[]", |row| split(row, "")),
    ("regexp_split_to_array(text, text, text) text[]", |row| split(row, row.text(2))),
    ("regexp_split_to_table(text, text) setof text", |row| split(row, "")),
    ("regexp_split_to_table(text, text, text) setof text", |row| split(row, row.text(2))),
    ("regexp_substr(text, text) text", |row| {
        Ok(pattern(row, "")?.find(row.text(0)).map(|found| ScalarValue::from(found.as_str())))
    }),
    ("substring of pattern(text, text) text", |row| {
        let found = pattern(row, "")?.captures(row.text(0));
        let part =
            found.and_then(|found| found.get(usize::from(found.len() > 1)).map(|part| part.as_str().to_string()));
        Ok(part.map(ScalarValue::from))
    }),
];

fn pattern(row: &Row<'_>, flags: &str) -> Result<Regex> {
    let mut builder = RegexBuilder::new(row.text(1));
    // A dot stands for every character in PostgreSQL, a line's end included.
    builder.dot_matches_new_line(true);
    for flag in flags.chars() {
        match flag {
            'i' => builder.case_insensitive(true),
            'n' | 'm' => builder.multi_line(true).dot_matches_new_line(false),
            's' => builder.dot_matches_new_line(true),
            'x' => builder.ignore_whitespace(true),
            'c' | 'g' | 't' => &mut builder,
            other => {
                let message = format!("invalid regular expression option: \"{other}\"");
                return Err(Error::new(Kind::InvalidParameterValue, message));
            }
        };
    }
    builder.build().map_err(|error| {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_string();
        Error::new(Kind::InvalidRegex, format!("invalid regular expression: {reason}"))
    })
}

/// What the groups of a match hold, or the whole when there are none.
fn groups(found: &Captures<'_>) -> Vec<Option<String>> {
    let from = usize::from(found.len() > 1);
    (from..found.len()).map(|at| found.get(at).map(|group| group.as_str().to_string())).collect()
}

fn matches(row: &Row<'_>, flags: &str) -> Result<Option<ScalarValue>> {
    let limit = if flags.contains('g') { usize::MAX } else { 1 };
    let regex = pattern(row, flags)?;
    let found = regex.captures_iter(row.text(0)).take(limit).map(|found| texts(groups(&found)));
    let item = DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)));
    Ok(Some(list(found.collect(), &item)))
}

fn split(row: &Row<'_>, flags: &str) -> Result<Option<ScalarValue>> {
    let regex = pattern(row, flags)?;
    let text = row.text(0);
    // An empty match at either end splits nothing off.
    let mut parts = vec![];
    let mut from = 0;
    for found in regex.find_iter(text) {
        if found.is_empty() && (found.start() == 0 || found.end() == text.len() || found.start() == from) {
            continue;
        }
        parts.push(Some(text[from..found.start()].to_string()));
        from = found.end();
    }
    parts.push(Some(text[from..].to_string()));
    Ok(Some(texts(parts)))
}
