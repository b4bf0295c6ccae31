//! What is in a JSON value: its fields, items and type, and whether it contains another.

use super::{Entry, Row, bool, int, list, text, texts};
use crate::base::{Error, Kind, Result, Type};
use crate::query::functions::text::json;
use datafusion::arrow::array::{ArrayRef, StringArray, StructArray};
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::ScalarValue;
use serde_json::Value;
use std::sync::Arc;

pub(super) const ALL: &[Entry] = &[
    ("json_array_elements(json) setof json", |row| elements(row, shown)),
    ("json_array_elements_text(json) setof text", |row| elements(row, plain)),
    ("json_array_length(json) int4", length),
    ("json_each(json) setof record", |row| each(row, shown)),
    ("json_each_text(json) setof record", |row| each(row, plain)),
    ("json_extract_path(json, variadic any) json", |row| path(row, shown)),
    ("json_extract_path_text(json, variadic any) text", |row| path(row, plain)),
    ("json_object_keys(json) setof text", keys),
    ("json_typeof(json) text", kind),
    ("jsonb_array_elements(jsonb) setof jsonb", |row| elements(row, sorted)),
    ("jsonb_array_elements_text(jsonb) setof text", |row| elements(row, plain_sorted)),
    ("jsonb_array_length(jsonb) int4", length),
    ("jsonb_contained(jsonb, jsonb) bool", |row| bool(contains(&value(row, 1)?, &value(row, 0)?, true))),
    ("jsonb_contains(jsonb, jsonb) bool", |row| bool(contains(&value(row, 0)?, &value(row, 1)?, true))),
    ("jsonb_each(jsonb) setof record", |row| each(row, sorted)),
    ("jsonb_each_text(jsonb) setof record", |row| each(row, plain_sorted)),
    ("jsonb_exists(jsonb, text) bool", |row| bool(exists(&value(row, 0)?, row.text(1)))),
    ("jsonb_exists_all(jsonb, text[]) bool", |row| {
        let (value, keys) = (value(row, 0)?, row.texts(1)?);
        bool(keys.iter().flatten().all(|key| exists(&value, key)))
    }),
    ("jsonb_exists_any(jsonb, text[]) bool", |row| {
        let (value, keys) = (value(row, 0)?, row.texts(1)?);
        bool(keys.iter().flatten().any(|key| exists(&value, key)))
    }),
    ("jsonb_extract_path(jsonb, variadic any) jsonb", |row| path(row, sorted)),
    ("jsonb_extract_path_text(jsonb, variadic any) text", |row| path(row, plain_sorted)),
    ("jsonb_object_keys(jsonb) setof text", keys),
    ("jsonb_pretty(jsonb) text", |row| {
        let mut out = String::new();
        pretty(&value(row, 0)?, 0, &mut out);
        text(out)
    }),
    ("jsonb to bool(jsonb, text) bool", |row| match value(row, 0)? {
        Value::Bool(value) => bool(value),
        Value::Null => Ok(None),
        other => Err(uncast(&other, row.text(1))),
    }),
    ("jsonb to number(jsonb, text) text", |row| match value(row, 0)? {
        Value::Number(number) => number_for(&number, row.text(1)),
        Value::Null => Ok(None),
        other => Err(uncast(&other, row.text(1))),
    }),
    ("jsonb_typeof(jsonb) text", kind),
    // `#>` and `#>>`
    ("json get path(any, text[]) sametype", |row| items_path(row, |value| shown_as(row, value))),
    ("json get path text(any, text[]) text", |row| items_path(row, plain_sorted)),
];

/// The type of a list of fields with their values.
pub(super) fn pairs(name: &str) -> Option<DataType> {
    let ty = match name {
        "json_each" => Type::Json,
        "jsonb_each" => Type::Jsonb,
        "json_each_text" | "jsonb_each_text" => Type::Text,
        _ => return None,
    };
    Some(DataType::List(Arc::new(Field::new("item", DataType::Struct(fields(&ty)), true))))
}

fn fields(ty: &Type) -> Fields {
    Fields::from(vec![Type::Text.field("key", true), ty.field("value", true)])
}

pub(super) fn value(row: &Row<'_>, at: usize) -> Result<Value> {
    parsed(row.text(at))
}

pub(super) fn parsed(text: &str) -> Result<Value> {
    serde_json::from_str(text)
        .map_err(|error| Error::new(Kind::InvalidText, "invalid input syntax for type json").detail(error.to_string()))
}

pub(super) fn shown(value: &Value) -> Option<String> {
    Some(value.to_string())
}

pub(super) fn sorted(value: &Value) -> Option<String> {
    Some(json(value))
}

fn shown_as(row: &Row<'_>, value: &Value) -> Option<String> {
    if row.types.first() == Some(&Type::Jsonb) { sorted(value) } else { shown(value) }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => shown(other),
    }
}

fn plain_sorted(value: &Value) -> Option<String> {
    match value {
        Value::Object(_) | Value::Array(_) => sorted(value),
        other => plain(other),
    }
}

fn refused(message: &str) -> Error {
    Error::new(Kind::InvalidParameterValue, message)
}

fn elements(row: &Row<'_>, shown: fn(&Value) -> Option<String>) -> Result<Option<ScalarValue>> {
    match value(row, 0)? {
        Value::Array(items) => Ok(Some(texts(items.iter().map(shown)))),
        Value::Object(_) => Err(refused("cannot extract elements from an object")),
        _ => Err(refused("cannot extract elements from a scalar")),
    }
}

fn object(row: &Row<'_>, what: &str) -> Result<Vec<(String, Value)>> {
    match value(row, 0)? {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.into_iter().collect();
            if row.types.first() == Some(&Type::Jsonb) {
                fields.sort_by(|(left, _), (right, _)| (left.len(), left).cmp(&(right.len(), right)));
            }
            Ok(fields)
        }
        Value::Array(_) => Err(refused(&format!("cannot {what} on an array"))),
        _ => Err(refused(&format!("cannot {what} on a scalar"))),
    }
}

fn each(row: &Row<'_>, shown: fn(&Value) -> Option<String>) -> Result<Option<ScalarValue>> {
    let found = object(row, "call jsonb_each")?;
    let keys: ArrayRef = Arc::new(StringArray::from_iter_values(found.iter().map(|(key, _)| key)));
    let values: ArrayRef = Arc::new(found.iter().map(|(_, value)| shown(value)).collect::<StringArray>());
    let plain = Fields::from(vec![Field::new("key", DataType::Utf8, true), Field::new("value", DataType::Utf8, true)]);
    let rows = StructArray::try_new(plain.clone(), vec![keys, values], None)?;
    let rows: Vec<_> =
        (0..found.len()).map(|at| ScalarValue::try_from_array(&rows, at)).collect::<datafusion::error::Result<_>>()?;
    Ok(Some(list(rows, &DataType::Struct(plain))))
}

fn keys(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    Ok(Some(texts(object(row, "call jsonb_object_keys")?.into_iter().map(|(key, _)| Some(key)))))
}

fn length(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    match value(row, 0)? {
        Value::Array(items) => int(items.len()),
        Value::Object(_) => Err(refused("cannot get array length of a non-array")),
        _ => Err(refused("cannot get array length of a scalar")),
    }
}

fn uncast(value: &Value, to: &str) -> Error {
    refused(&format!("cannot cast jsonb {} to type {to}", name_of(value)))
}

/// A number as a text that its type reads: whole when the type is.
fn number_for(number: &serde_json::Number, to: &str) -> Result<Option<ScalarValue>> {
    let number = number.to_string();
    match (to, number.parse::<f64>()) {
        ("smallint" | "integer" | "bigint", Ok(value)) if number.contains(['.', 'e', 'E']) => {
            text(format!("{}", value.round()))
        }
        _ => text(number),
    }
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "numeric",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn kind(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    text(match value(row, 0)? {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    })
}

/// A field of an object, or an item of an array by its number.
pub(super) fn step<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields.get(key),
        Value::Array(items) => items.get(place(items.len(), key)?),
        _ => None,
    }
}

/// Where an item is that may be counted from the end.
pub(super) fn place(length: usize, key: &str) -> Option<usize> {
    let at: i64 = key.trim().parse().ok()?;
    usize::try_from(if at < 0 { at + i64::try_from(length).ok()? } else { at }).ok()
}

fn path(row: &Row<'_>, shown: fn(&Value) -> Option<String>) -> Result<Option<ScalarValue>> {
    let value = value(row, 0)?;
    let found = (1..row.values.len()).try_fold(&value, |value, at| step(value, row.text(at)));
    Ok(found.and_then(shown).map(ScalarValue::from))
}

fn items_path(row: &Row<'_>, shown: impl Fn(&Value) -> Option<String>) -> Result<Option<ScalarValue>> {
    let (value, keys) = (value(row, 0)?, row.texts(1)?);
    let found = keys.iter().try_fold(&value, |value, key| step(value, key.as_deref()?));
    Ok(found.and_then(shown).map(ScalarValue::from))
}

fn exists(value: &Value, key: &str) -> bool {
    match value {
        Value::Object(fields) => fields.contains_key(key),
        Value::Array(items) => items.iter().any(|item| item.as_str() == Some(key)),
        Value::String(text) => text == key,
        _ => false,
    }
}

/// Whether a value has all that another has. At the top an array contains a plain value that is one of its items.
fn contains(whole: &Value, part: &Value, top: bool) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, value)| whole.get(key).is_some_and(|found| contains(found, value, false)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            part.iter().all(|item| whole.iter().any(|found| contains(found, item, false)))
        }
        (Value::Array(whole), plain) if top && !plain.is_object() => whole.contains(plain),
        (Value::Number(whole), Value::Number(part)) => whole == part || whole.as_f64() == part.as_f64(),
        (whole, part) => whole == part,
    }
}

fn pretty(value: &Value, depth: usize, out: &mut String) {
    let indent = |depth: usize| format!("\n{}", "    ".repeat(depth));
    match value {
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                out.push_str(&indent(depth + 1));
                pretty(item, depth + 1, out);
            }
            out.push_str(&indent(depth));
            out.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| (key.len(), key.as_str()));
            out.push('{');
            for (at, (key, field)) in fields.into_iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                out.push_str(&indent(depth + 1));
                out.push_str(&format!("{}: ", Value::from(key.as_str())));
                pretty(field, depth + 1, out);
            }
            out.push_str(&indent(depth));
            out.push('}');
        }
        other => out.push_str(&json(other)),
    }
}
