//! Rows on their way out: batches in, lines of csv or text out.

use super::options::{Format, Options};
use crate::base::{Result, Type};
use crate::query::Cast;
use datafusion::arrow::array::{Array, AsArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::SchemaRef;

/// Writes rows as lines.
#[derive(Clone, Debug)]
pub struct Lines {
    options: Options,
    text: Cast,
}

impl Lines {
    pub fn new(options: Options, zone: &str) -> Lines {
        Lines { options, text: Cast::new(Type::Text, zone) }
    }

    /// The line with the columns' names, when one is wanted.
    pub fn header(&self, schema: &SchemaRef) -> Option<Vec<u8>> {
        if !self.options.header {
            return None;
        }
        let mut line = vec![];
        for (at, field) in schema.fields().iter().enumerate() {
            self.field(&mut line, at, Some(field.name()), false);
        }
        line.push(b'\n');
        Some(line)
    }

    /// The lines of a batch, and where each of them ends.
    pub fn lines(&self, batch: &RecordBatch) -> Result<(Vec<u8>, Vec<usize>)> {
        let schema = batch.schema();
        let quoted = |name: &String| self.options.force_quote.as_ref().is_none_or(|columns| columns.contains(name));
        let quoted: Vec<_> = schema.fields().iter().map(|field| quoted(field.name())).collect();
        let columns = batch.columns().iter().map(|column| self.text.array(column)).collect::<Result<Vec<_>>>()?;
        let columns: Vec<&StringArray> = columns.iter().map(|column| column.as_string::<i32>()).collect();
        let bytes: usize = columns.iter().map(|column| column.value_data().len() + 2 * column.len()).sum();
        let (mut lines, mut ends) = (Vec::with_capacity(bytes), Vec::with_capacity(batch.num_rows()));
        for row in 0..batch.num_rows() {
            for (at, column) in columns.iter().enumerate() {
                let value = column.is_valid(row).then(|| column.value(row));
                match value {
                    Some(value) if quoted[at] => {
                        self.separate(&mut lines, at);
                        self.quoted(&mut lines, value);
                    }
                    value => self.field(&mut lines, at, value, columns.len() == 1),
                }
            }
            lines.push(b'\n');
            ends.push(lines.len());
        }
        Ok((lines, ends))
    }

    fn field(&self, line: &mut Vec<u8>, at: usize, value: Option<&str>, only: bool) {
        self.separate(line, at);
        match (value, self.options.format) {
            (None, _) => line.extend_from_slice(self.options.null.as_bytes()),
            (Some(value), Format::Csv) => self.csv(line, value, only),
            (Some(value), _) => self.escaped(line, value),
        }
    }

    fn separate(&self, line: &mut Vec<u8>, at: usize) {
        if at > 0 {
            line.push(self.options.delimiter);
        }
    }

    fn csv(&self, line: &mut Vec<u8>, value: &str, only: bool) {
        let special = |byte: &u8| {
            *byte == self.options.delimiter || *byte == self.options.quote || matches!(*byte, b'\n' | b'\r')
        };
        if value != self.options.null && !(only && value == "\\.") && !value.as_bytes().iter().any(special) {
            return line.extend_from_slice(value.as_bytes());
        }
        self.quoted(line, value);
    }

    fn quoted(&self, line: &mut Vec<u8>, value: &str) {
        line.push(self.options.quote);
        for byte in value.bytes() {
            if byte == self.options.quote || byte == self.options.escape {
                line.push(self.options.escape);
            }
            line.push(byte);
        }
        line.push(self.options.quote);
    }

    fn escaped(&self, line: &mut Vec<u8>, value: &str) {
        for byte in value.bytes() {
            let letter = match byte {
                8 => b'b',
                12 => b'f',
                b'\n' => b'n',
                b'\r' => b'r',
                b'\t' => b't',
                11 => b'v',
                b'\\' => b'\\',
                byte if byte == self.options.delimiter => byte,
                byte => {
                    line.push(byte);
                    continue;
                }
            };
            line.extend_from_slice(&[b'\\', letter]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{ArrayRef, Float64Array};
    use std::sync::Arc;

    fn check(format: Format, expected: &str) {
        let csv = format == Format::Csv;
        let (delimiter, null) = if csv { (b',', "") } else { (b'\t', "\\N") };
        let force_quote = Some(vec![]);
        let options =
            Options { format, delimiter, null: null.into(), quote: b'"', escape: b'"', header: true, force_quote };
        let numbers: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.5), None]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["a,\"b\"\t\\", ""]));
        let batch = RecordBatch::try_from_iter([("n", numbers), ("a,b", texts)]).unwrap();
        let lines = Lines::new(options, "UTC");
        let mut all = lines.header(&batch.schema()).unwrap();
        let (rows, ends) = lines.lines(&batch).unwrap();
        assert_eq!((ends.len(), ends.last()), (2, Some(&rows.len())));
        all.extend(rows);
        assert_eq!(String::from_utf8(all).unwrap(), expected);
    }

    #[test]
    fn lines_are_as_postgres_writes_them() {
        check(Format::Csv, "n,\"a,b\"\n1.5,\"a,\"\"b\"\"\t\\\"\n,\"\"\n");
        check(Format::Text, "n\ta,b\n1.5\ta,\"b\"\\t\\\\\n\\N\t\n");
    }
}
