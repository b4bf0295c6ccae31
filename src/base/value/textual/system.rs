//! Hardware addresses, and the types of PostgreSQL's own columns: transactions, places of rows and in the log.

use super::{bad, out_of_range};
use crate::base::{Error, Result, Textual, Type};
use bytes::{BufMut, BytesMut};
use std::str::FromStr;

/// `08:00:2b:01:02:03` in any of its spellings.
pub(super) fn hardware(text: &str, length: usize, ty: Textual) -> Result<String> {
    let digits: String = text.trim_ascii().chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
    let bytes = (0..digits.len())
        .step_by(2)
        .map(|at| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect::<Option<Vec<u8>>>();
    match bytes {
        Some(bytes) if bytes.len() == length => Ok(hardware_text(&bytes)),
        // Six bytes in the form of eight.
        Some(bytes) if length == 8 && bytes.len() == 6 => {
            Ok(hardware_text(&[&bytes[..3], &[0xff, 0xfe], &bytes[3..]].concat()))
        }
        _ => Err(bad(text, ty)),
    }
}

pub(super) fn hardware_text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

pub(super) fn write_hardware(text: &str, out: &mut BytesMut) {
    text.split(':').for_each(|byte| out.put_u8(u8::from_str_radix(byte, 16).unwrap_or_default()));
}

pub(super) fn counter(text: &str, ty: Textual) -> Result<String> {
    match text.trim_ascii().parse::<i128>() {
        Ok(number) if (0..=i128::from(u32::MAX)).contains(&number) => Ok(number.to_string()),
        Ok(_) => Err(out_of_range(text, ty)),
        Err(_) => Err(bad(text, ty)),
    }
}

pub(super) fn long_counter(text: &str) -> Result<String> {
    text.trim_ascii().parse::<u64>().map(|number| number.to_string()).map_err(|_| bad(text, Textual::Xid8))
}

pub(super) fn write_number<N: FromStr + Into<u64>>(text: &str, ty: Textual, out: &mut BytesMut) -> Result<()> {
    let number: u64 = text.parse::<N>().map_err(|_| bad(text, ty))?.into();
    match size_of::<N>() {
        4 => out.put_u32(number as u32),
        _ => out.put_u64(number),
    }
    Ok(())
}

fn parts(text: &str) -> Option<(u32, u16)> {
    let inside = text.trim_ascii().strip_prefix('(')?.strip_suffix(')')?;
    let (block, row) = inside.split_once(',')?;
    Some((block.trim().parse().ok()?, row.trim().parse().ok()?))
}

/// `(0,1)`
pub(super) fn place(text: &str) -> Result<String> {
    parts(text).map(|(block, row)| format!("({block},{row})")).ok_or_else(|| bad(text, Textual::Tid))
}

pub(super) fn write_place(text: &str, out: &mut BytesMut) -> Result<()> {
    let (block, row) = parts(text).ok_or_else(|| bad(text, Textual::Tid))?;
    out.put_u32(block);
    out.put_u16(row);
    Ok(())
}

pub(super) fn read_place(bytes: &[u8]) -> Option<String> {
    let (block, row) = bytes.split_first_chunk::<4>()?;
    Some(format!("({},{})", u32::from_be_bytes(*block), u16::from_be_bytes(row.try_into().ok()?)))
}

fn log_number(text: &str) -> Option<u64> {
    let (high, low) = text.trim_ascii().split_once('/')?;
    Some(u64::from(u32::from_str_radix(high, 16).ok()?) << 32 | u64::from(u32::from_str_radix(low, 16).ok()?))
}

/// `0/16B3748`
pub(super) fn log_place(text: &str) -> Result<String> {
    log_number(text).map(log_text).ok_or_else(|| bad(text, Textual::PgLsn))
}

pub(super) fn log_text(number: u64) -> String {
    format!("{:X}/{:X}", number >> 32, number & 0xffff_ffff)
}

pub(super) fn write_log_place(text: &str, out: &mut BytesMut) -> Result<()> {
    out.put_u64(log_number(text).ok_or_else(|| bad(text, Textual::PgLsn))?);
    Ok(())
}

/// Stands between the name of a thing of the catalog and its OID where both are known.
pub const NUMBERED: char = '\u{1}';

/// The name alone.
pub fn name_of_reference(text: &str) -> &str {
    text.split_once(NUMBERED).map_or(text, |(name, _)| name)
}

/// The OID of a thing of the catalog, held as its name, its number or both. Of types the name tells it.
pub(in crate::base::value) fn write_reference(text: &str, ty: &Type, out: &mut BytesMut) -> Result<()> {
    let text = text.split_once(NUMBERED).map_or(text, |(_, number)| number);
    let oid = match (text.parse::<u32>(), ty) {
        (Ok(oid), _) => oid,
        (Err(_), _) if text == "-" => 0,
        (Err(_), Type::Regtype) if text == "unknown" => 705,
        (Err(_), Type::Regtype) => Type::parse(text).map(|ty| ty.oid()).unwrap_or_default(),
        (Err(_), ty) => {
            return Err(Error::unsupported(format!("\"{text}\" has no binary form as a {ty} here"))
                .hint("cast it to oid or to text".to_string()));
        }
    };
    out.put_u32(oid);
    Ok(())
}
