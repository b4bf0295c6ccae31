//! Dates, times, instants and intervals out of text: ISO 8601 and the forms that Postgres itself prints.

use super::calendar::{DAY_MICROS, days, days_in_month};
use super::read_text::invalid;
use super::zone::offset;
use super::{Interval, Zone};
use crate::base::{Error, Kind, Result, Type};

/// A date in days since 1970.
pub(super) fn read_date(text: &str) -> Result<i32> {
    match special(text) {
        Some(Special::Infinity) => return Ok(i32::MAX),
        Some(Special::MinusInfinity) => return Ok(i32::MIN),
        Some(Special::Epoch) => return Ok(0),
        None => {}
    }
    let moment = Moment::read(text).map_err(|fault| fault.error(text, &Type::Date))?;
    let day = i32::try_from(moment.day).ok().filter(|day| (-2_440_588..2_145_042_542).contains(day));
    day.ok_or_else(|| Error::new(Kind::DatetimeOverflow, format!("date out of range: \"{text}\"")))
}

/// A time of day in microseconds.
pub(super) fn read_time(text: &str) -> Result<i64> {
    let (micros, _) = clock(text).map_err(|fault| fault.error(text, &Type::Time))?;
    Ok(micros)
}

/// A local time in microseconds since 1970; a zone in the text is ignored, as in Postgres.
pub(super) fn read_timestamp(text: &str) -> Result<i64> {
    instant(text, &Type::Timestamp, |_, local| Some(local))
}

/// An instant in microseconds since 1970; without a zone in the text it is a local time of `zone`.
pub(super) fn read_timestamptz(text: &str, zone: &Zone) -> Result<i64> {
    instant(text, &Type::Timestamptz, |moment, local| {
        let zone = moment.zone.as_ref().unwrap_or(zone);
        let seconds = zone.instant_of(local.div_euclid(1_000_000));
        seconds.checked_mul(1_000_000)?.checked_add(local.rem_euclid(1_000_000))
    })
}

fn instant(text: &str, ty: &Type, resolve: impl Fn(&Moment, i64) -> Option<i64>) -> Result<i64> {
    match special(text) {
        Some(Special::Infinity) => return Ok(i64::MAX),
        Some(Special::MinusInfinity) => return Ok(i64::MIN),
        Some(Special::Epoch) => return Ok(0),
        None => {}
    }
    let moment = Moment::read(text).map_err(|fault| fault.error(text, ty))?;
    let local = moment.day.checked_mul(DAY_MICROS).and_then(|micros| micros.checked_add(moment.micros));
    let micros =
        local.and_then(|local| resolve(&moment, local)).filter(|micros| !matches!(micros, &i64::MAX | &i64::MIN));
    micros.ok_or_else(|| Error::new(Kind::DatetimeOverflow, format!("timestamp out of range: \"{text}\"")))
}

enum Special {
    Infinity,
    MinusInfinity,
    Epoch,
}

fn special(text: &str) -> Option<Special> {
    match text.to_ascii_lowercase().as_str() {
        "infinity" | "+infinity" | "inf" => Some(Special::Infinity),
        "-infinity" | "-inf" => Some(Special::MinusInfinity),
        "epoch" => Some(Special::Epoch),
        _ => None,
    }
}

/// What is wrong with the text of a date or time.
#[derive(Debug)]
enum Fault {
    /// It is none.
    Syntax,
    /// A field is beyond the calendar or the clock.
    Range,
}

impl Fault {
    fn error(self, text: &str, ty: &Type) -> Error {
        match self {
            Fault::Syntax => Error { kind: Kind::InvalidDatetime, ..invalid(text, ty) },
            Fault::Range => {
                Error::new(Kind::DatetimeOverflow, format!("date/time field value out of range: \"{text}\""))
            }
        }
    }
}

/// A date with a time of day and maybe a zone.
struct Moment {
    day: i64,
    micros: i64,
    zone: Option<Zone>,
}

impl Moment {
    fn read(text: &str) -> Result<Moment, Fault> {
        let (text, before_christ) = era(text);
        let end = text.find(|c: char| c.is_ascii_whitespace() || c.eq_ignore_ascii_case(&'t')).unwrap_or(text.len());
        let (date, rest) = text.split_at(end);
        let day = day_of(date, before_christ)?;
        let rest = rest.trim_start_matches(['t', 'T']).trim_ascii();
        match rest.as_bytes().first() {
            None => Ok(Moment { day, micros: 0, zone: None }),
            Some(byte) if byte.is_ascii_digit() => {
                let (micros, zone) = clock(rest)?;
                Ok(Moment { day, micros, zone })
            }
            Some(_) => Ok(Moment { day, micros: 0, zone: Some(zone(rest)?) }),
        }
    }
}

fn era(text: &str) -> (&str, bool) {
    let cut = |era: &str| {
        let at = text.len().checked_sub(era.len())?;
        let tail = text.get(at..)?;
        tail.eq_ignore_ascii_case(era).then(|| text[..at].trim_end())
    };
    match (cut(" bc"), cut(" ad")) {
        (Some(text), _) => (text, true),
        (_, Some(text)) => (text, false),
        _ => (text, false),
    }
}

/// `2024-06-01`, `20240601`, `6/1/2024`
fn day_of(text: &str, before_christ: bool) -> Result<i64, Fault> {
    let number = |part: &str| match part.len() {
        1..=7 if part.bytes().all(|byte| byte.is_ascii_digit()) => part.parse::<u32>().map_err(|_| Fault::Syntax),
        _ => Err(Fault::Syntax),
    };
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    let (year, month, day) = match parts.as_slice() {
        [whole] if whole.len() == 8 && whole.is_ascii() => {
            (number(&whole[..4])?, number(&whole[4..6])?, number(&whole[6..])?)
        }
        [year, month, day] if year.len() >= 3 => (number(year)?, number(month)?, number(day)?),
        [month, day, year] if year.len() >= 3 => (number(year)?, number(month)?, number(day)?),
        _ => return Err(Fault::Syntax),
    };
    if year == 0 || !(1..=12).contains(&month) {
        return Err(Fault::Range);
    }
    let year = if before_christ { 1 - i64::from(year) } else { i64::from(year) };
    if day == 0 || day > days_in_month(year, month) {
        return Err(Fault::Range);
    }
    Ok(days(year, month, day))
}

/// `10:30`, `10:30:15.5`, `10:30 PM`, each with or without a zone after it.
fn clock(text: &str) -> Result<(i64, Option<Zone>), Fault> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let parts: Vec<&str> = whole.split(':').collect();
    let number = |part: &&str| match part.len() {
        1 | 2 => part.parse::<i64>().map_err(|_| Fault::Syntax),
        _ => Err(Fault::Syntax),
    };
    let numbers = parts.iter().map(number).collect::<Result<Vec<_>, _>>()?;
    let (mut hour, minute, second) = match numbers.as_slice() {
        [hour, minute] if fraction.is_empty() => (*hour, *minute, 0),
        [hour, minute, second] => (*hour, *minute, *second),
        _ => return Err(Fault::Syntax),
    };
    let mut rest = rest.trim_start();
    for (half, name) in [(0, "am"), (12, "pm")] {
        if rest.get(..2).is_some_and(|word| word.eq_ignore_ascii_case(name)) {
            if !(1..=12).contains(&hour) {
                return Err(Fault::Range);
            }
            hour = hour % 12 + half;
            rest = rest[2..].trim_start();
        }
    }
    let micros = fraction_micros(fraction).ok_or(Fault::Syntax)?;
    let total = ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros;
    // 23:59:60 and 24:00:00 are the next day's first instant.
    if minute > 59 || second > 60 || total > DAY_MICROS {
        return Err(Fault::Range);
    }
    let zone = if rest.is_empty() { None } else { Some(zone(rest)?) };
    Ok((total, zone))
}

/// Digits after the point as microseconds, rounded.
fn fraction_micros(digits: &str) -> Option<i64> {
    if digits.is_empty() {
        return Some(0);
    }
    let fraction: f64 =
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| format!("0.{digits}").parse().ok())??;
    Some((fraction * 1e6).round() as i64)
}

fn zone(text: &str) -> Result<Zone, Fault> {
    match text {
        "Z" | "z" => Ok(Zone::default()),
        text => match offset(text) {
            Some(seconds) => Ok(Zone::Fixed(seconds)),
            None if text.starts_with(|c: char| c.is_ascii_alphabetic()) => Zone::parse(text).ok_or(Fault::Syntax),
            None => Err(Fault::Syntax),
        },
    }
}

/// `1 day 02:03:04`, `2 hours ago`, `P1Y2M3DT4H5M6S`, `1.5 h`, `90`
pub fn read_interval(text: &str) -> Result<Interval> {
    let parsed = match text.strip_prefix(['P', 'p']) {
        Some(iso) => iso_interval(iso),
        None => worded_interval(text),
    };
    parsed.map_err(|fault| match fault {
        Fault::Syntax => Error { kind: Kind::InvalidDatetime, ..invalid(text, &Type::Interval) },
        Fault::Range => Error::new(Kind::DatetimeOverflow, format!("interval field value out of range: \"{text}\"")),
    })
}

/// Sums up parts of an interval; a fraction of a unit goes into the smaller ones.
#[derive(Default)]
struct Sum {
    months: f64,
    days: f64,
    micros: f64,
}

impl Sum {
    fn add(&mut self, count: f64, unit: &str) -> Result<(), Fault> {
        let plural = unit.to_ascii_lowercase();
        let name = if plural.len() > 2 { plural.trim_end_matches('s') } else { plural.as_str() };
        let months = match name {
            "millennium" | "millennia" | "mil" => 12_000.0,
            "century" | "centurie" | "c" => 1_200.0,
            "decade" | "dec" => 120.0,
            "y" | "yr" | "year" => 12.0,
            "mon" | "month" => 1.0,
            _ => 0.0,
        };
        let days = match name {
            "w" | "week" => 7.0,
            "d" | "day" => 1.0,
            _ => 0.0,
        };
        let micros = match name {
            "h" | "hr" | "hour" => 3_600e6,
            "m" | "min" | "minute" => 60e6,
            "" | "s" | "sec" | "second" => 1e6,
            "ms" | "msec" | "millisecond" => 1e3,
            "us" | "usec" | "microsecond" => 1.0,
            _ => 0.0,
        };
        if months == 0.0 && days == 0.0 && micros == 0.0 {
            return Err(Fault::Syntax);
        }
        let months = count * months;
        let whole = months.trunc();
        self.months += whole;
        // Of a year only whole months are kept; of a month, days of thirty.
        let days = count * days + if name.starts_with("mon") { (months - whole) * 30.0 } else { 0.0 };
        self.days += days.trunc();
        self.micros += days.fract() * DAY_MICROS as f64 + count * micros;
        Ok(())
    }

    fn finish(self, sign: f64) -> Result<Interval, Fault> {
        let inside = |value: f64, limit: f64| {
            let value = (value * sign).round();
            if value.abs() <= limit { Ok(value) } else { Err(Fault::Range) }
        };
        Ok(Interval {
            months: inside(self.months, f64::from(i32::MAX))? as i32,
            days: inside(self.days, f64::from(i32::MAX))? as i32,
            micros: inside(self.micros, 9.2e18)? as i64,
        })
    }
}

fn worded_interval(text: &str) -> Result<Interval, Fault> {
    let text = text.trim_start_matches('@').trim_ascii();
    let (text, sign) = match text.len().checked_sub(4).and_then(|at| text.get(at..)) {
        Some(word) if word.eq_ignore_ascii_case(" ago") => (&text[..text.len() - 4], -1.0),
        _ => (text, 1.0),
    };
    let mut sum = Sum::default();
    let mut rest = text.trim_ascii();
    if rest.is_empty() {
        return Err(Fault::Syntax);
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && !"+-.:eE".contains(c)).unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let after = after.trim_start();
        if number.contains(':') {
            sum.micros += span(number)?;
            rest = after;
            continue;
        }
        let count: f64 = number.parse().ok().filter(|count: &f64| count.is_finite()).ok_or(Fault::Syntax)?;
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        // A number before a time of day counts days: `3 04:05:06`.
        let unit = if unit.is_empty() && next.contains(':') { "day" } else { unit };
        sum.add(count, unit)?;
        rest = next.trim_start_matches(',').trim_start();
    }
    sum.finish(sign)
}

/// `-04:05:06.7` as microseconds.
fn span(text: &str) -> Result<f64, Fault> {
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'-') => (-1.0, &text[1..]),
        Some(b'+') => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    let parts = digits.split(':').map(|part| match part.starts_with(|c: char| c.is_ascii_digit()) {
        true => part.parse::<f64>().map_err(|_| Fault::Syntax),
        false => Err(Fault::Syntax),
    });
    match parts.collect::<Result<Vec<_>, _>>()?.as_slice() {
        [hours, minutes] if *minutes < 60.0 => Ok(sign * (hours * 60.0 + minutes) * 60e6),
        [hours, minutes, seconds] if *minutes < 60.0 && *seconds <= 60.0 => {
            Ok(sign * ((hours * 60.0 + minutes) * 60.0 + seconds) * 1e6)
        }
        [_, _] | [_, _, _] => Err(Fault::Range),
        _ => Err(Fault::Syntax),
    }
}

/// What follows the `P`.
fn iso_interval(text: &str) -> Result<Interval, Fault> {
    let mut sum = Sum::default();
    let mut in_time = false;
    let mut rest = text;
    if rest.is_empty() {
        return Err(Fault::Syntax);
    }
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(['T', 't']) {
            (in_time, rest) = (true, after);
            continue;
        }
        let end = rest.find(|c: char| c.is_ascii_alphabetic()).ok_or(Fault::Syntax)?;
        let count: f64 = rest[..end].parse().map_err(|_| Fault::Syntax)?;
        let unit = match (rest.as_bytes()[end].to_ascii_uppercase(), in_time) {
            (b'Y', false) => "year",
            (b'M', false) => "month",
            (b'W', false) => "week",
            (b'D', false) => "day",
            (b'H', true) => "hour",
            (b'M', true) => "minute",
            (b'S', true) => "second",
            _ => return Err(Fault::Syntax),
        };
        sum.add(count, unit)?;
        rest = &rest[end + 1..];
    }
    sum.finish(1.0)
}

#[cfg(test)]
mod tests {
    use super::super::{Style, read_text, text_of};
    use super::*;

    fn shown(ty: &Type, text: &str) -> Result<String> {
        let style = Style { zone: Zone::parse("America/New_York").unwrap(), ..Style::default() };
        let value = read_text(text, ty, &style)?;
        Ok(text_of(&value, ty, &style)?.unwrap())
    }

    #[test]
    fn dates_and_times_read_from_text_show_as_in_postgres() {
        for (ty, text, expect) in [
            (Type::Date, "2024-2-9", "2024-02-09"),
            (Type::Date, "20240209", "2024-02-09"),
            (Type::Date, "2/9/2024", "2024-02-09"),
            (Type::Date, "0044-03-15 BC", "0044-03-15 BC"),
            (Type::Date, "-infinity", "-infinity"),
            (Type::Date, "2024-02-09 10:00", "2024-02-09"),
            (Type::Time, "10:30", "10:30:00"),
            (Type::Time, "1:02:03.4567894 pm", "13:02:03.456789"),
            (Type::Time, "24:00", "24:00:00"),
            (Type::Timestamp, "2024-06-01T10:00:00.25Z", "2024-06-01 10:00:00.25"),
            (Type::Timestamp, "2024-06-01 +00", "2024-06-01 00:00:00"),
            (Type::Timestamptz, "2024-06-01 10:00", "2024-06-01 10:00:00-04"),
            (Type::Timestamptz, "2024-06-01 10:00:00+05:30", "2024-06-01 00:30:00-04"),
            (Type::Timestamptz, "2024-01-01 10:00 Europe/Berlin", "2024-01-01 04:00:00-05"),
            (Type::Timestamptz, "epoch", "1969-12-31 19:00:00-05"),
        ] {
            assert_eq!(shown(&ty, text).as_deref(), Ok(expect), "{text}");
        }
        for (ty, text, kind) in [
            (Type::Date, "2024-13-01", Kind::DatetimeOverflow),
            (Type::Date, "2023-02-29", Kind::DatetimeOverflow),
            (Type::Date, "soon", Kind::InvalidDatetime),
            (Type::Time, "25:00", Kind::DatetimeOverflow),
            (Type::Timestamp, "2024-06-01 10:00:00 Mars", Kind::InvalidDatetime),
            (Type::Timestamp, "999999-01-01", Kind::DatetimeOverflow),
            (Type::Timestamptz, "", Kind::InvalidDatetime),
        ] {
            assert_eq!(shown(&ty, text).unwrap_err().kind, kind, "{text}");
        }
    }

    #[test]
    fn intervals_read_from_text_show_as_in_postgres() {
        for (text, expect) in [
            ("1 day", "1 day"),
            ("1 year 2 mons 3 days 04:05:06.7", "1 year 2 mons 3 days 04:05:06.7"),
            ("@ 2 hours ago", "-02:00:00"),
            ("1.5 months", "1 mon 15 days"),
            ("1.5 years", "1 year 6 mons"),
            ("2h30m", "02:30:00"),
            ("90", "00:01:30"),
            ("3 04:05", "3 days 04:05:00"),
            ("-1 days +01:00:00", "-1 days +01:00:00"),
            ("P1Y2M3DT4H5M6.7S", "1 year 2 mons 3 days 04:05:06.7"),
            ("PT0S", "00:00:00"),
            ("2 weeks", "14 days"),
            ("500 ms", "00:00:00.5"),
        ] {
            assert_eq!(shown(&Type::Interval, text).as_deref(), Ok(expect), "{text}");
        }
        for text in ["", "P", "1 parsec", "day", "1:2:3:4", "P1H", "1 day -"] {
            assert_eq!(shown(&Type::Interval, text).unwrap_err().kind, Kind::InvalidDatetime, "{text}");
        }
    }
}
