//! Rows as DataRow messages, written column by column into one buffer, and the description that goes before them.

use crate::base::types::typmod_of;
use crate::base::value::{Cells, Format, Style, cells};
use crate::base::{Error, Kind, Result, Type};
use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::Schema;
use pgwire::messages::data::{FieldDescription, RowDescription};
use std::ops::Range;

/// How the columns of an answer are written: one form for each.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    types: Vec<Type>,
    formats: Vec<Format>,
}

impl Columns {
    /// `formats` as Bind gives them: none for text, one for all, or one for each column.
    pub fn new(schema: &Schema, formats: &[Format]) -> Result<Columns> {
        let count = schema.fields().len();
        let formats = match formats {
            [] => vec![Format::Text; count],
            [one] => vec![*one; count],
            each if each.len() == count => each.to_vec(),
            each => {
                let message = format!("bind message has {} result formats but query has {count} columns", each.len());
                return Err(Error::new(Kind::ProtocolViolation, message));
            }
        };
        Ok(Columns { types: schema.fields().iter().map(|field| Type::of(field)).collect(), formats })
    }

    pub fn types(&self) -> &[Type] {
        &self.types
    }

    pub fn description(&self, schema: &Schema) -> RowDescription {
        let columns = schema.fields().iter().zip(self.types.iter().zip(&self.formats));
        let field = columns.map(|(field, (ty, format))| {
            let name = field.name().replace('\0', "");
            let format = if *format == Format::Binary { 1 } else { 0 };
            FieldDescription::new(name, 0, 0, ty.oid(), ty.length(), typmod_of(field), format)
        });
        RowDescription::new(field.collect())
    }

    /// The cells of a batch, ready to be written.
    pub fn of<'a>(&self, batch: &'a RecordBatch, style: &'a Style) -> Result<Vec<Box<dyn Cells + 'a>>> {
        let columns = batch.columns().iter().zip(self.types.iter().zip(&self.formats));
        columns.map(|(array, (ty, format))| cells(array.as_ref(), ty, *format, style)).collect()
    }
}

/// Appends rows until `bytes_max` are in the buffer; tells how many rows that were.
pub fn rows(
    columns: &[Box<dyn Cells + '_>],
    rows: Range<usize>,
    bytes_max: usize,
    out: &mut BytesMut,
) -> Result<usize> {
    let first = rows.start;
    for row in rows.clone() {
        if out.len() >= bytes_max {
            return Ok(row - first);
        }
        let start = out.len();
        if let Err(error) = put_row(columns, row, out) {
            // The client must not see the half of a row.
            out.truncate(start);
            return Err(error);
        }
    }
    Ok(rows.len())
}

fn put_row(columns: &[Box<dyn Cells + '_>], row: usize, out: &mut BytesMut) -> Result<()> {
    let start = out.len();
    out.put_u8(b'D');
    out.put_i32(0);
    out.put_i16(columns.len() as i16);
    for cells in columns {
        if cells.is_null(row) {
            out.put_i32(-1);
            continue;
        }
        let value = out.len();
        out.put_i32(0);
        cells.write(row, out)?;
        put_length(out, value, value + 4)?;
    }
    put_length(out, start + 1, start + 1)
}

/// Writes at `at` how many bytes there are from `from` on.
fn put_length(out: &mut BytesMut, at: usize, from: usize) -> Result<()> {
    let length =
        i32::try_from(out.len() - from).map_err(|_| Error::new(Kind::TooLarge, "a row is larger than 2 GB"))?;
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{ArrayRef, Int32Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn rows_stop_at_the_limit_and_go_on_from_there() {
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![Some(7), None]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "bc"]));
        let batch = RecordBatch::try_from_iter_with_nullable([("n", numbers, true), ("t", texts, true)]).unwrap();
        let formats = [Format::Binary, Format::Text];
        let columns = Columns::new(batch.schema_ref(), &formats).unwrap();
        let style = Style::default();
        let cells = columns.of(&batch, &style).unwrap();
        let mut out = BytesMut::new();
        assert_eq!(rows(&cells, 0..2, 1, &mut out).unwrap(), 1);
        assert_eq!(rows(&cells, 1..2, 1 << 10, &mut out).unwrap(), 1);
        let mut expect = b"D\0\0\0\x13\0\x02\0\0\0\x04\0\0\0\x07\0\0\0\x01a".to_vec();
        expect.extend(b"D\0\0\0\x10\0\x02\xff\xff\xff\xff\0\0\0\x02bc");
        assert_eq!(out, &expect[..]);
        assert!(Columns::new(batch.schema_ref(), &[Format::Text; 3]).is_err());
    }
}
