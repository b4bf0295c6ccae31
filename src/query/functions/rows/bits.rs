//! Bit strings, and the bits of bytes.

use super::{Entry, Row, int, text};
use crate::base::value::textual::{Bits, bits, number_of_bits};
use crate::base::{Error, Kind, Result};
use datafusion::common::ScalarValue;

pub(super) const ALL: &[Entry] = &[
    ("bit &(any, any) anyelement", |row| combined(row, "AND", |left, right| left & right)),
    ("bit |(any, any) anyelement", |row| combined(row, "OR", |left, right| left | right)),
    ("bit #(any, any) anyelement", |row| combined(row, "XOR", |left, right| left ^ right)),
    ("bit ~(any) anyelement", |row| shown(Bits(value(row, 0)?.0.into_iter().map(|bit| !bit).collect()))),
    ("bit <<(any, int4) anyelement", |row| shifted(row, row.int(1))),
    ("bit >>(any, int4) anyelement", |row| shifted(row, -row.int(1))),
    ("bit ||(varbit, varbit) varbit", |row| shown(Bits([value(row, 0)?.0, value(row, 1)?.0].concat()))),
    ("bit length(varbit) int4", |row| int(value(row, 0)?.0.len())),
    ("bit octets(varbit) int4", |row| int(value(row, 0)?.0.len().div_ceil(8))),
    ("bit count(varbit) int8", |row| {
        Ok(Some(ScalarValue::Int64(Some(value(row, 0)?.0.iter().filter(|bit| **bit).count() as i64))))
    }),
    ("bit position(varbit, varbit) int4", |row| {
        let (whole, part) = (value(row, 0)?.0, value(row, 1)?.0);
        let found = (0..=whole.len().saturating_sub(part.len())).find(|at| whole[*at..].starts_with(&part));
        int(found.filter(|_| part.len() <= whole.len()).map_or(0, |at| at + 1))
    }),
    ("bit part(any, int4) anyelement", |row| part(row, i64::MAX)),
    ("bit part(any, int4, int4) anyelement", |row| match row.int(2) {
        length @ 0.. => part(row, length),
        _ => Err(Error::new(Kind::SubstringError, "negative substring length not allowed")),
    }),
    ("bit overlay(any, varbit, int4) anyelement", |row| overlay(row, value(row, 1)?.0.len() as i64)),
    ("bit overlay(any, varbit, int4, int4) anyelement", |row| overlay(row, row.int(3))),
    ("bit to int4(varbit) int4", |row| match number_of_bits(&value(row, 0)?, 32) {
        Some(number) => Ok(Some(ScalarValue::Int32(i32::try_from(number).ok()))),
        None => Err(Error::new(Kind::NumericOutOfRange, "integer out of range")),
    }),
    ("bit to int8(varbit) int8", |row| match number_of_bits(&value(row, 0)?, 64) {
        Some(number) => Ok(Some(ScalarValue::Int64(Some(number)))),
        None => Err(Error::new(Kind::NumericOutOfRange, "bigint out of range")),
    }),
    ("get_bit(any, int8) int4", |row| match &row.values[0] {
        ScalarValue::Binary(Some(bytes)) => {
            let (byte, bit) = bit_of(bytes, row.int(1))?;
            int(usize::from(bytes[byte] >> bit & 1))
        }
        _ => {
            let bits = value(row, 0)?;
            let at = place(row.int(1), bits.0.len())?;
            int(usize::from(bits.0[at]))
        }
    }),
    ("set_bit(any, int8, int4) anyelement", |row| {
        let new = match row.int(2) {
            0 => false,
            1 => true,
            _ => return Err(Error::new(Kind::InvalidParameterValue, "new bit must be 0 or 1")),
        };
        match &row.values[0] {
            ScalarValue::Binary(Some(bytes)) => {
                let (byte, bit) = bit_of(bytes, row.int(1))?;
                let mut bytes = bytes.clone();
                bytes[byte] = bytes[byte] & !(1 << bit) | u8::from(new) << bit;
                Ok(Some(ScalarValue::Binary(Some(bytes))))
            }
            _ => {
                let mut bits = value(row, 0)?;
                let at = place(row.int(1), bits.0.len())?;
                bits.0[at] = new;
                shown(bits)
            }
        }
    }),
];

fn value(row: &Row<'_>, at: usize) -> Result<Bits> {
    bits(row.text(at))
}

fn shown(bits: Bits) -> Result<Option<ScalarValue>> {
    text(bits.to_string())
}

fn combined(row: &Row<'_>, what: &str, of: fn(bool, bool) -> bool) -> Result<Option<ScalarValue>> {
    let (left, right) = (value(row, 0)?.0, value(row, 1)?.0);
    if left.len() != right.len() {
        let message = format!("cannot {what} bit strings of different sizes");
        return Err(Error::new(Kind::StringLengthMismatch, message));
    }
    shown(Bits(left.into_iter().zip(right).map(|(left, right)| of(left, right)).collect()))
}

fn shifted(row: &Row<'_>, by: i64) -> Result<Option<ScalarValue>> {
    let bits = value(row, 0)?.0;
    let at = |at: usize| usize::try_from(at as i64 + by).ok().and_then(|at| bits.get(at)).copied();
    shown(Bits((0..bits.len()).map(|place| at(place).unwrap_or(false)).collect()))
}

fn part(row: &Row<'_>, length: i64) -> Result<Option<ScalarValue>> {
    let bits = value(row, 0)?.0;
    let end = (row.int(1) - 1).saturating_add(length).clamp(0, bits.len() as i64) as usize;
    let begin = (row.int(1) - 1).clamp(0, end as i64) as usize;
    shown(Bits(bits[begin..end].to_vec()))
}

fn overlay(row: &Row<'_>, length: i64) -> Result<Option<ScalarValue>> {
    let (bits, new) = (value(row, 0)?.0, value(row, 1)?.0);
    if row.int(2) <= 0 {
        return Err(Error::new(Kind::SubstringError, "negative substring length not allowed"));
    }
    let begin = (row.int(2) - 1).clamp(0, bits.len() as i64) as usize;
    let end = (row.int(2) - 1).saturating_add(length).clamp(begin as i64, bits.len() as i64) as usize;
    shown(Bits([&bits[..begin], &new, &bits[end..]].concat()))
}

fn place(at: i64, length: usize) -> Result<usize> {
    usize::try_from(at).ok().filter(|at| *at < length).ok_or_else(|| {
        let message = format!("bit index {at} out of valid range (0..{})", length as i64 - 1);
        Error::new(Kind::ArraySubscript, message)
    })
}

/// The byte and the place in it; bits are counted from the lowest of each byte.
fn bit_of(bytes: &[u8], at: i64) -> Result<(usize, u32)> {
    let most = bytes.len() as i64 * 8;
    match usize::try_from(at).ok().filter(|_| at < most) {
        Some(at) => Ok((at / 8, (at % 8) as u32)),
        None => {
            let message = format!("index {at} out of valid range, 0..{}", most - 1);
            Err(Error::new(Kind::ArraySubscript, message))
        }
    }
}
