//! The text form of every Arrow array.

use super::interval::{Interval, write_interval};
use super::nested;
use super::textual;
use super::{
    Cells, Each, Style, each, held, primitive, write_date, write_decimal, write_float4, write_float8, write_time,
    write_timestamp, write_timestamptz,
};
use crate::base::{Error, Result, Span, Textual, Type};
use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::*;
use datafusion::arrow::datatypes::*;
use std::fmt::{Display, Write};

pub(super) fn cells<'a>(array: &'a dyn Array, ty: &Type, style: &'a Style) -> Result<Box<dyn Cells + 'a>> {
    let trim = *ty == Type::Numeric(None);
    match array.data_type() {
        DataType::Null => {
            Ok(Box::new(Each { array: held::<NullArray>(array)?, write: |_: &NullArray, _, _: &mut _| Ok(()) }))
        }
        DataType::Boolean => each::<BooleanArray>(array, |array, row, out| {
            out.put_u8(if array.value(row) { b't' } else { b'f' });
            Ok(())
        }),
        DataType::Int8 => primitive::<Int8Type>(array, integer),
        DataType::Int16 => primitive::<Int16Type>(array, integer),
        DataType::Int32 => primitive::<Int32Type>(array, integer),
        DataType::Int64 => primitive::<Int64Type>(array, integer),
        DataType::UInt8 => primitive::<UInt8Type>(array, integer),
        DataType::UInt16 => primitive::<UInt16Type>(array, integer),
        DataType::UInt32 => primitive::<UInt32Type>(array, integer),
        DataType::UInt64 => primitive::<UInt64Type>(array, integer),
        DataType::Float16 => primitive::<Float16Type>(array, |value, out| write_float4(value.to_f32(), out)),
        DataType::Float32 => primitive::<Float32Type>(array, write_float4),
        DataType::Float64 => primitive::<Float64Type>(array, write_float8),
        DataType::Decimal32(_, scale) => decimal::<Decimal32Type>(array, *scale, trim),
        DataType::Decimal64(_, scale) => decimal::<Decimal64Type>(array, *scale, trim),
        DataType::Decimal128(_, scale) => decimal::<Decimal128Type>(array, *scale, trim),
        DataType::Decimal256(_, scale) => decimal::<Decimal256Type>(array, *scale, trim),
        _ if array.data_type().is_string() && is_restyled(ty) => {
            Ok(Box::new(Restyled { inner: plain_text(array)?, ty: ty.clone(), style }))
        }
        DataType::Utf8 => each::<StringArray>(array, |array, row, out| put_str(array.value(row), out)),
        DataType::LargeUtf8 => each::<LargeStringArray>(array, |array, row, out| put_str(array.value(row), out)),
        DataType::Utf8View => each::<StringViewArray>(array, |array, row, out| put_str(array.value(row), out)),
        DataType::Binary => each::<BinaryArray>(array, |array, row, out| put_hex(array.value(row), out)),
        DataType::LargeBinary => each::<LargeBinaryArray>(array, |array, row, out| put_hex(array.value(row), out)),
        DataType::BinaryView => each::<BinaryViewArray>(array, |array, row, out| put_hex(array.value(row), out)),
        DataType::FixedSizeBinary(16) if *ty == Type::Uuid => {
            each::<FixedSizeBinaryArray>(array, |array, row, out| put_uuid(array.value(row), out))
        }
        DataType::FixedSizeBinary(_) => {
            each::<FixedSizeBinaryArray>(array, |array, row, out| put_hex(array.value(row), out))
        }
        DataType::Date32 | DataType::Date64 => date(array),
        DataType::Time32(_) | DataType::Time64(_) => with_micros(array, write_time),
        DataType::Timestamp(_, None) => with_micros(array, write_timestamp),
        DataType::Timestamp(_, Some(_)) => {
            with_micros(array, move |micros, out| write_timestamptz(micros, &style.zone, out))
        }
        DataType::Interval(_) | DataType::Duration(_) => {
            with_interval(array, move |interval, out| write_interval(interval, style.intervals, out))
        }
        DataType::Dictionary(..) | DataType::RunEndEncoded(..) => {
            nested::indirect(array, ty, super::Format::Text, style)
        }
        DataType::List(_) if ty.is_vector() => nested::vector_text(array, style),
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::FixedSizeList(..) => nested::array_text(array, ty, style),
        DataType::Struct(_) => nested::record_text(array, style),
        DataType::Map(..) => nested::map_text(array, style),
        DataType::Union(..) => Err(Error::unsupported("a column of a union type cannot be shown")),
    }
}

/// Types whose text depends on the session, or has more in it than is shown.
fn is_restyled(ty: &Type) -> bool {
    ty.is_reference() || matches!(ty, Type::Textual(Textual::Range(Span::Tstz) | Textual::Multirange(Span::Tstz)))
}

struct Restyled<'a> {
    inner: Box<dyn Cells + 'a>,
    ty: Type,
    style: &'a Style,
}

impl Cells for Restyled<'_> {
    fn is_null(&self, row: usize) -> bool {
        self.inner.is_null(row)
    }

    fn write(&self, row: usize, out: &mut BytesMut) -> Result<()> {
        let mut text = BytesMut::new();
        self.inner.write(row, &mut text)?;
        let text = std::str::from_utf8(&text).unwrap_or_default();
        match &self.ty {
            Type::Textual(Textual::Range(span)) => {
                let range = textual::range(text, *span, &Style::default())?;
                put_str(&range.shown(*span, self.style), out)
            }
            Type::Textual(Textual::Multirange(span)) => {
                let ranges = textual::multirange(text, *span, &Style::default())?;
                put_str(&textual::shown_multirange(&ranges, *span, self.style), out)
            }
            _ => put_str(textual::name_of_reference(text), out),
        }
    }
}

/// The text as it is held.
pub(super) fn plain_text(array: &dyn Array) -> Result<Box<dyn Cells + '_>> {
    match array.data_type() {
        DataType::LargeUtf8 => each::<LargeStringArray>(array, |array, row, out| put_str(array.value(row), out)),
        DataType::Utf8View => each::<StringViewArray>(array, |array, row, out| put_str(array.value(row), out)),
        _ => each::<StringArray>(array, |array, row, out| put_str(array.value(row), out)),
    }
}

fn integer(value: impl Display, out: &mut BytesMut) {
    // Writing into memory has no way to fail.
    let _ = write!(out, "{value}");
}

fn decimal<'a, T: DecimalType>(array: &'a dyn Array, scale: i8, trim: bool) -> Result<Box<dyn Cells + 'a>>
where
    T::Native: Display,
{
    primitive::<T>(array, move |value, out| write_decimal(value, scale, trim, out))
}

fn put_str(text: &str, out: &mut BytesMut) -> Result<()> {
    out.put_slice(text.as_bytes());
    Ok(())
}

fn put_hex(bytes: &[u8], out: &mut BytesMut) -> Result<()> {
    out.reserve(2 + 2 * bytes.len());
    out.put_slice(b"\\x");
    bytes.iter().for_each(|byte| put_hex_byte(*byte, out));
    Ok(())
}

fn put_hex_byte(byte: u8, out: &mut BytesMut) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.put_u8(DIGITS[usize::from(byte >> 4)]);
    out.put_u8(DIGITS[usize::from(byte & 15)]);
}

fn put_uuid(bytes: &[u8], out: &mut BytesMut) -> Result<()> {
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.put_u8(b'-');
        }
        put_hex_byte(*byte, out);
    }
    Ok(())
}

fn date(array: &dyn Array) -> Result<Box<dyn Cells + '_>> {
    with_days(array, write_date)
}

/// Cells of an array of dates, given in days since 1970.
pub(super) fn with_days<'a>(
    array: &'a dyn Array,
    write: impl Fn(i32, &mut BytesMut) + Send + 'a,
) -> Result<Box<dyn Cells + 'a>> {
    match array.data_type() {
        DataType::Date32 => primitive::<Date32Type>(array, write),
        _ => primitive::<Date64Type>(array, move |ms, out| write(ms.div_euclid(86_400_000) as i32, out)),
    }
}

/// Cells of an array of times or timestamps of any unit, given in microseconds.
pub(super) fn with_micros<'a>(
    array: &'a dyn Array,
    write: impl Fn(i64, &mut BytesMut) + Send + 'a,
) -> Result<Box<dyn Cells + 'a>> {
    match array.data_type() {
        DataType::Time32(TimeUnit::Second) => {
            primitive::<Time32SecondType>(array, move |value, out| write(i64::from(value) * 1_000_000, out))
        }
        DataType::Time32(_) => {
            primitive::<Time32MillisecondType>(array, move |value, out| write(i64::from(value) * 1_000, out))
        }
        DataType::Time64(TimeUnit::Microsecond) => primitive::<Time64MicrosecondType>(array, write),
        DataType::Time64(_) => primitive::<Time64NanosecondType>(array, move |value, out| write(value / 1_000, out)),
        DataType::Timestamp(TimeUnit::Second, _) => {
            primitive::<TimestampSecondType>(array, move |value, out| write(value.saturating_mul(1_000_000), out))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            primitive::<TimestampMillisecondType>(array, move |value, out| write(value.saturating_mul(1_000), out))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => primitive::<TimestampMicrosecondType>(array, write),
        _ => primitive::<TimestampNanosecondType>(array, move |value, out| write(value.div_euclid(1_000), out)),
    }
}

/// Cells of an array of intervals or durations of any unit.
pub(super) fn with_interval<'a>(
    array: &'a dyn Array,
    write: impl Fn(Interval, &mut BytesMut) + Send + 'a,
) -> Result<Box<dyn Cells + 'a>> {
    let of_micros = |micros| Interval { months: 0, days: 0, micros };
    match array.data_type() {
        DataType::Interval(IntervalUnit::YearMonth) => primitive::<IntervalYearMonthType>(array, move |months, out| {
            write(Interval { months, ..Interval::default() }, out)
        }),
        DataType::Interval(IntervalUnit::DayTime) => primitive::<IntervalDayTimeType>(array, move |value, out| {
            write(Interval { months: 0, days: value.days, micros: i64::from(value.milliseconds) * 1_000 }, out)
        }),
        DataType::Interval(_) => primitive::<IntervalMonthDayNanoType>(array, move |value, out| {
            write(Interval { months: value.months, days: value.days, micros: value.nanoseconds / 1_000 }, out)
        }),
        DataType::Duration(TimeUnit::Second) => primitive::<DurationSecondType>(array, move |value, out| {
            write(of_micros(value.saturating_mul(1_000_000)), out)
        }),
        DataType::Duration(TimeUnit::Millisecond) => primitive::<DurationMillisecondType>(array, move |value, out| {
            write(of_micros(value.saturating_mul(1_000)), out)
        }),
        DataType::Duration(TimeUnit::Microsecond) => {
            primitive::<DurationMicrosecondType>(array, move |value, out| write(of_micros(value), out))
        }
        _ => primitive::<DurationNanosecondType>(array, move |value, out| write(of_micros(value / 1_000), out)),
    }
}
