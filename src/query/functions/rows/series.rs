//! `generate_series` of anything but long runs of integers: a list with every value.

use super::clock::{instant_of, local, parts, shifted};
use super::{Entry, Row, list};
use crate::base::{Error, Kind, Result};
use datafusion::arrow::array::PrimitiveArray;
use datafusion::arrow::datatypes::{ArrowPrimitiveType, DataType, Int32Type, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::common::utils::SingleRowListArrayBuilder;
use std::sync::Arc;

pub(super) const ALL: &[Entry] = &[
    ("generate_series(int4, int4) setof int4", |row| integers::<Int32Type>(row, 1)),
    ("generate_series(int4, int4, int4) setof int4", |row| integers::<Int32Type>(row, row.int(2))),
    ("generate_series(int8, int8) setof int8", |row| integers::<Int64Type>(row, 1)),
    ("generate_series(int8, int8, int8) setof int8", |row| integers::<Int64Type>(row, row.int(2))),
    ("generate_series(numeric, numeric) setof numeric", decimals),
    ("generate_series(numeric, numeric, numeric) setof numeric", decimals),
    ("generate_series(timestamp, timestamp, interval) setof timestamp", |row| times(row, false)),
    ("generate_series(timestamptz, timestamptz, interval) setof timestamptz", |row| times(row, true)),
    ("generate_subscripts(anyarray, int4) setof int4", |row| {
        let length = row.items(0).filter(|_| row.int(1) == 1).map_or(0, |items| items.len());
        let first = super::array::first_subscript(row);
        let items = (first..first + length).filter_map(|at| i32::try_from(at).ok()).map(ScalarValue::from);
        Ok(Some(list(items.collect(), &DataType::Int32)))
    }),
];

/// Values that one call may have.
const VALUES_MAX: i128 = 10_000_000;

fn too_many() -> Error {
    Error::new(Kind::TooLarge, format!("generate_series of more than {VALUES_MAX} values is not supported here"))
        .hint("FROM generate_series(1, …) takes more, as long as its bounds are constants".to_string())
}

fn no_step() -> Error {
    Error::new(Kind::InvalidParameterValue, "step size cannot equal zero")
}

fn integers<T: ArrowPrimitiveType<Native: TryFrom<i128>>>(row: &Row<'_>, step: i64) -> Result<Option<ScalarValue>> {
    let numbers = numbers(row.int(0).into(), row.int(1).into(), step.into())?;
    let numbers: PrimitiveArray<T> = numbers.map(|at| T::Native::try_from(at).ok()).collect();
    Ok(Some(ScalarValue::List(Arc::new(SingleRowListArrayBuilder::new(Arc::new(numbers)).build_list_array()))))
}

fn numbers(first: i128, last: i128, step: i128) -> Result<impl Iterator<Item = i128>> {
    if step == 0 {
        return Err(no_step());
    }
    let count = if (step > 0) == (first <= last) || first == last { (last - first) / step + 1 } else { 0 };
    if count > VALUES_MAX {
        return Err(too_many());
    }
    Ok((0..count).map(move |at| first + at * step))
}

/// Of the most digits after the point that any argument has.
fn decimals(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    let parts: Vec<(i128, i8)> = row
        .values
        .iter()
        .filter_map(|value| match value {
            ScalarValue::Decimal128(Some(digits), _, scale) => Some((*digits, *scale)),
            _ => None,
        })
        .collect();
    let scale = parts.iter().map(|(_, scale)| *scale).max().unwrap_or_default();
    let overflow = || Error::new(Kind::NumericOutOfRange, "numeric field overflow");
    let unit = |by: i8| 10i128.checked_pow(by.unsigned_abs().into()).ok_or_else(overflow);
    let scaled = |at: usize| -> Result<i128> {
        let Some((digits, own)) = parts.get(at) else { return unit(scale) };
        digits.checked_mul(unit(scale - own)?).ok_or_else(overflow)
    };
    let numbers = numbers(scaled(0)?, scaled(1)?, scaled(2)?)?;
    let numbers = numbers.map(|digits| ScalarValue::Decimal128(Some(digits), 38, scale));
    Ok(Some(list(numbers.collect(), &DataType::Decimal128(38, scale))))
}

/// Steps are taken on the wall clock, from each time to the next.
fn times(row: &Row<'_>, zoned: bool) -> Result<Option<ScalarValue>> {
    let micros = |at: usize| match &row.values[at] {
        ScalarValue::TimestampMicrosecond(Some(micros), _) => *micros,
        _ => 0,
    };
    let (mut at, last) = (micros(0), micros(1));
    let (months, days, time) = parts(row, 2);
    let forward = (i64::from(months) * 30 + i64::from(days)).saturating_mul(86_400_000_000).saturating_add(time);
    if forward == 0 {
        return Err(no_step());
    }
    let wrap = |micros| ScalarValue::TimestampMicrosecond(Some(micros), zoned.then(|| "UTC".into()));
    let mut values = vec![];
    while if forward > 0 { at <= last } else { at >= last } {
        values.push(wrap(at));
        if values.len() as i128 > VALUES_MAX {
            return Err(too_many());
        }
        at = match (months, days) {
            (0, 0) => at,
            _ if zoned => instant_of(shifted(local(at, row.zone), months, days)?, row.zone),
            _ => shifted(at, months, days)?,
        };
        at = at.checked_add(time).ok_or_else(|| Error::new(Kind::DatetimeOverflow, "timestamp out of range"))?;
    }
    Ok(Some(list(values, &wrap(0).data_type())))
}
