//! The binary form of every type, chosen by the SQL type that the client was told.

use super::calendar::{EPOCH_DAYS, EPOCH_MICROS};
use super::number::write_decimal_binary;
use super::text::{self, with_days, with_interval, with_micros};
use super::{Cells, Format, Style, each, mismatch, nested, primitive, textual};
use crate::base::{Error, Kind, Result, Type};
use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::*;
use datafusion::arrow::datatypes::*;
use std::fmt::Display;

pub(super) fn cells<'a>(array: &'a dyn Array, ty: &Type, style: &'a Style) -> Result<Box<dyn Cells + 'a>> {
    let held = array.data_type();
    match held {
        DataType::Null => return text::cells(array, ty, style),
        DataType::Dictionary(..) | DataType::RunEndEncoded(..) => {
            return nested::indirect(array, ty, Format::Binary, style);
        }
        _ => {}
    }
    match (ty, held) {
        (Type::Bool, DataType::Boolean) => each::<BooleanArray>(array, |array, row, out| {
            out.put_u8(array.value(row).into());
            Ok(())
        }),
        (Type::Float4, DataType::Float16) => primitive::<Float16Type>(array, |value, out| out.put_f32(value.to_f32())),
        (Type::Float4, DataType::Float32) => primitive::<Float32Type>(array, |value, out| out.put_f32(value)),
        (Type::Float8, DataType::Float64) => primitive::<Float64Type>(array, |value, out| out.put_f64(value)),
        (Type::Int2 | Type::Int4 | Type::Int8 | Type::Oid | Type::Regclass | Type::Regtype | Type::Regproc, _)
            if held.is_integer() =>
        {
            integer(array, ty.length())
        }
        (Type::Numeric(_), _) if held.is_integer() || held.is_decimal() => numeric(array, ty),
        (Type::Date, DataType::Date32 | DataType::Date64) => with_days(array, |day, out| out.put_i32(since_2000(day))),
        (Type::Time, DataType::Time32(_) | DataType::Time64(_)) => {
            with_micros(array, |micros, out| out.put_i64(micros))
        }
        (Type::Timestamp | Type::Timestamptz, DataType::Timestamp(..)) => {
            with_micros(array, |micros, out| out.put_i64(micros_since_2000(micros)))
        }
        (Type::Interval, DataType::Interval(_) | DataType::Duration(_)) => with_interval(array, |interval, out| {
            out.put_i64(interval.micros);
            out.put_i32(interval.days);
            out.put_i32(interval.months);
        }),
        (Type::Bytea | Type::Uuid, _) if is_bytes(held) => bytes(array),
        (Type::Uuid, _) if held.is_string() => uuid_text(array),
        (Type::Array(_) | Type::Int2Vector | Type::OidVector, _) => nested::array_binary(array, ty, style),
        (Type::Record, DataType::Struct(_)) => nested::record_binary(array, style),
        (Type::Jsonb, _) => prefixed(text::cells(array, ty, style)?),
        // The binary form of text is the text; so is a value's that is shown as text.
        (Type::Text | Type::Varchar(_) | Type::Char(_) | Type::Json | Type::Name | Type::InternalChar, _) => {
            text::cells(array, ty, style)
        }
        (Type::Textual(_) | Type::Regclass | Type::Regtype | Type::Regproc, _) if held.is_string() => {
            let inner = text::plain_text(array)?;
            Ok(Box::new(Held { inner, ty: ty.clone() }))
        }
        (Type::Record | Type::Textual(_) | Type::Regclass | Type::Regtype | Type::Regproc, _) => {
            Err(Error::unsupported(format!("type {ty} has no binary form here"))
                .hint("cast it to text or ask for the text format".to_string()))
        }
        _ => Err(mismatch(ty, held)),
    }
}

fn since_2000(day: i32) -> i32 {
    match day {
        i32::MAX | i32::MIN => day,
        day => day.saturating_sub(EPOCH_DAYS),
    }
}

fn micros_since_2000(micros: i64) -> i64 {
    match micros {
        i64::MAX | i64::MIN => micros,
        micros => micros.saturating_sub(EPOCH_MICROS),
    }
}

fn is_bytes(held: &DataType) -> bool {
    held.is_binary() || matches!(held, DataType::FixedSizeBinary(_))
}

/// An integer of 2, 4 or 8 bytes, however wide it is held.
fn integer(array: &dyn Array, length: i16) -> Result<Box<dyn Cells + '_>> {
    fn put<'a, T: ArrowPrimitiveType>(array: &'a dyn Array, length: i16) -> Result<Box<dyn Cells + 'a>>
    where
        T::Native: TryInto<i16> + TryInto<i64> + Copy + Display,
    {
        each::<PrimitiveArray<T>>(array, move |array, row, out| {
            let value = array.value(row);
            let outside = || Error::new(Kind::NumericOutOfRange, format!("{value} does not fit {length} bytes"));
            let wide: i64 = value.try_into().map_err(|_| outside())?;
            match length {
                2 => out.put_i16(value.try_into().map_err(|_| outside())?),
                // An oid uses all 32 bits without a sign.
                4 if (i64::from(i32::MIN)..=i64::from(u32::MAX)).contains(&wide) => out.put_u32(wide as u32),
                4 => return Err(outside()),
                _ => out.put_i64(wide),
            }
            Ok(())
        })
    }
    match array.data_type() {
        DataType::Int8 => put::<Int8Type>(array, length),
        DataType::Int16 => put::<Int16Type>(array, length),
        DataType::Int32 => put::<Int32Type>(array, length),
        DataType::Int64 => put::<Int64Type>(array, length),
        DataType::UInt8 => put::<UInt8Type>(array, length),
        DataType::UInt16 => put::<UInt16Type>(array, length),
        DataType::UInt32 => put::<UInt32Type>(array, length),
        _ => put::<UInt64Type>(array, length),
    }
}

fn numeric<'a>(array: &'a dyn Array, ty: &Type) -> Result<Box<dyn Cells + 'a>> {
    let trim = *ty == Type::Numeric(None);
    fn put<'a, T: ArrowPrimitiveType>(array: &'a dyn Array, scale: i8, trim: bool) -> Result<Box<dyn Cells + 'a>>
    where
        T::Native: Display,
    {
        primitive::<T>(array, move |value, out| write_decimal_binary(value, scale, trim, out))
    }
    match array.data_type() {
        DataType::Decimal32(_, scale) => put::<Decimal32Type>(array, *scale, trim),
        DataType::Decimal64(_, scale) => put::<Decimal64Type>(array, *scale, trim),
        DataType::Decimal128(_, scale) => put::<Decimal128Type>(array, *scale, trim),
        DataType::Decimal256(_, scale) => put::<Decimal256Type>(array, *scale, trim),
        DataType::Int8 => put::<Int8Type>(array, 0, trim),
        DataType::Int16 => put::<Int16Type>(array, 0, trim),
        DataType::Int32 => put::<Int32Type>(array, 0, trim),
        DataType::Int64 => put::<Int64Type>(array, 0, trim),
        DataType::UInt8 => put::<UInt8Type>(array, 0, trim),
        DataType::UInt16 => put::<UInt16Type>(array, 0, trim),
        DataType::UInt32 => put::<UInt32Type>(array, 0, trim),
        _ => put::<UInt64Type>(array, 0, trim),
    }
}

fn bytes(array: &dyn Array) -> Result<Box<dyn Cells + '_>> {
    fn put(bytes: &[u8], out: &mut BytesMut) -> Result<()> {
        out.put_slice(bytes);
        Ok(())
    }
    match array.data_type() {
        DataType::Binary => each::<BinaryArray>(array, |array, row, out| put(array.value(row), out)),
        DataType::LargeBinary => each::<LargeBinaryArray>(array, |array, row, out| put(array.value(row), out)),
        DataType::BinaryView => each::<BinaryViewArray>(array, |array, row, out| put(array.value(row), out)),
        _ => each::<FixedSizeBinaryArray>(array, |array, row, out| put(array.value(row), out)),
    }
}

fn uuid_text(array: &dyn Array) -> Result<Box<dyn Cells + '_>> {
    fn put(text: &str, out: &mut BytesMut) -> Result<()> {
        let uuid = uuid::Uuid::try_parse(text)
            .map_err(|_| Error::new(Kind::InvalidText, format!("invalid input syntax for type uuid: \"{text}\"")))?;
        out.put_slice(uuid.as_bytes());
        Ok(())
    }
    match array.data_type() {
        DataType::Utf8 => each::<StringArray>(array, |array, row, out| put(array.value(row), out)),
        DataType::LargeUtf8 => each::<LargeStringArray>(array, |array, row, out| put(array.value(row), out)),
        _ => each::<StringViewArray>(array, |array, row, out| put(array.value(row), out)),
    }
}

/// What is held as text and sent as something else.
struct Held<'a> {
    inner: Box<dyn Cells + 'a>,
    ty: Type,
}

impl Cells for Held<'_> {
    fn is_null(&self, row: usize) -> bool {
        self.inner.is_null(row)
    }

    fn write(&self, row: usize, out: &mut BytesMut) -> Result<()> {
        let mut text = BytesMut::new();
        self.inner.write(row, &mut text)?;
        let text = std::str::from_utf8(&text).unwrap_or_default();
        match &self.ty {
            Type::Textual(ty) => textual::write_binary(text, *ty, out),
            ty => textual::write_reference(text, ty, out),
        }
    }
}

/// `jsonb` is a version and the text.
struct Prefixed<'a>(Box<dyn Cells + 'a>);

impl Cells for Prefixed<'_> {
    fn is_null(&self, row: usize) -> bool {
        self.0.is_null(row)
    }

    fn write(&self, row: usize, out: &mut BytesMut) -> Result<()> {
        out.put_u8(1);
        self.0.write(row, out)
    }
}

fn prefixed<'a>(cells: Box<dyn Cells + 'a>) -> Result<Box<dyn Cells + 'a>> {
    Ok(Box::new(Prefixed(cells)))
}
