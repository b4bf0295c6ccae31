//! What SQL/JSON paths find in `jsonb` values.

use super::json_read::{sorted, value};
use super::{Entry, Row, bool, texts};
use crate::base::{Error, Kind, Result};
use crate::query::functions::jsonpath::{Search, parse};
use datafusion::common::ScalarValue;
use serde_json::{Map, Value};

pub(super) const ALL: &[Entry] = &[
    ("jsonb_path_exists(jsonb, jsonpath) bool", exists),
    ("jsonb_path_exists(jsonb, jsonpath, jsonb) bool", exists),
    ("jsonb_path_exists(jsonb, jsonpath, jsonb, bool) bool", exists),
    ("jsonb_path_match(jsonb, jsonpath) bool", matches),
    ("jsonb_path_match(jsonb, jsonpath, jsonb) bool", matches),
    ("jsonb_path_match(jsonb, jsonpath, jsonb, bool) bool", matches),
    ("jsonb_path_query(jsonb, jsonpath) setof jsonb", query),
    ("jsonb_path_query(jsonb, jsonpath, jsonb) setof jsonb", query),
    ("jsonb_path_query(jsonb, jsonpath, jsonb, bool) setof jsonb", query),
    ("jsonb_path_query_array(jsonb, jsonpath) jsonb", all),
    ("jsonb_path_query_array(jsonb, jsonpath, jsonb) jsonb", all),
    ("jsonb_path_query_array(jsonb, jsonpath, jsonb, bool) jsonb", all),
    ("jsonb_path_query_first(jsonb, jsonpath) jsonb", first),
    ("jsonb_path_query_first(jsonb, jsonpath, jsonb) jsonb", first),
    ("jsonb_path_query_first(jsonb, jsonpath, jsonb, bool) jsonb", first),
    // `@?` and `@@`, which keep quiet about errors
    ("jsonb @?(jsonb, jsonpath) bool", |row| match found(row) {
        Ok(found) => bool(!found.is_empty()),
        Err(error) if error.kind == Kind::Syntax => Err(error),
        Err(_) => Ok(None),
    }),
    ("jsonb @@(jsonb, jsonpath) bool", |row| match found(row) {
        Ok(found) => match found.as_slice() {
            [Value::Bool(holds)] => bool(*holds),
            _ => Ok(None),
        },
        Err(error) if error.kind == Kind::Syntax => Err(error),
        Err(_) => Ok(None),
    }),
];

fn found(row: &Row<'_>) -> Result<Vec<Value>> {
    let root = value(row, 0)?;
    let path = parse(row.text(1))?;
    let variables = match row.values.len() {
        2 => Value::Object(Map::new()),
        _ => value(row, 2)?,
    };
    if !variables.is_object() {
        return Err(Error::new(Kind::InvalidParameterValue, "\"vars\" argument is not an object")
            .detail("jsonpath parameters should be encoded as key-value pairs of \"vars\" object"));
    }
    Search { path: &path, root: &root, variables: &variables }.found()
}

/// What is found; `None` when there was an error that is to be kept quiet.
fn quietly(row: &Row<'_>) -> Result<Option<Vec<Value>>> {
    match found(row) {
        Ok(found) => Ok(Some(found)),
        Err(error) if row.bool(3) && error.kind != Kind::Syntax => Ok(None),
        Err(error) => Err(error),
    }
}

fn exists(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    match quietly(row)? {
        Some(found) => bool(!found.is_empty()),
        None => Ok(None),
    }
}

fn matches(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    match quietly(row)?.as_deref() {
        Some([Value::Bool(holds)]) => bool(*holds),
        Some([Value::Null]) | None => Ok(None),
        Some(_) if row.bool(3) => Ok(None),
        Some(_) => Err(Error::new(Kind::JsonSingleton, "single boolean result is expected")),
    }
}

fn query(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    Ok(Some(texts(quietly(row)?.unwrap_or_default().iter().map(sorted))))
}

fn all(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    Ok(sorted(&Value::Array(quietly(row)?.unwrap_or_default())).map(ScalarValue::from))
}

fn first(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    Ok(quietly(row)?.unwrap_or_default().first().and_then(sorted).map(ScalarValue::from))
}
