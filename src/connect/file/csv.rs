//! Csv files.

use super::lines::{Rows, Split, Splitter};
use crate::base::error::did_you_mean;
use crate::base::{Error, Kind, Result};
use crate::connect::records::{Dialect, Record, Records};

/// How the files of a table are written, and which of their columns are wanted.
#[derive(Debug)]
pub(super) struct Csv {
    pub dialect: Dialect,
    /// All columns of the table.
    pub names: Vec<String>,
    /// Positions in `names` of the columns that are wanted.
    pub wanted: Vec<usize>,
}

impl Split for Csv {
    fn splitter(&self) -> Box<dyn Splitter> {
        // The header is read here, since it says where the columns are.
        let records = Records::new(Dialect { header: false, ..self.dialect.clone() });
        Box::new(CsvSplitter {
            records,
            names: self.names.clone(),
            wanted: self.wanted.clone(),
            // Without a header, fields are in the order of the columns.
            places: (!self.dialect.header).then(|| self.wanted.clone()),
            width: self.names.len(),
        })
    }
}

struct CsvSplitter {
    records: Records,
    names: Vec<String>,
    wanted: Vec<usize>,
    /// Where the wanted columns are in a record; unknown until the header was seen.
    places: Option<Vec<usize>>,
    /// Fields of each record.
    width: usize,
}

impl Splitter for CsvSplitter {
    fn split(&mut self, bytes: &[u8], last: bool, rows: &mut Rows) -> Result<()> {
        self.records.push(bytes);
        while !rows.done {
            let Some(record) = self.records.next(last).map_err(|error| rows.in_file(error))? else { break };
            match &self.places {
                None => self.places = Some(self.header(&record).map_err(|error| rows.in_file(error))?),
                Some(places) => {
                    self.check_width(&record, rows)?;
                    let fields: Vec<_> = record.fields().collect();
                    rows.push(record.line, places.iter().map(|place| fields[*place]))?;
                }
            }
        }
        Ok(())
    }
}

impl CsvSplitter {
    /// Where the wanted columns are, by the names in the header.
    fn header(&mut self, record: &Record) -> Result<Vec<usize>> {
        let header: Vec<_> = header_names(record);
        self.width = header.len();
        let place = |name: &String| {
            header.iter().position(|other| other == name).ok_or_else(|| {
                Error::new(Kind::UndefinedColumn, format!("the header has no column \"{name}\""))
                    .detail(format!("line {}", record.line))
                    .hint("with OPTIONS (header 'false') columns go by their order".to_string())
                    .hint(did_you_mean(name, header.iter().map(String::as_str)))
            })
        };
        let places: Vec<_> = self.names.iter().map(place).collect::<Result<_>>()?;
        Ok(self.wanted.iter().map(|at| places[*at]).collect())
    }

    fn check_width(&self, record: &Record, rows: &Rows) -> Result<()> {
        let (width, expected) = (record.width(), self.width);
        if width == expected {
            return Ok(());
        }
        let message = match width < expected {
            true => match self.names.get(width).filter(|_| self.names.len() == expected) {
                Some(name) => format!("missing data for column \"{name}\""),
                None => format!("missing data: {width} of {expected} fields"),
            },
            false => format!("extra data after last expected column: {width} fields instead of {expected}"),
        };
        Err(rows.bad(record.line, Kind::BadCopyFileFormat, message))
    }
}

/// The names in a header; a byte order mark before the first is none of it.
pub(super) fn header_names(record: &Record) -> Vec<String> {
    record.fields().map(|name| name.unwrap_or_default().trim_start_matches('\u{feff}').trim().to_string()).collect()
}
