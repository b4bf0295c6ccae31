//! From ticks on a wall clock to instants, where a zone's clock is put forward and back.
//!
//! A fixed schedule names times of day: one in a gap moves to the first instant
//! after it, one in a fold fires at its first occurrence. A real one walks the
//! minutes that people live through: 23 or 25 hourly ticks on such a day.

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};

/// Ticks on a wall clock that knows no zone.
pub trait Wall {
    /// The first tick at or after `from`.
    fn next(&self, from: NaiveDateTime) -> Option<NaiveDateTime>;
}

const INSTANT: TimeDelta = TimeDelta::nanoseconds(1);
const DAY: TimeDelta = TimeDelta::hours(24);
/// More than the clocks of any two zones, or of one zone before and after a change, differ.
const SKEW: TimeDelta = TimeDelta::hours(27);

/// The first instant after `after` of a schedule that names times of day.
pub fn next_fixed(wall: &impl Wall, zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let mut from = local(zone, after).checked_add_signed(INSTANT)?;
    loop {
        let tick = wall.next(from)?;
        let instant = place(zone, tick)?;
        // In the second pass through a fold the tick has fired already.
        if instant > after {
            return Some(instant);
        }
        from = tick.checked_add_signed(INSTANT)?;
    }
}

/// The first instant after `after` at which the zone's clock shows a tick.
pub fn next_real(wall: &impl Wall, zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let mut at = after.checked_add_signed(INSTANT)?;
    loop {
        let offset = offset(zone, at);
        let tick = wall.next(at.naive_utc().checked_add_signed(offset)?)?.checked_sub_signed(offset)?.and_utc();
        let horizon = at.checked_add_signed(DAY)?;
        at = match change(zone, at, tick.min(horizon)) {
            Some(change) => change,
            None if tick <= horizon => return Some(tick),
            // A fold is no longer than a day, so none can bring back times before `tick` until then.
            None => horizon.max(tick - SKEW),
        };
    }
}

/// The instant that a wall-clock time means: the first of two, or the end of the gap that it is in.
fn place(zone: Tz, tick: NaiveDateTime) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&tick).earliest() {
        Some(instant) => Some(instant.to_utc()),
        None => GapInfo::new(&tick, &zone)?.end.map(|end| end.to_utc()),
    }
}

/// The first instant in `(from, to]` at which the zone's offset is another than at `from`.
fn change(zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let before = offset(zone, from);
    let mut low = from;
    while low < to {
        let mut high = (low + TimeDelta::hours(1)).min(to);
        if offset(zone, high) == before {
            low = high;
            continue;
        }
        while high - low > INSTANT {
            let middle = low + (high - low) / 2;
            if offset(zone, middle) == before { low = middle } else { high = middle }
        }
        return Some(high);
    }
    None
}

fn offset(zone: Tz, at: DateTime<Utc>) -> TimeDelta {
    TimeDelta::seconds(zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc().into())
}

fn local(zone: Tz, at: DateTime<Utc>) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gap_of_this_century_has_an_end() {
        for zone in chrono_tz::TZ_VARIANTS {
            let mut at = DateTime::from_timestamp(946_684_800, 0).unwrap();
            let end = DateTime::from_timestamp(2_240_000_000, 0).unwrap();
            while at < end {
                let before = offset(zone, at);
                let next = at + TimeDelta::days(7);
                if offset(zone, next) > before {
                    let gap = change(zone, at, next).unwrap();
                    let inside = gap.naive_utc() + before + TimeDelta::minutes(1);
                    assert_eq!(place(zone, inside), Some(gap), "{zone} {gap}");
                }
                at = next;
            }
        }
    }
}
