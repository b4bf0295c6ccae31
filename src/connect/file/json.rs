//! Files with one JSON object per line.

use super::lines::{Rows, Split, Splitter};
use crate::base::{Error, Kind, Result, Type};
use serde_json::{Map, Value};

/// Which keys of the objects are wanted, and as what.
#[derive(Debug)]
pub(super) struct Json {
    pub wanted: Vec<(String, Type)>,
}

impl Split for Json {
    fn splitter(&self) -> Box<dyn Splitter> {
        Box::new(JsonSplitter { lines: Lines::default(), wanted: self.wanted.clone() })
    }
}

struct JsonSplitter {
    lines: Lines,
    wanted: Vec<(String, Type)>,
}

impl Splitter for JsonSplitter {
    fn split(&mut self, bytes: &[u8], last: bool, rows: &mut Rows) -> Result<()> {
        self.lines.push(bytes);
        while !rows.done {
            let Some((number, line)) = self.lines.next(last) else { break };
            let Some(object) = object(&line).map_err(|error| rows.bad(number, error.kind, error.message))? else {
                continue;
            };
            let texts: Vec<_> =
                self.wanted.iter().map(|(key, ty)| object.get(key).and_then(|value| text(value, ty))).collect();
            rows.push(number, texts.iter().map(|text| text.as_deref()))?;
        }
        Ok(())
    }
}

/// The object of a line; a blank line has none.
pub(super) fn object(line: &[u8]) -> Result<Option<Map<String, Value>>> {
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    let bad = |message: String| Error::new(Kind::BadCopyFileFormat, message);
    match serde_json::from_slice(line) {
        Ok(Value::Object(object)) => Ok(Some(object)),
        Ok(_) => Err(bad("a line is not a JSON object".to_string())),
        Err(error) => {
            let message = error.to_string();
            let reason = message.split(" at line ").next().unwrap_or(&message);
            Err(bad(format!("a line is not a JSON object: {reason}, character {}", error.column())))
        }
    }
}

/// A value as the text that a column of the type reads; `None` for null.
fn text(value: &Value, ty: &Type) -> Option<String> {
    match (value, ty) {
        (Value::Null, _) => None,
        (value, Type::Json | Type::Jsonb) => Some(value.to_string()),
        (Value::String(text), _) => Some(text.clone()),
        (Value::Array(items), Type::Array(element)) => {
            let items: Vec<_> = items.iter().map(|item| array_item(item, element)).collect();
            Some(format!("{{{}}}", items.join(",")))
        }
        (other, _) => Some(other.to_string()),
    }
}

/// An item of an array as it stands in the array's text.
fn array_item(item: &Value, ty: &Type) -> String {
    match text(item, ty) {
        None => "NULL".to_string(),
        Some(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// Splits bytes at line ends.
#[derive(Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    at: usize,
    /// Up to here there is no line end.
    seen: usize,
    number: u64,
}

impl Lines {
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.at);
        self.seen -= self.at;
        self.at = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next line with its number; `None` when more bytes are needed or there is no more.
    pub fn next(&mut self, last: bool) -> Option<(u64, Vec<u8>)> {
        let end = self.bytes[self.seen..].iter().position(|byte| *byte == b'\n').map(|found| self.seen + found);
        let (end, next) = match end {
            Some(end) => (end, end + 1),
            None if last && self.at < self.bytes.len() => (self.bytes.len(), self.bytes.len()),
            None => {
                self.seen = self.bytes.len();
                return None;
            }
        };
        let line = self.bytes[self.at..end].to_vec();
        self.at = next;
        self.seen = next;
        self.number += 1;
        Some((self.number, line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_the_text_that_its_column_reads() {
        let ints = Type::Array(Box::new(Type::Text));
        for (json, ty, expect) in [
            ("null", Type::Text, None),
            ("1.50", Type::Float8, Some("1.5")),
            ("\"a\\n\"", Type::Text, Some("a\n")),
            ("\"a\"", Type::Json, Some("\"a\"")),
            ("{\"a\": [1]}", Type::Text, Some("{\"a\":[1]}")),
            ("[1, null, \"x\\\"y\"]", ints, Some("{\"1\",NULL,\"x\\\"y\"}")),
        ] {
            assert_eq!(text(&serde_json::from_str(json).unwrap(), &ty).as_deref(), expect, "{json}");
        }
    }

    #[test]
    fn lines_end_where_they_end_in_pieces_of_any_size() {
        for size in 1..8 {
            let mut lines = Lines::default();
            let mut found = vec![];
            for piece in b"a\n\nbc\nd".chunks(size) {
                lines.push(piece);
                found.extend(std::iter::from_fn(|| lines.next(false)));
            }
            found.extend(std::iter::from_fn(|| lines.next(true)));
            let found: Vec<_> = found.iter().map(|(number, line)| (*number, line.as_slice())).collect();
            assert_eq!(found, [(1, b"a".as_slice()), (2, b""), (3, b"bc"), (4, b"d")]);
        }
    }
}
