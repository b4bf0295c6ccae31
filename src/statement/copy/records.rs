//! Bytes into records: csv and Postgres' text format, fields as text or NULL.

use super::options::{Format, Options};
use crate::base::{Error, Kind, Result};

/// A record of more bytes than this is none: a quote was probably never closed.
const RECORD_BYTES_MAX: usize = 64 << 20;

/// Splits a stream of bytes into records.
#[derive(Debug)]
pub struct Records {
    options: Options,
    /// Bytes that came and were not read yet.
    bytes: Vec<u8>,
    at: usize,
    /// Line of the next record's start.
    line: u64,
    /// After `\.`, the rest means nothing.
    ended: bool,
    header: bool,
}

/// One record.
#[derive(Debug, Default)]
pub struct Record {
    pub line: u64,
    text: String,
    /// Where each field ends in `text`; `None` for NULL.
    fields: Vec<(usize, bool)>,
}

impl Record {
    pub fn fields(&self) -> impl Iterator<Item = Option<&str>> {
        let mut start = 0;
        self.fields.iter().map(move |(end, null)| {
            let field = &self.text[start..*end];
            start = *end;
            (!null).then_some(field)
        })
    }

    pub fn len(&self) -> usize {
        self.fields.len()
    }
}

/// A record while it is read.
#[derive(Default)]
struct Draft {
    text: Vec<u8>,
    fields: Vec<(usize, bool)>,
    lines: u64,
}

impl Draft {
    fn end_field(&mut self, null: bool) {
        self.fields.push((self.text.len(), null));
    }

    fn field(&self) -> &[u8] {
        &self.text[self.fields.last().map_or(0, |(end, _)| *end)..]
    }
}

impl Records {
    pub fn new(options: Options) -> Records {
        let header = options.header;
        Records { options, bytes: vec![], at: 0, line: 1, ended: false, header }
    }

    /// Adds bytes to what can be read.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.ended {
            self.bytes.drain(..self.at);
            self.at = 0;
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// The next record; `None` when more bytes are needed or, after the last ones, when there is no more.
    pub fn next(&mut self, last: bool) -> Result<Option<Record>> {
        loop {
            if self.ended || self.at == self.bytes.len() {
                return Ok(None);
            }
            let rest = &self.bytes[self.at..];
            let read = match self.options.format {
                Format::Csv => csv(rest, &self.options, last),
                Format::Text | Format::Parquet => text(rest, &self.options, last),
            };
            let Some((used, draft)) = read.map_err(|message| self.bad(message))? else {
                if rest.len() > RECORD_BYTES_MAX {
                    return Err(self.bad("a record is too large"));
                }
                return Ok(None);
            };
            let line = self.line;
            let end = rest[..used].trim_ascii_end() == b"\\.";
            self.at += used;
            self.line += draft.lines;
            if end {
                self.ended = true;
                return Ok(None);
            }
            if std::mem::take(&mut self.header) {
                continue;
            }
            let text = String::from_utf8(draft.text);
            let text = text.map_err(|_| bad("invalid byte sequence for encoding \"UTF8\"", line))?;
            return Ok(Some(Record { line, text, fields: draft.fields }));
        }
    }

    fn bad(&self, message: &str) -> Error {
        bad(message, self.line)
    }
}

fn bad(message: &str, line: u64) -> Error {
    Error::new(Kind::BadCopyFileFormat, message).detail(format!("line {line}"))
}

/// How far a line's end at `at` goes; `None` when the next byte would tell.
fn line_end(bytes: &[u8], at: usize, last: bool) -> Option<usize> {
    match (bytes[at], bytes.get(at + 1)) {
        (b'\r', Some(b'\n')) => Some(at + 2),
        (b'\r', None) if !last => None,
        _ => Some(at + 1),
    }
}

type Read = std::result::Result<Option<(usize, Draft)>, &'static str>;

fn csv(bytes: &[u8], options: &Options, last: bool) -> Read {
    let mut draft = Draft::default();
    let (mut at, mut quoted_once) = (0, false);
    let null = options.null.as_bytes();
    loop {
        let start = at;
        while at < bytes.len() && !is_special(bytes[at], options) {
            at += 1;
        }
        draft.text.extend_from_slice(&bytes[start..at]);
        let Some(byte) = bytes.get(at) else {
            if !last {
                return Ok(None);
            }
            let is_null = !quoted_once && draft.field() == null;
            draft.end_field(is_null);
            draft.lines += 1;
            return Ok(Some((at, draft)));
        };
        match *byte {
            byte if byte == options.quote => {
                quoted_once = true;
                match quoted(bytes, at + 1, options, last, &mut draft) {
                    Some(after) => at = after,
                    None if last => return Err("unterminated CSV quoted field"),
                    None => return Ok(None),
                }
            }
            byte if byte == options.delimiter => {
                let is_null = !quoted_once && draft.field() == null;
                draft.end_field(is_null);
                quoted_once = false;
                at += 1;
            }
            _ => {
                let Some(end) = line_end(bytes, at, last) else { return Ok(None) };
                if *byte == b'\r' && end == at + 1 && bytes.len() > end {
                    return Err("unquoted carriage return found in data");
                }
                let is_null = !quoted_once && draft.field() == null;
                draft.end_field(is_null);
                draft.lines += 1;
                return Ok(Some((end, draft)));
            }
        }
    }
}

fn is_special(byte: u8, options: &Options) -> bool {
    byte == options.delimiter || byte == options.quote || byte == b'\n' || byte == b'\r'
}

/// Reads up to the closing quote and returns what follows it; `None` when it has not come yet.
fn quoted(bytes: &[u8], mut at: usize, options: &Options, last: bool, draft: &mut Draft) -> Option<usize> {
    loop {
        let byte = *bytes.get(at)?;
        if byte == options.escape {
            match bytes.get(at + 1) {
                Some(next) if *next == options.quote || *next == options.escape => {
                    draft.text.push(*next);
                    at += 2;
                    continue;
                }
                // The next byte tells whether this one stands for itself.
                None if !last => return None,
                _ => {}
            }
        }
        if byte == options.quote {
            return Some(at + 1);
        }
        draft.lines += u64::from(byte == b'\n');
        draft.text.push(byte);
        at += 1;
    }
}

fn text(bytes: &[u8], options: &Options, last: bool) -> Read {
    let mut draft = Draft::default();
    let (mut at, mut field) = (0, 0);
    let null = options.null.as_bytes();
    loop {
        let Some(byte) = bytes.get(at).copied() else {
            if !last {
                return Ok(None);
            }
            end_text(&mut draft, &bytes[field..at], null);
            draft.lines += 1;
            return Ok(Some((at, draft)));
        };
        match byte {
            b'\\' if at + 1 == bytes.len() && !last => return Ok(None),
            b'\\' => {
                // An escaped line's end is data.
                draft.lines += u64::from(bytes.get(at + 1) == Some(&b'\n'));
                at = (at + 2).min(bytes.len());
            }
            b'\n' | b'\r' => {
                let Some(end) = line_end(bytes, at, last) else { return Ok(None) };
                if byte == b'\r' && end == at + 1 && bytes.len() > end {
                    return Err("literal carriage return found in data");
                }
                end_text(&mut draft, &bytes[field..at], null);
                draft.lines += 1;
                return Ok(Some((end, draft)));
            }
            byte if byte == options.delimiter => {
                end_text(&mut draft, &bytes[field..at], null);
                at += 1;
                field = at;
            }
            _ => at += 1,
        }
    }
}

fn end_text(draft: &mut Draft, raw: &[u8], null: &[u8]) {
    if raw != null {
        unescape(raw, &mut draft.text);
    }
    draft.end_field(raw == null);
}

fn unescape(raw: &[u8], text: &mut Vec<u8>) {
    let mut at = 0;
    while at < raw.len() {
        let byte = raw[at];
        at += 1;
        if byte != b'\\' || at == raw.len() {
            text.push(byte);
            continue;
        }
        let escaped = raw[at];
        at += 1;
        match escaped {
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'v' => text.push(11),
            b'0'..=b'7' => {
                let start = at - 1;
                text.push(number(raw, &mut at, start, 3, 8));
            }
            b'x' if raw.get(at).is_some_and(u8::is_ascii_hexdigit) => {
                let start = at;
                text.push(number(raw, &mut at, start, 2, 16));
            }
            other => text.push(other),
        }
    }
}

/// Up to `digits` digits from `start` on, as a byte.
fn number(raw: &[u8], at: &mut usize, start: usize, digits: usize, radix: u32) -> u8 {
    let mut value = 0;
    *at = start;
    while *at < raw.len() && *at < start + digits {
        let Some(digit) = (raw[*at] as char).to_digit(radix) else { break };
        value = value * radix + digit;
        *at += 1;
    }
    value as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(format: Format) -> Options {
        let (delimiter, null) = if format == Format::Csv { (b',', "") } else { (b'\t', "\\N") };
        Options { format, delimiter, null: null.into(), quote: b'"', escape: b'"', header: false }
    }

    /// The records, `|` between fields, `NULL` for NULL; read in pieces of every size.
    fn check(format: Format, text: &str, expected: &[&str]) {
        for size in 1..=text.len() {
            let mut records = Records::new(options(format));
            let mut found = vec![];
            let mut take = |records: &mut Records, last| {
                loop {
                    match records.next(last) {
                        Ok(Some(record)) => {
                            let fields: Vec<_> = record.fields().map(|field| field.unwrap_or("NULL")).collect();
                            found.push(format!("{}: {}", record.line, fields.join("|")));
                        }
                        Ok(None) => return,
                        Err(error) => return found.push(error.to_string()),
                    }
                }
            };
            for piece in text.as_bytes().chunks(size) {
                records.push(piece);
                take(&mut records, false);
            }
            take(&mut records, true);
            assert_eq!(found, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn csv_is_read_as_postgres_reads_it() {
        check(Format::Csv, "a,b\nc,d\n", &["1: a|b", "2: c|d"]);
        check(Format::Csv, "a,\r\n\"\",\"x,\"\"y\"\"\"\r\n", &["1: a|NULL", "2: |x,\"y\""]);
        check(Format::Csv, "\"two\nlines\",1\nb,2", &["1: two\nlines|1", "3: b|2"]);
        check(Format::Csv, "a\"b,c\"d\n", &["1: ab,cd"]);
        check(Format::Csv, "a\n\\.\nb\n", &["1: a"]);
        check(Format::Csv, "ä,\n", &["1: ä|NULL"]);
        check(Format::Csv, "a,\"b\n", &["unterminated CSV quoted field (line 1)"]);
    }

    #[test]
    fn text_is_read_as_postgres_reads_it() {
        check(Format::Text, "a\t\\N\nb\\tc\t\\\\N\n", &["1: a|NULL", "2: b\tc|\\N"]);
        check(Format::Text, "\\x41\\101\\q\n\\.\nrest", &["1: AAq"]);
        check(Format::Text, "one\\\ntwo\n\n", &["1: one\ntwo", "3: "]);
    }
}
