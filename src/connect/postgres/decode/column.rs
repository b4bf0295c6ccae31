//! One column's values, from the wire's bytes to an Arrow array.

use super::array::ListOf;
use super::{malformed, numeric};
use crate::base::{Error, Kind, Result, Type};
use bytes::Buf;
use datafusion::arrow::array::{
    ArrayRef, ArrowPrimitiveType, BinaryBuilder, BooleanBuilder, PrimitiveBuilder, StringBuilder,
};
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    IntervalMonthDayNano, IntervalMonthDayNanoType, Time64MicrosecondType, TimestampMicrosecondType, UInt32Type,
};
use std::sync::Arc;

/// Takes values of one column. Errors do not name the column; the caller does.
pub(super) trait Builder: Send {
    fn append(&mut self, value: Option<&[u8]>) -> Result<()>;
    fn finish(&mut self) -> ArrayRef;
}

/// Days and microseconds from 1970, Arrow's zero, to 2000, the server's.
pub(in crate::connect::postgres) const EPOCH_DAYS: i32 = 10_957;
pub(in crate::connect::postgres) const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;

/// What builds a column of this type.
pub(super) fn builder(ty: &Type, rows: usize) -> Result<Box<dyn Builder>> {
    let arrow = ty.arrow();
    Ok(match ty {
        Type::Bool => Box::new(Bools(BooleanBuilder::with_capacity(rows))),
        Type::Int2 => fixed::<Int16Type>(arrow, rows, |value| Ok(i16::from_be_bytes(exact(value)?))),
        Type::Int4 => fixed::<Int32Type>(arrow, rows, |value| Ok(i32::from_be_bytes(exact(value)?))),
        Type::Int8 => fixed::<Int64Type>(arrow, rows, |value| Ok(i64::from_be_bytes(exact(value)?))),
        Type::Float4 => fixed::<Float32Type>(arrow, rows, |value| Ok(one_nan32(f32::from_be_bytes(exact(value)?)))),
        Type::Float8 => fixed::<Float64Type>(arrow, rows, |value| Ok(one_nan64(f64::from_be_bytes(exact(value)?)))),
        Type::Oid => fixed::<UInt32Type>(arrow, rows, |value| Ok(u32::from_be_bytes(exact(value)?))),
        Type::Date => fixed::<Date32Type>(arrow, rows, date),
        Type::Time => fixed::<Time64MicrosecondType>(arrow, rows, time),
        Type::Timestamp | Type::Timestamptz => fixed::<TimestampMicrosecondType>(arrow, rows, timestamp),
        Type::Interval => fixed::<IntervalMonthDayNanoType>(arrow, rows, interval),
        Type::Numeric(digits) => {
            let (precision, scale) = digits.unwrap_or(crate::base::types::NUMERIC_DEFAULT);
            fixed::<Decimal128Type>(arrow, rows, move |value| numeric::decode(value, precision, scale))
        }
        Type::Bytea => Box::new(Blobs(BinaryBuilder::new())),
        Type::Uuid => Box::new(Texts(StringBuilder::new(), uuid)),
        Type::Jsonb => Box::new(Texts(StringBuilder::new(), jsonb)),
        Type::Text | Type::Varchar(_) | Type::Char(_) | Type::Json | Type::Name | Type::InternalChar => {
            Box::new(Texts(StringBuilder::new(), |value, take| take(utf8(value)?)))
        }
        Type::Array(element) => Box::new(ListOf::new(element, builder(element, rows)?)),
        Type::Regclass
        | Type::Regtype
        | Type::Regproc
        | Type::Record
        | Type::Int2Vector
        | Type::OidVector
        | Type::Textual(_) => {
            return Err(Error::internal(format!("a column of type {ty} must be sent as text")));
        }
    })
}

struct Fixed<T: ArrowPrimitiveType, F>(PrimitiveBuilder<T>, F);

fn fixed<T: ArrowPrimitiveType>(
    ty: DataType,
    rows: usize,
    read: impl Fn(&[u8]) -> Result<T::Native> + Send + 'static,
) -> Box<dyn Builder> {
    Box::new(Fixed(PrimitiveBuilder::<T>::with_capacity(rows).with_data_type(ty), read))
}

impl<T: ArrowPrimitiveType, F: Fn(&[u8]) -> Result<T::Native> + Send> Builder for Fixed<T, F> {
    fn append(&mut self, value: Option<&[u8]>) -> Result<()> {
        self.0.append_option(value.map(&self.1).transpose()?);
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

struct Bools(BooleanBuilder);

impl Builder for Bools {
    fn append(&mut self, value: Option<&[u8]>) -> Result<()> {
        self.0.append_option(value.map(|value| exact::<1>(value).map(|[byte]| byte != 0)).transpose()?);
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

struct Blobs(BinaryBuilder);

impl Builder for Blobs {
    fn append(&mut self, value: Option<&[u8]>) -> Result<()> {
        self.0.append_option(value);
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

/// Hands the text that the bytes mean to the second argument.
type ReadText = fn(&[u8], &mut dyn FnMut(&str) -> Result<()>) -> Result<()>;

struct Texts(StringBuilder, ReadText);

impl Builder for Texts {
    fn append(&mut self, value: Option<&[u8]>) -> Result<()> {
        let Texts(builder, read) = self;
        match value {
            None => builder.append_null(),
            Some(value) => read(value, &mut |text| {
                builder.append_value(text);
                Ok(())
            })?,
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

fn exact<const N: usize>(value: &[u8]) -> Result<[u8; N]> {
    value.try_into().map_err(|_| malformed())
}

/// All NaN are one value to the server; here they are told apart by their bits.
fn one_nan32(value: f32) -> f32 {
    if value.is_nan() { f32::NAN } else { value }
}

fn one_nan64(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value }
}

fn utf8(value: &[u8]) -> Result<&str> {
    std::str::from_utf8(value).map_err(|_| Error::new(Kind::DataException, "text that is not UTF-8"))
}

fn uuid(value: &[u8], take: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
    let mut buffer = uuid::Uuid::encode_buffer();
    take(uuid::Uuid::from_bytes(exact(value)?).hyphenated().encode_lower(&mut buffer))
}

fn jsonb(value: &[u8], take: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
    match value {
        [1, text @ ..] => take(utf8(text)?),
        _ => Err(malformed()),
    }
}

fn date(value: &[u8]) -> Result<i32> {
    let days = i32::from_be_bytes(exact(value)?);
    let infinite = days == i32::MAX || days == i32::MIN;
    days.checked_add(EPOCH_DAYS).filter(|_| !infinite).ok_or_else(|| no_instant("date"))
}

fn time(value: &[u8]) -> Result<i64> {
    let micros = i64::from_be_bytes(exact(value)?);
    // 24:00:00 is a time to the server and none in Arrow.
    if micros < 86_400_000_000 { Ok(micros) } else { Err(no_instant("time")) }
}

fn timestamp(value: &[u8]) -> Result<i64> {
    let micros = i64::from_be_bytes(exact(value)?);
    let infinite = micros == i64::MAX || micros == i64::MIN;
    micros.checked_add(EPOCH_MICROS).filter(|_| !infinite).ok_or_else(|| no_instant("timestamp"))
}

fn no_instant(what: &str) -> Error {
    Error::new(Kind::DatetimeOverflow, format!("{what} infinity, or one outside the calendar, has no value here"))
        .hint("replace it by NULL, through a view on the server".to_string())
}

fn interval(value: &[u8]) -> Result<IntervalMonthDayNano> {
    let bytes = exact::<16>(value)?;
    let mut bytes = bytes.as_slice();
    let (micros, days, months) = (bytes.get_i64(), bytes.get_i32(), bytes.get_i32());
    let nanos = micros
        .checked_mul(1_000)
        .ok_or_else(|| Error::new(Kind::DatetimeOverflow, "an interval of more than 292 years has no value here"))?;
    Ok(IntervalMonthDayNano::new(months, days, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::util::display::array_value_to_string;

    fn check(ty: Type, value: &[u8], expect: Result<&str, &str>) {
        let mut builder = builder(&ty, 1).unwrap();
        let found = builder.append(Some(value)).map(|()| array_value_to_string(&builder.finish(), 0).unwrap());
        assert_eq!(
            found.as_ref().map(String::as_str).map_err(|error| error.message.as_str()),
            expect.as_ref().map(|text| *text).map_err(|text| *text),
        );
    }

    #[test]
    fn values_mean_what_they_mean_on_the_server() {
        check(Type::Bool, &[1], Ok("true"));
        check(Type::Int2, &(-2i16).to_be_bytes(), Ok("-2"));
        check(Type::Date, &0i32.to_be_bytes(), Ok("2000-01-01"));
        check(Type::Timestamp, &1i64.to_be_bytes(), Ok("2000-01-01T00:00:00.000001"));
        check(Type::Timestamptz, &(-1_000_000i64).to_be_bytes(), Ok("1999-12-31T23:59:59Z"));
        check(Type::Jsonb, b"\x01{}", Ok("{}"));
        check(Type::Uuid, &[0x12; 16], Ok("12121212-1212-1212-1212-121212121212"));
        check(
            Type::Interval,
            &[5_000_000i64.to_be_bytes().as_slice(), &[0, 0, 0, 2], &[0, 0, 0, 1]].concat(),
            Ok("1 mons 2 days 5.000000000 secs"),
        );
    }

    #[test]
    fn values_that_have_none_here_are_errors() {
        let infinity = "timestamp infinity, or one outside the calendar, has no value here";
        check(Type::Timestamp, &i64::MAX.to_be_bytes(), Err(infinity));
        check(Type::Timestamptz, &i64::MIN.to_be_bytes(), Err(infinity));
        check(
            Type::Date,
            &i32::MAX.to_be_bytes(),
            Err("date infinity, or one outside the calendar, has no value here"),
        );
        check(Type::Text, &[0xff], Err("text that is not UTF-8"));
        check(Type::Int4, &[0; 8], Err("the server's answer is not binary COPY data of the expected types"));
    }
}
