//! Binary COPY into Arrow, column by column.
//!
//! The stream is a header, rows (count of fields, then length and bytes of each) and a trailer.
//! Chunks may end anywhere; a row is taken when all of it is there.

mod array;
mod column;
pub(super) mod numeric;

use crate::base::{Error, Kind, Result, Type};
use bytes::{Buf, Bytes, BytesMut};
use column::{Builder, builder};
pub(super) use column::{EPOCH_DAYS, EPOCH_MICROS};
use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::SchemaRef;

pub(super) const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// A batch ends early when its values take this much, so that wide rows stay within memory.
const BATCH_BYTES: usize = 8 << 20;

/// Takes the bytes of a COPY and gives batches.
pub(super) struct Decoder {
    schema: SchemaRef,
    builders: Vec<Box<dyn Builder>>,
    pending: BytesMut,
    started: bool,
    ended: bool,
    rows: usize,
    bytes: usize,
    batch_rows: usize,
}

impl Decoder {
    pub fn new(schema: SchemaRef, batch_rows: usize) -> Result<Self> {
        let builders = schema.fields().iter().map(|field| builder(&Type::of(field), batch_rows)).collect::<Result<_>>();
        Ok(Decoder {
            builders: builders?,
            schema,
            pending: BytesMut::new(),
            started: false,
            ended: false,
            rows: 0,
            bytes: 0,
            batch_rows: batch_rows.max(1),
        })
    }

    /// Takes the next bytes, up to the end of a batch; [`Decoder::full`] goes on behind it.
    pub fn feed(&mut self, chunk: Bytes) -> Result<()> {
        self.pending.extend_from_slice(&chunk);
        self.decode()
    }

    /// The next batch, when it is complete.
    pub fn full(&mut self) -> Result<Option<RecordBatch>> {
        if !self.is_full() {
            return Ok(None);
        }
        let batch = self.finish()?;
        self.decode()?;
        Ok(Some(batch))
    }

    /// What is left at the end.
    pub fn rest(&mut self) -> Result<Option<RecordBatch>> {
        if self.rows == 0 { Ok(None) } else { self.finish().map(Some) }
    }

    /// Whether the trailer was seen.
    pub fn ended(&self) -> bool {
        self.ended
    }

    fn is_full(&self) -> bool {
        self.rows >= self.batch_rows || self.bytes >= BATCH_BYTES
    }

    fn decode(&mut self) -> Result<()> {
        if !self.started && !self.start()? {
            return Ok(());
        }
        while !self.ended && !self.is_full() {
            let Some(length) = row_length(&self.pending, self.builders.len())? else { break };
            let row = self.pending.split_to(length);
            self.row(&row)?;
        }
        Ok(())
    }

    /// Takes the header; `false` when it is not all there.
    fn start(&mut self) -> Result<bool> {
        let fixed = SIGNATURE.len() + 8;
        if self.pending.len() < fixed {
            return Ok(false);
        }
        if !self.pending.starts_with(SIGNATURE) {
            return Err(malformed());
        }
        let Ok(extension) = usize::try_from((&self.pending[fixed - 4..]).get_i32()) else { return Err(malformed()) };
        if self.pending.len() < fixed + extension {
            return Ok(false);
        }
        self.pending.advance(fixed + extension);
        self.started = true;
        Ok(true)
    }

    fn row(&mut self, mut row: &[u8]) -> Result<()> {
        let fields = row.get_i16();
        if fields < 0 {
            self.ended = true;
            return Ok(());
        }
        self.bytes += row.len();
        for (at, builder) in self.builders.iter_mut().enumerate() {
            let value = match row.get_i32() {
                -1 => None,
                length => {
                    let (value, rest) = row.split_at(length as usize);
                    row = rest;
                    Some(value)
                }
            };
            builder.append(value).map_err(|error| {
                let message = format!("column \"{}\": {}", self.schema.field(at).name(), error.message);
                Error { message, ..error }
            })?;
        }
        self.rows += 1;
        Ok(())
    }

    fn finish(&mut self) -> Result<RecordBatch> {
        let columns = self.builders.iter_mut().map(|builder| builder.finish()).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.rows = 0;
        self.bytes = 0;
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }
}

/// Bytes of the first row, or of the trailer; `None` when it is not all there.
fn row_length(bytes: &[u8], columns: usize) -> Result<Option<usize>> {
    if bytes.len() < 2 {
        return Ok(None);
    }
    let fields = i16::from_be_bytes([bytes[0], bytes[1]]);
    if fields >= 0 && fields as usize != columns {
        return Err(malformed());
    }
    let mut at = 2;
    for _ in 0..fields.max(0) {
        let Some(mut length) = bytes.get(at..at + 4) else { return Ok(None) };
        at += 4;
        match length.get_i32() {
            -1 => {}
            length => at += usize::try_from(length).map_err(|_| malformed())?,
        }
    }
    Ok((at <= bytes.len()).then_some(at))
}

/// The server speaks another format than the documented one.
fn malformed() -> Error {
    Error::new(Kind::BadCopyFileFormat, "the server's answer is not binary COPY data of the expected types")
        .hint("the table may have changed; run the statement again".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{Array, AsArray};
    use datafusion::arrow::datatypes::{Int32Type, Schema};
    use std::sync::Arc;

    fn copy() -> Vec<u8> {
        let mut bytes = [SIGNATURE, &[0; 8]].concat();
        for (number, text) in [(7, Some("ü")), (8, None)] {
            bytes.extend_from_slice(&[0, 2, 0, 0, 0, 4, 0, 0, 0, number]);
            match text {
                Some(text) => {
                    bytes.extend_from_slice(&(text.len() as i32).to_be_bytes());
                    bytes.extend_from_slice(text.as_bytes());
                }
                None => bytes.extend_from_slice(&(-1i32).to_be_bytes()),
            }
        }
        [bytes, vec![0xff, 0xff]].concat()
    }

    fn decoder(batch_rows: usize) -> Decoder {
        let fields = vec![Type::Int4.field("a", true), Type::Text.field("b", true)];
        Decoder::new(Arc::new(Schema::new(fields)), batch_rows).unwrap()
    }

    #[test]
    fn chunks_may_end_anywhere() {
        let bytes = copy();
        for cut in 0..bytes.len() {
            let mut decoder = decoder(100);
            decoder.feed(Bytes::copy_from_slice(&bytes[..cut])).unwrap();
            assert!(!decoder.ended());
            decoder.feed(Bytes::copy_from_slice(&bytes[cut..])).unwrap();
            assert!(decoder.ended());
            let batch = decoder.rest().unwrap().unwrap();
            assert_eq!(batch.column(0).as_primitive::<Int32Type>().values(), &[7, 8]);
            assert_eq!(batch.column(1).as_string::<i32>().value(0), "ü");
            assert!(batch.column(1).is_null(1));
        }
    }

    #[test]
    fn a_batch_has_no_more_rows_than_asked_for() {
        let mut decoder = decoder(1);
        decoder.feed(copy().into()).unwrap();
        assert_eq!(decoder.full().unwrap().unwrap().num_rows(), 1);
        assert_eq!(decoder.full().unwrap().unwrap().num_rows(), 1);
        assert!(decoder.full().unwrap().is_none() && decoder.ended());
    }

    #[test]
    fn bytes_of_another_format_are_refused() {
        for bytes in [b"PGCOPX\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec(), {
            let mut bytes = copy();
            bytes[20] = 3;
            bytes.extend_from_slice(&[0; 64]);
            bytes
        }] {
            let error = decoder(10).feed(bytes.into()).unwrap_err();
            assert_eq!(error.kind, Kind::BadCopyFileFormat);
        }
    }
}
