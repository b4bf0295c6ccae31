//! Times and numbers read by one of PostgreSQL's patterns, and numbers written by one.

use super::clock::instant_of;
use super::{Entry, Row, text};
use crate::base::value::MONTHS;
use crate::base::{Error, Kind, Result};
use chrono::NaiveDate;
use datafusion::common::ScalarValue;

pub(super) const ALL: &[Entry] = &[
    ("to_char of number(numeric, text) text", |row| {
        let ScalarValue::Decimal128(Some(digits), _, scale) = &row.values[0] else { return Ok(None) };
        text(number(*digits, usize::try_from(*scale).unwrap_or_default(), row.text(1))?)
    }),
    ("to_date(text, text) date", |row| {
        let micros = moment(row.text(0), row.text(1))?;
        Ok(Some(ScalarValue::Date32(i32::try_from(micros.div_euclid(86_400_000_000)).ok())))
    }),
    ("to_number(text, text) numeric", read_number),
    ("to_timestamp(float8) timestamptz", |row| {
        let micros = (row.real(0) * 1e6).round();
        if micros.abs() > 9.2e18 {
            return Err(Error::new(Kind::DatetimeOverflow, format!("timestamp out of range: \"{}\"", row.real(0))));
        }
        Ok(Some(ScalarValue::TimestampMicrosecond(Some(micros as i64), Some("UTC".into()))))
    }),
    ("to_timestamp(text, text) timestamptz", |row| {
        let local = moment(row.text(0), row.text(1))?;
        Ok(Some(ScalarValue::TimestampMicrosecond(Some(instant_of(local, row.zone)), Some("UTC".into()))))
    }),
];

/// What a pattern may ask for, the longer before what it begins with, and how many digits it takes.
const FIELDS: &[(&str, usize)] = &[
    ("HH24", 2),
    ("HH12", 2),
    ("HH", 2),
    ("MI", 2),
    ("SSSSS", 5),
    ("SSSS", 5),
    ("SS", 2),
    ("MS", 3),
    ("US", 6),
    ("Y,YYY", 5),
    ("YYYY", 4),
    ("YYY", 3),
    ("YY", 2),
    ("Y", 1),
    ("MONTH", 0),
    ("MON", 0),
    ("MM", 2),
    ("DAY", 0),
    ("DY", 0),
    ("DDD", 3),
    ("DD", 2),
    ("D", 1),
    ("A.M.", 0),
    ("P.M.", 0),
    ("AM", 0),
    ("PM", 0),
    ("FM", 0),
    ("FX", 0),
    ("TH", 0),
];

const DAYS: &[&str] = &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// What was read so far.
struct Read {
    year: i64,
    month: i64,
    day: i64,
    of_year: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    of_day: Option<i64>,
    /// Of a clock of twelve hours.
    afternoon: Option<bool>,
    twelve: bool,
}

/// Microseconds of a wall clock.
fn moment(given: &str, pattern: &str) -> Result<i64> {
    let mut read = Read {
        year: 1,
        month: 1,
        day: 1,
        of_year: None,
        hour: 0,
        minute: 0,
        second: 0,
        micros: 0,
        of_day: None,
        afternoon: None,
        twelve: false,
    };
    let mut rest = given.trim_start();
    let mut wanted = pattern.trim_start();
    while let Some(next) = wanted.chars().next() {
        let field =
            FIELDS.iter().find(|(name, _)| wanted.get(..name.len()).is_some_and(|it| it.eq_ignore_ascii_case(name)));
        if let Some((name, digits)) = field {
            wanted = &wanted[name.len()..];
            // A field that another follows at once takes no more digits than it has.
            let glued = wanted.starts_with(|c: char| c.is_ascii_alphanumeric());
            rest = one(
                name,
                if glued { *digits } else { (*digits).max(if *name == "YYYY" { 9 } else { 0 }) },
                rest,
                &mut read,
            )?;
            continue;
        }
        if let Some(quoted) = wanted.strip_prefix('"') {
            let end = quoted.find('"').unwrap_or(quoted.len());
            rest = rest.get(end..).unwrap_or_default();
            wanted = quoted.get(end + 1..).unwrap_or_default();
            continue;
        }
        wanted = &wanted[next.len_utf8()..];
        // A separator stands for any other, and for any number of spaces.
        let trimmed = rest.trim_start();
        rest = match trimmed.chars().next() {
            Some(c) if !c.is_alphanumeric() && !next.is_whitespace() && !matches!(c, '+' | '-' if c != next) => {
                &trimmed[c.len_utf8()..]
            }
            Some(c) if next.is_whitespace() && rest.len() == trimmed.len() && !c.is_alphanumeric() => {
                &trimmed[c.len_utf8()..]
            }
            Some(c) if c == next && next.is_alphanumeric() => &trimmed[c.len_utf8()..],
            _ => trimmed,
        };
    }
    read.micros(given)
}

fn invalid(given: &str, field: &str) -> Error {
    let shown: String = given.chars().take(field.len().max(2)).collect();
    Error::new(Kind::InvalidDatetime, format!("invalid value \"{shown}\" for \"{field}\""))
}

/// Reads one field, and returns what is left.
fn one<'a>(field: &str, digits: usize, rest: &'a str, read: &mut Read) -> Result<&'a str> {
    let rest = rest.trim_start();
    if digits == 0 {
        return word(field, rest, read);
    }
    let number: String = if field == "Y,YYY" {
        rest.chars().take_while(|c| c.is_ascii_digit() || *c == ',').collect()
    } else {
        rest.chars().take(digits).take_while(char::is_ascii_digit).collect()
    };
    let after = &rest[number.len()..];
    let value: i64 = number.replace(',', "").parse().map_err(|_| invalid(rest, field))?;
    match field {
        "HH24" => read.hour = value,
        "HH12" | "HH" => {
            if !(1..=12).contains(&value) {
                let message = format!("hour \"{value}\" is invalid for the 12-hour clock");
                return Err(Error::new(Kind::InvalidDatetime, message));
            }
            read.twelve = true;
            read.hour = value;
        }
        "MI" => read.minute = value,
        "SS" => read.second = value,
        "SSSSS" | "SSSS" => read.of_day = Some(value),
        "MS" | "US" => {
            let width = u32::try_from(number.len()).unwrap_or(6).min(6);
            read.micros = value * 10i64.pow(6 - width);
        }
        "Y,YYY" | "YYYY" => read.year = value,
        "YYY" => read.year = if value < 100 { 2000 + value } else { 1000 + value },
        "YY" => read.year = if value < 70 { 2000 + value } else { 1900 + value },
        "Y" => read.year = 2020 + value,
        "MM" => read.month = value,
        "DD" => read.day = value,
        "DDD" => read.of_year = Some(value),
        _ => {}
    }
    Ok(after)
}

/// The name of a month or day, or which half of the day it is.
fn word<'a>(field: &str, rest: &'a str, read: &mut Read) -> Result<&'a str> {
    let lower = rest.to_lowercase();
    let found = |names: &[&str], full: bool| {
        let begins = |name: &&str| match full {
            true => lower.starts_with(*name).then_some(name.len()),
            false => lower.starts_with(&name[..3]).then_some(3),
        };
        names.iter().enumerate().find_map(|(at, name)| Some((at, begins(name)?)))
    };
    let cut = |length: usize| rest.get(length..).unwrap_or_default();
    match field {
        "MONTH" | "MON" => {
            let (at, length) = found(&MONTHS, field == "MONTH").ok_or_else(|| invalid(rest, field))?;
            read.month = at as i64 + 1;
            Ok(cut(length))
        }
        "DAY" | "DY" => {
            let (_, length) = found(DAYS, field == "DAY").ok_or_else(|| invalid(rest, field))?;
            Ok(cut(length))
        }
        "AM" | "PM" | "A.M." | "P.M." => {
            read.afternoon = Some(lower.starts_with('p'));
            let short = lower.starts_with("am") || lower.starts_with("pm");
            if !short && !lower.starts_with("a.m.") && !lower.starts_with("p.m.") {
                return Err(invalid(rest, field));
            }
            Ok(cut(if short { 2 } else { 4 }))
        }
        "TH" => Ok(cut(2)),
        _ => Ok(rest),
    }
}

impl Read {
    fn micros(&self, given: &str) -> Result<i64> {
        let out_of_range =
            || Error::new(Kind::DatetimeOverflow, format!("date/time field value out of range: \"{given}\""));
        let whole = |value: i64| i32::try_from(value).map_err(|_| out_of_range());
        let part = |value: i64| u32::try_from(value).map_err(|_| out_of_range());
        let day = match self.of_year {
            Some(day) => NaiveDate::from_yo_opt(whole(self.year)?, part(day)?),
            None => NaiveDate::from_ymd_opt(whole(self.year)?, part(self.month)?, part(self.day)?),
        };
        let days = day.ok_or_else(out_of_range)?.signed_duration_since(NaiveDate::default()).num_days();
        let hour = match (self.twelve, self.afternoon) {
            (true, Some(true)) => self.hour % 12 + 12,
            (true, _) => self.hour % 12,
            (false, _) => self.hour,
        };
        if hour > 23 || self.minute > 59 || self.second > 59 {
            return Err(out_of_range());
        }
        let seconds = self.of_day.unwrap_or(hour * 3_600 + self.minute * 60 + self.second);
        Ok((days * 86_400 + seconds) * 1_000_000 + self.micros)
    }
}

fn read_number(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    let given = row.text(0);
    let negative = given.contains('-') || given.contains('<');
    let wanted = row.text(1).to_uppercase();
    let places =
        wanted.split(['.', 'D']).nth(1).map_or(0, |rest| rest.chars().filter(|c| matches!(c, '9' | '0')).count());
    let (whole, fraction) = given.split_once('.').unwrap_or((given, ""));
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let mut fraction = digits(fraction);
    fraction.truncate(places);
    let number: i128 = format!("{}{fraction}", digits(whole)).parse().map_err(|_| {
        Error::new(Kind::InvalidText, format!("invalid input syntax for type numeric: \"{}\"", given.trim()))
    })?;
    let scale = i8::try_from(fraction.len()).unwrap_or_default();
    Ok(Some(ScalarValue::Decimal128(Some(if negative { -number } else { number }), 38, scale)))
}

/// `9,999.99` and the like: digits, a sign, groups.
fn number(digits: i128, scale: usize, pattern: &str) -> Result<String> {
    let upper = pattern.to_uppercase();
    let filled = !upper.contains("FM");
    let upper = upper.replace("FM", "");
    if let Some(odd) = upper.chars().find(|c| !"90.,DGSLMIPRTH$+- ".contains(*c)).or(upper.find("RN").map(|_| 'R')) {
        let message = format!("\"{odd}\" in a pattern of to_char for numbers is not supported");
        return Err(Error::unsupported(message).hint("0, 9, point, comma, S, MI, PR and FM are".to_string()));
    }
    let (whole, fraction) = upper.split_once(['.', 'D']).unwrap_or((&upper, ""));
    let slots = |text: &str| text.chars().filter(|c| matches!(c, '9' | '0')).count();
    let places = slots(fraction);
    let rounded = rounded(digits.unsigned_abs(), scale, places);
    let negative = digits < 0 && rounded != 0;
    let shown = format!("{rounded:0width$}", width = places + 1);
    let (shown_whole, shown_fraction) = shown.split_at(shown.len() - places);
    let room = slots(whole);
    let shown_whole =
        if shown_whole == "0" && room > 0 && places > 0 && !whole.contains('0') { "" } else { shown_whole };
    let overflow = shown_whole.len() > room;
    let least = whole.find('0').map_or(0, |at| slots(&whole[at..]));
    let padded = format!("{shown_whole:0>least$}");
    let mut left = room.saturating_sub(padded.len());
    let mut figures = padded.chars();
    let mut out = String::new();
    for slot in whole.chars() {
        match slot {
            '9' | '0' if overflow => out.push('#'),
            '9' | '0' if left > 0 => {
                left -= 1;
                out.push(' ');
            }
            '9' | '0' => out.extend(figures.next()),
            ',' | 'G' if out.ends_with(|c: char| c.is_ascii_digit() || c == '#') => out.push(','),
            ',' | 'G' => out.push(' '),
            _ => {}
        }
    }
    if upper.contains(['.', 'D']) {
        out.push('.');
        let mut tail = if overflow { "#".repeat(places) } else { shown_fraction.to_string() };
        if !filled {
            let kept = fraction.rfind('0').map_or(0, |at| slots(&fraction[..=at]));
            while tail.len() > kept && tail.ends_with('0') {
                tail.pop();
            }
        }
        out.push_str(&tail);
    }
    let blanks = out.len() - out.trim_start().len();
    let body = out.trim_start().to_string();
    let signed = if upper.contains("MI") {
        format!("{body}{}", if negative { "-" } else { " " })
    } else if upper.contains("PR") {
        if negative { format!("<{body}>") } else { format!(" {body} ") }
    } else if upper.trim_end().ends_with('S') && upper.len() > 1 && !upper.starts_with('S') {
        format!("{body}{}", if negative { "-" } else { "+" })
    } else if upper.starts_with('S') {
        format!("{}{body}", if negative { "-" } else { "+" })
    } else {
        format!("{}{body}", if negative { "-" } else { " " })
    };
    let currency = if upper.contains(['L', '$']) { signed.replacen(' ', " $", 1) } else { signed };
    Ok(if filled { format!("{}{currency}", " ".repeat(blanks)) } else { currency.trim().to_string() })
}

fn rounded(digits: u128, scale: usize, places: usize) -> u128 {
    let power = |by: usize| 10u128.checked_pow(u32::try_from(by).unwrap_or(u32::MAX)).unwrap_or(u128::MAX);
    match scale.checked_sub(places) {
        Some(cut) => (digits + power(cut) / 2 * u128::from(cut > 0)) / power(cut),
        None => digits.saturating_mul(power(places - scale)),
    }
}
