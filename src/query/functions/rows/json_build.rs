//! JSON out of values of any type.

use super::json_read::{parsed, sorted};
use super::{Entry, Row, text};
use crate::base::value::{Style, text_of};
use crate::base::{Error, Kind, Result, Type};
use datafusion::arrow::array::{Array, StructArray};
use datafusion::common::ScalarValue;
use serde_json::Value;

pub(super) const ALL: &[Entry] = &[
    ("array_to_json(anyarray) json", |row| text(written(row, 0)?)),
    ("json_agg of(anyarray) json", |row| aggregate(row)),
    ("json_build_array(variadic any) json", |row| text(format!("[{}]", all(row)?.join(", ")))),
    ("json_build_object(variadic any) json", |row| text(format!("{{{}}}", fields(row)?.join(", ")))),
    ("json_object_agg of(anyarray, anyarray) json", |row| match object(row)? {
        Some(fields) => text(format!("{{ {} }}", fields.join(", "))),
        None => Ok(None),
    }),
    ("jsonb_agg of(anyarray) jsonb", |row| match aggregate(row)? {
        Some(value) => binary(value.try_as_str().flatten().unwrap_or_default()),
        None => Ok(None),
    }),
    ("jsonb_build_array(variadic any) jsonb", |row| binary(&format!("[{}]", all(row)?.join(", ")))),
    ("jsonb_build_object(variadic any) jsonb", |row| binary(&format!("{{{}}}", fields(row)?.join(", ")))),
    ("jsonb_object_agg of(anyarray, anyarray) jsonb", |row| match object(row)? {
        Some(fields) => binary(&format!("{{{}}}", fields.join(","))),
        None => Ok(None),
    }),
    ("json_object(text[]) json", |row| text(format!("{{{}}}", paired(&row.texts(0)?)?.join(", ")))),
    ("json_object(text[], text[]) json", |row| text(format!("{{{}}}", zipped(row)?.join(", ")))),
    ("jsonb_object(text[]) jsonb", |row| binary(&format!("{{{}}}", paired(&row.texts(0)?)?.join(", ")))),
    ("jsonb_object(text[], text[]) jsonb", |row| binary(&format!("{{{}}}", zipped(row)?.join(", ")))),
    ("row_to_json(any) json", |row| text(written(row, 0)?)),
    ("to_json(any) json", |row| text(written(row, 0)?)),
    ("to_jsonb(any) jsonb", |row| binary(&written(row, 0)?)),
];

/// The function that makes JSON of what an aggregate of arrays has collected.
pub fn row_name(aggregate: &str) -> Option<&'static str> {
    Some(match aggregate {
        "json_agg" => "json_agg of",
        "jsonb_agg" => "jsonb_agg of",
        "json_object_agg" => "json_object_agg of",
        "jsonb_object_agg" => "jsonb_object_agg of",
        "range_agg" => "range_agg of",
        "range_intersect_agg" => "range_intersect_agg of",
        _ => return None,
    })
}

fn binary(json: &str) -> Result<Option<ScalarValue>> {
    Ok(sorted(&parsed(json)?).map(ScalarValue::from))
}

fn written(row: &Row<'_>, at: usize) -> Result<String> {
    match (row.values.get(at), row.types.get(at)) {
        (Some(value), Some(ty)) => json_of(value, ty, &row.style()),
        _ => Ok("null".into()),
    }
}

/// A value as JSON: numbers and booleans as they are, arrays and records with their parts, the rest as text.
fn json_of(value: &ScalarValue, ty: &Type, style: &Style) -> Result<String> {
    if value.is_null() {
        return Ok("null".into());
    }
    match (value, ty) {
        (ScalarValue::List(items), ty) => {
            let items = items.value(0);
            let element = match ty {
                Type::Array(element) => element.as_ref().clone(),
                _ => Type::from_arrow(items.data_type()),
            };
            let items = (0..items.len()).map(|at| json_of(&ScalarValue::try_from_array(&items, at)?, &element, style));
            Ok(format!("[{}]", items.collect::<Result<Vec<_>>>()?.join(",")))
        }
        (ScalarValue::Struct(record), _) => record_of(record, style),
        (_, Type::Json | Type::Jsonb) => Ok(value.try_as_str().flatten().unwrap_or("null").to_string()),
        _ => {
            let shown = text_of(value, ty, style)?.unwrap_or_default();
            Ok(match ty {
                Type::Bool => (if shown == "t" { "true" } else { "false" }).to_string(),
                Type::Int2 | Type::Int4 | Type::Int8 | Type::Float4 | Type::Float8 | Type::Numeric(_)
                    if !matches!(shown.as_str(), "NaN" | "Infinity" | "-Infinity") =>
                {
                    shown
                }
                Type::Timestamp | Type::Timestamptz => {
                    let iso = shown.replacen(' ', "T", 1);
                    let short = *ty == Type::Timestamptz && iso.rfind(['+', '-']).is_some_and(|at| at + 3 == iso.len());
                    quoted(&if short { format!("{iso}:00") } else { iso })
                }
                _ => quoted(&shown),
            })
        }
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn record_of(record: &StructArray, style: &Style) -> Result<String> {
    let fields = record.fields().iter().zip(record.columns()).map(|(field, column)| {
        let value = ScalarValue::try_from_array(column, 0)?;
        let name = crate::query::rewrite::columns::shown(field.name());
        Ok(format!("{}:{}", quoted(name), json_of(&value, &Type::of(field), style)?))
    });
    Ok(format!("{{{}}}", fields.collect::<Result<Vec<_>>>()?.join(",")))
}

fn all(row: &Row<'_>) -> Result<Vec<String>> {
    (0..row.values.len()).map(|at| written(row, at)).collect()
}

fn refused(message: &str) -> Error {
    Error::new(Kind::InvalidParameterValue, message)
}

fn fields(row: &Row<'_>) -> Result<Vec<String>> {
    if row.values.len() % 2 == 1 {
        return Err(refused("argument list must have even number of elements")
            .hint("The arguments of json_build_object() must consist of alternating keys and values.".to_string()));
    }
    (0..row.values.len() / 2)
        .map(|at| {
            let key = row
                .shown(2 * at)?
                .ok_or_else(|| Error::new(Kind::NullNotAllowed, format!("argument {} cannot be null", 2 * at + 1)))?;
            Ok(format!("{} : {}", quoted(&key), written(row, 2 * at + 1)?))
        })
        .collect()
}

fn pair(key: Option<&String>, value: Option<&String>) -> Result<String> {
    let key = key.ok_or_else(|| Error::new(Kind::NullNotAllowed, "null value not allowed for object key"))?;
    Ok(format!("{} : {}", quoted(key), value.map_or("null".to_string(), |value| quoted(value))))
}

/// Keys and values by turns.
fn paired(texts: &[Option<String>]) -> Result<Vec<String>> {
    if texts.len() % 2 == 1 {
        return Err(Error::new(Kind::ArraySubscript, "array must have even number of elements"));
    }
    texts.chunks(2).map(|two| pair(two[0].as_ref(), two[1].as_ref())).collect()
}

fn zipped(row: &Row<'_>) -> Result<Vec<String>> {
    let (keys, values) = (row.texts(0)?, row.texts(1)?);
    if keys.len() != values.len() {
        return Err(Error::new(Kind::ArraySubscript, "mismatched array dimensions"));
    }
    keys.iter().zip(&values).map(|(key, value)| pair(key.as_ref(), value.as_ref())).collect()
}

fn aggregate(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    let Some(items) = row.items(0) else { return Ok(None) };
    let element = match row.types.first() {
        Some(Type::Array(element)) => element.as_ref().clone(),
        _ => Type::from_arrow(items.data_type()),
    };
    let items = (0..items.len()).map(|at| json_of(&ScalarValue::try_from_array(&items, at)?, &element, &row.style()));
    let items = items.collect::<Result<Vec<_>>>()?;
    // PostgreSQL begins a line for each record.
    let between =
        if items.iter().any(|item| item.starts_with('{')) && element == Type::Record { ", \n " } else { ", " };
    text(format!("[{}]", items.join(between)))
}

fn object(row: &Row<'_>) -> Result<Option<Vec<String>>> {
    let (Some(keys), Some(values)) = (row.items(0), row.items(1)) else { return Ok(None) };
    let element = |at: usize| match row.types.get(at) {
        Some(Type::Array(element)) => element.as_ref().clone(),
        _ => Type::Text,
    };
    let (key_type, value_type) = (element(0), element(1));
    let fields = (0..keys.len()).map(|at| {
        let key = text_of(&ScalarValue::try_from_array(&keys, at)?, &key_type, &row.style())?;
        let key = key.ok_or_else(|| Error::new(Kind::NullNotAllowed, "field name must not be null"))?;
        let value = json_of(&ScalarValue::try_from_array(&values, at)?, &value_type, &row.style())?;
        Ok(format!("{} : {value}", quoted(&key)))
    });
    Ok(Some(fields.collect::<Result<_>>()?))
}
