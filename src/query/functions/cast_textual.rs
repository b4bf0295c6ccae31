//! Casts to types that are held as text, and others that need more than Arrow knows.

use super::text;
use crate::base::value::textual::{NUMBERED, bits, bits_of_number, name_of_reference, read_textual};
use crate::base::value::{Format, Style, Zone, cells};
use crate::base::{Result, Textual, Type};
use bytes::BytesMut;
use chrono_tz::Tz;
use datafusion::arrow::array::{
    ArrayRef, AsArray, Float64Array, IntervalMonthDayNanoArray, StringArray, Time64MicrosecondArray,
};
use datafusion::arrow::datatypes::{
    DataType, Field, Float32Type, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, Time64MicrosecondType,
};
use std::sync::Arc;

const DAY_MICROS: i64 = 86_400_000_000;

/// The texts of values that are not held as text.
pub(super) fn of(array: &ArrayRef, ty: Textual, zone: Tz) -> Result<ArrayRef> {
    let texts: StringArray = match (ty, array.data_type()) {
        (Textual::Bit(length), from) if from.is_integer() => {
            let numbers = super::cast::plain(array, &DataType::Int64)?;
            let numbers = numbers.as_primitive::<Int64Type>().iter();
            numbers.map(|number| number.map(|number| bits_of_number(number, length.unwrap_or(1)).to_string())).collect()
        }
        // `2024-01-01 10:00:00+00`
        (Textual::Timetz, DataType::Timestamp(..)) => {
            let texts = text::of(array, zone)?;
            let clock = |text: &str| text.split_once(' ').map_or(text, |(_, clock)| clock).to_string();
            texts.as_string::<i32>().iter().map(|text| text.map(clock)).collect()
        }
        _ => return text::of(array, zone),
    };
    Ok(Arc::new(texts))
}

/// A text in the form of its type; a cast makes bits as long as it says.
pub(super) fn checked(text: &str, ty: Textual, zone: Tz) -> Result<String> {
    match ty {
        Textual::Bit(length) => Ok(bits(text)?.cast(length, true).to_string()),
        Textual::Varbit(length) => Ok(bits(text)?.cast(length, false).to_string()),
        ty => read_textual(text, ty, &Style { zone: Zone::Named(zone), ..Style::default() }),
    }
}

/// The part of a day that an interval is more than whole days.
pub(super) fn time_of_interval(array: &ArrayRef) -> Result<ArrayRef> {
    let array = super::cast::plain(array, &Type::Interval.arrow())?;
    let times = array.as_primitive::<IntervalMonthDayNanoType>().iter();
    let times: Time64MicrosecondArray =
        times.map(|value| value.map(|value| (value.nanoseconds / 1_000).rem_euclid(DAY_MICROS))).collect();
    Ok(Arc::new(times))
}

/// The time since midnight.
pub(super) fn interval_of_time(array: &ArrayRef) -> Result<ArrayRef> {
    let array = super::cast::plain(array, &Type::Time.arrow())?;
    let times = array.as_primitive::<Time64MicrosecondType>().iter();
    let intervals: IntervalMonthDayNanoArray =
        times.map(|micros| micros.map(|micros| IntervalMonthDayNano::new(0, 0, micros * 1_000))).collect();
    Ok(Arc::new(intervals))
}

/// Vectors of the catalog as they print.
pub(super) fn spaced(array: &ArrayRef, ty: &Type) -> Result<ArrayRef> {
    let style = Style::default();
    let cells = cells(array.as_ref(), ty, Format::Text, &style)?;
    let text = |row: usize| {
        let mut text = BytesMut::new();
        cells.write(row, &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    };
    let texts = (0..array.len()).map(|row| (!cells.is_null(row)).then(|| text(row)).transpose());
    Ok(Arc::new(texts.collect::<Result<StringArray>>()?))
}

/// References to the catalog by their names, or by their numbers where those are known.
pub(super) fn named(array: &ArrayRef, number: bool) -> Result<ArrayRef> {
    let texts = super::cast::plain(array, &DataType::Utf8)?;
    let part = |text: &str| match text.split_once(NUMBERED) {
        Some((_, oid)) if number => oid.to_string(),
        _ => name_of_reference(text).to_string(),
    };
    let texts: StringArray = texts.as_string::<i32>().iter().map(|text| text.map(part)).collect();
    Ok(Arc::new(texts))
}

/// Floats with the digits that they surely have.
pub(super) fn six_digits(array: &ArrayRef) -> ArrayRef {
    let floats = array.as_primitive::<Float32Type>().iter();
    let floats: Float64Array =
        floats.map(|value| value.map(|value| format!("{value:.5e}").parse().unwrap_or(f64::from(value)))).collect();
    Arc::new(floats)
}

/// The Arrow type of a cast from another: an array keeps its dimensions.
pub(super) fn deep(ty: &Type, from: &DataType) -> DataType {
    match (ty, from) {
        (Type::Array(_), DataType::List(item)) if item.data_type().is_list() => {
            DataType::List(Arc::new(Field::new("item", deep(ty, item.data_type()), true)))
        }
        (ty, _) => ty.arrow(),
    }
}

/// Whether a text in a JSON value has the character that no text can have.
pub(super) fn has_nul(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) => text.contains('\0'),
        serde_json::Value::Array(items) => items.iter().any(has_nul),
        serde_json::Value::Object(fields) => fields.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}
