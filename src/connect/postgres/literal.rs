//! Values as PostgreSQL literals that mean the same under any setting of the server.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use datafusion::arrow::datatypes::TimeUnit;
use datafusion::common::ScalarValue;

/// How values of a type compare on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Bool,
    Int,
    Float,
    Numeric,
    /// Only for equality: its order is the collation's.
    Text,
    Date,
    Time,
    Timestamp,
    Timestamptz,
    Uuid,
}

/// A value as SQL; `None` when the server might take it for another.
pub(super) fn literal(value: &ScalarValue, utf8: bool) -> Option<(Class, String)> {
    use ScalarValue as V;
    let int = |number: i64| Some((Class::Int, format!("'{number}'::pg_catalog.int8")));
    match value {
        V::Boolean(Some(true)) => Some((Class::Bool, "true".into())),
        V::Boolean(Some(false)) => Some((Class::Bool, "false".into())),
        V::Int8(Some(number)) => int((*number).into()),
        V::Int16(Some(number)) => int((*number).into()),
        V::Int32(Some(number)) => int((*number).into()),
        V::Int64(Some(number)) => int(*number),
        V::UInt8(Some(number)) => int((*number).into()),
        V::UInt16(Some(number)) => int((*number).into()),
        V::UInt32(Some(number)) => int((*number).into()),
        V::UInt64(Some(number)) => int(i64::try_from(*number).ok()?),
        // Zero and NaN have several bit patterns, which we tell apart and the server does not.
        V::Float32(Some(number)) if *number != 0.0 && number.is_finite() => {
            Some((Class::Float, format!("'{number:e}'::pg_catalog.float4")))
        }
        V::Float64(Some(number)) if *number != 0.0 && number.is_finite() => {
            Some((Class::Float, format!("'{number:e}'::pg_catalog.float8")))
        }
        V::Decimal32(Some(number), _, scale) => Some(numeric((*number).into(), *scale)),
        V::Decimal64(Some(number), _, scale) => Some(numeric((*number).into(), *scale)),
        V::Decimal128(Some(number), _, scale) => Some(numeric(*number, *scale)),
        // A server of another encoding may have no such letter, and none has a zero byte.
        V::Utf8(Some(text)) | V::LargeUtf8(Some(text)) | V::Utf8View(Some(text)) => {
            let sent = !text.contains('\0') && (utf8 || text.is_ascii());
            sent.then(|| (Class::Text, text_literal(text)))
        }
        V::Date32(Some(days)) => date(*days),
        V::Time64Microsecond(Some(micros)) => time(*micros),
        V::TimestampSecond(Some(at), zone) => timestamp(*at, TimeUnit::Second, zone.is_some()),
        V::TimestampMillisecond(Some(at), zone) => timestamp(*at, TimeUnit::Millisecond, zone.is_some()),
        V::TimestampMicrosecond(Some(at), zone) => timestamp(*at, TimeUnit::Microsecond, zone.is_some()),
        V::TimestampNanosecond(Some(at), zone) => timestamp(*at, TimeUnit::Nanosecond, zone.is_some()),
        _ => None,
    }
}

fn numeric(digits: i128, scale: i8) -> (Class, String) {
    (Class::Numeric, format!("'{digits}e{}'::pg_catalog.numeric", -i32::from(scale)))
}

/// Text as a literal, whatever the server thinks of backslashes.
pub(super) fn text_literal(text: &str) -> String {
    let escaped = text.replace('\'', "''");
    match escaped.contains('\\') {
        true => format!("E'{}'", escaped.replace('\\', "\\\\")),
        false => format!("'{escaped}'"),
    }
}

/// Years that every style of writing dates writes alike.
fn plain_year(date: NaiveDate) -> bool {
    (1..=9999).contains(&date.year())
}

fn date(days: i32) -> Option<(Class, String)> {
    let date = NaiveDate::from_ymd_opt(1970, 1, 1)?.checked_add_signed(TimeDelta::try_days(days.into())?)?;
    plain_year(date).then(|| (Class::Date, format!("'{date}'::pg_catalog.date")))
}

fn time(micros: i64) -> Option<(Class, String)> {
    let micros = u32::try_from(micros / 1_000_000).ok().zip(u32::try_from(micros % 1_000_000).ok());
    let time =
        micros.and_then(|(seconds, rest)| NaiveTime::from_num_seconds_from_midnight_opt(seconds, rest * 1000))?;
    Some((Class::Time, format!("'{}'::pg_catalog.time", time.format("%H:%M:%S%.6f"))))
}

fn timestamp(at: i64, unit: TimeUnit, zoned: bool) -> Option<(Class, String)> {
    let micros = match unit {
        TimeUnit::Second => at.checked_mul(1_000_000)?,
        TimeUnit::Millisecond => at.checked_mul(1_000)?,
        TimeUnit::Microsecond => at,
        TimeUnit::Nanosecond if at % 1_000 == 0 => at / 1_000,
        TimeUnit::Nanosecond => return None,
    };
    let at: NaiveDateTime = DateTime::from_timestamp_micros(micros)?.naive_utc();
    let text = at.format("%Y-%m-%d %H:%M:%S%.6f");
    plain_year(at.date()).then(|| match zoned {
        true => (Class::Timestamptz, format!("'{text}+00'::pg_catalog.timestamptz")),
        false => (Class::Timestamp, format!("'{text}'::pg_catalog.timestamp")),
    })
}

/// Whether the text is a uuid in the one form in which it is read.
pub(super) fn canonical_uuid(text: &str) -> bool {
    uuid::Uuid::try_parse(text).is_ok_and(|uuid| uuid.hyphenated().to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: ScalarValue, expect: Option<&str>) {
        assert_eq!(literal(&value, false).map(|(_, sql)| sql).as_deref(), expect, "{value:?}");
    }

    #[test]
    fn a_literal_means_itself_or_is_not_sent() {
        use ScalarValue as V;
        check(V::Int64(Some(-5)), Some("'-5'::pg_catalog.int8"));
        check(V::UInt64(Some(u64::MAX)), None);
        check(V::Float64(Some(1.5)), Some("'1.5e0'::pg_catalog.float8"));
        check(V::Float64(Some(0.0)), None);
        check(V::Float64(Some(f64::NAN)), None);
        check(V::Decimal128(Some(-1250), 10, 2), Some("'-1250e-2'::pg_catalog.numeric"));
        check(V::from("it's"), Some("'it''s'"));
        check(V::from("a\\b"), Some("E'a\\\\b'"));
        check(V::from("a\0b"), None);
        check(V::from("ü"), None);
        check(V::Date32(Some(0)), Some("'1970-01-01'::pg_catalog.date"));
        check(V::Date32(Some(-1_000_000)), None);
        check(V::Time64Microsecond(Some(3_600_000_001)), Some("'01:00:00.000001'::pg_catalog.time"));
        check(V::TimestampNanosecond(Some(1), None), None);
        check(
            V::TimestampSecond(Some(0), Some("+02:00".into())),
            Some("'1970-01-01 00:00:00.000000+00'::pg_catalog.timestamptz"),
        );
        check(V::Int64(None), None);
    }
}
