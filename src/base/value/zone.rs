//! Time zones of a session: a name of the IANA database or a fixed offset.

use chrono::{DateTime, FixedOffset, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;
use std::fmt;

/// Where a session shows its instants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Zone {
    Named(Tz),
    /// Seconds east of Greenwich.
    Fixed(i32),
}

impl Default for Zone {
    fn default() -> Self {
        Zone::Named(Tz::UTC)
    }
}

impl Zone {
    /// A name in any case, hours east of Greenwich (`2`, `-3.5`), or what [`Zone`] prints for an offset.
    pub fn parse(text: &str) -> Option<Zone> {
        let text = text.trim();
        if let Ok(hours) = text.parse::<f64>() {
            return (hours.abs() < 16.0).then(|| Zone::Fixed((hours * 3600.0).round() as i32));
        }
        if let Some((shown, _)) = text.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
            return offset(shown).map(Zone::Fixed);
        }
        let named = chrono_tz::TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(text));
        named.map(|zone| Zone::Named(*zone)).or_else(|| offset(text).map(Zone::Fixed))
    }

    /// Seconds east of Greenwich at an instant, given in seconds since 1970.
    pub fn offset_at(&self, instant: i64) -> i32 {
        match self {
            Zone::Named(Tz::UTC) => 0,
            Zone::Fixed(seconds) => *seconds,
            Zone::Named(zone) => {
                // Outside chrono's calendar the zone's last rule is as good as any.
                let utc = DateTime::<Utc>::from_timestamp(instant, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
                zone.offset_from_utc_datetime(&utc.naive_utc()).fix().local_minus_utc()
            }
        }
    }

    /// The instant, in seconds since 1970, of a local time given the same way. Of two that fit the first is taken;
    /// a time that the zone skips is read as before the change.
    pub fn instant_of(&self, local: i64) -> i64 {
        let zone = match self {
            Zone::Named(Tz::UTC) => return local,
            Zone::Fixed(seconds) => return local - i64::from(*seconds),
            Zone::Named(zone) => zone,
        };
        let Some(naive) = DateTime::<Utc>::from_timestamp(local, 0).map(|at| at.naive_utc()) else {
            return local - i64::from(self.offset_at(local));
        };
        let at = |naive: &NaiveDateTime| zone.from_local_datetime(naive).earliest().map(|at| at.timestamp());
        at(&naive).unwrap_or_else(|| local - i64::from(self.offset_at(local - 86_400)))
    }

    /// The name that Arrow understands.
    pub fn arrow(&self) -> String {
        match self {
            Zone::Named(zone) => zone.name().to_string(),
            Zone::Fixed(seconds) => {
                FixedOffset::east_opt(*seconds).map_or_else(|| "+00:00".into(), |offset| offset.to_string())
            }
        }
    }
}

/// `+02`, `-3:30`, `+0530` in seconds east of Greenwich.
pub(super) fn offset(text: &str) -> Option<i32> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let parts: Vec<&str> = match rest.contains(':') {
        true => rest.split(':').collect(),
        false if rest.len() > 4 => vec![rest.get(..2)?, rest.get(2..4)?, rest.get(4..)?],
        false if rest.len() > 2 => vec![rest.get(..rest.len() - 2)?, rest.get(rest.len() - 2..)?],
        false => vec![rest],
    };
    let numbers = parts.iter().map(|part| part.parse::<u16>().ok()).collect::<Option<Vec<_>>>()?;
    let [hours, minutes, seconds] = match numbers.as_slice() {
        [h] => [*h, 0, 0],
        [h, m] => [*h, *m, 0],
        [h, m, s] => [*h, *m, *s],
        _ => return None,
    };
    let valid = hours < 16 && minutes < 60 && seconds < 60;
    valid.then(|| sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60 + i32::from(seconds)))
}

/// As `SHOW TimeZone` prints it; an offset in the POSIX form that Postgres uses, with the sign turned round.
impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = match self {
            Zone::Named(zone) => return f.write_str(zone.name()),
            Zone::Fixed(seconds) => *seconds,
        };
        let (east, west) = if seconds < 0 { ('-', '+') } else { ('+', '-') };
        let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() % 3600 / 60);
        match minutes {
            0 => write!(f, "<{east}{hours:02}>{west}{hours:02}"),
            _ => write!(f, "<{east}{hours:02}:{minutes:02}>{west}{hours:02}:{minutes:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_reads_back_what_it_shows() {
        for (text, shown) in [
            ("europe/berlin", "Europe/Berlin"),
            ("utc", "UTC"),
            ("2", "<+02>-02"),
            ("-3.5", "<-03:30>+03:30"),
            ("<-08>+08", "<-08>+08"),
            ("+05:45", "<+05:45>-05:45"),
        ] {
            let zone = Zone::parse(text).unwrap();
            assert_eq!(zone.to_string(), shown);
            assert_eq!(Zone::parse(shown), Some(zone));
        }
        assert_eq!(Zone::parse("Mars/Olympus"), None);
    }

    #[test]
    fn a_local_time_that_is_skipped_or_doubled_still_has_an_instant() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let at = |text: &str| NaiveDateTime::parse_from_str(text, "%F %T").unwrap().and_utc().timestamp();
        for (local, instant) in [
            ("2024-06-01 12:00:00", "2024-06-01 10:00:00"),
            ("2024-03-31 02:30:00", "2024-03-31 01:30:00"),
            ("2024-10-27 02:30:00", "2024-10-27 00:30:00"),
        ] {
            assert_eq!(berlin.instant_of(at(local)), at(instant), "{local}");
        }
    }
}
