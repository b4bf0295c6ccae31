//! `to_char(time, pattern)`: a time written by one of Postgres' patterns, in the session's zone.

use super::cast::{local, plain};
use crate::base::{Error, Kind, Type};
use chrono::{DateTime, Datelike, NaiveDateTime, Offset, TimeZone, Timelike};
use chrono_tz::{OffsetName, Tz};
use datafusion::arrow::array::{Array, AsArray, StringArray};
use datafusion::arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
struct ToChar {
    zone: Tz,
    signature: Signature,
}

pub fn to_char(zone: &str) -> ScalarUDF {
    let zone = zone.parse().unwrap_or(Tz::UTC);
    ScalarUDF::from(ToChar { zone, signature: Signature::user_defined(Volatility::Stable) })
}

impl ScalarUDFImpl for ToChar {
    fn name(&self) -> &str {
        "to_char"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [DataType::Timestamp(_, Some(_)), _] => Ok(vec![Type::Timestamptz.arrow(), DataType::Utf8]),
            [DataType::Timestamp(_, None) | DataType::Date32 | DataType::Null, _] => {
                Ok(vec![Type::Timestamp.arrow(), DataType::Utf8])
            }
            [number, _] if number.is_numeric() => {
                let digits = if number.is_decimal() { number.clone() } else { DataType::Decimal128(38, 10) };
                let digits = if number.is_integer() { DataType::Decimal128(20, 0) } else { digits };
                Ok(vec![digits, DataType::Utf8])
            }
            [other, _] => {
                let message = format!("to_char of type {} is not supported", Type::from_arrow(other));
                Err(Error::unsupported(message).hint("cast it to text, or round it first".to_string()).into())
            }
            _ => plan_err!("to_char takes a time and a pattern"),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if args.arg_fields[0].data_type().is_decimal() {
            let function = super::rows::function("to_char of number", "UTC");
            let function = function.ok_or_else(|| Error::internal("to_char must know numbers"))?;
            return function.invoke_with_args(args);
        }
        let times = args.args[0].to_array(args.number_rows)?;
        let patterns = args.args[1].to_array(args.number_rows)?;
        let zoned = matches!(times.data_type(), DataType::Timestamp(_, Some(_)));
        let instants = plain(&times, times.data_type())?;
        let walls = if zoned { local(&instants, self.zone)? } else { instants.clone() };
        let (instants, walls) =
            (instants.as_primitive::<TimestampMicrosecondType>(), walls.as_primitive::<TimestampMicrosecondType>());
        let patterns = patterns.as_string::<i32>();
        let row = |row: usize| {
            if walls.is_null(row) || patterns.is_null(row) {
                return Ok(None);
            }
            let wall = DateTime::from_timestamp_micros(walls.value(row)).ok_or_else(out_of_range)?.naive_utc();
            let instant = DateTime::from_timestamp_micros(instants.value(row)).ok_or_else(out_of_range)?;
            let zone = zoned.then(|| self.zone.offset_from_utc_datetime(&instant.naive_utc()));
            Ok(Some(written(patterns.value(row), wall, zone)?))
        };
        let texts = (0..walls.len()).map(row).collect::<Result<StringArray>>()?;
        Ok(ColumnarValue::Array(Arc::new(texts)))
    }
}

fn out_of_range() -> Error {
    Error::new(Kind::DatetimeOverflow, "timestamp out of range")
}

/// What may stand in a pattern, the longer before what it begins with.
const FIELDS: &[&str] = &[
    "HH24", "HH12", "HH", "MI", "SSSSS", "SSSS", "SS", "MS", "US", "YYYY", "YYY", "YY", "Y,YYY", "Y", "IYYY", "IDDD",
    "IW", "ID", "I", "MONTH", "MON", "MM", "DAY", "DY", "DDD", "DD", "D", "WW", "W", "Q", "CC", "J", "RM", "A.M.",
    "P.M.", "AM", "PM", "B.C.", "A.D.", "BC", "AD", "TZH", "TZM", "TZ", "OF", "FM", "FX", "TM", "TH", "SP", "FF",
];

fn written(pattern: &str, wall: NaiveDateTime, zone: Option<chrono_tz::TzOffset>) -> Result<String, Error> {
    let mut text = String::new();
    let mut rest = pattern;
    let mut filled = true;
    while let Some(c) = rest.chars().next() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let end = quoted.find('"').unwrap_or(quoted.len());
            text.push_str(&quoted[..end]);
            rest = quoted.get(end + 1..).unwrap_or_default();
            continue;
        }
        let field =
            FIELDS.iter().find(|field| rest.get(..field.len()).is_some_and(|it| it.eq_ignore_ascii_case(field)));
        let Some(field) = field else {
            text.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        let (given, after) = rest.split_at(field.len());
        rest = after;
        if *field == "FM" {
            filled = false;
            continue;
        }
        let value = one(field, given, wall, zone.as_ref(), filled).ok_or_else(|| {
            Error::unsupported(format!("\"{given}\" in a pattern of to_char is not supported"))
                .hint("text that is meant as it is stands in double quotes".to_string())
        })?;
        text.push_str(&value);
        filled = true;
    }
    Ok(text)
}

/// The value of a field; `None` when it is not supported.
fn one(
    field: &str,
    given: &str,
    at: NaiveDateTime,
    zone: Option<&chrono_tz::TzOffset>,
    filled: bool,
) -> Option<String> {
    let digits = |value: i64, width: usize| match filled {
        true => format!("{value:0width$}"),
        false => value.to_string(),
    };
    let name = |name: String| match filled {
        true => format!("{:9}", cased(given, &name)),
        false => cased(given, &name),
    };
    let year = i64::from(at.year());
    let week = at.iso_week();
    Some(match field {
        "HH24" => digits(at.hour().into(), 2),
        "HH12" | "HH" => digits(at.hour12().1.into(), 2),
        "MI" => digits(at.minute().into(), 2),
        "SS" => digits(at.second().into(), 2),
        "SSSSS" | "SSSS" => at.num_seconds_from_midnight().to_string(),
        "MS" => digits((at.nanosecond() / 1_000_000).into(), 3),
        "US" => digits((at.nanosecond() / 1_000).into(), 6),
        "YYYY" if year > 0 => digits(year, 4),
        "YYY" if year > 0 => digits(year % 1000, 3),
        "YY" if year > 0 => digits(year % 100, 2),
        "Y" if year > 0 => (year % 10).to_string(),
        "IYYY" => digits(week.year().into(), 4),
        "IW" => digits(week.week().into(), 2),
        "ID" => at.weekday().number_from_monday().to_string(),
        "MONTH" => name(at.format("%B").to_string()),
        "MON" => cased(given, &at.format("%b").to_string()),
        "MM" => digits(at.month().into(), 2),
        "DAY" => name(at.format("%A").to_string()),
        "DY" => cased(given, &at.format("%a").to_string()),
        "DDD" => digits(at.ordinal().into(), 3),
        "DD" => digits(at.day().into(), 2),
        "D" => at.weekday().number_from_sunday().to_string(),
        "WW" => digits((at.ordinal0() / 7 + 1).into(), 2),
        "W" => (at.day0() / 7 + 1).to_string(),
        "Q" => (at.month0() / 3 + 1).to_string(),
        "CC" if year > 0 => digits((year - 1) / 100 + 1, 2),
        "AM" | "PM" => cased(given, if at.hour() < 12 { "am" } else { "pm" }),
        "A.M." | "P.M." => cased(given, if at.hour() < 12 { "a.m." } else { "p.m." }),
        "TZ" => cased(given, zone.map_or("", |zone| zone.abbreviation().unwrap_or_default())),
        "OF" => offset(zone.map_or(0, |zone| zone.fix().local_minus_utc())),
        _ => return None,
    })
}

/// In capitals, with a capital or in small letters, as the pattern was written.
fn cased(given: &str, name: &str) -> String {
    let mut letters = given.chars().filter(|c| c.is_alphabetic());
    match (letters.next().is_some_and(char::is_uppercase), letters.next().is_some_and(char::is_uppercase)) {
        (true, true) => name.to_uppercase(),
        (true, false) => {
            let (first, rest) = name.split_at(name.len().min(1));
            format!("{}{}", first.to_uppercase(), rest.to_lowercase())
        }
        (false, _) => name.to_lowercase(),
    }
}

/// `+02`, `-03:30`
fn offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes) = (seconds.abs() / 3_600, seconds.abs() / 60 % 60);
    match minutes {
        0 => format!("{sign}{hours:02}"),
        minutes => format!("{sign}{hours:02}:{minutes:02}"),
    }
}
