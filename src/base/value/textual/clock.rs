//! `time with time zone`: a time of day and how far its clock is from Greenwich.

use super::super::calendar::{DAY_MICROS, write_time};
use super::super::read_time::{read_clock, today_offset};
use crate::base::value::Style;
use crate::base::{Result, Textual, Type};
use bytes::{BufMut, BytesMut};
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timetz {
    pub micros: i64,
    /// Seconds east of Greenwich.
    pub east: i32,
}

/// `10:00+02`; without a zone it is the session's.
pub fn timetz(text: &str, style: &Style) -> Result<Timetz> {
    let (micros, zone) = read_clock(text.trim_ascii(), &Type::Textual(Textual::Timetz))?;
    Ok(Timetz { micros, east: today_offset(&zone.unwrap_or(style.zone)) })
}

impl Timetz {
    /// The same moment on a clock elsewhere.
    pub fn moved(&self, east: i32) -> Timetz {
        let shift = i64::from(east - self.east) * 1_000_000;
        Timetz { micros: (self.micros + shift).rem_euclid(DAY_MICROS), east }
    }

    pub fn plus(&self, micros: i64) -> Timetz {
        Timetz { micros: (self.micros + micros % DAY_MICROS).rem_euclid(DAY_MICROS), ..*self }
    }

    /// By the moment, then by the zone, the eastern last.
    pub(super) fn order(&self) -> Vec<u8> {
        let moment = self.micros - i64::from(self.east) * 1_000_000;
        let mut order = (moment.wrapping_sub(i64::MIN) as u64).to_be_bytes().to_vec();
        order.extend((-i64::from(self.east)).wrapping_sub(i64::MIN).to_be_bytes());
        order
    }

    pub(super) fn write_binary(&self, out: &mut BytesMut) {
        out.put_i64(self.micros);
        out.put_i32(-self.east);
    }

    pub(super) fn read_binary(bytes: &[u8]) -> Option<Timetz> {
        let (micros, west) = bytes.split_first_chunk::<8>()?;
        let micros = i64::from_be_bytes(*micros);
        let west = i32::from_be_bytes(west.try_into().ok()?);
        let valid = (0..=DAY_MICROS).contains(&micros) && west.abs() < 16 * 3600;
        valid.then(|| Timetz { micros, east: -west })
    }
}

impl fmt::Display for Timetz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = BytesMut::new();
        write_time(self.micros, &mut out);
        f.write_str(&String::from_utf8_lossy(&out))?;
        let seconds = self.east.abs();
        write!(f, "{}{:02}", if self.east < 0 { '-' } else { '+' }, seconds / 3600)?;
        if seconds % 3600 != 0 {
            write!(f, ":{:02}", seconds / 60 % 60)?;
        }
        if seconds % 60 != 0 {
            write!(f, ":{:02}", seconds % 60)?;
        }
        Ok(())
    }
}
