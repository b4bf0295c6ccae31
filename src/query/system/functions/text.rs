//! Quoting, encodings and arrays, as catalog statements use them.

use super::{Call, Entry};
use crate::base::{Result, quote_identifier, quote_literal};
use crate::query::system::page::Cell;

pub const ALL: &[Entry] = &[
    // What is left of `ARRAY(SELECT …)`: no rows are an empty array, not NULL.
    ("aqueduct_array(any) text[]", |call| {
        Ok(call.values.first().filter(|it| **it != Cell::Null).cloned().unwrap_or(Cell::List(vec![])))
    }),
    ("aqueduct_options(any) text[]", options),
    ("aqueduct_prefixed(text, any) text[]", prefixed),
    ("array_lower(any, int4) int4", |call| Ok(length(call).map(|_| 1).into())),
    ("array_upper(any, int4) int4", |call| Ok(length(call).into())),
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

fn prefixed(call: &Call<'_>) -> Result<Cell> {
    let (Some(prefix), Some(Cell::List(items))) = (call.text(0), call.values.get(1)) else { return Ok(Cell::Null) };
    Ok(Cell::List(items.iter().map(|item| format!("{prefix}{item}")).collect()))
}
