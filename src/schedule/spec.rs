//! When a schedule is due, as pure functions of its definition.
//!
//! Nothing here reads a clock: the same definition and instant give the same
//! ticks on every node and after every restart.

use super::cron::Cron;
use super::zone::{Wall, next_fixed, next_real};
use crate::base::error::did_you_mean;
use crate::base::{Error, Kind, Result};
use crate::catalog::workflow::{Catchup, When};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;

/// A schedule's SCHEDULE clause, understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Spec {
    /// Never by itself.
    Manual,
    /// Cron expressions: one whose hour field starts with `*` walks real minutes, others name times of day.
    Cron(Cron, Tz),
    /// Up to an hour it walks real time; a longer one names times of day.
    Every(Every, Tz),
}

/// Ticks a fixed time apart on the wall clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Every {
    every: TimeDelta,
    offset: TimeDelta,
}

/// Ticks that nobody has looked at yet, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Due {
    pub run: Vec<DateTime<Utc>>,
    /// Those that CATCHUP passes over: the newest, of a schedule that was left alone for very long.
    pub missed: Vec<DateTime<Utc>>,
    /// The last one, with which all of them are settled.
    pub last: Option<DateTime<Utc>>,
}

/// Rows for ticks that nobody was there for are kept for so many: an age-old schedule of seconds
/// must not fill the ledger.
const MISSED_MAX: usize = 1_000;
/// Ticks that are run in one go; `CATCHUP ALL` goes on by asking again from the last of them.
const RUN_MAX: usize = 10_000;
/// A tick within this of now is on time, whatever CATCHUP says.
const ON_TIME: TimeDelta = TimeDelta::seconds(60);
const EVERY_MIN_MS: u64 = 1_000;
const EVERY_MAX_MS: u64 = 100 * 366 * 86_400_000;

impl Spec {
    /// Understands a definition. Errors name the culprit, but not where it stands in a statement.
    pub fn new(when: &When) -> Result<Spec> {
        match when {
            When::Manual => Ok(Spec::Manual),
            When::Cron { expression, zone } => {
                // An offset in the expression would be taken for one in the statement.
                let cron = Cron::new(expression).map_err(Error::unplaced)?;
                Ok(Spec::Cron(cron, read_zone(zone)?))
            }
            When::Every { every_ms, offset_ms, zone } => {
                Ok(Spec::Every(Every::new(*every_ms, *offset_ms)?, read_zone(zone)?))
            }
        }
    }
}

/// The first tick after `after`; `None` when there is none.
pub fn next_due(spec: &Spec, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match spec {
        Spec::Manual => None,
        Spec::Cron(cron, zone) if cron.fixed => next_fixed(cron, *zone, after),
        Spec::Cron(cron, zone) => next_real(cron, *zone, after),
        Spec::Every(every, zone) if every.every > TimeDelta::hours(1) => next_fixed(every, *zone, after),
        Spec::Every(every, zone) => next_real(every, *zone, after),
    }
}

/// The last tick before `before`; `None` when there is none in any calendar.
pub fn previous_due(spec: &Spec, before: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let earlier = |after| next_due(spec, after).filter(|tick| *tick < before);
    let mut back = TimeDelta::seconds(1);
    let mut last = loop {
        if let Some(tick) = before.checked_sub_signed(back).and_then(earlier) {
            break tick;
        }
        back = back * 2;
        if back > TimeDelta::days(401 * 366) {
            return None;
        }
    };
    let mut end = before;
    while earlier(last).is_some() {
        let middle = last + (end - last) / 2;
        match earlier(middle) {
            Some(tick) => last = tick,
            None => end = middle,
        }
    }
    Some(last)
}

/// What a run at `tick` covers: from the tick before it, up to but without it.
///
/// The intervals of a schedule's ticks tile the time line. Without an earlier tick
/// an interval starts at the epoch. `tick` may be any instant: of a run started by hand it is now.
pub fn interval(spec: &Spec, tick: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    (previous_due(spec, tick).unwrap_or(DateTime::UNIX_EPOCH), tick)
}

/// What to do about the ticks after `from`, up to and with `now`.
pub fn due_between(spec: &Spec, from: DateTime<Utc>, now: DateTime<Utc>, catchup: Catchup) -> Due {
    let ticks = std::iter::successors(next_due(spec, from), |tick| next_due(spec, *tick));
    let mut ticks: Vec<_> = ticks.take_while(|tick| *tick <= now).take(RUN_MAX).collect();
    if catchup == Catchup::All {
        return Due { last: ticks.last().copied(), run: ticks, missed: vec![] };
    }
    if ticks.len() == RUN_MAX {
        ticks = newest(spec, now);
    }
    let last = ticks.last().copied();
    let on_time = last.is_some_and(|last| now - last <= ON_TIME);
    let run = ticks.pop_if(|_| catchup == Catchup::Latest || on_time);
    Due { run: Vec::from_iter(run), missed: ticks.split_off(ticks.len().saturating_sub(MISSED_MAX)), last }
}

/// The last ticks up to and with `now`, found from that end.
fn newest(spec: &Spec, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let end = now.checked_add_signed(TimeDelta::nanoseconds(1)).unwrap_or(now);
    let ticks = std::iter::successors(previous_due(spec, end), |tick| previous_due(spec, *tick));
    let mut ticks: Vec<_> = ticks.take(MISSED_MAX + 1).collect();
    ticks.reverse();
    ticks
}

impl Every {
    fn new(every_ms: u64, offset_ms: u64) -> Result<Every> {
        let refused = |message: &str| Err(Error::new(Kind::InvalidParameterValue, message));
        if every_ms < EVERY_MIN_MS {
            return refused("a schedule's interval must be at least one second");
        }
        if every_ms > EVERY_MAX_MS {
            return refused("a schedule's interval must be at most 100 years");
        }
        if offset_ms >= every_ms {
            return refused("a schedule's OFFSET must be shorter than its interval");
        }
        let ms = |ms| TimeDelta::milliseconds(ms as i64);
        Ok(Every { every: ms(every_ms), offset: ms(offset_ms) })
    }
}

impl Wall for Every {
    fn next(&self, from: NaiveDateTime) -> Option<NaiveDateTime> {
        let anchor = DateTime::UNIX_EPOCH.naive_utc().checked_add_signed(self.offset)?;
        let (since, every) = ((from - anchor).num_microseconds()?, self.every.num_microseconds()?);
        // A part of a microsecond counts as a whole one, as `from` itself is included.
        let since = since + i64::from(anchor + TimeDelta::microseconds(since) < from);
        let ticks = since.div_euclid(every) + i64::from(since.rem_euclid(every) > 0);
        anchor.checked_add_signed(TimeDelta::microseconds(ticks.checked_mul(every)?))
    }
}

fn read_zone(name: &str) -> Result<Tz> {
    let known = || chrono_tz::TZ_VARIANTS.iter();
    let folded = || known().find(|zone| zone.name().eq_ignore_ascii_case(name)).copied();
    name.parse().ok().or_else(folded).ok_or_else(|| {
        Error::new(Kind::InvalidParameterValue, format!("time zone \"{name}\" not recognized"))
            .hint(did_you_mean(name, known().map(|zone| zone.name())))
    })
}

#[cfg(test)]
#[path = "spec_tests.rs"]
mod tests;
