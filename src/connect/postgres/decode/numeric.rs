//! PostgreSQL's `numeric` on the wire: base-10000 digits with a weight and a sign.

use super::malformed;
use crate::base::{Error, Kind, Result};
use bytes::{BufMut, BytesMut};

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const PLUS_INFINITY: u16 = 0xD000;
const MINUS_INFINITY: u16 = 0xF000;

/// The number times 10^scale, rounded half away from zero as the server would.
pub(super) fn decode(bytes: &[u8], precision: u8, scale: i8) -> Result<i128> {
    let mut words = bytes.chunks_exact(2).map(|word| u16::from_be_bytes([word[0], word[1]]));
    let mut next = || words.next().ok_or_else(malformed);
    let (count, weight, sign, _) = (next()?, next()? as i16, next()?, next()?);
    match sign {
        NAN => return Err(special("NaN")),
        PLUS_INFINITY => return Err(special("Infinity")),
        MINUS_INFINITY => return Err(special("-Infinity")),
        _ => {}
    }
    let mut total: i128 = 0;
    for at in 0..count {
        let digits = i128::from(next()?);
        // The power of ten of the group's last digit, in units of the result.
        let power = 4 * (i32::from(weight) - i32::from(at)) + i32::from(scale);
        let part = if power >= 0 { shifted(digits, power) } else { Some(rounded(digits, power)) };
        total = part.and_then(|part| total.checked_add(part)).ok_or_else(|| too_large(precision, scale))?;
        // What follows a cut changes nothing: its first digit decided.
        if power < 0 {
            break;
        }
    }
    if total >= 10i128.pow(u32::from(precision.min(38))) {
        return Err(too_large(precision, scale));
    }
    Ok(if sign == NEGATIVE { -total } else { total })
}

fn shifted(digits: i128, power: i32) -> Option<i128> {
    if digits == 0 {
        return Some(0);
    }
    digits.checked_mul(10i128.checked_pow(power as u32)?)
}

/// A group of which some digits are cut off.
fn rounded(digits: i128, power: i32) -> i128 {
    match power {
        -4..0 => {
            let unit = 10i128.pow(-power as u32);
            (digits + unit / 2) / unit
        }
        _ => 0,
    }
}

fn special(value: &str) -> Error {
    Error::new(Kind::NumericOutOfRange, format!("numeric {value} has no value here"))
        .hint("read it as double precision, through a view on the server".to_string())
}

fn too_large(precision: u8, scale: i8) -> Error {
    let digits = i16::from(precision) - i16::from(scale);
    Error::new(Kind::NumericOutOfRange, "numeric value does not fit")
        .detail(format!("a value may have {digits} digits before the point and {scale} after it"))
        .hint("read it as double precision or text, through a view on the server".to_string())
}

/// Writes a decimal as the server reads it.
pub(in crate::connect::postgres) fn encode(value: i128, scale: i8, out: &mut BytesMut) {
    // Groups of four digits hang on the point: fill the last one up with zeros.
    let missing = (4 - i32::from(scale).rem_euclid(4)) % 4;
    let last_weight = -((i32::from(scale) + missing) / 4);
    let mut groups = vec![];
    let mut rest = value.unsigned_abs();
    let first = 10u128.pow((4 - missing) as u32);
    groups.push((rest % first) as u16 * 10u16.pow(missing as u32));
    rest /= first;
    while rest > 0 {
        groups.push((rest % 10_000) as u16);
        rest /= 10_000;
    }
    let weight = last_weight + groups.len() as i32 - 1;
    let trailing = groups.iter().take_while(|group| **group == 0).count();
    let groups = &groups[trailing..];
    out.put_i32(8 + 2 * groups.len() as i32);
    out.put_u16(groups.len() as u16);
    out.put_i16(if groups.is_empty() { 0 } else { weight as i16 });
    out.put_u16(if value < 0 { NEGATIVE } else { 0 });
    out.put_u16(scale.max(0) as u16);
    groups.iter().rev().for_each(|group| out.put_u16(*group));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(weight: i16, sign: u16, groups: &[u16]) -> Vec<u8> {
        let words = [&[groups.len() as u16, weight as u16, sign, 0], groups].concat();
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    fn check(weight: i16, sign: u16, groups: &[u16], scale: i8, expect: Result<i128, &str>) {
        let found = decode(&wire(weight, sign, groups), 38, scale);
        assert_eq!(found.as_ref().map_err(|error| error.message.as_str()), expect.as_ref().map_err(|text| *text));
    }

    #[test]
    fn a_numeric_is_read_at_its_scale() {
        check(0, 0, &[12], 0, Ok(12));
        check(0, NEGATIVE, &[12, 3400], 2, Ok(-1234));
        check(1, 0, &[1, 2, 3], 4, Ok(100020003));
        check(0, 0, &[], 2, Ok(0));
        check(2, 0, &[5], 0, Ok(500_000_000));
    }

    #[test]
    fn what_is_cut_off_is_rounded_half_away_from_zero() {
        check(0, 0, &[1, 2345], 3, Ok(1235)); // 1.2345 → 1.235
        check(0, NEGATIVE, &[1, 2345], 3, Ok(-1235));
        check(0, 0, &[1, 2344], 3, Ok(1234));
        check(0, 0, &[1, 9999, 5000], 4, Ok(20000)); // 1.99995 → 2.0000
        check(0, 0, &[1, 9999, 4999], 4, Ok(19999));
        check(0, 0, &[0, 0, 4999, 9999], 10, Ok(500_000)); // 0.000049999999 → 0.0000500000
        check(0, 0, &[1, 2345, 6789, 1250], 10, Ok(12_345_678_913)); // 1.23456789125 → 1.2345678913
        check(0, 0, &[1, 2345, 6789, 1249], 10, Ok(12_345_678_912));
        check(-1, 0, &[5000], 0, Ok(1)); // 0.5 → 1
        check(-1, 0, &[4999], 0, Ok(0));
        check(-2, 0, &[9999], 0, Ok(0)); // 0.00009999
    }

    #[test]
    fn what_has_no_value_here_is_an_error() {
        check(0, NAN, &[], 2, Err("numeric NaN has no value here"));
        check(0, MINUS_INFINITY, &[], 2, Err("numeric -Infinity has no value here"));
        check(20, 0, &[1], 0, Err("numeric value does not fit"));
        check(7, 0, &[1], 10, Err("numeric value does not fit"));
    }

    #[test]
    fn what_is_written_is_read_back() {
        for scale in [0i8, 1, 2, 3, 4, 5, 10, 37] {
            for value in [0i128, 1, -1, 9, 10, 9999, 10_000, 123_456_789, -120_000, 10i128.pow(38) - 1] {
                let mut out = BytesMut::new();
                encode(value, scale, &mut out);
                assert_eq!(decode(&out[4..], 38, scale).unwrap(), value, "{value} at {scale}");
            }
        }
    }
}
