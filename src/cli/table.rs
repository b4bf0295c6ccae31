//! Rows as psql prints them.

use crate::base::value::{Format, Style, rows};
use crate::base::{Error, Kind, Result, Type};
use bytes::BytesMut;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use std::io::Write;
use unicode_width::UnicodeWidthStr;

/// A table on its way out: widths are those of the first rows, later ones may stick out.
pub struct Table<'a, W> {
    out: W,
    style: &'a Style,
    names: Vec<String>,
    right: Vec<bool>,
    widths: Vec<usize>,
    /// Rows that are held back until the widths are known.
    held: Vec<Vec<String>>,
    begun: bool,
    rows: u64,
}

const HELD_MAX: usize = 10_000;

impl<'a, W: Write> Table<'a, W> {
    pub fn new(out: W, schema: &SchemaRef, style: &'a Style) -> Self {
        let names: Vec<_> = schema.fields().iter().map(|field| shown(field.name()).replace('\n', " ")).collect();
        let right = schema.fields().iter().map(|field| is_right_aligned(&Type::of(field))).collect();
        let widths = names.iter().map(|name| name.width()).collect();
        Table { out, style, names, right, widths, held: vec![], begun: false, rows: 0 }
    }

    pub fn rows(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = rows::columns(batch, Format::Text, self.style)?;
        let mut text = BytesMut::new();
        for row in 0..batch.num_rows() {
            let mut cells = Vec::with_capacity(columns.len());
            for column in &columns {
                text.clear();
                if !column.is_null(row) {
                    column.write(row, &mut text)?;
                }
                cells.push(shown(&String::from_utf8_lossy(&text)));
            }
            self.row(cells)?;
        }
        Ok(())
    }

    /// Whether something has been printed.
    pub fn begun(&self) -> bool {
        self.begun
    }

    /// Prints what is held back and the count.
    pub fn end(mut self) -> Result<()> {
        self.begin()?;
        let rows = self.rows;
        writeln!(self.out, "({rows} row{})\n", if rows == 1 { "" } else { "s" })?;
        Ok(self.out.flush()?)
    }

    fn row(&mut self, cells: Vec<String>) -> Result<()> {
        self.rows += 1;
        if self.begun {
            return self.print(&cells);
        }
        for (width, cell) in self.widths.iter_mut().zip(&cells) {
            *width = cell.split('\n').map(UnicodeWidthStr::width).fold(*width, usize::max);
        }
        self.held.push(cells);
        if self.held.len() >= HELD_MAX { self.begin() } else { Ok(()) }
    }

    fn begin(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        let names = self.names.iter().zip(&self.widths).map(|(name, width)| {
            let space = width - name.width();
            format!(" {}{name}{} ", " ".repeat(space / 2), " ".repeat(space - space / 2))
        });
        writeln!(self.out, "{}", names.collect::<Vec<_>>().join("|"))?;
        let ruler: Vec<_> = self.widths.iter().map(|width| "-".repeat(width + 2)).collect();
        writeln!(self.out, "{}", if ruler.is_empty() { "--".to_string() } else { ruler.join("+") })?;
        for cells in std::mem::take(&mut self.held) {
            self.print(&cells)?;
        }
        Ok(())
    }

    fn print(&mut self, cells: &[String]) -> Result<()> {
        let cells: Vec<Vec<&str>> = cells.iter().map(|cell| cell.split('\n').collect()).collect();
        let lines = cells.iter().map(Vec::len).max().unwrap_or(0);
        for line in 0..lines {
            let mut text = String::new();
            for (at, cell) in cells.iter().enumerate() {
                let part = cell.get(line).copied().unwrap_or_default();
                let pad = " ".repeat(self.widths[at].saturating_sub(part.width()));
                let (before, after) = if self.right[at] { (pad.as_str(), "") } else { ("", pad.as_str()) };
                let mark = if line + 1 < cell.len() { "+" } else { " " };
                let bar = if at > 0 { "|" } else { "" };
                text += &format!("{bar} {before}{part}{after}{mark}");
            }
            writeln!(self.out, "{}", text.trim_end_matches(' '))?;
        }
        Ok(())
    }
}

/// Whether an error says that nobody reads our output any more.
pub fn is_reader_gone(error: &Error) -> bool {
    error.kind == Kind::Io && error.message.starts_with("broken pipe")
}

fn is_right_aligned(ty: &Type) -> bool {
    matches!(ty, Type::Int2 | Type::Int4 | Type::Int8 | Type::Float4 | Type::Float8 | Type::Numeric(_) | Type::Oid)
}

/// Text without what would move the cursor, but for line breaks.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push(c),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str(&" ".repeat(8 - shown.rsplit('\n').next().unwrap_or_default().width() % 8)),
            c if c.is_control() => shown.push_str(&format!("\\x{:02X}", u32::from(c))),
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{Float64Array, Int64Array, StringArray};
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use std::sync::Arc;

    fn check(batches: &[RecordBatch], schema: &SchemaRef, expected: &str) {
        let (mut out, style) = (vec![], Style::default());
        let mut table = Table::new(&mut out, schema, &style);
        for batch in batches {
            table.rows(batch).unwrap();
        }
        table.end().unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_table_looks_as_in_psql() {
        let field = |name: &str, ty: DataType| Field::new(name, ty, true);
        let schema = Arc::new(Schema::new(vec![
            field("id", DataType::Int64),
            field("a long name", DataType::Utf8),
            field("x", DataType::Float64),
            field("s", DataType::Utf8),
        ]));
        let batch = RecordBatch::try_new(
            schema.clone(),
            vec![
                Arc::new(Int64Array::from(vec![Some(1), Some(1000), None])),
                Arc::new(StringArray::from(vec![Some("日本"), Some("two\nlines"), None])),
                Arc::new(Float64Array::from(vec![Some(0.5), None, Some(-2.0)])),
                Arc::new(StringArray::from(vec![Some("tab\there"), Some("b\r"), None])),
            ],
        )
        .unwrap();
        let expected = "\
\u{20} id  | a long name |  x  |      s       
------+-------------+-----+--------------
    1 | 日本        | 0.5 | tab     here
 1000 | two        +|     | b\\r
      | lines       |     |
      |             |  -2 |
(3 rows)

";
        check(&[batch], &schema, expected);
        check(&[], &schema, " id | a long name | x | s \n----+-------------+---+---\n(0 rows)\n\n");
    }
}
