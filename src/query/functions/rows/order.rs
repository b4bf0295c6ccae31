//! Bytes that are ordered as the values are whose own form is not.

use super::Entry;
use crate::base::Type;
use crate::base::value::textual;
use crate::base::value::textual::order_of_number;
use datafusion::common::ScalarValue;
use serde_json::Value;

pub(super) const ALL: &[Entry] = &[("order of(any) bytea", |row| {
    let bytes = match row.types.first() {
        Some(Type::Textual(ty)) => textual::order(row.text(0), *ty)?.unwrap_or_else(|| row.text(0).as_bytes().to_vec()),
        _ => {
            let mut bytes = vec![];
            json(&super::json_read::value(row, 0)?, &mut bytes);
            bytes
        }
    };
    Ok(Some(ScalarValue::Binary(Some(bytes))))
})];

/// Whether values of a type are ordered by these bytes.
pub fn is_ordered_apart(ty: &Type) -> bool {
    match ty {
        Type::Jsonb => true,
        Type::Textual(ty) => textual::has_order(*ty),
        _ => false,
    }
}

/// Null, text, numbers, booleans, arrays, objects; of arrays and objects the one with fewer parts first.
fn json(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(1),
        Value::String(text) => {
            out.push(2);
            string(text, out);
        }
        Value::Number(number) => {
            out.push(3);
            out.extend(order_of_number(&number.to_string()));
        }
        Value::Bool(value) => out.extend([4, u8::from(*value)]),
        Value::Array(items) => {
            out.push(5);
            out.extend((items.len() as u32).to_be_bytes());
            items.iter().for_each(|item| json(item, out));
        }
        Value::Object(fields) => {
            out.push(6);
            out.extend((fields.len() as u32).to_be_bytes());
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| (key.len(), key.as_str()));
            for (key, value) in fields {
                string(key, out);
                json(value, out);
            }
        }
    }
}

/// So that no text is the beginning of another.
fn string(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            0 => out.extend([1, 1]),
            1 => out.extend([1, 2]),
            byte => out.push(byte),
        }
    }
    out.push(0);
}
