//! Text and bytes: encodings, and what is counted or quoted in them.

use super::{Entry, Row, int, text, texts};
use crate::base::{Error, Kind, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use datafusion::common::ScalarValue;
use std::fmt::Write;

pub(super) const ALL: &[Entry] = &[
    ("bit_count(bytea) int8", |row| {
        Ok(Some(ScalarValue::Int64(Some(bytes(row, 0).iter().map(|byte| i64::from(byte.count_ones())).sum()))))
    }),
    ("bytes and bytes(bytea, bytea) bytea", |row| {
        Ok(Some(ScalarValue::Binary(Some([bytes(row, 0), bytes(row, 1)].concat()))))
    }),
    ("decode(text, text) bytea", decode),
    ("encode(bytea, text) text", encode),
    ("get_byte(bytea, int4) int4", |row| {
        let bytes = bytes(row, 0);
        match usize::try_from(row.int(1)).ok().and_then(|at| bytes.get(at)) {
            Some(byte) => int(usize::from(*byte)),
            None => {
                let message = format!("index {} out of valid range, 0..{}", row.int(1), bytes.len() as i64 - 1);
                Err(Error::new(Kind::ArraySubscript, message))
            }
        }
    }),
    ("num_nonnulls(variadic any) int4", |row| int(row.values.iter().filter(|value| !value.is_null()).count())),
    ("num_nulls(variadic any) int4", |row| int(row.values.iter().filter(|value| value.is_null()).count())),
    ("octet_length(text) int4", |row| int(row.text(0).len())),
    ("octet_length(bytea) int4", |row| int(bytes(row, 0).len())),
    ("octets(bytea) int4", |row| int(bytes(row, 0).len())),
    ("set_byte(bytea, int4, int4) bytea", |row| {
        let mut new = bytes(row, 0).to_vec();
        let length = new.len() as i64;
        match usize::try_from(row.int(1)).ok().and_then(|at| new.get_mut(at)) {
            Some(byte) => *byte = (row.int(2) & 0xff) as u8,
            None => {
                let message = format!("index {} out of valid range, 0..{}", row.int(1), length - 1);
                return Err(Error::new(Kind::ArraySubscript, message));
            }
        }
        Ok(Some(ScalarValue::Binary(Some(new))))
    }),
    ("string_to_table(text, text) setof text", |row| {
        Ok(Some(texts(row.text(0).split(row.text(1)).map(|part| Some(part.to_string())))))
    }),
    ("unistr(text) text", unistr),
];

fn bytes<'a>(row: &'a Row<'_>, at: usize) -> &'a [u8] {
    match row.values.get(at) {
        Some(ScalarValue::Binary(Some(bytes))) => bytes,
        _ => &[],
    }
}

fn unknown(encoding: &str) -> Error {
    Error::new(Kind::InvalidParameterValue, format!("unrecognized encoding: \"{encoding}\""))
}

fn encode(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    let bytes = bytes(row, 0);
    match row.text(1).to_lowercase().as_str() {
        "base64" => {
            let digits = STANDARD.encode(bytes);
            // Lines of 76 characters, as mail wants them.
            let lines = digits.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line).into_owned());
            text(lines.collect::<Vec<_>>().join("\n"))
        }
        "hex" => text(bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })),
        "escape" => text(bytes.iter().fold(String::new(), |mut text, byte| {
            match byte {
                0 | 128.. => {
                    let _ = write!(text, "\\{byte:03o}");
                }
                b'\\' => text.push_str("\\\\"),
                byte => text.push(char::from(*byte)),
            }
            text
        })),
        other => Err(unknown(other)),
    }
}

fn decode(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    let given = row.text(0);
    let refused = |message: String| Error::new(Kind::InvalidParameterValue, message);
    let bytes = match row.text(1).to_lowercase().as_str() {
        "base64" => {
            let digits: String = given.chars().filter(|c| !c.is_whitespace()).collect();
            STANDARD.decode(digits).map_err(|_| refused("invalid base64 end sequence".into()))?
        }
        "hex" => {
            let digits: Vec<char> = given.chars().filter(|c| !c.is_whitespace()).collect();
            if let Some(bad) = digits.iter().find(|c| !c.is_ascii_hexdigit()) {
                return Err(refused(format!("invalid hexadecimal digit: \"{bad}\"")));
            }
            if digits.len() % 2 == 1 {
                return Err(refused("invalid hexadecimal data: odd number of digits".into()));
            }
            let pair = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).ok();
            digits.chunks(2).filter_map(pair).collect()
        }
        "escape" => {
            escaped(given).ok_or_else(|| Error::new(Kind::InvalidText, "invalid input syntax for type bytea"))?
        }
        other => return Err(unknown(other)),
    };
    Ok(Some(ScalarValue::Binary(Some(bytes))))
}

/// `\000` and `\\` as the bytes that they are.
fn escaped(text: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![];
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        (rest, bytes) = match (first, after) {
            (b'\\', [b'\\', after @ ..]) => (after, [bytes, vec![b'\\']].concat()),
            (b'\\', [a, b, c, after @ ..]) => {
                let digits = [*a, *b, *c];
                let octal = std::str::from_utf8(&digits).ok().and_then(|digits| u8::from_str_radix(digits, 8).ok())?;
                (after, [bytes, vec![octal]].concat())
            }
            (b'\\', _) => return None,
            (byte, after) => (after, [bytes, vec![*byte]].concat()),
        };
    }
    Some(bytes)
}

/// `\0041`, `\+000041`, `A` as the characters that they are.
fn unistr(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    let mut shown = String::new();
    let mut rest = row.text(0);
    let invalid = || Error::new(Kind::Syntax, "invalid Unicode escape");
    while let Some(at) = rest.find('\\') {
        shown.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('\\') {
            shown.push('\\');
            rest = after;
            continue;
        }
        let (skip, digits) = match rest.chars().next() {
            Some('+') => (1, 6),
            Some('u') => (1, 4),
            Some('U') => (1, 8),
            _ => (0, 4),
        };
        let code = rest.get(skip..skip + digits).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        shown.push(code.and_then(char::from_u32).ok_or_else(invalid)?);
        rest = &rest[skip + digits..];
    }
    shown.push_str(rest);
    text(shown)
}
