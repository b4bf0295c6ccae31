//! Dates, times and intervals: made of their parts, put in order, and how far they are from each other.

use super::{Entry, Row};
use crate::base::{Error, Kind, Result};
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;
use datafusion::arrow::datatypes::IntervalMonthDayNano;
use datafusion::common::ScalarValue;

pub(super) const ALL: &[Entry] = &[
    ("age(timestamp, timestamp) interval", |row| age(stamp(row, 0), stamp(row, 1))),
    ("age(timestamptz, timestamptz) interval", |row| {
        age(local(stamp(row, 0), row.zone), local(stamp(row, 1), row.zone))
    }),
    ("interval order(interval) numeric(38,0)", |row| {
        Ok(Some(ScalarValue::Decimal128(Some(length(&interval(row, 0))), 38, 0)))
    }),
    ("isfinite(any) bool", |row| {
        let finite = match &row.values[0] {
            ScalarValue::Date32(Some(day)) => !matches!(*day, i32::MIN | i32::MAX),
            ScalarValue::TimestampMicrosecond(Some(micros), _) => !matches!(*micros, i64::MIN | i64::MAX),
            _ => true,
        };
        super::bool(finite)
    }),
    ("justify_days(interval) interval", |row| {
        let (months, days, micros) = parts(row, 0);
        made(i64::from(months) + i64::from(days / 30), i64::from(days % 30), micros)
    }),
    ("justify_hours(interval) interval", |row| {
        let (months, days, micros) = parts(row, 0);
        made(months.into(), i64::from(days) + micros / DAY, micros % DAY)
    }),
    ("justify_interval(interval) interval", justify),
    ("make_date(int4, int4, int4) date", |row| {
        let day = date(row.int(0), row.int(1), row.int(2)).ok_or_else(|| {
            let message = format!("date field value out of range: {}-{:02}-{:02}", row.int(0), row.int(1), row.int(2));
            Error::new(Kind::DatetimeOverflow, message)
        })?;
        let days = day.signed_duration_since(NaiveDate::default()).num_days();
        Ok(Some(ScalarValue::Date32(i32::try_from(days).ok())))
    }),
    ("make_interval(int4, int4, int4, int4, int4, int4, float8) interval", |row| {
        let months = row.int(0) * 12 + row.int(1);
        let micros = row.int(4) * 3_600_000_000 + row.int(5) * 60_000_000 + (row.real(6) * 1e6).round() as i64;
        made(months, row.int(2) * 7 + row.int(3), micros)
    }),
    ("make_time(int4, int4, float8) time", |row| {
        let micros = time(row, 0)?;
        Ok(Some(ScalarValue::Time64Microsecond(Some(micros))))
    }),
    ("make_timestamp(int4, int4, int4, int4, int4, float8) timestamp", |row| {
        Ok(Some(ScalarValue::TimestampMicrosecond(Some(moment(row)?), None)))
    }),
    ("make_timestamptz(int4, int4, int4, int4, int4, float8) timestamptz", |row| zoned(moment(row)?, row.zone)),
    ("make_timestamptz(int4, int4, int4, int4, int4, float8, text) timestamptz", |row| {
        let zone = row.text(6).parse().map_err(|_| {
            Error::new(Kind::InvalidParameterValue, format!("time zone \"{}\" not recognized", row.text(6)))
        })?;
        zoned(moment(row)?, zone)
    }),
    ("overlaps(any, any, any, any) bool", overlaps),
    ("rounded time(any, int4) anyelement", |row| Ok(Some(rounded(&row.values[0], row.int(1))))),
    ("timestamp and interval(timestamptz, interval) timestamptz", |row| {
        let (months, days, micros) = parts(row, 1);
        let ScalarValue::TimestampMicrosecond(Some(at), _) = &row.values[0] else { return Ok(None) };
        Ok(Some(instant(moved(*at, months, days, micros, row.zone)?)))
    }),
    ("timestamp less interval(timestamptz, interval) timestamptz", |row| {
        let (months, days, micros) = parts(row, 1);
        let ScalarValue::TimestampMicrosecond(Some(at), _) = &row.values[0] else { return Ok(None) };
        Ok(Some(instant(moved(*at, -months, -days, -micros, row.zone)?)))
    }),
];

const DAY: i64 = 86_400_000_000;

pub(super) fn interval(row: &Row<'_>, at: usize) -> IntervalMonthDayNano {
    match row.values.get(at) {
        Some(ScalarValue::IntervalMonthDayNano(Some(interval))) => *interval,
        _ => IntervalMonthDayNano::new(0, 0, 0),
    }
}

/// Months, days and microseconds.
pub(super) fn parts(row: &Row<'_>, at: usize) -> (i32, i32, i64) {
    let interval = interval(row, at);
    (interval.months, interval.days, interval.nanoseconds / 1_000)
}

/// Microseconds, a month as 30 days and a day as 24 hours: intervals are compared so.
fn length(interval: &IntervalMonthDayNano) -> i128 {
    let days = i128::from(interval.months) * 30 + i128::from(interval.days);
    days * i128::from(DAY) + i128::from(interval.nanoseconds / 1_000)
}

/// A time to so many digits of its seconds, halves up.
pub fn rounded(value: &ScalarValue, digits: i64) -> ScalarValue {
    let unit = 10i64.pow(u32::try_from(6 - digits.clamp(0, 6)).unwrap_or_default());
    let near = |micros: i64| match micros {
        i64::MIN | i64::MAX => micros,
        micros => (micros.saturating_add(unit / 2)).div_euclid(unit) * unit,
    };
    match value {
        ScalarValue::TimestampMicrosecond(Some(micros), zone) => {
            ScalarValue::TimestampMicrosecond(Some(near(*micros)), zone.clone())
        }
        ScalarValue::Time64Microsecond(Some(micros)) => ScalarValue::Time64Microsecond(Some(near(*micros))),
        ScalarValue::IntervalMonthDayNano(Some(interval)) => {
            let nanos = near(interval.nanoseconds / 1_000) * 1_000;
            let interval = IntervalMonthDayNano::new(interval.months, interval.days, nanos);
            ScalarValue::IntervalMonthDayNano(Some(interval))
        }
        other => other.clone(),
    }
}

fn instant(micros: i64) -> ScalarValue {
    ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into()))
}

fn stamp(row: &Row<'_>, at: usize) -> i64 {
    match row.values.get(at) {
        Some(ScalarValue::TimestampMicrosecond(Some(micros), _)) => *micros,
        _ => 0,
    }
}

/// The wall clock of an instant.
pub(super) fn local(micros: i64, zone: Tz) -> i64 {
    match DateTime::from_timestamp_micros(micros) {
        Some(at) if zone != Tz::UTC => {
            let seconds = zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc();
            micros + i64::from(seconds) * 1_000_000
        }
        _ => micros,
    }
}

/// The instant of a wall clock.
pub(super) fn instant_of(micros: i64, zone: Tz) -> i64 {
    let zone = crate::base::value::Zone::Named(zone);
    zone.instant_of(micros.div_euclid(1_000_000)) * 1_000_000 + micros.rem_euclid(1_000_000)
}

fn zoned(local: i64, zone: Tz) -> Result<Option<ScalarValue>> {
    Ok(Some(instant(instant_of(local, zone))))
}

/// An instant moved by months and days of the wall clock, then by a time.
pub(super) fn moved(at: i64, months: i32, days: i32, micros: i64, zone: Tz) -> Result<i64> {
    if matches!(at, i64::MIN | i64::MAX) {
        return Ok(at);
    }
    let at = if months == 0 && days == 0 { at } else { instant_of(shifted(local(at, zone), months, days)?, zone) };
    at.checked_add(micros).ok_or_else(out_of_range)
}

/// A wall clock moved by months, which end no later than their last day, and days.
pub(super) fn shifted(at: i64, months: i32, days: i32) -> Result<i64> {
    let wall = DateTime::from_timestamp_micros(at).ok_or_else(out_of_range)?.naive_utc();
    let by_months = match months {
        0.. => wall.checked_add_months(Months::new(months.unsigned_abs())),
        _ => wall.checked_sub_months(Months::new(months.unsigned_abs())),
    };
    let by_days = |wall: NaiveDateTime| match days {
        0.. => wall.checked_add_days(Days::new(days.unsigned_abs().into())),
        _ => wall.checked_sub_days(Days::new(days.unsigned_abs().into())),
    };
    Ok(by_months.and_then(by_days).ok_or_else(out_of_range)?.and_utc().timestamp_micros())
}

fn out_of_range() -> Error {
    Error::new(Kind::DatetimeOverflow, "timestamp out of range")
}

pub(super) fn made(months: i64, days: i64, micros: i64) -> Result<Option<ScalarValue>> {
    let parts = i32::try_from(months).ok().zip(i32::try_from(days).ok()).zip(micros.checked_mul(1_000));
    let ((months, days), nanos) = parts.ok_or_else(|| Error::new(Kind::DatetimeOverflow, "interval out of range"))?;
    Ok(Some(ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(months, days, nanos)))))
}

fn justify(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    let (months, days, micros) = parts(row, 0);
    let (mut months, mut days, mut micros) = (i64::from(months), i64::from(days), micros);
    days += micros / DAY;
    micros %= DAY;
    months += days / 30;
    days %= 30;
    if months > 0 && (days < 0 || (days == 0 && micros < 0)) {
        days += 30;
        months -= 1;
    } else if months < 0 && (days > 0 || (days == 0 && micros > 0)) {
        days -= 30;
        months += 1;
    }
    if days > 0 && micros < 0 {
        micros += DAY;
        days -= 1;
    } else if days < 0 && micros > 0 {
        micros -= DAY;
        days += 1;
    }
    made(months, days, micros)
}

/// Years, months, days and a time between two wall clocks, borrowed from the month before the later one.
fn age(later: i64, earlier: i64) -> Result<Option<ScalarValue>> {
    let (sign, later, earlier) = if later < earlier { (-1, earlier, later) } else { (1, later, earlier) };
    let wall = |micros| DateTime::from_timestamp_micros(micros).ok_or_else(out_of_range);
    let (to, from) = (wall(later)?.naive_utc(), wall(earlier)?.naive_utc());
    let mut months = i64::from(to.year() - from.year()) * 12 + i64::from(to.month()) - i64::from(from.month());
    let mut days = i64::from(to.day()) - i64::from(from.day());
    let mut micros = later.rem_euclid(DAY) - earlier.rem_euclid(DAY);
    if micros < 0 {
        micros += DAY;
        days -= 1;
    }
    if days < 0 {
        days += i64::from(from.date().num_days_in_month());
        months -= 1;
    }
    made(sign * months, sign * days, sign * micros)
}

fn date(year: i64, month: i64, day: i64) -> Option<NaiveDate> {
    let year = if year < 0 { year + 1 } else { year };
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, u32::try_from(month).ok()?, u32::try_from(day).ok()?)
}

fn time(row: &Row<'_>, at: usize) -> Result<i64> {
    let (hour, minute, second) = (row.int(at), row.int(at + 1), row.real(at + 2));
    if !(0..=24).contains(&hour) || !(0..60).contains(&minute) || !(0.0..=60.0).contains(&second) {
        let message = format!("time field value out of range: {hour}:{minute:02}:{second:02}");
        return Err(Error::new(Kind::DatetimeOverflow, message));
    }
    Ok(hour * 3_600_000_000 + minute * 60_000_000 + (second * 1e6).round() as i64)
}

/// Microseconds of the wall clock that six numbers say.
fn moment(row: &Row<'_>) -> Result<i64> {
    let day = date(row.int(0), row.int(1), row.int(2)).ok_or_else(|| {
        let message = format!("date field value out of range: {}-{:02}-{:02}", row.int(0), row.int(1), row.int(2));
        Error::new(Kind::DatetimeOverflow, message)
    })?;
    let days = day.signed_duration_since(NaiveDate::default()).num_days();
    Ok(days * DAY + time(row, 3)?)
}

/// Whether two periods of time have a moment in common; each ends at a time or after an interval.
fn overlaps(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    let period = |at: usize| -> Result<(i64, i64)> {
        let (from, to) = (point(row, at)?, &row.values[at + 1]);
        let to = match to {
            ScalarValue::IntervalMonthDayNano(Some(length)) => {
                let zone = if row.types.get(at) == Some(&crate::base::Type::Timestamptz) { row.zone } else { Tz::UTC };
                moved(from, length.months, length.days, length.nanoseconds / 1_000, zone)?
            }
            _ => point(row, at + 1)?,
        };
        Ok((from.min(to), from.max(to)))
    };
    let ((from, to), (other_from, other_to)) = (period(0)?, period(2)?);
    super::bool(from == other_from || (from < other_to && other_from < to))
}

/// Microseconds.
fn point(row: &Row<'_>, at: usize) -> Result<i64> {
    match &row.values[at] {
        ScalarValue::Date32(Some(day)) => Ok(i64::from(*day) * DAY),
        ScalarValue::TimestampMicrosecond(Some(micros), _) | ScalarValue::Time64Microsecond(Some(micros)) => {
            Ok(*micros)
        }
        _ => Err(Error::new(Kind::UndefinedFunction, "OVERLAPS takes pairs of times")),
    }
}
