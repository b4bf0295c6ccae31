//! Floats and decimals: shortest-exact text as Postgres prints it, and the base-10000 form of `numeric`.

use bytes::{BufMut, BytesMut};
use std::fmt::Write;

/// A double; beyond 15 digits before the point it is printed with an exponent.
pub fn write_float8(value: f64, out: &mut BytesMut) {
    write_float(
        value.is_nan(),
        value.is_infinite(),
        value.is_sign_negative(),
        format_args!("{:e}", value.abs()),
        15,
        out,
    );
}

/// A float; beyond 6 digits before the point it is printed with an exponent.
pub fn write_float4(value: f32, out: &mut BytesMut) {
    write_float(
        value.is_nan(),
        value.is_infinite(),
        value.is_sign_negative(),
        format_args!("{:e}", value.abs()),
        6,
        out,
    );
}

fn write_float(
    nan: bool,
    infinite: bool,
    negative: bool,
    shortest: std::fmt::Arguments<'_>,
    fixed: i32,
    out: &mut BytesMut,
) {
    if nan {
        return out.put_slice(b"NaN");
    }
    if negative {
        out.put_u8(b'-');
    }
    if infinite {
        return out.put_slice(b"Infinity");
    }
    // Rust writes the shortest digits that read back, as `d.ddde±x`: only the layout differs.
    let mut text = Small::default();
    let _ = text.write_fmt(shortest);
    let text = text.as_str();
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..fixed).contains(&exponent) {
        put_fixed(mantissa, exponent, out);
    } else {
        out.put_slice(mantissa.as_bytes());
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "e{sign}{:02}", exponent.abs());
    }
}

fn put_fixed(mantissa: &str, exponent: i32, out: &mut BytesMut) {
    let digits = mantissa.bytes().filter(|byte| *byte != b'.');
    let count = digits.clone().count() as i32;
    if exponent < 0 {
        out.put_slice(b"0.");
        out.put_bytes(b'0', (-exponent - 1) as usize);
        out.extend(digits);
        return;
    }
    for (at, digit) in digits.enumerate() {
        if at as i32 == exponent + 1 {
            out.put_u8(b'.');
        }
        out.put_u8(digit);
    }
    out.put_bytes(b'0', (exponent + 1 - count).max(0) as usize);
}

/// Text on the stack, long enough for any float and any 256-bit integer.
#[derive(Default)]
pub(super) struct Small {
    bytes: [u8; 32],
    more: String,
    length: usize,
}

impl Small {
    pub(super) fn as_str(&self) -> &str {
        if self.more.is_empty() {
            std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
        } else {
            &self.more
        }
    }
}

impl std::fmt::Write for Small {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        if self.more.is_empty() && self.length + text.len() <= self.bytes.len() {
            self.bytes[self.length..self.length + text.len()].copy_from_slice(text.as_bytes());
            self.length += text.len();
        } else {
            if self.more.is_empty() {
                self.more = std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default().to_string();
            }
            self.more.push_str(text);
        }
        Ok(())
    }
}

/// Digits, sign and scale of a decimal, the digits as text.
pub(super) struct Digits<'a> {
    pub(super) negative: bool,
    pub(super) digits: &'a str,
    pub(super) scale: i32,
}

impl<'a> Digits<'a> {
    /// `text` is the unscaled integer. With `trim`, zeros at the end of the fraction are not kept: the column's scale
    /// is an accident of how it is held, not the value's.
    pub(super) fn new(text: &'a str, scale: i32, trim: bool) -> Self {
        let (negative, mut digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let mut scale = scale;
        while trim && scale > 0 && digits.ends_with('0') {
            digits = &digits[..digits.len() - 1];
            scale -= 1;
        }
        if digits.is_empty() {
            (digits, scale) = ("0", 0);
        }
        Digits { negative, digits, scale }
    }

    pub(super) fn write_text(&self, out: &mut BytesMut) {
        if self.negative {
            out.put_u8(b'-');
        }
        let digits = self.digits.as_bytes();
        if self.scale <= 0 {
            out.put_slice(digits);
            if self.digits != "0" {
                out.put_bytes(b'0', self.scale.unsigned_abs() as usize);
            }
            return;
        }
        let scale = self.scale as usize;
        if digits.len() > scale {
            let (whole, fraction) = digits.split_at(digits.len() - scale);
            out.put_slice(whole);
            out.put_u8(b'.');
            out.put_slice(fraction);
        } else {
            out.put_slice(b"0.");
            out.put_bytes(b'0', scale - digits.len());
            out.put_slice(digits);
        }
    }

    /// Count, weight, sign and scale, then groups of four digits.
    pub(super) fn write_binary(&self, out: &mut BytesMut) {
        // `power` of a digit is its exponent of ten; a group holds those of equal power / 4.
        let power = |at: usize| self.digits.len() as i32 - 1 - at as i32 - self.scale;
        let top = power(0).div_euclid(4);
        let bottom = power(self.digits.len() - 1).div_euclid(4);
        let mut groups = vec![0i16; (top - bottom + 1).max(1) as usize];
        for (at, digit) in self.digits.bytes().enumerate() {
            let power = power(at);
            let group = (top - power.div_euclid(4)) as usize;
            groups[group] += i16::from(digit - b'0') * [1, 10, 100, 1000][power.rem_euclid(4) as usize];
        }
        let first = groups.iter().position(|group| *group != 0).unwrap_or(groups.len());
        let last = groups.iter().rposition(|group| *group != 0).map_or(first, |last| last + 1);
        let used = &groups[first..last];
        let weight = if used.is_empty() { 0 } else { top - first as i32 };
        out.put_i16(used.len() as i16);
        out.put_i16(weight as i16);
        out.put_u16(if self.negative && !used.is_empty() { 0x4000 } else { 0 });
        out.put_i16(self.scale.max(0) as i16);
        for group in used {
            out.put_i16(*group);
        }
    }
}

/// A decimal whose unscaled value is `unscaled`. With `trim`, zeros at the end of its fraction are left out.
pub fn write_decimal(unscaled: impl std::fmt::Display, scale: i8, trim: bool, out: &mut BytesMut) {
    let mut text = Small::default();
    let _ = write!(text, "{unscaled}");
    Digits::new(text.as_str(), i32::from(scale), trim).write_text(out);
}

/// As [`write_decimal`], in Postgres' binary form.
pub(super) fn write_decimal_binary(unscaled: impl std::fmt::Display, scale: i8, trim: bool, out: &mut BytesMut) {
    let mut text = Small::default();
    let _ = write!(text, "{unscaled}");
    Digits::new(text.as_str(), i32::from(scale), trim).write_binary(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl Fn(&mut BytesMut)) -> String {
        let mut out = BytesMut::new();
        write(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn floats_look_as_in_postgres() {
        for (value, expect) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (100.0, "100"),
            (1e14, "100000000000000"),
            (1e15, "1e+15"),
            (1e20, "1e+20"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (0.0001, "0.0001"),
            (0.00001234, "1.234e-05"),
            (1e-300, "1e-300"),
            (0.1 + 0.2, "0.30000000000000004"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
        ] {
            assert_eq!(text(|out| write_float8(value, out)), expect);
        }
        for (value, expect) in
            [(1e6, "1e+06"), (123456.0, "123456"), (123456.7, "123456.7"), (1234567.0, "1.234567e+06"), (0.1, "0.1")]
        {
            assert_eq!(text(|out| write_float4(value, out)), expect);
        }
    }

    #[test]
    fn decimals_keep_their_scale_unless_it_is_not_theirs() {
        for (unscaled, scale, trim, expect) in [
            (12345i128, 2, false, "123.45"),
            (-5, 3, false, "-0.005"),
            (0, 2, false, "0.00"),
            (25_000_000_000, 10, true, "2.5"),
            (0, 10, true, "0"),
            (-100, 2, true, "-1"),
            (12, -3, false, "12000"),
            (i128::MIN, 0, false, "-170141183460469231731687303715884105728"),
        ] {
            assert_eq!(text(|out| write_decimal(unscaled, scale, trim, out)), expect);
        }
    }

    #[test]
    fn the_binary_form_of_a_decimal_is_groups_of_four_digits() {
        fn check(unscaled: i128, scale: i8, weight: i16, dscale: i16, groups: &[i16]) {
            let mut out = BytesMut::new();
            write_decimal_binary(unscaled, scale, false, &mut out);
            let mut expect = BytesMut::new();
            expect.put_i16(groups.len() as i16);
            expect.put_i16(weight);
            expect.put_u16(if unscaled < 0 { 0x4000 } else { 0 });
            expect.put_i16(dscale);
            groups.iter().for_each(|group| expect.put_i16(*group));
            assert_eq!(out, expect, "{unscaled} {scale}");
        }
        check(12345, 2, 0, 2, &[123, 4500]);
        check(0, 2, 0, 2, &[]);
        check(-1, 5, -2, 5, &[1000]);
        check(100_000_000, 0, 2, 0, &[1]);
        check(7, -4, 1, 0, &[7]);
        check(123_456_789, 4, 1, 4, &[1, 2345, 6789]);
    }
}
