//! Values out of their binary form, as drivers send them.

use super::calendar::{DAY_MICROS, EPOCH_DAYS, EPOCH_MICROS};
use super::read_nested::list;
use super::read_text::{Fault, interval, null, read_decimal, read_text};
use super::{Interval, Style, textual};
use crate::base::types::NUMERIC_DEFAULT;
use crate::base::{Error, Kind, Result, Type};
use datafusion::common::ScalarValue;
use std::fmt::Write;

/// The value that bytes mean as a value of a type; 22P03 when they mean none.
pub fn read_binary(bytes: &[u8], ty: &Type) -> Result<ScalarValue> {
    let mut reader = Reader { rest: bytes, ty };
    let value = reader.value()?;
    if reader.rest.is_empty() { Ok(value) } else { Err(reader.bad()) }
}

struct Reader<'a> {
    rest: &'a [u8],
    ty: &'a Type,
}

impl<'a> Reader<'a> {
    fn bad(&self) -> Error {
        Error::new(Kind::InvalidBinary, format!("incorrect binary data format for type {}", self.ty))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(|| self.bad())?;
        self.rest = rest;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or_else(|| self.bad())?;
        self.rest = rest;
        Ok(*taken)
    }

    fn i16(&mut self) -> Result<i16> {
        self.fixed().map(i16::from_be_bytes)
    }

    fn i32(&mut self) -> Result<i32> {
        self.fixed().map(i32::from_be_bytes)
    }

    fn i64(&mut self) -> Result<i64> {
        self.fixed().map(i64::from_be_bytes)
    }

    fn text(&mut self) -> Result<&'a str> {
        let bytes = self.take(self.rest.len())?;
        std::str::from_utf8(bytes)
            .map_err(|_| Error::new(Kind::InvalidEncoding, "invalid byte sequence for encoding \"UTF8\""))
    }

    fn value(&mut self) -> Result<ScalarValue> {
        Ok(match self.ty {
            Type::Bool => match self.fixed::<1>()? {
                [byte] => ScalarValue::Boolean(Some(byte != 0)),
            },
            Type::Int2 => ScalarValue::Int16(Some(self.i16()?)),
            Type::Int4 => ScalarValue::Int32(Some(self.i32()?)),
            Type::Int8 => ScalarValue::Int64(Some(self.i64()?)),
            Type::Oid => ScalarValue::UInt32(Some(self.i32()? as u32)),
            Type::Regclass | Type::Regtype | Type::Regproc => ScalarValue::Utf8(Some((self.i32()? as u32).to_string())),
            Type::Float4 => ScalarValue::Float32(Some(self.fixed().map(f32::from_be_bytes)?)),
            Type::Float8 => ScalarValue::Float64(Some(self.fixed().map(f64::from_be_bytes)?)),
            Type::Numeric(digits) => self.numeric(digits.unwrap_or(NUMERIC_DEFAULT))?,
            Type::Bytea => ScalarValue::Binary(Some(self.take(self.rest.len())?.to_vec())),
            Type::Date => ScalarValue::Date32(Some(match self.i32()? {
                end @ (i32::MIN | i32::MAX) => end,
                day => day.checked_add(EPOCH_DAYS).ok_or_else(|| self.bad())?,
            })),
            Type::Time => {
                let micros = self.i64()?;
                let valid = (0..=DAY_MICROS).contains(&micros);
                ScalarValue::Time64Microsecond(Some(valid.then_some(micros).ok_or_else(|| self.bad())?))
            }
            Type::Timestamp => ScalarValue::TimestampMicrosecond(Some(self.instant()?), None),
            Type::Timestamptz => ScalarValue::TimestampMicrosecond(Some(self.instant()?), Some("UTC".into())),
            Type::Interval => {
                let micros = self.i64()?;
                let (days, months) = (self.i32()?, self.i32()?);
                interval(Interval { months, days, micros })?
            }
            Type::Uuid => {
                let bytes = self.fixed::<16>()?;
                ScalarValue::Utf8(Some(uuid::Uuid::from_bytes(bytes).to_string()))
            }
            Type::Jsonb => match self.fixed::<1>()? {
                [1] => read_text(self.text()?, self.ty, &Style::default())?,
                _ => return Err(self.bad()),
            },
            Type::Textual(ty) => {
                let text = textual::read_binary(self.take(self.rest.len())?, *ty).ok_or_else(|| self.bad())?;
                // The length of the type is a matter of text.
                ScalarValue::Utf8(Some(textual::read_textual(&text, *ty, &Style::default())?))
            }
            Type::Array(element) => self.array(element)?,
            Type::Int2Vector => self.array(&Type::Int2)?,
            Type::OidVector => self.array(&Type::Oid)?,
            Type::Record => return Err(Error::unsupported("a record cannot be read in binary form")),
            Type::Text | Type::Varchar(_) | Type::Char(_) | Type::Json | Type::Name | Type::InternalChar => {
                read_text(self.text()?, self.ty, &Style::default())?
            }
        })
    }

    /// Microseconds since 1970 of a time counted from 2000.
    fn instant(&mut self) -> Result<i64> {
        match self.i64()? {
            end @ (i64::MIN | i64::MAX) => Ok(end),
            micros => micros.checked_add(EPOCH_MICROS).ok_or_else(|| self.bad()),
        }
    }

    fn numeric(&mut self, (precision, scale): (u8, i8)) -> Result<ScalarValue> {
        let (count, weight, sign, _) = (self.i16()?, self.i16()?, self.i16()? as u16, self.i16()?);
        let text = match sign {
            0x0000 | 0x4000 => self.groups(count, weight, sign == 0x4000)?,
            0xC000 => "NaN".into(),
            0xD000 => "Infinity".into(),
            0xF000 => "-Infinity".into(),
            _ => return Err(self.bad()),
        };
        let value = read_decimal(&text, precision, scale).map_err(|fault: Fault| fault.error(&text, self.ty))?;
        Ok(ScalarValue::Decimal128(Some(value), precision, scale))
    }

    /// The groups of four digits as text with an exponent.
    fn groups(&mut self, count: i16, weight: i16, negative: bool) -> Result<String> {
        let mut text = String::from(if negative { "-0" } else { "0" });
        for _ in 0..count {
            let group = self.i16()?;
            if !(0..10_000).contains(&group) {
                return Err(self.bad());
            }
            // Writing into memory has no way to fail.
            let _ = write!(text, "{group:04}");
        }
        let exponent = 4 * (i32::from(weight) + 1 - i32::from(count.max(0)));
        let _ = write!(text, "e{exponent}");
        Ok(text)
    }

    fn array(&mut self, element: &Type) -> Result<ScalarValue> {
        let (dimensions, _has_null, _element_oid) = (self.i32()?, self.i32()?, self.i32()?);
        match dimensions {
            0 => return list(vec![], element),
            1 => {}
            _ => return Err(Error::unsupported("a multidimensional array cannot be read here")),
        }
        let (count, _lower_bound) = (self.i32()?, self.i32()?);
        let mut values = vec![];
        for _ in 0..count {
            values.push(match self.i32()? {
                -1 => null(element)?,
                length => {
                    let length = usize::try_from(length).map_err(|_| self.bad())?;
                    read_binary(self.take(length)?, element)?
                }
            });
        }
        list(values, element)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, cells};
    use super::*;
    use bytes::BytesMut;

    /// What was written in binary is read back as it was.
    fn check(ty: &Type, text: &str) {
        let style = Style::default();
        let value = read_text(text, ty, &style).unwrap();
        let array = value.to_array_of_size(1).unwrap();
        let mut out = BytesMut::new();
        cells(array.as_ref(), ty, Format::Binary, &style).unwrap().write(0, &mut out).unwrap();
        assert_eq!(read_binary(&out, ty).unwrap(), value, "{ty} {text}");
        // Every shorter or longer piece is refused or is another value, and never a panic.
        for end in 0..out.len() {
            assert_ne!(read_binary(&out[..end], ty).ok(), Some(value.clone()), "{ty} {text}");
        }
    }

    #[test]
    fn every_type_survives_its_binary_form() {
        for (ty, texts) in [
            ("bool", &["t", "f"][..]),
            ("int2", &["-32768", "7"]),
            ("int4", &["2147483647"]),
            ("int8", &["-9223372036854775808"]),
            ("oid", &["4294967295"]),
            ("float4", &["1.5", "-inf"]),
            ("float8", &["1e300"]),
            ("numeric(20,4)", &["123456789.1234", "-0.0001", "0", "10000"]),
            ("numeric", &["98765432109876543210.5"]),
            ("text", &["grüße"]),
            ("bytea", &["\\x0001ff"]),
            ("date", &["2024-02-29", "0044-03-15 BC", "infinity"]),
            ("time", &["23:59:59.999999"]),
            ("timestamp", &["1969-12-31 23:59:59.5", "-infinity"]),
            ("timestamptz", &["2024-06-01 12:00:00+02"]),
            ("interval", &["1 year -2 days 03:00:00.5"]),
            ("uuid", &["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
            ("jsonb", &["[1]"]),
            ("int4[]", &["{1,NULL,3}", "{}"]),
            ("uuid[]", &["{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"]),
        ] {
            let ty = Type::parse(ty).unwrap();
            texts.iter().for_each(|text| check(&ty, text));
        }
    }
}
