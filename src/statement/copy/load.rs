//! Rows on their way into a table: text or batches in, batches of the table out.

use super::options::Options;
use crate::base::{Error, Kind, Result, Type};
use crate::catalog::{Column, Table};
use crate::connect::records::{Record, Records};
use crate::query::{Bound, Cast};
use crate::statement::assignment::Assignment;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringBuilder};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::sync::Arc;

/// Rows of a batch.
const ROWS: usize = 8192;

/// What each column of the table is filled with.
#[derive(Debug)]
pub enum Filling {
    /// A column of the rows that come, by its position there.
    Given(usize),
    /// The column's default, for each row anew.
    Default(Bound),
    Null,
}

/// The table's columns from those of the rows that come.
#[derive(Debug)]
pub struct Load {
    pub table: Arc<Table>,
    /// The columns that come, in their order.
    pub given: Vec<Column>,
    pub fillings: Vec<Filling>,
    pub assignment: Assignment,
    pub zone: String,
    /// Where the rows come from, for messages.
    pub source: String,
}

impl Load {
    /// A batch of the table from arrays of the columns that come.
    pub fn batch(&self, from: &[ArrayRef]) -> Result<RecordBatch> {
        let rows = from.first().map_or(0, |array| array.len());
        let fields = self
            .given
            .iter()
            .zip(from)
            .map(|(column, array)| Field::new(&column.name, array.data_type().clone(), true));
        let schema: SchemaRef = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let come = RecordBatch::try_new(schema, from.to_vec())?;
        let mut arrays = vec![];
        for (column, filling) in self.table.columns.iter().zip(&self.fillings) {
            arrays.push(match filling {
                Filling::Given(at) => from[*at].clone(),
                Filling::Default(bound) => Cast::new(column.ty.clone(), &self.zone).array(&bound.evaluate(&come)?)?,
                Filling::Null => datafusion::arrow::array::new_null_array(&DataType::Null, rows),
            });
        }
        self.assignment.batch(&self.table.schema(), &arrays)
    }

    /// The error of a batch as that of its first bad value.
    fn located(&self, error: Error, from: &[ArrayRef], lines: &[u64]) -> Error {
        let positions = self.table.columns.iter().zip(&self.fillings).filter_map(|(column, filling)| match filling {
            Filling::Given(at) => Some((column.clone(), from[*at].clone())),
            Filling::Default(_) | Filling::Null => None,
        });
        let (columns, arrays): (Vec<_>, Vec<_>) = positions.unzip();
        let assignment = Assignment::unchecked(&self.table, &columns, &self.zone);
        let Some((row, column)) = assignment.first_bad(&arrays) else { return error };
        let at = columns.iter().position(|other| other.id == column.id).unwrap_or_default();
        let error = match assignment.arrays(&arrays.iter().map(|array| array.slice(row, 1)).collect::<Vec<_>>()) {
            Err(own) => own,
            Ok(_) => error,
        };
        let value = Cast::new(Type::Text, &self.zone).array(&arrays[at].slice(row, 1)).ok();
        let value = match value.as_ref().and_then(|value| value.as_string_opt::<i32>()) {
            Some(value) if value.is_valid(0) => format!(": \"{}\"", value.value(0)),
            _ => String::new(),
        };
        let place = match lines.get(row) {
            Some(line) => format!("{}, line {line}, column {}{value}", self.source, column.name),
            None => format!("{}, column {}{value}", self.source, column.name),
        };
        Error { detail: None, ..error }.detail(place)
    }

    /// As [`Load::batch`], for rows that have no lines; `first` rows came before them.
    pub fn rows(&self, from: &[ArrayRef], first: u64) -> Result<RecordBatch> {
        let rows = from.first().map_or(0, |array| array.len() as u64);
        self.batch(from).map_err(|error| {
            let lines: Vec<_> = (first + 1..=first + rows).collect();
            let error = self.located(error, from, &lines);
            let detail = error.detail.clone().unwrap_or_default().replace(", line ", ", row ");
            Error { detail: Some(detail), ..error }
        })
    }
}

/// Reads text into batches of a table.
#[derive(Debug)]
pub struct Reader {
    load: Arc<Load>,
    records: Records,
    columns: Vec<StringBuilder>,
    lines: Vec<u64>,
}

impl Reader {
    pub fn new(load: Arc<Load>, options: Options) -> Reader {
        let columns = load.given.iter().map(|_| StringBuilder::new()).collect();
        Reader { load, records: Records::new(options.dialect()), columns, lines: vec![] }
    }

    /// Takes bytes, and gives the batches that are complete; with `last`, also the rest.
    pub fn read(&mut self, bytes: &[u8], last: bool) -> Result<Vec<RecordBatch>> {
        let mut batches = vec![];
        self.records.push(bytes);
        while let Some(record) = self.records.next(last).map_err(|error| self.in_source(error))? {
            self.add(&record)?;
            if self.lines.len() == ROWS {
                batches.push(self.batch()?);
            }
        }
        if last && !self.lines.is_empty() {
            batches.push(self.batch()?);
        }
        Ok(batches)
    }

    fn add(&mut self, record: &Record) -> Result<()> {
        let place = |line| format!("{}, line {line}", self.load.source);
        if record.width() < self.columns.len() {
            let missing = &self.load.given[record.width()].name;
            let message = format!("missing data for column \"{missing}\"");
            return Err(Error::new(Kind::BadCopyFileFormat, message).detail(place(record.line)));
        }
        if record.width() > self.columns.len() {
            let message = "extra data after last expected column";
            return Err(Error::new(Kind::BadCopyFileFormat, message).detail(place(record.line)));
        }
        for (column, field) in self.columns.iter_mut().zip(record.fields()) {
            column.append_option(field);
        }
        self.lines.push(record.line);
        Ok(())
    }

    fn batch(&mut self) -> Result<RecordBatch> {
        let arrays: Vec<ArrayRef> = self.columns.iter_mut().map(|column| Arc::new(column.finish()) as _).collect();
        let lines = std::mem::take(&mut self.lines);
        self.load.batch(&arrays).map_err(|error| self.load.located(error, &arrays, &lines))
    }

    fn in_source(&self, error: Error) -> Error {
        let detail = error.detail.clone().map_or_else(String::new, |detail| format!(", {detail}"));
        Error { detail: Some(format!("{}{detail}", self.load.source)), ..error }
    }
}
