//! JSON as XGBoost writes it: numbers rounded once, and NaN and Infinity, which JSON proper has not.
use super::doc::{DEPTH_MAX, Doc, Real};
use crate::error::FormatError;

pub(super) fn read(bytes: &[u8]) -> Result<Doc, FormatError> {
    let mut reader = Reader { bytes, at: 0 };
    let doc = reader.value(0)?;
    reader.blanks();
    match reader.peek() {
        None => Ok(doc),
        Some(_) => Err(reader.refuse("something follows the end of the model")),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn refuse(&self, message: &str) -> FormatError {
        let message = if self.at >= self.bytes.len() { "the file ends too early: it is truncated" } else { message };
        FormatError::new(message).at(format!("byte {}", self.at))
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, wanted: &[u8]) -> bool {
        let found = self.bytes[self.at..].starts_with(wanted);
        self.at += if found { wanted.len() } else { 0 };
        found
    }

    fn value(&mut self, depth: usize) -> Result<Doc, FormatError> {
        self.blanks();
        match self.peek() {
            _ if depth > DEPTH_MAX => Err(self.refuse("values are nested too deep")),
            Some(b'{') => self.map(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.text().map(Doc::Text),
            _ if self.take(b"true") => Ok(Doc::Bool(true)),
            _ if self.take(b"false") => Ok(Doc::Bool(false)),
            _ if self.take(b"null") => Ok(Doc::Null),
            _ if self.take(b"NaN") => Ok(Doc::Real(f64::NAN.into())),
            _ if self.take(b"Infinity") => Ok(Doc::Real(f64::INFINITY.into())),
            _ if self.take(b"-Infinity") => Ok(Doc::Real(f64::NEG_INFINITY.into())),
            _ => self.number(),
        }
    }

    fn number(&mut self) -> Result<Doc, FormatError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) {
            self.at += 1;
        }
        let word = std::str::from_utf8(&self.bytes[start..self.at]).unwrap_or_default();
        if let Ok(int) = word.parse() {
            return Ok(Doc::Int(int));
        }
        match (word.parse(), word.parse()) {
            (Ok(wide), Ok(narrow)) => Ok(Doc::Real(Real { wide, narrow })),
            _ => Err(self.refuse("a value is expected here")),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Doc, FormatError> {
        self.at += 1;
        let mut items = vec![];
        loop {
            self.blanks();
            if self.take(b"]") {
                return Ok(Doc::list(items));
            }
            if !items.is_empty() && !self.take(b",") {
                return Err(self.refuse("a comma is missing"));
            }
            items.push(self.value(depth + 1)?);
        }
    }

    fn map(&mut self, depth: usize) -> Result<Doc, FormatError> {
        self.at += 1;
        let mut entries = vec![];
        loop {
            self.blanks();
            if self.take(b"}") {
                return Ok(Doc::Map(entries));
            }
            if !entries.is_empty() && !self.take(b",") {
                return Err(self.refuse("a comma is missing"));
            }
            self.blanks();
            let key = self.text()?;
            self.blanks();
            if !self.take(b":") {
                return Err(self.refuse("a colon is missing"));
            }
            entries.push((key, self.value(depth + 1)?));
        }
    }

    /// The string is cut out by its quotes; its escapes are serde's.
    fn text(&mut self) -> Result<String, FormatError> {
        let start = self.at;
        if !self.take(b"\"") {
            return Err(self.refuse("a string is expected here"));
        }
        while let Some(byte) = self.peek() {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                let word = &self.bytes[start..self.at];
                return serde_json::from_slice(word)
                    .map_err(|_| FormatError::new("this is not a string of JSON").at(format!("byte {start}")));
            }
        }
        self.at = self.bytes.len();
        Err(self.refuse("the string does not end"))
    }
}
