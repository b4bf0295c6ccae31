//! What values look like as text in Postgres, and reading such text.

use super::cast::plain;
use crate::base::value::{Format, Interval, IntervalStyle, Style, Zone, cells, read_bytea, write_interval};
use crate::base::{Result, Type};
use bytes::BytesMut;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BinaryArray, StringArray, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::{
    DataType, Float32Type, Float64Type, IntervalMonthDayNano, IntervalMonthDayNanoType,
};
use std::fmt::Write;
use std::sync::Arc;

/// Every value as `::text` shows it.
pub(super) fn of(array: &ArrayRef, zone: Tz) -> Result<ArrayRef> {
    let texts: StringArray = match array.data_type() {
        DataType::Float32 => array
            .as_primitive::<Float32Type>()
            .iter()
            .map(|v| v.map(|v| float(f64::from(v), &format!("{v:?}"))))
            .collect(),
        DataType::Float64 => {
            array.as_primitive::<Float64Type>().iter().map(|v| v.map(|v| float(v, &format!("{v:?}")))).collect()
        }
        DataType::Timestamp(..) | DataType::Date32 => {
            let ty = Type::from_arrow(array.data_type());
            let style = Style { zone: Zone::Named(zone), ..Style::default() };
            let cells = cells(array.as_ref(), &ty, Format::Text, &style)?;
            let mut out = BytesMut::new();
            let row = |row: usize| -> Result<Option<String>> {
                if cells.is_null(row) {
                    return Ok(None);
                }
                out.clear();
                cells.write(row, &mut out)?;
                Ok(Some(String::from_utf8_lossy(&out).into_owned()))
            };
            (0..array.len()).map(row).collect::<Result<_>>()?
        }
        DataType::Interval(_) | DataType::Duration(_) => {
            let array = plain(array, &Type::Interval.arrow())?;
            array.as_primitive::<IntervalMonthDayNanoType>().iter().map(|v| v.map(interval)).collect()
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            let array = plain(array, &DataType::Binary)?;
            array.as_binary::<i32>().iter().map(|v| v.map(hex)).collect()
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let row = |row: usize| -> Result<Option<String>> {
                if list.is_null(row) {
                    return Ok(None);
                }
                let items = of(&list.value(row), zone)?;
                let nested = matches!(list.value_type(), DataType::List(_));
                let shown = |item: &str| if nested { item.to_string() } else { element(item) };
                let items: Vec<_> =
                    items.as_string::<i32>().iter().map(|item| item.map_or("NULL".into(), shown)).collect();
                Ok(Some(format!("{{{}}}", items.join(","))))
            };
            (0..list.len()).map(row).collect::<Result<_>>()?
        }
        _ => return plain(array, &DataType::Utf8),
    };
    Ok(Arc::new(texts))
}

/// The shortest text that reads back, in Postgres' form.
fn float(value: f64, shortest: &str) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    match shortest.split_once('e') {
        None => shortest.strip_suffix(".0").unwrap_or(shortest).to_string(),
        Some((digits, exponent)) => {
            let digits = digits.strip_suffix(".0").unwrap_or(digits);
            let exponent: i32 = exponent.parse().unwrap_or(0);
            // Postgres turns to exponents at 1e15 and below 1e-4.
            if (0..15).contains(&exponent) {
                return format!("{value}");
            }
            format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
        }
    }
}

/// `1 year 2 mons -3 days +04:05:06.5`
fn interval(value: IntervalMonthDayNano) -> String {
    let interval = Interval { months: value.months, days: value.days, micros: value.nanoseconds / 1_000 };
    let mut out = BytesMut::new();
    write_interval(interval, IntervalStyle::Postgres, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::from("\\x"), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn element(item: &str) -> String {
    let plain = !item.is_empty()
        && !item.eq_ignore_ascii_case("null")
        && !item.contains(|c: char| c.is_whitespace() || matches!(c, ',' | '{' | '}' | '"' | '\\'));
    if plain { item.to_string() } else { format!("\"{}\"", item.replace('\\', "\\\\").replace('"', "\\\"")) }
}

/// JSON as `jsonb` prints it: keys in its order, one space after `:` and `,`.
pub(super) fn json(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| (key.len(), key.as_str()));
            let fields: Vec<_> =
                fields.into_iter().map(|(key, value)| format!("{}: {}", serde_json::json!(key), json(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        serde_json::Value::Array(items) => {
            format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(", "))
        }
        plain => plain.to_string(),
    }
}

/// `\x…` or escaped text as bytes; the error is the text that is neither.
pub(super) fn bytea(texts: &StringArray) -> Result<ArrayRef, String> {
    let read = |text: &str| match text.strip_prefix("\\x") {
        Some(digits) => {
            let digits: Vec<u8> = digits.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
            let pair = |pair: &[u8]| match pair {
                [_, _] => u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok(),
                _ => None,
            };
            digits.chunks(2).map(pair).collect::<Option<Vec<u8>>>().ok_or_else(|| text.to_string())
        }
        None => read_bytea(text).ok_or_else(|| text.to_string()),
    };
    let bytes = texts.iter().map(|text| text.map(read).transpose()).collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(BinaryArray::from_iter(bytes)))
}

pub(super) fn timestamptz(texts: &StringArray, zone: Tz) -> Result<ArrayRef, String> {
    let read = |text: &str| instant(text.trim(), zone).map(|at| at.timestamp_micros()).ok_or_else(|| text.to_string());
    let micros = texts.iter().map(|text| text.map(read).transpose()).collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(TimestampMicrosecondArray::from(micros).with_timezone("UTC")))
}

/// A zone in the text is read and ignored, as in Postgres.
pub(super) fn timestamp(texts: &StringArray) -> Result<ArrayRef, String> {
    let read = |text: &str| {
        let at = wall_clock(text.trim())
            .filter(|(_, rest)| is_zone(rest))
            .map(|(at, _)| at)
            .or_else(|| special(text.trim()).map(|at| at.naive_utc()));
        at.map(|at| at.and_utc().timestamp_micros()).ok_or_else(|| text.to_string())
    };
    let micros = texts.iter().map(|text| text.map(read).transpose()).collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(TimestampMicrosecondArray::from(micros)))
}

/// Whether nothing, or a zone that is a number, stands after a time.
fn is_zone(rest: &str) -> bool {
    rest.is_empty() || rest.eq_ignore_ascii_case("z") || offset_seconds(rest).is_some()
}

fn special(text: &str) -> Option<DateTime<Utc>> {
    (text.eq_ignore_ascii_case("epoch")).then_some(DateTime::UNIX_EPOCH)
}

fn instant(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    if let Some(at) = special(text) {
        return Some(at);
    }
    let (at, rest) = wall_clock(text)?;
    match rest {
        "" => {
            // In a gap the later reading, in a fold the earlier offset's: as Postgres does.
            zone.from_local_datetime(&at).earliest().map(|at| at.with_timezone(&Utc)).or_else(|| {
                let offset = zone.offset_from_utc_datetime(&(at - chrono::Duration::days(1))).fix();
                Some((at - chrono::Duration::seconds(i64::from(offset.local_minus_utc()))).and_utc())
            })
        }
        "Z" | "z" => Some(at.and_utc()),
        rest => {
            if let Some(seconds) = offset_seconds(rest) {
                return Some((at - chrono::Duration::seconds(seconds)).and_utc());
            }
            let named: Tz = rest.parse().ok()?;
            named.from_local_datetime(&at).earliest().map(|at| at.with_timezone(&Utc))
        }
    }
}

/// `+02`, `-0330`, `+02:00`
fn offset_seconds(text: &str) -> Option<i64> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits: String = digits.chars().filter(|c| *c != ':').collect();
    let number = |from: usize, to: usize| digits.get(from..to).map_or(Some(0), |text| text.parse::<i64>().ok());
    let hours = match digits.len() {
        1 => digits.parse::<i64>().ok()?,
        2 | 4 | 6 => number(0, 2)?,
        _ => return None,
    };
    let (minutes, seconds) =
        (if digits.len() > 2 { number(2, 4)? } else { 0 }, if digits.len() > 4 { number(4, 6)? } else { 0 });
    Some(sign * (hours * 3600 + minutes * 60 + seconds))
}

/// A date with or without a time, and what follows it.
fn wall_clock(text: &str) -> Option<(NaiveDateTime, &str)> {
    let (date, rest) = NaiveDate::parse_and_remainder(text, "%Y-%m-%d").ok()?;
    let time = rest.strip_prefix(['T', 't', ' ']).unwrap_or(rest).trim_start();
    if !time.starts_with(|c: char| c.is_ascii_digit()) {
        return Some((date.and_time(NaiveTime::MIN), rest.trim()));
    }
    let formats = ["%H:%M:%S%.f", "%H:%M"];
    let (time, rest) = formats.iter().find_map(|format| NaiveTime::parse_and_remainder(time, format).ok())?;
    Some((date.and_time(time), rest.trim()))
}
