//! Intervals: months, days and microseconds that do not turn into each other.

use super::IntervalStyle;
use super::calendar::{put_fraction, put_padded};
use bytes::{BufMut, BytesMut};
use std::fmt::Write;

/// A span of time; the parts may have different signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    pub months: i32,
    pub days: i32,
    pub micros: i64,
}

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;

pub fn write_interval(interval: Interval, style: IntervalStyle, out: &mut BytesMut) {
    match style {
        IntervalStyle::Postgres => write_postgres(interval, out),
        IntervalStyle::Iso8601 => write_iso(interval, out),
    }
}

/// `1 year 2 mons -3 days +04:05:06.7`
fn write_postgres(interval: Interval, out: &mut BytesMut) {
    let begin = out.len();
    let mut after_negative = false;
    let parts = [(interval.months / 12, "year"), (interval.months % 12, "mon"), (interval.days, "day")];
    for (count, unit) in parts.into_iter().filter(|(count, _)| *count != 0) {
        if out.len() > begin {
            out.put_u8(b' ');
        }
        let plus = if after_negative && count > 0 { "+" } else { "" };
        let plural = if count == 1 { "" } else { "s" };
        put(out, format_args!("{plus}{count} {unit}{plural}"));
        after_negative = count < 0;
    }
    let empty = out.len() == begin;
    if interval.micros == 0 && !empty {
        return;
    }
    if !empty {
        out.put_u8(b' ');
    }
    match interval.micros {
        micros if micros < 0 => out.put_u8(b'-'),
        _ if after_negative => out.put_u8(b'+'),
        _ => {}
    }
    let micros = interval.micros.unsigned_abs();
    put_padded(micros / HOUR as u64, 2, out);
    out.put_u8(b':');
    put_padded(micros / MINUTE as u64 % 60, 2, out);
    out.put_u8(b':');
    put_padded(micros / 1_000_000 % 60, 2, out);
    put_fraction(micros % 1_000_000, out);
}

/// `P1Y2M-3DT4H5M6.7S`
fn write_iso(interval: Interval, out: &mut BytesMut) {
    if interval == Interval::default() {
        return out.put_slice(b"PT0S");
    }
    out.put_u8(b'P');
    for (count, unit) in [(interval.months / 12, 'Y'), (interval.months % 12, 'M'), (interval.days, 'D')] {
        if count != 0 {
            put(out, format_args!("{count}{unit}"));
        }
    }
    if interval.micros == 0 {
        return;
    }
    out.put_u8(b'T');
    for (count, unit) in [(interval.micros / HOUR, 'H'), (interval.micros % HOUR / MINUTE, 'M')] {
        if count != 0 {
            put(out, format_args!("{count}{unit}"));
        }
    }
    let rest = interval.micros % MINUTE;
    if rest != 0 {
        if rest < 0 {
            out.put_u8(b'-');
        }
        put_padded(rest.unsigned_abs() / 1_000_000, 1, out);
        put_fraction(rest.unsigned_abs() % 1_000_000, out);
        out.put_u8(b'S');
    }
}

fn put(out: &mut BytesMut, text: std::fmt::Arguments<'_>) {
    // Writing into memory has no way to fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(months: i32, days: i32, micros: i64, postgres: &str, iso: &str) {
        for (style, expect) in [(IntervalStyle::Postgres, postgres), (IntervalStyle::Iso8601, iso)] {
            let mut out = BytesMut::new();
            write_interval(Interval { months, days, micros }, style, &mut out);
            assert_eq!(std::str::from_utf8(&out).unwrap(), expect);
        }
    }

    #[test]
    fn intervals_look_as_in_postgres() {
        check(0, 0, 0, "00:00:00", "PT0S");
        check(14, 3, 4 * HOUR + 5 * MINUTE + 6_700_000, "1 year 2 mons 3 days 04:05:06.7", "P1Y2M3DT4H5M6.7S");
        check(-14, -3, -1_500_000, "-1 years -2 mons -3 days -00:00:01.5", "P-1Y-2M-3DT-1.5S");
        check(-1, 1, HOUR, "-1 mons +1 day 01:00:00", "P-1M1DT1H");
        check(0, -1, HOUR, "-1 days +01:00:00", "P-1DT1H");
        check(0, 0, 100 * HOUR, "100:00:00", "PT100H");
        check(12, 0, 0, "1 year", "P1Y");
    }
}
