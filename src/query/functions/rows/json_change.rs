//! JSON values with a part put in, replaced or taken out.

use super::json_read::{parsed, place, shown, sorted, value};
use super::{Entry, Row};
use crate::base::{Error, Kind, Result};
use datafusion::common::ScalarValue;
use serde_json::{Map, Value};

pub(super) const ALL: &[Entry] = &[
    ("json_strip_nulls(json) json", |row| {
        let mut value = value(row, 0)?;
        strip(&mut value);
        Ok(shown(&value).map(ScalarValue::from))
    }),
    ("jsonb_concat(jsonb, jsonb) jsonb", concat),
    // In this order, so that a text stands for a key.
    ("jsonb_delete(jsonb, text) jsonb", |row| delete(row, &[Some(row.text(1).to_string())])),
    ("jsonb_delete(jsonb, int4) jsonb", delete_at),
    ("jsonb_delete(jsonb, text[]) jsonb", |row| delete(row, &row.texts(1)?)),
    ("jsonb_delete_path(jsonb, text[]) jsonb", |row| {
        let mut value = value(row, 0)?;
        remove(&mut value, &keys(row)?);
        answer(&value)
    }),
    ("jsonb_insert(jsonb, text[], jsonb) jsonb", |row| change(row, How { replace: false, create: true, after: false })),
    ("jsonb_insert(jsonb, text[], jsonb, bool) jsonb", |row| {
        change(row, How { replace: false, create: true, after: row.bool(3) })
    }),
    ("jsonb_set(jsonb, text[], jsonb) jsonb", |row| change(row, How { replace: true, create: true, after: false })),
    ("jsonb_set(jsonb, text[], jsonb, bool) jsonb", |row| {
        change(row, How { replace: true, create: row.bool(3), after: false })
    }),
    ("jsonb_set_lax(jsonb, text[], jsonb) jsonb", set_lax),
    ("jsonb_set_lax(jsonb, text[], jsonb, bool) jsonb", set_lax),
    ("jsonb_set_lax(jsonb, text[], jsonb, bool, text) jsonb", set_lax),
    ("jsonb_strip_nulls(jsonb) jsonb", |row| {
        let mut value = value(row, 0)?;
        strip(&mut value);
        answer(&value)
    }),
];

fn answer(value: &Value) -> Result<Option<ScalarValue>> {
    Ok(sorted(value).map(ScalarValue::from))
}

fn keys(row: &Row<'_>) -> Result<Vec<String>> {
    let key =
        |key: Option<String>| key.ok_or_else(|| Error::new(Kind::NullNotAllowed, "a path must not have NULL in it"));
    row.texts(1)?.into_iter().map(key).collect()
}

fn refused(message: &str) -> Error {
    Error::new(Kind::InvalidParameterValue, message)
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

fn concat(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    let joined = match (value(row, 0)?, value(row, 1)?) {
        (Value::Object(left), Value::Object(right)) => {
            let mut fields: Map<String, Value> = left;
            fields.extend(right);
            Value::Object(fields)
        }
        (left, right) => {
            let items = |value| match value {
                Value::Array(items) => items,
                plain => vec![plain],
            };
            let mut left = items(left);
            left.extend(items(right));
            Value::Array(left)
        }
    };
    answer(&joined)
}

fn delete(row: &Row<'_>, keys: &[Option<String>]) -> Result<Option<ScalarValue>> {
    let mut value = value(row, 0)?;
    for key in keys.iter().flatten() {
        match &mut value {
            Value::Object(fields) => {
                fields.shift_remove(key);
            }
            Value::Array(items) => items.retain(|item| item.as_str() != Some(key)),
            _ => return Err(refused("cannot delete from scalar")),
        }
    }
    answer(&value)
}

fn delete_at(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    match value(row, 0)? {
        Value::Array(mut items) => {
            if let Some(at) = place(items.len(), &row.int(1).to_string()).filter(|at| *at < items.len()) {
                items.remove(at);
            }
            answer(&Value::Array(items))
        }
        Value::Object(_) => Err(refused("cannot delete from object using integer index")),
        _ => Err(refused("cannot delete from scalar")),
    }
}

fn remove(value: &mut Value, path: &[String]) {
    match (value, path) {
        (Value::Object(fields), [key]) => {
            fields.shift_remove(key);
        }
        (Value::Array(items), [key]) => {
            if let Some(at) = place(items.len(), key).filter(|at| *at < items.len()) {
                items.remove(at);
            }
        }
        (Value::Object(fields), [key, rest @ ..]) => {
            if let Some(inner) = fields.get_mut(key) {
                remove(inner, rest);
            }
        }
        (Value::Array(items), [key, rest @ ..]) => {
            if let Some(inner) = place(items.len(), key).and_then(|at| items.get_mut(at)) {
                remove(inner, rest);
            }
        }
        _ => {}
    }
}

/// What becomes of what is at the end of a path, and of a path without one.
#[derive(Clone, Copy)]
struct How {
    replace: bool,
    create: bool,
    after: bool,
}

fn change(row: &Row<'_>, how: How) -> Result<Option<ScalarValue>> {
    let (mut value, path, new) = (value(row, 0)?, keys(row)?, parsed(row.text(2))?);
    put(&mut value, &path, new, how)?;
    answer(&value)
}

/// As `jsonb_set`, told what NULL means.
fn set_lax(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    if row.is_null(0) || row.is_null(1) {
        return Ok(None);
    }
    let create = row.values.len() < 4 || row.bool(3);
    if !row.is_null(2) {
        return change(row, How { replace: true, create, after: false });
    }
    let (mut value, path) = (value(row, 0)?, keys(row)?);
    match if row.values.len() > 4 { row.text(4) } else { "use_json_null" } {
        "use_json_null" => put(&mut value, &path, Value::Null, How { replace: true, create, after: false })?,
        "delete_key" => remove(&mut value, &path),
        "return_target" => {}
        "raise_exception" => return Err(Error::new(Kind::NullNotAllowed, "JSON value must not be null")),
        _ => {
            let names = "\"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"";
            return Err(refused(&format!("null_value_treatment must be {names}")));
        }
    }
    answer(&value)
}

fn put(value: &mut Value, path: &[String], new: Value, how: How) -> Result<()> {
    match (value, path) {
        (Value::Object(fields), [key]) => {
            if fields.contains_key(key) && !how.replace {
                return Err(refused("cannot replace existing key"));
            }
            if fields.contains_key(key) || how.create {
                fields.insert(key.clone(), new);
            }
        }
        (Value::Array(items), [key]) => match place(items.len(), key) {
            Some(at) if at < items.len() && how.replace => items[at] = new,
            Some(at) if at < items.len() => items.insert(at + usize::from(how.after), new),
            Some(_) if how.create => items.push(new),
            None if how.create => items.insert(0, new),
            _ => {}
        },
        (Value::Object(fields), [key, rest @ ..]) => {
            if let Some(inner) = fields.get_mut(key) {
                put(inner, rest, new, how)?;
            }
        }
        (Value::Array(items), [key, rest @ ..]) => {
            if let Some(inner) = place(items.len(), key).and_then(|at| items.get_mut(at)) {
                put(inner, rest, new, how)?;
            }
        }
        (_, []) => {}
        _ => return Err(refused("cannot set path in scalar")),
    }
    Ok(())
}
