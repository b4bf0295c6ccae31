//! Intervals out of text: as Postgres prints them, in words, and ISO 8601.

use super::Interval;
use super::calendar::DAY_MICROS;
use super::read_text::invalid;
use super::read_time::Fault;
use crate::base::{Error, Kind, Result, Type};

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
        // `1-2` are years and months.
        let unsigned = number.trim_start_matches(['+', '-']);
        if let Some((years, months)) = unsigned.split_once('-').filter(|(years, _)| !years.ends_with(['e', 'E'])) {
            let whole = |text: &str| text.parse::<u16>().map(f64::from).map_err(|_| Fault::Syntax);
            let months = whole(years)? * 12.0 + whole(months)?;
            sum.months += if number.starts_with('-') { -months } else { months };
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
        let value = read_text(text, ty, &Style::default())?;
        Ok(text_of(&value, ty, &Style::default())?.unwrap())
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
            ("1-2", "1 year 2 mons"),
            ("500 ms", "00:00:00.5"),
        ] {
            assert_eq!(shown(&Type::Interval, text).as_deref(), Ok(expect), "{text}");
        }
        for text in ["", "P", "1 parsec", "day", "1:2:3:4", "P1H", "1 day -"] {
            assert_eq!(shown(&Type::Interval, text).unwrap_err().kind, Kind::InvalidDatetime, "{text}");
        }
    }
}
