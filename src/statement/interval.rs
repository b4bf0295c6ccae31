//! Lengths of time: `'45 min'`, `'1 h 30 min'`, `'00:30:00'`, `'P1DT2H'`. Months and years have no fixed length.

use crate::base::{Error, Kind};

/// Names of a unit, the one to print first, and its milliseconds.
const UNITS: &[(&[&str], u64)] = &[
    (&["days", "d", "day"], 86_400_000),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600_000),
    (&["min", "m", "mins", "minute", "minutes"], 60_000),
    (&["s", "sec", "secs", "second", "seconds"], 1_000),
    (&["ms", "msec", "msecs", "millisecond", "milliseconds"], 1),
    (&["week", "w", "weeks"], 604_800_000),
];

/// Milliseconds of a length of time; `None` when it is none, is negative, or is not whole milliseconds.
pub fn milliseconds(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    match text.strip_prefix('p') {
        Some(iso) => iso_8601(iso),
        None => words(&text),
    }
}

/// As [`milliseconds`] reads it back: `1 h 30 min`.
pub fn print(ms: u64) -> String {
    let mut rest = ms;
    let mut parts = vec![];
    for (names, unit) in &UNITS[..5] {
        if rest >= *unit {
            let name = if *unit == 86_400_000 && rest / unit == 1 { "day" } else { names[0] };
            parts.push(format!("{} {name}", rest / unit));
            rest %= unit;
        }
    }
    if parts.is_empty() { "0 s".to_string() } else { parts.join(" ") }
}

pub fn invalid(text: &str) -> Error {
    Error::new(Kind::InvalidDatetime, format!("invalid length of time: \"{text}\""))
        .hint("write it as '45 min', '1 h 30 min', '2 s' or '1 day'".to_string())
}

fn words(text: &str) -> Option<u64> {
    let mut total = 0u64;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        if number.contains(':') {
            total = total.checked_add(clock(number)?)?;
            rest = after.trim_start();
            continue;
        }
        let after = after.trim_start();
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, next) = after.split_at(letters);
        total = total.checked_add(times(number, unit_of(unit)?)?)?;
        rest = next.trim_start();
    }
    Some(total)
}

/// `1dt2h30m` of `P1DT2H30M`
fn iso_8601(text: &str) -> Option<u64> {
    let (days, time) = text.split_once('t').unwrap_or((text, ""));
    let of = |text: &str| if text.is_empty() { Some(0) } else { words(text) };
    if days.contains(['m', 'y']) || text.is_empty() {
        return None;
    }
    of(days)?.checked_add(of(time)?)
}

/// `hh:mm[:ss[.fff]]`
fn clock(text: &str) -> Option<u64> {
    let parts: Vec<_> = text.split(':').collect();
    let (hours, minutes, seconds) = match parts.as_slice() {
        [hours, minutes] => (*hours, *minutes, "0"),
        [hours, minutes, seconds] => (*hours, *minutes, *seconds),
        _ => return None,
    };
    times(hours, 3_600_000)?.checked_add(times(minutes, 60_000)?)?.checked_add(times(seconds, 1_000)?)
}

fn unit_of(name: &str) -> Option<u64> {
    UNITS.iter().find(|(names, _)| names.contains(&name)).map(|(_, ms)| *ms)
}

/// `1.5` times the unit, when that is whole milliseconds.
fn times(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    if fraction.is_empty() {
        return Some(whole);
    }
    let scale = 10u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let part = fraction.parse::<u64>().ok()?.checked_mul(unit)?;
    (part % scale == 0).then_some(())?;
    whole.checked_add(part / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_many_spellings_and_print_as_one() {
        for (text, ms, printed) in [
            ("45 min", 2_700_000, "45 min"),
            ("2 s", 2_000, "2 s"),
            ("2s", 2_000, "2 s"),
            ("90 minutes", 5_400_000, "1 h 30 min"),
            ("1 day 2 hours", 93_600_000, "1 day 2 h"),
            ("1 week", 604_800_000, "7 days"),
            ("1.5 h", 5_400_000, "1 h 30 min"),
            ("00:30:00", 1_800_000, "30 min"),
            ("PT1H30M", 5_400_000, "1 h 30 min"),
            ("P1DT1S", 86_401_000, "1 day 1 s"),
            ("250 ms", 250, "250 ms"),
            ("0 s", 0, "0 s"),
        ] {
            assert_eq!(milliseconds(text), Some(ms), "{text}");
            assert_eq!(print(ms), printed);
            assert_eq!(milliseconds(&print(ms)), Some(ms));
        }
        for bad in ["", "45", "min", "-1 s", "1 month", "1 parsec", "1 y", "P1M", "99999999999999999999 s", "1.0001 ms"]
        {
            assert_eq!(milliseconds(bad), None, "{bad}");
        }
    }
}
