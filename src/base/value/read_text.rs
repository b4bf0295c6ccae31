//! Values out of their text form, as a client types them.

use super::read_interval::read_interval;
use super::read_nested::{read_array, read_vector};
use super::read_time::{read_date, read_time, read_timestamp, read_timestamptz};
use super::textual::read_textual;
use super::{Interval, Style};
use crate::base::types::NUMERIC_DEFAULT;
use crate::base::{Error, Kind, Result, Type};
use datafusion::arrow::datatypes::IntervalMonthDayNano;
use datafusion::common::ScalarValue;
use std::num::IntErrorKind;
use std::str::FromStr;

/// The value that a text means as a value of a type. Fails with 22P02 and its kin as Postgres does.
pub fn read_text(text: &str, ty: &Type, style: &Style) -> Result<ScalarValue> {
    let spaceless = || text.trim_ascii();
    Ok(match ty {
        Type::Bool => ScalarValue::Boolean(Some(read_bool(spaceless()).ok_or_else(|| invalid(text, ty))?)),
        Type::Int2 => ScalarValue::Int16(Some(integer(text, ty)?)),
        Type::Int4 => ScalarValue::Int32(Some(integer(text, ty)?)),
        Type::Int8 => ScalarValue::Int64(Some(integer(text, ty)?)),
        Type::Oid => ScalarValue::UInt32(Some(integer(text, ty)?)),
        Type::Float4 => {
            let value: f32 = float(text, ty)?;
            ScalarValue::Float32(Some(finite_or_said(value, value.is_infinite(), text, ty)?))
        }
        Type::Float8 => {
            let value: f64 = float(text, ty)?;
            ScalarValue::Float64(Some(finite_or_said(value, value.is_infinite(), text, ty)?))
        }
        Type::Numeric(digits) => {
            let (precision, scale) = digits.unwrap_or(NUMERIC_DEFAULT);
            let value = read_decimal(spaceless(), precision, scale).map_err(|fault| fault.error(text, ty))?;
            ScalarValue::Decimal128(Some(value), precision, scale)
        }
        Type::Text | Type::Name | Type::InternalChar | Type::Record => ScalarValue::Utf8(Some(text.to_string())),
        Type::Regclass | Type::Regtype | Type::Regproc => ScalarValue::Utf8(Some(text.to_string())),
        Type::Textual(ty) => ScalarValue::Utf8(Some(read_textual(text, *ty, style)?)),
        Type::Varchar(limit) | Type::Char(limit) => ScalarValue::Utf8(Some(limited(text, *limit, ty)?)),
        Type::Bytea => ScalarValue::Binary(Some(read_bytea(text).ok_or_else(|| invalid(text, ty))?)),
        Type::Date => ScalarValue::Date32(Some(read_date(spaceless())?)),
        Type::Time => ScalarValue::Time64Microsecond(Some(read_time(spaceless())?)),
        Type::Timestamp => ScalarValue::TimestampMicrosecond(Some(read_timestamp(spaceless())?), None),
        Type::Timestamptz => {
            let micros = read_timestamptz(spaceless(), &style.zone)?;
            ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into()))
        }
        Type::Interval => interval(read_interval(spaceless())?)?,
        Type::Uuid => {
            let inside = spaceless().trim_start_matches('{').trim_end_matches('}');
            let uuid = uuid::Uuid::try_parse(inside).map_err(|_| invalid(text, ty))?;
            ScalarValue::Utf8(Some(uuid.to_string()))
        }
        Type::Json | Type::Jsonb => {
            let parsed = serde_json::from_str::<serde::de::IgnoredAny>(text);
            parsed.map_err(|error| invalid(text, ty).detail(error.to_string()))?;
            ScalarValue::Utf8(Some(text.to_string()))
        }
        Type::Array(element) => read_array(text, element, style)?,
        Type::Int2Vector => read_vector(text, &Type::Int2)?,
        Type::OidVector => read_vector(text, &Type::Oid)?,
    })
}

/// NULL of a type.
pub(super) fn null(ty: &Type) -> Result<ScalarValue> {
    ScalarValue::try_from(&ty.arrow()).map_err(Error::from)
}

pub(super) fn invalid(text: &str, ty: &Type) -> Error {
    Error::new(Kind::InvalidText, format!("invalid input syntax for type {ty}: \"{text}\""))
}

fn out_of_range(text: &str, ty: &Type) -> Error {
    Error::new(Kind::NumericOutOfRange, format!("value \"{text}\" is out of range for type {ty}"))
}

fn read_bool(text: &str) -> Option<bool> {
    let text = text.to_ascii_lowercase();
    let begins = |word: &str, least: usize| text.len() >= least && word.starts_with(&text);
    if text == "1" || begins("true", 1) || begins("yes", 1) || begins("on", 2) {
        Some(true)
    } else if text == "0" || begins("false", 1) || begins("no", 1) || begins("off", 2) {
        Some(false)
    } else {
        None
    }
}

fn integer<T: FromStr<Err = std::num::ParseIntError>>(text: &str, ty: &Type) -> Result<T> {
    text.trim_ascii().parse().map_err(|error: std::num::ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => out_of_range(text, ty),
        _ => invalid(text, ty),
    })
}

fn float<T: FromStr>(text: &str, ty: &Type) -> Result<T> {
    text.trim_ascii().parse().map_err(|_| invalid(text, ty))
}

/// A float that is infinite because it was too large is refused; one that says so is taken.
fn finite_or_said<T>(value: T, infinite: bool, text: &str, ty: &Type) -> Result<T> {
    let said = text.trim_ascii().trim_start_matches(['+', '-']).to_ascii_lowercase().starts_with("inf");
    if infinite && !said { Err(out_of_range(text, ty)) } else { Ok(value) }
}

/// What is wrong with the text of a number.
pub(super) enum Fault {
    Syntax,
    Range,
}

impl Fault {
    pub(super) fn error(self, text: &str, ty: &Type) -> Error {
        match self {
            Fault::Syntax => invalid(text, ty),
            Fault::Range => Error::new(Kind::NumericOutOfRange, "numeric field overflow")
                .detail(format!("value {text} does not fit {ty}")),
        }
    }
}

/// The unscaled value of a decimal, rounded half away from zero to its scale.
pub(super) fn read_decimal(text: &str, precision: u8, scale: i8) -> Result<i128, Fault> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| Fault::Syntax)?),
        None => (text, 0),
    };
    let (negative, unsigned) = match mantissa.as_bytes().first() {
        Some(b'-') => (true, &mantissa[1..]),
        Some(b'+') => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    if ["nan", "infinity", "inf"].contains(&unsigned.to_ascii_lowercase().as_str()) {
        return Err(Fault::Range);
    }
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    if digits().next().is_none() || !digits().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::Syntax);
    }
    // How many of the digits count at this scale; the next one rounds.
    let kept = i64::from(exponent) + whole.len() as i64 + i64::from(scale);
    let mut value: i128 = 0;
    for digit in digits().take(kept.clamp(0, i64::from(u32::MAX)) as usize) {
        value =
            value.checked_mul(10).and_then(|value| value.checked_add(i128::from(digit - b'0'))).ok_or(Fault::Range)?;
    }
    let given = (whole.len() + fraction.len()) as i64;
    for _ in given..kept {
        if value == 0 {
            break;
        }
        value = value.checked_mul(10).ok_or(Fault::Range)?;
    }
    if (0..given).contains(&kept) && digits().nth(kept as usize).is_some_and(|digit| digit >= b'5') {
        value += 1;
    }
    let limit = 10i128.checked_pow(u32::from(precision)).unwrap_or(i128::MAX);
    if value >= limit {
        return Err(Fault::Range);
    }
    Ok(if negative { -value } else { value })
}

/// Text no longer than its type allows; blanks beyond the limit are cut as Postgres does.
fn limited(text: &str, limit: Option<u32>, ty: &Type) -> Result<String> {
    let limit = limit.map_or(usize::MAX, |limit| limit as usize);
    match text.char_indices().nth(limit) {
        None => Ok(text.to_string()),
        Some((end, _)) if text[end..].chars().all(|c| c == ' ') => Ok(text[..end].to_string()),
        Some(_) => Err(Error::new(Kind::StringTooLong, format!("value too long for type {ty}"))),
    }
}

/// `\x…` in hex, or bytes with octal escapes.
pub fn read_bytea(text: &str) -> Option<Vec<u8>> {
    if let Some(hex) = text.strip_prefix("\\x") {
        let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let pairs = digits.chunks_exact(2);
        let whole = pairs.remainder().is_empty();
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        return pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect::<Option<_>>().filter(|_| whole);
    }
    let mut bytes = vec![];
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = match (byte, after) {
            (b'\\', [b'\\', after @ ..]) => {
                bytes.push(b'\\');
                after
            }
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                after
            }
            (b'\\', _) => return None,
            (byte, after) => {
                bytes.push(*byte);
                after
            }
        };
    }
    Some(bytes)
}

pub(super) fn interval(interval: Interval) -> Result<ScalarValue> {
    let nanoseconds = interval.micros.checked_mul(1_000);
    let nanoseconds = nanoseconds.ok_or_else(|| Error::new(Kind::DatetimeOverflow, "interval out of range"))?;
    let value = IntervalMonthDayNano { months: interval.months, days: interval.days, nanoseconds };
    Ok(ScalarValue::IntervalMonthDayNano(Some(value)))
}

#[cfg(test)]
mod tests {
    use super::super::text_of;
    use super::*;

    /// Reads and shows again.
    fn check(ty: &str, text: &str, expect: &str) {
        let ty = Type::parse(ty).unwrap();
        let value = read_text(text, &ty, &Style::default()).unwrap();
        assert_eq!(value.data_type(), ty.arrow(), "{ty}");
        assert_eq!(text_of(&value, &ty, &Style::default()).unwrap().as_deref(), Some(expect), "{ty} {text}");
    }

    #[test]
    fn values_read_from_text_show_as_in_postgres() {
        for (ty, text, expect) in [
            ("bool", " yes ", "t"),
            ("bool", "of", "f"),
            ("int4", " -7 ", "-7"),
            ("float8", "-inf", "-Infinity"),
            ("float8", "1e20", "1e+20"),
            ("numeric(10,2)", "1.005", "1.01"),
            ("numeric(10,2)", "-12e2", "-1200.00"),
            ("numeric", "0.5", "0.5"),
            ("numeric(5,0)", ".5", "1"),
            ("varchar(3)", "abc  ", "abc"),
            ("bytea", "\\x00Ff", "\\x00ff"),
            ("bytea", "a\\\\\\001", "\\x615c01"),
            ("uuid", "{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
            ("json", "{\"a\": 1}", "{\"a\": 1}"),
            ("oid", "4294967295", "4294967295"),
        ] {
            check(ty, text, expect);
        }
    }

    #[test]
    fn what_is_no_value_is_refused_with_its_sqlstate() {
        for (ty, text, kind) in [
            ("int4", "x", Kind::InvalidText),
            ("int4", "", Kind::InvalidText),
            ("int4", "2147483648", Kind::NumericOutOfRange),
            ("float4", "1e60", Kind::NumericOutOfRange),
            ("numeric(4,2)", "100", Kind::NumericOutOfRange),
            ("numeric", "NaN", Kind::NumericOutOfRange),
            ("numeric", "1.2.3", Kind::InvalidText),
            ("varchar(3)", "abcd", Kind::StringTooLong),
            ("bytea", "\\x0", Kind::InvalidText),
            ("uuid", "a0", Kind::InvalidText),
            ("jsonb", "{a}", Kind::InvalidText),
            ("bool", "o", Kind::InvalidText),
        ] {
            let ty = Type::parse(ty).unwrap();
            assert_eq!(read_text(text, &ty, &Style::default()).unwrap_err().kind, kind, "{ty} {text}");
        }
    }
}
