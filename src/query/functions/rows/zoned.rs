//! `time with time zone`.

use super::{Entry, Row, text};
use crate::base::value::Style;
use crate::base::value::textual::{Timetz, timetz};
use crate::base::{Error, Kind, Result};
use crate::query::functions::time::zone_of;
use datafusion::common::ScalarValue;

pub(super) const ALL: &[Entry] = &[
    ("date and timetz(date, timetz) timestamptz", |row| {
        let time = value(row, 1)?;
        let ScalarValue::Date32(Some(day)) = &row.values[0] else { return Ok(None) };
        let micros = i64::from(*day) * 86_400_000_000 + time.micros - i64::from(time.east) * 1_000_000;
        Ok(Some(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into()))))
    }),
    ("timetz +(timetz, interval) timetz", |row| {
        let (_, _, micros) = super::clock::parts(row, 1);
        text(value(row, 0)?.plus(micros).to_string())
    }),
    ("timetz -(timetz, interval) timetz", |row| {
        let (_, _, micros) = super::clock::parts(row, 1);
        text(value(row, 0)?.plus(-micros).to_string())
    }),
    ("timetz at zone(text, timetz) timetz", |row| {
        let zone = zone_of(row.text(0)).ok_or_else(|| {
            Error::new(Kind::InvalidParameterValue, format!("time zone \"{}\" not recognized", row.text(0)))
        })?;
        // A zone's clock now; a zone without summer time has no other.
        let moved = timetz("00:00", &Style { zone, ..Style::default() })?;
        text(value(row, 1)?.moved(moved.east).to_string())
    }),
    ("timetz to time(timetz) time", |row| Ok(Some(ScalarValue::Time64Microsecond(Some(value(row, 0)?.micros))))),
    ("timetz part(text, timetz) float8", |row| {
        let time = value(row, 1)?;
        let seconds = time.micros as f64 / 1e6;
        let part = match row.text(0) {
            "hour" => (time.micros / 3_600_000_000) as f64,
            "minute" => (time.micros / 60_000_000 % 60) as f64,
            "second" => (time.micros % 60_000_000) as f64 / 1e6,
            "milliseconds" | "millisecond" => (time.micros % 60_000_000) as f64 / 1e3,
            "microseconds" | "microsecond" => (time.micros % 60_000_000) as f64,
            "epoch" => seconds - f64::from(time.east),
            "timezone" => f64::from(time.east),
            "timezone_hour" => f64::from(time.east / 3600),
            "timezone_minute" => f64::from(time.east % 3600 / 60),
            unit => {
                let message = format!("unit \"{unit}\" not supported for type time with time zone");
                return Err(Error::unsupported(message));
            }
        };
        Ok(Some(ScalarValue::Float64(Some(part))))
    }),
];

fn value(row: &Row<'_>, at: usize) -> Result<Timetz> {
    timetz(row.text(at), &row.style())
}
