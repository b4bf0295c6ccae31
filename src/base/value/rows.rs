//! Whole rows as COPY writes them: text, csv and binary.

use super::nested::put_sized;
use super::{Cells, Format, Style, cells};
use crate::base::{Result, Type};
use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::RecordBatch;

/// How rows are laid out.
#[derive(Clone, Debug, PartialEq)]
pub enum Layout {
    /// One line a row, specials escaped with a backslash.
    Text {
        delimiter: u8,
        null: String,
    },
    Csv {
        delimiter: u8,
        null: String,
        quote: u8,
        escape: u8,
        header: bool,
        force_quote: Vec<bool>,
    },
    /// Postgres' own.
    Binary,
}

impl Layout {
    /// `COPY … TO STDOUT` without options.
    pub fn text() -> Self {
        Layout::Text { delimiter: b'\t', null: "\\N".into() }
    }

    pub fn csv(header: bool) -> Self {
        Layout::Csv { delimiter: b',', null: String::new(), quote: b'"', escape: b'"', header, force_quote: vec![] }
    }

    fn format(&self) -> Format {
        if *self == Layout::Binary { Format::Binary } else { Format::Text }
    }

    /// What comes before the first row.
    pub fn begin(&self, names: &[&str], out: &mut BytesMut) {
        match self {
            Layout::Binary => {
                out.put_slice(b"PGCOPY\n\xff\r\n\0");
                out.put_slice(&[0; 8]);
            }
            Layout::Csv { header: true, .. } => {
                for (at, name) in names.iter().enumerate() {
                    self.delimit(at, out);
                    let start = out.len();
                    out.put_slice(name.as_bytes());
                    self.protect(start, at, false, out);
                }
                out.put_u8(b'\n');
            }
            _ => {}
        }
    }

    /// What comes after the last row.
    pub fn end(&self, out: &mut BytesMut) {
        if *self == Layout::Binary {
            out.put_i16(-1);
        }
    }

    /// The rows of a batch, from `first` on until `limit` bytes are written; tells how many rows that were.
    pub fn rows(
        &self,
        batch: &RecordBatch,
        first: usize,
        limit: usize,
        style: &Style,
        out: &mut BytesMut,
    ) -> Result<usize> {
        let columns = columns(batch, self.format(), style)?;
        let begin = out.len();
        let mut row = first;
        while row < batch.num_rows() && out.len() - begin < limit {
            self.row(&columns, row, out)?;
            row += 1;
        }
        Ok(row - first)
    }

    fn row(&self, columns: &[Box<dyn Cells + '_>], row: usize, out: &mut BytesMut) -> Result<()> {
        if *self == Layout::Binary {
            out.put_i16(columns.len() as i16);
            return columns.iter().try_for_each(|cells| put_sized(cells.as_ref(), row, out));
        }
        for (at, cells) in columns.iter().enumerate() {
            self.delimit(at, out);
            if cells.is_null(row) {
                out.put_slice(self.null().as_bytes());
                continue;
            }
            let start = out.len();
            cells.write(row, out)?;
            self.protect(start, at, columns.len() == 1, out);
        }
        out.put_u8(b'\n');
        Ok(())
    }

    fn null(&self) -> &str {
        match self {
            Layout::Text { null, .. } | Layout::Csv { null, .. } => null,
            Layout::Binary => "",
        }
    }

    fn delimit(&self, column: usize, out: &mut BytesMut) {
        match self {
            Layout::Text { delimiter, .. } | Layout::Csv { delimiter, .. } if column > 0 => out.put_u8(*delimiter),
            _ => {}
        }
    }

    /// Escapes or quotes what was written since `start`, where a reader would misunderstand it.
    fn protect(&self, start: usize, column: usize, alone: bool, out: &mut BytesMut) {
        match self {
            Layout::Text { delimiter, .. } => escape(start, *delimiter, out),
            Layout::Csv { delimiter, null, quote, escape, force_quote, .. } => {
                let text = &out[start..];
                let special = |byte: &u8| matches!(byte, b'\n' | b'\r') || byte == delimiter || byte == quote;
                let needed = text == null.as_bytes()
                    || text.iter().any(special)
                    || (alone && text == b"\\.")
                    || force_quote.get(column).is_some_and(|force| *force);
                if needed {
                    enclose(start, *quote, *escape, out);
                }
            }
            Layout::Binary => {}
        }
    }
}

/// The cells of every column of a batch.
pub fn columns<'a>(batch: &'a RecordBatch, format: Format, style: &'a Style) -> Result<Vec<Box<dyn Cells + 'a>>> {
    let schema = batch.schema_ref().fields().iter();
    schema.zip(batch.columns()).map(|(field, column)| cells(column.as_ref(), &Type::of(field), format, style)).collect()
}

fn escape(start: usize, delimiter: u8, out: &mut BytesMut) {
    let letter = |byte: u8| match byte {
        0x08 => Some(b'b'),
        0x0c => Some(b'f'),
        b'\n' => Some(b'n'),
        b'\r' => Some(b'r'),
        b'\t' => Some(b't'),
        0x0b => Some(b'v'),
        b'\\' => Some(b'\\'),
        byte if byte == delimiter => Some(byte),
        _ => None,
    };
    if !out[start..].iter().any(|byte| letter(*byte).is_some()) {
        return;
    }
    let text = out[start..].to_vec();
    out.truncate(start);
    for byte in text {
        match letter(byte) {
            Some(letter) => out.put_slice(&[b'\\', letter]),
            None => out.put_u8(byte),
        }
    }
}

fn enclose(start: usize, quote: u8, escape: u8, out: &mut BytesMut) {
    let text = out[start..].to_vec();
    out.truncate(start);
    out.put_u8(quote);
    for byte in text {
        if byte == quote || byte == escape {
            out.put_u8(escape);
        }
        out.put_u8(byte);
    }
    out.put_u8(quote);
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{ArrayRef, Int32Array, StringArray};
    use std::sync::Arc;

    fn check(layout: &Layout, expect: &[u8]) {
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(3)]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("a\tb,\"c\"\\"), Some(""), None]));
        let batch = RecordBatch::try_from_iter_with_nullable([("n", numbers, true), ("t", texts, true)]).unwrap();
        let mut out = BytesMut::new();
        layout.begin(&["n", "t"], &mut out);
        let style = Style::default();
        let mut done = 0;
        while done < 3 {
            // One row at a time: a limit stops between rows and never inside one.
            let count = layout.rows(&batch, done, 1, &style, &mut out).unwrap();
            assert_eq!(count, 1);
            done += count;
        }
        layout.end(&mut out);
        assert_eq!(out, expect, "{:?}", String::from_utf8_lossy(&out));
    }

    #[test]
    fn rows_look_as_copy_writes_them() {
        check(&Layout::text(), b"1\ta\\tb,\"c\"\\\\\n\\N\t\n3\t\\N\n");
        check(&Layout::csv(true), b"n,t\n1,\"a\tb,\"\"c\"\"\\\"\n,\"\"\n3,\n");
        let mut binary = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
        binary.extend(b"\0\x02\0\0\0\x04\0\0\0\x01\0\0\0\x08a\tb,\"c\"\\");
        binary.extend(b"\0\x02\xff\xff\xff\xff\0\0\0\0");
        binary.extend(b"\0\x02\0\0\0\x04\0\0\0\x03\xff\xff\xff\xff\xff\xff");
        check(&Layout::Binary, &binary);
    }
}
