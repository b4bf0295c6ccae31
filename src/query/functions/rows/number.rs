//! Numbers: signs, whole quotients, digits and buckets.

use super::{Entry, Row, int};
use crate::base::{Error, Kind, Result};
use datafusion::common::ScalarValue;

pub(super) const ALL: &[Entry] = &[
    ("acosd(float8) float8", |row| real(row.real(0).acos().to_degrees())),
    ("asind(float8) float8", |row| real(row.real(0).asin().to_degrees())),
    ("atand(float8) float8", |row| real(row.real(0).atan().to_degrees())),
    ("cosd(float8) float8", |row| real(exact(row.real(0) + 90.0, |turn| turn.to_radians().sin()))),
    ("div(numeric, numeric) numeric", divide),
    ("gcd(int8, int8) int8", |row| Ok(Some(ScalarValue::Int64(Some(gcd(row.int(0), row.int(1))))))),
    ("gcd(int4, int4) int4", |row| Ok(Some(ScalarValue::Int32(i32::try_from(gcd(row.int(0), row.int(1))).ok())))),
    ("min_scale(numeric) int4", |row| int(least(row)?.1)),
    ("scale(numeric) int4", |row| int(usize::try_from(decimal(row, 0)?.1).unwrap_or_default())),
    ("setseed(float8) text", |row| match row.real(0).abs() <= 1.0 {
        true => Ok(Some(ScalarValue::from(""))),
        false => Err(Error::new(Kind::InvalidParameterValue, "setseed parameter is out of allowed range [-1,1]")),
    }),
    ("sign(numeric) numeric", |row| Ok(Some(ScalarValue::Decimal128(Some(decimal(row, 0)?.0.signum()), 38, 0)))),
    ("sign(float8) float8", |row| real(if row.real(0) == 0.0 { 0.0 } else { row.real(0).signum() })),
    ("sind(float8) float8", |row| real(exact(row.real(0), |turn| turn.to_radians().sin()))),
    ("tand(float8) float8", |row| {
        let sine = exact(row.real(0), |turn| turn.to_radians().sin());
        real(sine / exact(row.real(0) + 90.0, |turn| turn.to_radians().sin()))
    }),
    ("trim_scale(numeric) numeric", |row| {
        let (digits, scale) = least(row)?;
        Ok(Some(ScalarValue::Decimal128(Some(digits), 38, i8::try_from(scale).unwrap_or_default())))
    }),
    ("width_bucket(float8, float8, float8, int4) int4", bucket),
    ("width_bucket(any, anyarray) int4", bucket_of),
];

fn real(value: f64) -> Result<Option<ScalarValue>> {
    Ok(Some(ScalarValue::Float64(Some(value))))
}

/// A sine that is exact where it is known.
fn exact(degrees: f64, sine: impl Fn(f64) -> f64) -> f64 {
    let turn = degrees.rem_euclid(360.0);
    let known =
        [(0.0, 0.0), (30.0, 0.5), (90.0, 1.0), (150.0, 0.5), (180.0, 0.0), (210.0, -0.5), (270.0, -1.0), (330.0, -0.5)];
    known.iter().find(|(at, _)| *at == turn).map_or_else(|| sine(turn), |(_, value)| *value)
}

fn gcd(left: i64, right: i64) -> i64 {
    let (mut left, mut right) = (left.unsigned_abs(), right.unsigned_abs());
    while right != 0 {
        (left, right) = (right, left % right);
    }
    i64::try_from(left).unwrap_or(i64::MAX)
}

/// Digits and how many of them are after the point.
fn decimal(row: &Row<'_>, at: usize) -> Result<(i128, i8)> {
    match row.values.get(at) {
        Some(ScalarValue::Decimal128(Some(digits), _, scale)) => Ok((*digits, *scale)),
        _ => Err(Error::internal("a number must be held as one")),
    }
}

fn least(row: &Row<'_>) -> Result<(i128, usize)> {
    let (mut digits, scale) = decimal(row, 0)?;
    let mut scale = usize::try_from(scale).unwrap_or_default();
    while scale > 0 && digits % 10 == 0 {
        digits /= 10;
        scale -= 1;
    }
    Ok((digits, scale))
}

/// The quotient without its fraction.
fn divide(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    let ((left, left_scale), (right, right_scale)) = (decimal(row, 0)?, decimal(row, 1)?);
    if right == 0 {
        return Err(Error::new(Kind::DivisionByZero, "division by zero"));
    }
    let scaled = |digits: i128, by: i8| 10i128.checked_pow(by.max(0).unsigned_abs().into())?.checked_mul(digits);
    let (left, right) = (scaled(left, right_scale - left_scale), scaled(right, left_scale - right_scale));
    let quotient = left.zip(right).map(|(left, right)| left / right);
    let quotient = quotient.ok_or_else(|| Error::new(Kind::NumericOutOfRange, "numeric field overflow"))?;
    Ok(Some(ScalarValue::Decimal128(Some(quotient), 38, 0)))
}

fn bucket(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    let refused = |message: &str| Err(Error::new(Kind::InvalidWidthBucket, message));
    let (value, low, high, count) = (row.real(0), row.real(1), row.real(2), row.int(3));
    if count <= 0 {
        return refused("count must be greater than zero");
    }
    if value.is_nan() || low.is_nan() || high.is_nan() {
        return refused("operand, lower bound, and upper bound cannot be NaN");
    }
    if !low.is_finite() || !high.is_finite() {
        return refused("lower and upper bounds must be finite");
    }
    if low == high {
        return refused("lower bound cannot equal upper bound");
    }
    let share = (value - low) / (high - low);
    let bucket = match share {
        share if share < 0.0 => 0,
        share if share >= 1.0 => count + 1,
        share => (share * count as f64) as i64 + 1,
    };
    Ok(Some(ScalarValue::Int32(i32::try_from(bucket).ok())))
}

/// How many thresholds a value has reached.
fn bucket_of(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    let Some(items) = row.items(1) else { return Ok(None) };
    let value = row.values[0].cast_to(items.data_type())?;
    let mut reached = 0;
    for at in 0..items.len() {
        if ScalarValue::try_from_array(&items, at)? <= value {
            reached = at + 1;
        }
    }
    int(reached)
}
