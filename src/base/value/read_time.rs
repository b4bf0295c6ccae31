//! Dates, times, instants and intervals out of text: ISO 8601 and the forms that Postgres itself prints.

use super::Zone;
use super::calendar::{DAY_MICROS, days, days_in_month};
use super::read_text::invalid;
use super::zone::offset;
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

/// A time of day in microseconds, and the zone after it.
pub(super) fn read_clock(text: &str, ty: &Type) -> Result<(i64, Option<Zone>)> {
    clock(text).map_err(|fault| fault.error(text, ty))
}

/// Seconds east of Greenwich that a zone has now.
pub(super) fn today_offset(zone: &Zone) -> i32 {
    match zone {
        Zone::Fixed(seconds) => *seconds,
        zone => zone.offset_at(crate::base::Clock::now(&crate::base::clock::SystemClock).timestamp()),
    }
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
pub(super) enum Fault {
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
        let named;
        let text = match month_named(text) {
            Some(date) => {
                named = date;
                named.as_str()
            }
            None => text,
        };
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

/// The months' names; their first three letters are the short ones.
pub const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// `Jan 5, 2024 10:00` and `5 January 2024` with the month as a number; `None` when no month begins the date.
fn month_named(text: &str) -> Option<String> {
    let month = |word: &str| {
        let word = word.trim_end_matches(['.', ',']).to_ascii_lowercase();
        MONTHS.iter().position(|month| word == *month || word == month[..3] || word == "sept" && *month == "september")
    };
    let day = |word: &str| word.trim_end_matches(',').parse::<u32>().ok().filter(|day| (1..=31).contains(day));
    if !text.contains(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let spaced = text.replacen('-', " ", 2);
    let source = if text.split_ascii_whitespace().next()?.contains('-') { spaced.as_str() } else { text };
    let mut words = source.split_ascii_whitespace();
    let (first, second, year) = (words.next()?, words.next()?, words.next()?);
    let (month, day) = match (month(first), month(second)) {
        (Some(month), _) => (month, day(second)?),
        (_, Some(month)) => (month, day(first)?),
        _ => return None,
    };
    let year = year.trim_end_matches(',');
    if year.len() < 3 || !year.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let rest: Vec<&str> = words.collect();
    Some(format!("{year}-{:02}-{day:02} {}", month + 1, rest.join(" ")).trim_end().to_string())
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
    // `1030`, `103015`
    let together: Vec<&str> = match parts.as_slice() {
        [digits] if matches!(digits.len(), 4 | 6) => {
            (0..digits.len()).step_by(2).filter_map(|at| digits.get(at..at + 2)).collect()
        }
        _ => parts,
    };
    let numbers = together.iter().map(number).collect::<Result<Vec<_>, _>>()?;
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
            (Type::Time, "103015", "10:30:15"),
            (Type::Date, "Jan 5, 2024", "2024-01-05"),
            (Type::Date, "5 January 2024", "2024-01-05"),
            (Type::Timestamp, "05-Feb-2024 10:00", "2024-02-05 10:00:00"),
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
}
