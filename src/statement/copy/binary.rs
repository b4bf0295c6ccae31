//! PostgreSQL's binary form of rows: fields behind their length, rows behind their width, out and in.

use super::load::Load;
use crate::base::value::{Cells, Format, Style, cells, read_binary};
use crate::base::{Error, Kind, Result, Type};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::common::ScalarValue;
use std::sync::Arc;

/// What the form begins with: its signature, no flags, no extension.
pub const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// What it ends with: a row of -1 fields.
pub const TRAILER: &[u8] = b"\xff\xff";
/// A flag that says that rows have OIDs, as those of old servers.
const WITH_OIDS: u32 = 1 << 16;
/// Flags of the upper half change the form.
const CRITICAL: u32 = 0xffff_0000;
/// Rows of a batch.
const ROWS: usize = 8192;

/// The rows of a batch behind a head, and where each of them ends.
pub fn rows(head: &[u8], batch: &RecordBatch, style: &Style) -> Result<(BytesMut, Vec<usize>)> {
    let schema = batch.schema();
    let columns = batch.columns().iter().zip(schema.fields());
    let columns: Vec<Box<dyn Cells + '_>> = columns
        .map(|(array, field)| cells(array.as_ref(), &Type::of(field), Format::Binary, style))
        .collect::<Result<_>>()?;
    let (mut out, mut ends) = (BytesMut::from(head), Vec::with_capacity(batch.num_rows()));
    for row in 0..batch.num_rows() {
        out.put_i16(columns.len() as i16);
        for cells in &columns {
            if cells.is_null(row) {
                out.put_i32(-1);
                continue;
            }
            let at = out.len();
            out.put_i32(0);
            cells.write(row, &mut out)?;
            let length = i32::try_from(out.len() - at - 4);
            let length = length.map_err(|_| Error::new(Kind::TooLarge, "a field is larger than 2 GB"))?;
            out[at..at + 4].copy_from_slice(&length.to_be_bytes());
        }
        ends.push(out.len());
    }
    Ok((out, ends))
}

/// Reads rows into batches of a table.
#[derive(Debug)]
pub struct Binary {
    load: Arc<Load>,
    types: Vec<Type>,
    buffer: BytesMut,
    begun: bool,
    ended: bool,
    columns: Vec<Vec<ScalarValue>>,
    rows: u64,
}

impl Binary {
    pub fn new(load: Arc<Load>) -> Binary {
        let types: Vec<_> = load.given.iter().map(|column| column.ty.clone()).collect();
        let columns = types.iter().map(|_| vec![]).collect();
        Binary { load, types, buffer: BytesMut::new(), begun: false, ended: false, columns, rows: 0 }
    }

    /// Takes bytes, and gives the batches that are complete; with `last`, also the rest.
    pub fn read(&mut self, bytes: &[u8], last: bool) -> Result<Vec<RecordBatch>> {
        self.buffer.extend_from_slice(bytes);
        let mut batches = vec![];
        self.begun |= !self.begun && self.header()?;
        while self.begun && !self.ended && self.row()? {
            if self.columns.first().is_some_and(|column| column.len() == ROWS) {
                batches.push(self.batch()?);
            }
        }
        if self.ended && !self.buffer.is_empty() {
            return Err(self.bad("received copy data after EOF marker"));
        }
        if last {
            match (self.begun, self.ended, self.buffer.is_empty()) {
                (false, ..) => return Err(self.bad("COPY file signature not recognized")),
                // PostgreSQL, too, takes a form that lacks its end.
                (true, false, false) => return Err(self.bad("unexpected EOF in COPY data")),
                _ => {}
            }
            if self.columns.first().is_some_and(|column| !column.is_empty()) {
                batches.push(self.batch()?);
            }
        }
        Ok(batches)
    }

    /// Passes the header; false while it is not all there.
    fn header(&mut self) -> Result<bool> {
        let known = self.buffer.len().min(SIGNATURE.len());
        if self.buffer[..known] != SIGNATURE[..known] {
            return Err(self.bad("COPY file signature not recognized"));
        }
        let Some(head) = self.buffer.get(SIGNATURE.len()..HEADER.len()) else { return Ok(false) };
        let (mut flags, mut extension) = (&head[..4], &head[4..]);
        let (flags, extension) = (flags.get_u32(), extension.get_u32() as usize);
        if flags & WITH_OIDS != 0 {
            return Err(self.bad("invalid COPY file header (WITH OIDS)"));
        }
        if flags & CRITICAL != 0 {
            return Err(self.bad("unrecognized critical flags in COPY file header"));
        }
        let length = HEADER.len().saturating_add(extension);
        let there = self.buffer.len() >= length;
        if there {
            self.buffer.advance(length);
        }
        Ok(there)
    }

    /// Takes one row; false while it is not all there.
    fn row(&mut self) -> Result<bool> {
        let mut rest = &self.buffer[..];
        if rest.len() < 2 {
            return Ok(false);
        }
        let width = rest.get_i16();
        if width == -1 {
            self.ended = true;
            self.buffer.advance(2);
            return Ok(true);
        }
        if usize::try_from(width) != Ok(self.types.len()) {
            let expected = self.types.len();
            return Err(self.bad(&format!("row field count is {width}, expected {expected}")));
        }
        let mut fields = Vec::with_capacity(self.types.len());
        let mut at = 2;
        for _ in &self.types {
            if rest.len() < 4 {
                return Ok(false);
            }
            let length = rest.get_i32();
            at += 4;
            let Ok(length) = usize::try_from(length) else {
                if length != -1 {
                    return Err(self.bad("invalid field size"));
                }
                fields.push(None);
                continue;
            };
            if rest.len() < length {
                return Ok(false);
            }
            rest.advance(length);
            fields.push(Some(at..at + length));
            at += length;
        }
        let row: Bytes = self.buffer.split_to(at).freeze();
        self.rows += 1;
        for (index, field) in fields.into_iter().enumerate() {
            let ty = &self.types[index];
            let value = match field {
                None => ScalarValue::try_from(&ty.arrow()).map_err(Error::from),
                Some(place) => read_binary(&row[place], ty),
            };
            let value = value.map_err(|error| {
                let column = &self.load.given[index].name;
                error.detail(format!("{}, line {}, column {column}", self.load.source, self.rows))
            })?;
            self.columns[index].push(value);
        }
        Ok(true)
    }

    fn batch(&mut self) -> Result<RecordBatch> {
        let arrays = self.columns.iter_mut().map(|column| Ok(ScalarValue::iter_to_array(std::mem::take(column))?));
        let arrays = arrays.collect::<Result<Vec<ArrayRef>>>()?;
        let first = self.rows - arrays.first().map_or(0, |array| array.len() as u64);
        self.load.rows(&arrays, first)
    }

    fn bad(&self, message: &str) -> Error {
        Error::new(Kind::BadCopyFileFormat, message).detail(format!("{}, line {}", self.load.source, self.rows + 1))
    }
}
