//! Dates, times and instants as text, over Postgres' whole range: chrono's calendar ends too early.

use super::Zone;
use bytes::{BufMut, BytesMut};

pub(super) const DAY_MICROS: i64 = 86_400_000_000;
/// Days and microseconds between 1970, where Arrow counts from, and 2000, where Postgres does.
pub(super) const EPOCH_DAYS: i32 = 10_957;
pub(super) const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * DAY_MICROS;

/// Year, month and day of a day counted from 1970.
pub(super) fn civil(days: i64) -> (i64, u32, u32) {
    // The year starts in March here, so that the leap day is its last.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * of_year + 2) / 153;
    let day = (of_year - (153 * month_shifted + 2) / 5 + 1) as u32;
    let month = if month_shifted < 10 { month_shifted + 3 } else { month_shifted - 9 } as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// The day, counted from 1970, of a year, month and day.
pub(super) fn days(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_shifted = i64::from(if month > 2 { month - 3 } else { month + 9 });
    let of_year = (153 * month_shifted + 2) / 5 + i64::from(day) - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    era * 146_097 + of_era - 719_468
}

pub(super) fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// A date; the ends of the range are the infinities.
pub fn write_date(day: i32, out: &mut BytesMut) {
    match day {
        i32::MAX => out.put_slice(b"infinity"),
        i32::MIN => out.put_slice(b"-infinity"),
        day => {
            let before_christ = put_civil(i64::from(day), out);
            put_era(before_christ, out);
        }
    }
}

/// A time of day in microseconds.
pub fn write_time(micros: i64, out: &mut BytesMut) {
    let seconds = micros / 1_000_000;
    put_padded((seconds / 3600) as u64, 2, out);
    out.put_u8(b':');
    put_padded((seconds / 60 % 60) as u64, 2, out);
    out.put_u8(b':');
    put_padded((seconds % 60) as u64, 2, out);
    put_fraction((micros % 1_000_000).unsigned_abs(), out);
}

/// A local time in microseconds since 1970.
pub fn write_timestamp(micros: i64, out: &mut BytesMut) {
    if !put_infinity(micros, out) {
        let before_christ = put_local(micros, out);
        put_era(before_christ, out);
    }
}

/// An instant in microseconds since 1970, as the clocks of `zone` show it.
pub fn write_timestamptz(micros: i64, zone: &Zone, out: &mut BytesMut) {
    if put_infinity(micros, out) {
        return;
    }
    let offset = zone.offset_at(micros.div_euclid(1_000_000));
    let before_christ = put_local(micros.saturating_add(i64::from(offset) * 1_000_000), out);
    put_offset(offset, out);
    put_era(before_christ, out);
}

fn put_infinity(micros: i64, out: &mut BytesMut) -> bool {
    match micros {
        i64::MAX => out.put_slice(b"infinity"),
        i64::MIN => out.put_slice(b"-infinity"),
        _ => return false,
    }
    true
}

/// Writes date and time without the era; true when that is before Christ.
fn put_local(micros: i64, out: &mut BytesMut) -> bool {
    let before_christ = put_civil(micros.div_euclid(DAY_MICROS), out);
    out.put_u8(b' ');
    write_time(micros.rem_euclid(DAY_MICROS), out);
    before_christ
}

fn put_civil(day: i64, out: &mut BytesMut) -> bool {
    let (year, month, day) = civil(day);
    // There is no year 0: what astronomers call 0 is 1 BC.
    let before_christ = year <= 0;
    put_padded(if before_christ { 1 - year } else { year }.unsigned_abs(), 4, out);
    out.put_u8(b'-');
    put_padded(u64::from(month), 2, out);
    out.put_u8(b'-');
    put_padded(u64::from(day), 2, out);
    before_christ
}

fn put_era(before_christ: bool, out: &mut BytesMut) {
    if before_christ {
        out.put_slice(b" BC");
    }
}

fn put_offset(seconds: i32, out: &mut BytesMut) {
    out.put_u8(if seconds < 0 { b'-' } else { b'+' });
    let seconds = seconds.unsigned_abs();
    put_padded(u64::from(seconds / 3600), 2, out);
    if !seconds.is_multiple_of(3600) {
        out.put_u8(b':');
        put_padded(u64::from(seconds / 60 % 60), 2, out);
    }
    if !seconds.is_multiple_of(60) {
        out.put_u8(b':');
        put_padded(u64::from(seconds % 60), 2, out);
    }
}

/// Microseconds after the point, without trailing zeros; nothing when there are none.
pub(super) fn put_fraction(micros: u64, out: &mut BytesMut) {
    if micros == 0 {
        return;
    }
    let (mut digits, mut width) = (micros, 6);
    while digits % 10 == 0 {
        digits /= 10;
        width -= 1;
    }
    out.put_u8(b'.');
    put_padded(digits, width, out);
}

/// A number with at least `width` digits.
pub(super) fn put_padded(mut number: u64, width: usize, out: &mut BytesMut) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    while number > 0 || digits.len() - at < width {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.put_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(write: impl Fn(&mut BytesMut), expect: &str) {
        let mut out = BytesMut::new();
        write(&mut out);
        assert_eq!(std::str::from_utf8(&out).unwrap(), expect);
    }

    #[test]
    fn a_day_is_the_day_it_came_from() {
        for day in (-4_000_000..4_000_000).step_by(997) {
            let (year, month, date) = civil(day);
            assert_eq!(days(year, month, date), day);
        }
        assert_eq!(civil(11_016), (2000, 2, 29));
    }

    #[test]
    fn dates_and_times_look_as_in_postgres() {
        check(|out| write_date(0, out), "1970-01-01");
        check(|out| write_date(days(-43, 3, 15) as i32, out), "0044-03-15 BC");
        check(|out| write_date(days(12024, 1, 2) as i32, out), "12024-01-02");
        check(|out| write_date(i32::MAX, out), "infinity");
        check(|out| write_time(86_399_000_000, out), "23:59:59");
        check(|out| write_time(86_400_000_000, out), "24:00:00");
        check(|out| write_time(3_723_000_120, out), "01:02:03.00012");
        check(|out| write_timestamp(-1, out), "1969-12-31 23:59:59.999999");
        check(|out| write_timestamp(i64::MIN, out), "-infinity");
        check(|out| write_timestamp(days(-99, 1, 1) * DAY_MICROS, out), "0100-01-01 00:00:00 BC");
    }

    #[test]
    fn an_instant_is_shown_in_the_zone() {
        let at = days(2024, 7, 1) * DAY_MICROS;
        for (zone, expect) in [
            ("UTC", "2024-07-01 00:00:00+00"),
            ("Asia/Kolkata", "2024-07-01 05:30:00+05:30"),
            ("America/New_York", "2024-06-30 20:00:00-04"),
            ("-3.5", "2024-06-30 20:30:00-03:30"),
        ] {
            let zone = Zone::parse(zone).unwrap();
            check(|out| write_timestamptz(at, &zone, out), expect);
        }
        let old = days(1800, 1, 1) * DAY_MICROS;
        let paris = Zone::parse("Europe/Paris").unwrap();
        check(|out| write_timestamptz(old, &paris, out), "1800-01-01 00:09:21+00:09:21");
    }
}
