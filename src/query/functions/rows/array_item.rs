//! Items and parts of arrays of several dimensions.

use super::{Entry, Row};
use crate::base::{Error, Kind, Result, Type};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListArray};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::concat;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::ScalarValue;
use std::sync::Arc;

pub(super) const ALL: &[Entry] = &[("array item(any, variadic any) anyelement", item)];

/// `a[1][2]`, and `j['key'][0]` of a `jsonb`.
fn item(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    if row.types.first() == Some(&Type::Jsonb) {
        let value = super::json_read::value(row, 0)?;
        let mut found = Some(&value);
        for at in 1..row.values.len() {
            let key = match row.types.get(at) {
                Some(Type::Int2 | Type::Int4 | Type::Int8) => row.int(at).to_string(),
                _ => row.text(at).to_string(),
            };
            found = found.and_then(|value| super::json_read::step(value, &key));
        }
        return Ok(found.and_then(super::json_read::sorted).map(ScalarValue::from));
    }
    if row.types.first().is_none_or(|ty| ty.as_array().is_none()) {
        let name = crate::query::operators::name_of(row.types.first().unwrap_or(&Type::Text));
        let message = format!("cannot subscript type {name} because it does not support subscripting");
        return Err(Error::new(Kind::DatatypeMismatch, message));
    }
    let mut found = row.values[0].clone();
    for at in 1..row.values.len() {
        let ScalarValue::List(list) = &found else { return Ok(None) };
        if list.is_null(0) {
            return Ok(None);
        }
        let items = list.value(0);
        let Some(at) =
            usize::try_from(row.int(at)).ok().and_then(|at| at.checked_sub(super::array::first_subscript(row)))
        else {
            return Ok(None);
        };
        if at >= items.len() {
            return Ok(None);
        }
        found = ScalarValue::try_from_array(&items, at)?;
    }
    // As many subscripts as dimensions, or it is none of the items.
    Ok(Some(found).filter(|found| !found.data_type().is_list()))
}

/// The items of all dimensions in one list.
pub fn flattened(array: &ArrayRef) -> Result<ArrayRef> {
    let Some(list) = array.as_list_opt::<i32>() else { return Ok(array.clone()) };
    if !list.value_type().is_list() {
        return Ok(array.clone());
    }
    let mut rows: Vec<ArrayRef> = vec![];
    let mut lengths = vec![];
    for row in 0..list.len() {
        let inner = flattened(&list.value(row))?;
        let inner = inner.as_list::<i32>();
        let parts: Vec<ArrayRef> = (0..inner.len()).map(|at| inner.value(at)).collect();
        let parts = if list.is_null(row) { vec![] } else { parts };
        lengths.push(parts.iter().map(|part| part.len()).sum());
        rows.extend(parts);
    }
    let rows: Vec<&dyn Array> = rows.iter().map(|row| row.as_ref()).collect();
    let values = match rows.is_empty() {
        true => datafusion::arrow::array::new_empty_array(&innermost(&list.value_type())),
        false => concat(&rows)?,
    };
    let item = Arc::new(Field::new("item", values.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(item, OffsetBuffer::from_lengths(lengths), values, list.nulls().cloned())?))
}

/// What the innermost lists hold.
pub fn innermost(ty: &DataType) -> DataType {
    match ty {
        DataType::List(item) => innermost(item.data_type()),
        other => other.clone(),
    }
}
