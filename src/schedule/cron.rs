//! Cron expressions: read them, and find the next time that one matches on a wall clock.

use super::zone::Wall;
use crate::base::{Error, Kind, Result};
use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

/// An expression that has been read. Each field is a set of bits.
#[derive(Clone, Debug, PartialEq)]
pub struct Cron {
    seconds: u64,
    minutes: u64,
    hours: u64,
    months: u64,
    days: Days,
    /// The hour field does not start with `*`: the expression names times of day.
    pub fixed: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Days {
    of_month: u64,
    /// Bit k: the k-th day before the month's last.
    from_last: u64,
    of_week: u64,
    /// Bit d: the last weekday d of the month.
    last_of_week: u64,
    /// Bit 7 × (k - 1) + d: the k-th weekday d of the month.
    nth_of_week: u64,
    /// A field that starts with `*` narrows; two that don't each add days, as in every cron.
    both: bool,
}

struct Field {
    name: &'static str,
    low: u32,
    high: u32,
    names: &'static [&'static str],
}

const SECOND: Field = Field { name: "second", low: 0, high: 59, names: &[] };
const MINUTE: Field = Field { name: "minute", low: 0, high: 59, names: &[] };
const HOUR: Field = Field { name: "hour", low: 0, high: 23, names: &[] };
const DAY: Field = Field { name: "day of month", low: 1, high: 31, names: &[] };
const MONTH: Field = Field {
    name: "month",
    low: 1,
    high: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
/// 7 is Sunday as well as 0.
const WEEKDAY: Field =
    Field { name: "day of week", low: 0, high: 7, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

const NICKNAMES: &[(&str, &str)] = &[
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// After so many years the calendar repeats, so what has not fired by then never will.
const CALENDAR_YEARS: i32 = 400;

impl Cron {
    /// Reads an expression; positions in errors are offsets in it.
    pub fn new(expression: &str) -> Result<Cron> {
        let text = expression.trim().to_lowercase();
        let text = match NICKNAMES.iter().find(|(nickname, _)| *nickname == text) {
            Some((_, meaning)) => meaning,
            None => expression,
        };
        let cron = Cron::fields(text).map_err(|mut error| {
            error.message = format!("invalid cron expression \"{expression}\": {}", error.message);
            error
        })?;
        if cron.next(NaiveDateTime::default()).is_none() {
            return Err(Error::new(
                Kind::InvalidParameterValue,
                format!("cron expression \"{expression}\" never fires"),
            )
            .detail("no month that it names has a day that it names")
            .at(0));
        }
        Ok(cron)
    }

    fn fields(text: &str) -> Result<Cron> {
        let fields = words(text);
        let (second, rest) = match (fields.len(), fields.first()) {
            (6, Some(second)) => (*second, &fields[1..]),
            _ => (("0", 0), &fields[..]),
        };
        let [minute, hour, day, month, weekday] = rest else {
            return Err(wrong_shape(text, fields.len()));
        };
        let mut days = Days { both: starred(day.0) || starred(weekday.0), ..Days::default() };
        each(*day, &DAY, |part, at| days.day(part, at))?;
        each(*weekday, &WEEKDAY, |part, at| days.weekday(part, at))?;
        Ok(Cron {
            seconds: set(second, &SECOND)?,
            minutes: set(*minute, &MINUTE)?,
            hours: set(*hour, &HOUR)?,
            months: set(*month, &MONTH)?,
            days,
            fixed: !hour.0.starts_with('*'),
        })
    }

    /// The first time of day at or after this one.
    fn time(&self, hour: u32, minute: u32, second: u32) -> Option<NaiveTime> {
        let first = |hour, minute| NaiveTime::from_hms_opt(hour, minute, bit(self.seconds, 0)?);
        if self.hours & (1 << hour) != 0 {
            if self.minutes & (1 << minute) != 0
                && let Some(second) = bit(self.seconds, second)
            {
                return NaiveTime::from_hms_opt(hour, minute, second);
            }
            if let Some(minute) = bit(self.minutes, minute + 1) {
                return first(hour, minute);
            }
        }
        first(bit(self.hours, hour + 1)?, bit(self.minutes, 0)?)
    }

    /// The first day at or after this one.
    fn day(&self, mut date: NaiveDate) -> Option<NaiveDate> {
        let last_year = date.year() + CALENDAR_YEARS;
        while date.year() <= last_year {
            if self.months & (1 << date.month()) == 0 {
                date = date.with_day(1)?.checked_add_months(chrono::Months::new(1))?;
            } else if self.days.contains(date) {
                return Some(date);
            } else {
                date = date.succ_opt()?;
            }
        }
        None
    }
}

impl Wall for Cron {
    fn next(&self, from: NaiveDateTime) -> Option<NaiveDateTime> {
        let from = match from.nanosecond() {
            0 => from,
            _ => from.with_nanosecond(0)?.checked_add_signed(chrono::TimeDelta::seconds(1))?,
        };
        let date = self.day(from.date())?;
        if date == from.date() {
            match self.time(from.hour(), from.minute(), from.second()) {
                Some(time) => return Some(date.and_time(time)),
                None => return self.next(date.succ_opt()?.and_time(NaiveTime::MIN)),
            }
        }
        Some(date.and_time(self.time(0, 0, 0)?))
    }
}

impl Days {
    fn day(&mut self, part: &str, at: usize) -> Result<()> {
        match part.strip_prefix(['l', 'L']) {
            Some("") => self.from_last |= 1,
            Some(rest) => {
                let back = rest.strip_prefix('-').and_then(|n| n.parse().ok()).filter(|back: &u32| *back <= 30);
                self.from_last |= 1 << back.ok_or_else(|| bad(&DAY, part, at))?;
            }
            None => self.of_month |= range(part, &DAY, at)?,
        }
        Ok(())
    }

    fn weekday(&mut self, part: &str, at: usize) -> Result<()> {
        if let Some((day, nth)) = part.split_once('#') {
            let nth =
                nth.parse().ok().filter(|nth: &u32| (1..=5).contains(nth)).ok_or_else(|| bad(&WEEKDAY, part, at))?;
            self.nth_of_week |= 1_u64 << (7 * (nth - 1) + number(day, &WEEKDAY, at)? % 7);
        } else if let Some(day) = part.strip_suffix(['l', 'L']).filter(|day| !day.is_empty()) {
            self.last_of_week |= 1 << (number(day, &WEEKDAY, at)? % 7);
        } else {
            let days = range(part, &WEEKDAY, at)?;
            self.of_week |= (days & 0x7f) | (days >> 7);
        }
        Ok(())
    }

    fn contains(&self, date: NaiveDate) -> bool {
        let (day, last) = (date.day(), u32::from(date.num_days_in_month()));
        let weekday = date.weekday().num_days_from_sunday();
        let of_month = self.of_month & (1 << day) != 0 || self.from_last & (1 << (last - day)) != 0;
        let of_week = self.of_week & (1 << weekday) != 0
            || self.last_of_week & (1 << weekday) != 0 && day + 7 > last
            || self.nth_of_week & (1 << (7 * ((day - 1) / 7) + weekday)) != 0;
        if self.both { of_month && of_week } else { of_month || of_week }
    }
}

/// The words of a text with their offsets.
fn words(text: &str) -> Vec<(&str, usize)> {
    text.split_whitespace().map(|word| (word, word.as_ptr() as usize - text.as_ptr() as usize)).collect()
}

fn starred(field: &str) -> bool {
    field.starts_with(['*', '?'])
}

/// A field that is a plain set of numbers.
fn set(text: (&str, usize), field: &Field) -> Result<u64> {
    let mut set = 0;
    each(text, field, |part, at| {
        set |= range(part, field, at)?;
        Ok(())
    })?;
    Ok(set)
}

/// The parts of a list.
fn each((text, offset): (&str, usize), field: &Field, mut part: impl FnMut(&str, usize) -> Result<()>) -> Result<()> {
    let mut at = offset;
    for piece in text.split(',') {
        if piece.is_empty() {
            return Err(bad(field, text, offset));
        }
        part(piece, at)?;
        at += piece.len() + 1;
    }
    Ok(())
}

/// `*`, `?`, `n`, `a-b`, each with `/step`.
fn range(part: &str, field: &Field, at: usize) -> Result<u64> {
    let (span, step) = match part.split_once('/') {
        Some((span, step)) => (span, Some(step.parse::<u32>().map_err(|_| bad(field, part, at))?)),
        None => (part, None),
    };
    let (low, high) = match span.split_once('-') {
        _ if span == "*" => (field.low, field.last()),
        _ if span == "?" && field.takes_question_mark() => (field.low, field.last()),
        Some((low, high)) => {
            let low = number(low, field, at)?;
            (low, field.end(number(high, field, at)?, low))
        }
        // `5/15` starts at 5 and goes on to the end.
        None => (number(span, field, at)?, step.map_or(number(span, field, at)?, |_| field.last())),
    };
    if low > high {
        return Err(bad(field, part, at).hint("a range goes upwards: write 22-23,0-2 for 22-2".to_string()));
    }
    match step {
        Some(0) => return Err(bad(field, part, at)),
        Some(step) if step > field.last() - field.low => {
            return Err(bad(field, part, at)
                .detail(format!("a step of {step} would start anew at each {}", field.low))
                .hint("SCHEDULE EVERY takes any interval".to_string()));
        }
        _ => {}
    }
    Ok((low..=high).step_by(step.unwrap_or(1) as usize).fold(0, |set, n| set | 1 << n))
}

impl Field {
    /// The last of the field's values in a `*`: Sunday is not there twice.
    fn last(&self) -> u32 {
        if self.name == WEEKDAY.name { 6 } else { self.high }
    }

    /// Sunday ends a week too: `fri-sun`.
    fn end(&self, high: u32, low: u32) -> u32 {
        if self.name == WEEKDAY.name && high == 0 && low > 0 { 7 } else { high }
    }

    fn takes_question_mark(&self) -> bool {
        self.name == DAY.name || self.name == WEEKDAY.name
    }
}

fn number(text: &str, field: &Field, at: usize) -> Result<u32> {
    let name = field.names.iter().position(|name| name.eq_ignore_ascii_case(text));
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let value = match name {
        // Months count from 1, weekdays from 0.
        Some(name) => Some(name as u32 + field.low),
        None => text.parse().ok().filter(|n| digits && (field.low..=field.high).contains(n)),
    };
    value.ok_or_else(|| bad(field, text, at))
}

fn bad(field: &Field, text: &str, at: usize) -> Error {
    let Field { name, low, high, .. } = field;
    Error::new(Kind::InvalidParameterValue, format!("{name} \"{text}\" is not within {low}-{high}")).at(at)
}

fn wrong_shape(text: &str, fields: usize) -> Error {
    let error = match text.trim() {
        nickname if nickname.starts_with('@') => Error::new(Kind::Syntax, format!("\"{nickname}\" is not known"))
            .detail(format!(
                "known are {}",
                NICKNAMES.iter().map(|(nickname, _)| *nickname).collect::<Vec<_>>().join(", ")
            )),
        _ => Error::new(Kind::Syntax, format!("it has {fields} fields"))
            .detail("expected are 5 (minute, hour, day of month, month, day of week) or 6 (second first)"),
    };
    error.at(0)
}

/// The lowest number in a set that is at least `from`.
fn bit(set: u64, from: u32) -> Option<u32> {
    let rest = set.checked_shr(from)?;
    (rest != 0).then(|| from + rest.trailing_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str, from: &str, expected: &[&str]) {
        let cron = Cron::new(expression).unwrap();
        let mut at: NaiveDateTime = from.parse().unwrap();
        for expected in expected {
            at = cron.next(at).unwrap();
            assert_eq!(at.format("%Y-%m-%d %H:%M:%S").to_string(), *expected, "{expression}");
            at += chrono::TimeDelta::seconds(1);
        }
    }

    fn refused(expression: &str, kind: Kind, offset: usize, message: &str) {
        let error = Cron::new(expression).unwrap_err();
        assert_eq!((error.kind, error.offset), (kind, Some(offset)), "{expression}: {error}");
        assert!(error.message.contains(message), "{expression}: {error}");
    }

    #[test]
    fn expressions_fire_when_their_fields_say() {
        let from = "2026-01-30T10:07:30";
        check("*/15 * * * *", from, &["2026-01-30 10:15:00", "2026-01-30 10:30:00"]);
        check("30 5 * * *", from, &["2026-01-31 05:30:00", "2026-02-01 05:30:00"]);
        check("5/20 9-10 * * *", from, &["2026-01-30 10:25:00", "2026-01-30 10:45:00", "2026-01-31 09:05:00"]);
        check("*/20 7 10 * * *", from, &["2026-01-30 10:07:40", "2026-01-31 10:07:00"]);
        check("0 0 L * *", from, &["2026-01-31 00:00:00", "2026-02-28 00:00:00"]);
        check("0 0 L-1 2 *", from, &["2026-02-27 00:00:00", "2027-02-27 00:00:00", "2028-02-28 00:00:00"]);
        check("0 0 29 feb ?", from, &["2028-02-29 00:00:00", "2032-02-29 00:00:00"]);
        check("0 0 29 2 */6", from, &["2032-02-29 00:00:00", "2048-02-29 00:00:00"]);
        check("0 9 ? * MON-FRI", from, &["2026-02-02 09:00:00", "2026-02-03 09:00:00"]);
        check("0 9 * * sat-SUN", from, &["2026-01-31 09:00:00", "2026-02-01 09:00:00", "2026-02-07 09:00:00"]);
        check("0 9 * * 7,0-0", from, &["2026-02-01 09:00:00", "2026-02-08 09:00:00"]);
        check("0 9 * * 5L", from, &["2026-02-27 09:00:00", "2026-03-27 09:00:00"]);
        check("0 9 * * mon#2", from, &["2026-02-09 09:00:00", "2026-03-09 09:00:00"]);
        // Two day fields that don't start with `*` each add days.
        check("0 0 13 * 5", from, &["2026-02-06 00:00:00", "2026-02-13 00:00:00", "2026-02-20 00:00:00"]);
        check("0 0 */10 * 5", from, &["2026-05-01 00:00:00", "2026-07-31 00:00:00"]);
        check(" @Hourly ", from, &["2026-01-30 11:00:00"]);
        check("@yearly", from, &["2027-01-01 00:00:00"]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_place() {
        refused("61 * * * *", Kind::InvalidParameterValue, 0, "minute \"61\" is not within 0-59");
        refused("0 5,24 * * *", Kind::InvalidParameterValue, 4, "hour \"24\"");
        refused("0 0 0 * *", Kind::InvalidParameterValue, 4, "day of month \"0\"");
        refused("0 0 * foo *", Kind::InvalidParameterValue, 6, "month \"foo\"");
        refused("0 0 * * 8", Kind::InvalidParameterValue, 8, "day of week \"8\"");
        refused("0 0 * * mon#6", Kind::InvalidParameterValue, 8, "day of week");
        refused("0 22-2 * * *", Kind::InvalidParameterValue, 2, "hour \"22-2\"");
        refused("*/90 * * * *", Kind::InvalidParameterValue, 0, "minute \"*/90\"");
        refused("*/0 * * * *", Kind::InvalidParameterValue, 0, "minute \"*/0\"");
        refused("0 ? * * *", Kind::InvalidParameterValue, 2, "hour \"?\"");
        refused("0 1,,2 * * *", Kind::InvalidParameterValue, 2, "hour");
        refused("0 +1 * * *", Kind::InvalidParameterValue, 2, "hour");
        refused("0 0 30 2 *", Kind::InvalidParameterValue, 0, "never fires");
        refused("0 0 31 4,6,9,11 ?", Kind::InvalidParameterValue, 0, "never fires");
        refused("* * * *", Kind::Syntax, 0, "4 fields");
        refused("0 0 0 1 1 ? 2030", Kind::Syntax, 0, "7 fields");
        refused("", Kind::Syntax, 0, "0 fields");
        refused("@reboot", Kind::Syntax, 0, "@reboot");
    }
}
