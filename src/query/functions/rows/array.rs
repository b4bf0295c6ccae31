//! Arrays: their lengths, bounds and items.

use super::{Entry, Row, int, list, text};
use crate::base::{Error, Kind, Result, Type};
use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;

pub(super) const ALL: &[Entry] = &[
    ("array_dims(anyarray) text", dims),
    ("array_fill(anyelement, int4[]) anyarray", fill),
    ("array_length(anyarray, int4) int4", |row| bound(row, Some)),
    ("array_lower(anyarray, int4) int4", |row| bound(row, |_| Some(first_subscript(row)))),
    ("array_ndims(anyarray) int4", |row| match lengths(row).len() {
        0 => Ok(None),
        dimensions => int(dimensions),
    }),
    ("array_position(anyarray, any) int4", |row| Ok(positions(row, 0)?.first().map(|at| ScalarValue::from(*at)))),
    ("array_position(anyarray, any, int4) int4", |row| {
        let from = usize::try_from(row.int(2) - 1).unwrap_or_default();
        Ok(positions(row, from)?.first().map(|at| ScalarValue::from(*at)))
    }),
    ("array_positions(anyarray, any) int4[]", |row| {
        if row.is_null(0) {
            return Ok(None);
        }
        Ok(Some(list(positions(row, 0)?.into_iter().map(ScalarValue::from).collect(), &DataType::Int32)))
    }),
    ("array_remove(anyarray, any) anyarray", |row| each(row, |item, value| (item != value).then(|| item.clone()))),
    ("array_replace(anyarray, any, any) anyarray", |row| {
        let new = row.values[2].clone();
        each(row, |item, value| if item == value { new.cast_to(&item.data_type()).ok() } else { Some(item.clone()) })
    }),
    ("array_upper(anyarray, int4) int4", |row| bound(row, |length| Some(length + first_subscript(row) - 1))),
    ("cardinality(anyarray) int4", |row| match lengths(row).as_slice() {
        [] => int(0),
        lengths => int(lengths.iter().product()),
    }),
    ("trim_array(anyarray, int4) anyarray", trim),
];

/// Where the first argument, an array, begins to count.
pub(super) fn first_subscript(row: &Row<'_>) -> usize {
    usize::from(!row.types.first().is_some_and(Type::is_vector))
}

/// The length of each dimension; none when the array is empty.
fn lengths(row: &Row<'_>) -> Vec<usize> {
    let mut lengths = vec![];
    let mut items = row.items(0);
    while let Some(array) = items.filter(|array| !array.is_empty()) {
        lengths.push(array.len());
        items = inner(&array);
    }
    lengths
}

fn inner(array: &ArrayRef) -> Option<ArrayRef> {
    match ScalarValue::try_from_array(array, 0) {
        Ok(ScalarValue::List(list)) if !list.is_null(0) => Some(list.value(0)),
        _ => None,
    }
}

fn bound(row: &Row<'_>, of: impl Fn(usize) -> Option<usize>) -> Result<Option<ScalarValue>> {
    let dimension = usize::try_from(row.int(1)).ok().and_then(|at| at.checked_sub(1));
    match dimension.and_then(|at| lengths(row).get(at).copied()).and_then(of) {
        Some(bound) => int(bound),
        None => Ok(None),
    }
}

fn dims(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    let first = first_subscript(row);
    let dims = lengths(row).into_iter().map(|length| format!("[{first}:{}]", length + first - 1));
    let dims: String = dims.collect();
    if dims.is_empty() { Ok(None) } else { text(dims) }
}

/// The items and the value that they are compared with, of their type.
fn compared(row: &Row<'_>) -> Result<Option<(Vec<ScalarValue>, ScalarValue)>> {
    let Some(items) = row.items(0) else { return Ok(None) };
    let value = row.values[1].cast_to(items.data_type())?;
    let items = (0..items.len()).map(|at| ScalarValue::try_from_array(&items, at));
    Ok(Some((items.collect::<datafusion::error::Result<_>>()?, value)))
}

fn positions(row: &Row<'_>, from: usize) -> Result<Vec<i32>> {
    let Some((items, value)) = compared(row)? else { return Ok(vec![]) };
    let found = items.iter().enumerate().skip(from).filter(|(_, item)| **item == value);
    Ok(found.filter_map(|(at, _)| i32::try_from(at + 1).ok()).collect())
}

fn each(
    row: &Row<'_>,
    kept: impl Fn(&ScalarValue, &ScalarValue) -> Option<ScalarValue>,
) -> Result<Option<ScalarValue>> {
    let Some((items, value)) = compared(row)? else { return Ok(None) };
    Ok(Some(list(items.iter().filter_map(|item| kept(item, &value)).collect(), &value.data_type())))
}

fn fill(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    let lengths = row.items(1);
    let lengths: Vec<i64> = match &lengths {
        Some(lengths) => (0..lengths.len())
            .filter_map(|at| ScalarValue::try_from_array(lengths, at).ok())
            .map(|value| match value {
                ScalarValue::Int32(Some(length)) => i64::from(length),
                _ => 0,
            })
            .collect(),
        None => return Ok(None),
    };
    let whole: Option<usize> = lengths
        .iter()
        .try_fold(1usize, |whole, length| whole.checked_mul(usize::try_from(*length).ok()?))
        .filter(|whole| *whole < 1_000_000);
    match (whole, lengths.as_slice()) {
        (Some(_), [length]) => {
            let ty = row.values[0].data_type();
            Ok(Some(list(vec![row.values[0].clone(); usize::try_from(*length).unwrap_or_default()], &ty)))
        }
        _ => Err(Error::unsupported("array_fill makes arrays of one dimension and fewer than a million items")
            .hint("'{{0,0},{0,0}}'::int[]".to_string())),
    }
}

fn trim(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    let Some(items) = row.items(0) else { return Ok(None) };
    let kept = usize::try_from(row.int(1)).ok().and_then(|cut| items.len().checked_sub(cut));
    let Some(kept) = kept else {
        let message = format!("number of elements to trim must be between 0 and {}", items.len());
        return Err(Error::new(Kind::ArraySubscript, message));
    };
    let kept = (0..kept).map(|at| ScalarValue::try_from_array(&items, at));
    Ok(Some(list(kept.collect::<datafusion::error::Result<_>>()?, items.data_type())))
}
