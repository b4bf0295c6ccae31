//! `bit` and `bit varying`: zeros and ones.

use crate::base::{Error, Kind, Result, Textual, Type};
use bytes::{BufMut, BytesMut};
use std::fmt;

/// The bits of a value, the first on the left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bits(pub Vec<bool>);

/// `101`, `b101` or `x1F`.
pub fn bits(text: &str) -> Result<Bits> {
    let refused =
        |digit: char, kind: &str| Error::new(Kind::InvalidText, format!("\"{digit}\" is not a valid {kind} digit"));
    if let Some(digits) = text.strip_prefix(['x', 'X']) {
        let mut bits = vec![];
        for digit in digits.chars() {
            let value = digit.to_digit(16).ok_or_else(|| refused(digit, "hexadecimal"))?;
            bits.extend((0..4).rev().map(|at| value >> at & 1 == 1));
        }
        return Ok(Bits(bits));
    }
    let digits = text.strip_prefix(['b', 'B']).unwrap_or(text);
    let bit = |digit: char| match digit {
        '0' => Ok(false),
        '1' => Ok(true),
        other => Err(refused(other, "binary")),
    };
    digits.chars().map(bit).collect::<Result<_>>().map(Bits)
}

impl Bits {
    /// The text at a length, which a column's value must have and a cast gives it.
    pub(super) fn fitted(self, length: Option<u32>, ty: Textual, exact: bool) -> Result<String> {
        let Some(length) = length.map(|length| length as usize) else { return Ok(self.to_string()) };
        if exact && self.0.len() != length {
            let message = format!("bit string length {} does not match type {}", self.0.len(), Type::Textual(ty));
            return Err(Error::new(Kind::StringLengthMismatch, message));
        }
        if self.0.len() > length {
            let message = format!("bit string too long for type {}", Type::Textual(ty));
            return Err(Error::new(Kind::StringTooLong, message));
        }
        Ok(self.to_string())
    }

    /// As a cast makes it: cut, and for `bit` filled up with zeros.
    pub fn cast(mut self, length: Option<u32>, exact: bool) -> Bits {
        if let Some(length) = length.map(|length| length as usize) {
            self.0.truncate(length);
            if exact {
                self.0.resize(length, false);
            }
        }
        self
    }

    pub(super) fn write_binary(&self, out: &mut BytesMut) {
        out.put_i32(self.0.len() as i32);
        for byte in self.0.chunks(8) {
            out.put_u8(byte.iter().enumerate().map(|(at, bit)| u8::from(*bit) << (7 - at)).sum());
        }
    }

    pub(super) fn read_binary(bytes: &[u8]) -> Option<Bits> {
        let (length, bytes) = bytes.split_first_chunk::<4>()?;
        let length = usize::try_from(i32::from_be_bytes(*length)).ok()?;
        if bytes.len() != length.div_ceil(8) {
            return None;
        }
        Some(Bits((0..length).map(|at| bytes[at / 8] >> (7 - at % 8) & 1 == 1).collect()))
    }
}

/// The lowest bits of a number.
pub fn bits_of_number(number: i64, length: u32) -> Bits {
    Bits((0..length).rev().map(|at| number >> at.min(63) & 1 == 1).collect())
}

/// The number that bits stand for; `None` when they are too many.
pub fn number_of_bits(bits: &Bits, width: u32) -> Option<i64> {
    if bits.0.len() > width as usize {
        return None;
    }
    let value = bits.0.iter().fold(0u64, |value, bit| value << 1 | u64::from(*bit));
    Some(if width == 32 { i64::from(value as u32 as i32) } else { value as i64 })
}

impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|bit| f.write_str(if *bit { "1" } else { "0" }))
    }
}
