//! Columns whose values tell rows apart, read from files: for upserts and for constraints.

use super::stats::scalar;
use crate::base::value::{Style, converted, text_of};
use crate::base::{Error, Kind, Result, Type};
use crate::catalog::{Column, ColumnStats, DataFile, Table, stats};
use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, new_null_array};
use datafusion::arrow::row::{RowConverter, SortField};
use datafusion::common::ScalarValue;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::schema::types::SchemaDescriptor;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Some columns of a table.
#[derive(Clone)]
pub(super) struct Keys {
    pub columns: Vec<Column>,
    /// The types in which values are compared: those of the columns, or of others that they refer to.
    types: Vec<Type>,
    pub table: String,
}

/// The rows of a file that are there.
#[derive(Clone)]
pub(super) struct Part {
    pub file: i64,
    pub path: PathBuf,
    /// Sorted positions of those that are not.
    pub deleted: Arc<[u64]>,
}

/// Rows of a file that go: those at the sorted positions, or all.
pub(super) struct Gone {
    pub part: Part,
    pub positions: Option<Arc<[u64]>>,
}

/// One row's key.
pub(super) struct Key<'a> {
    /// Bytes that are equal when the keys are.
    pub bytes: &'a [u8],
    pub null: bool,
    /// Its position in the file.
    pub position: u64,
    values: &'a [ArrayRef],
    at: usize,
}

/// The keys of rows, each once.
pub(super) type Found = HashSet<Box<[u8]>>;

impl Keys {
    pub fn new(table: &Table, names: &[String]) -> Result<Keys> {
        let mut columns = vec![];
        for name in names {
            let column = table.column(name).ok_or_else(|| {
                let message = format!("column \"{name}\" of relation \"{}\" does not exist", table.name.name);
                Error::new(Kind::UndefinedColumn, message)
            })?;
            columns.push(column.clone());
        }
        let types = columns.iter().map(|column| column.ty.clone()).collect();
        Ok(Keys { columns, types, table: table.name.name.clone() })
    }

    /// The same, its values comparable with those of `other`.
    pub fn comparable(self, other: &Keys) -> Keys {
        Keys { types: other.types.clone(), ..self }
    }

    /// The keys of files whose rows are to have each its own, without NULL.
    pub fn each_once(&self, paths: &[PathBuf]) -> Result<Found> {
        let mut found = Found::new();
        for path in paths {
            self.read(path, |key| {
                if key.null {
                    return Err(self.violation("has NULL"));
                }
                match found.insert(Box::from(key.bytes)) {
                    true => Ok(()),
                    false => Err(self.violation("has the same value twice")),
                }
            })?;
        }
        Ok(found)
    }

    fn violation(&self, what: &str) -> Error {
        let message = format!("key ({}) of the rows for \"{}\" {what}", self.names(), self.table);
        Error::new(Kind::CardinalityViolation, message)
            .hint("each row that is written must have a key of its own".to_string())
    }

    pub fn names(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|column| column.name.as_str()).collect();
        names.join(", ")
    }

    /// Gives the key of each row of a part that is there.
    pub fn read_part(&self, part: &Part, mut row: impl FnMut(&Key) -> Result<()>) -> Result<()> {
        self.read(&part.path, |key| match part.deleted.binary_search(&key.position) {
            Ok(_) => Ok(()),
            Err(_) => row(key),
        })
    }

    /// The keys of rows that go.
    pub fn read_gone(&self, gone: &[Gone]) -> Result<Found> {
        let mut found = Found::new();
        for Gone { part, positions } in gone {
            self.read_part(part, |key| {
                let goes = positions.as_ref().is_none_or(|gone| gone.binary_search(&key.position).is_ok());
                if goes && !key.null {
                    found.insert(Box::from(key.bytes));
                }
                Ok(())
            })?;
        }
        Ok(found)
    }

    /// Gives each row's key.
    pub fn read(&self, path: &Path, mut row: impl FnMut(&Key) -> Result<()>) -> Result<()> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
        let places: Vec<_> = self.columns.iter().map(|column| place(builder.parquet_schema(), column)).collect();
        let mut read: Vec<usize> = places.iter().flatten().copied().collect();
        read.sort_unstable();
        let mask = ProjectionMask::roots(builder.parquet_schema(), read.iter().copied());
        let mut position = 0;
        for batch in builder.with_projection(mask).build()? {
            let values = self.arrays(&batch?, &places, &read)?;
            self.of_arrays(&values, &mut |key| {
                row(&Key { position, ..*key })?;
                position += 1;
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Gives each row's key, from the columns' values.
    pub fn of_arrays(&self, values: &[ArrayRef], row: &mut dyn FnMut(&Key) -> Result<()>) -> Result<()> {
        let types = self.types.iter().map(Type::arrow);
        let converter = RowConverter::new(types.map(SortField::new).collect())?;
        let rows = converter.convert_columns(values)?;
        for at in 0..rows.num_rows() {
            let null = values.iter().any(|values| values.is_null(at));
            row(&Key { bytes: rows.row(at).as_ref(), null, position: at as u64, values, at })?;
        }
        Ok(())
    }

    fn arrays(&self, batch: &RecordBatch, places: &[Option<usize>], read: &[usize]) -> Result<Vec<ArrayRef>> {
        let array = |((column, ty), place): ((&Column, &Type), &Option<usize>)| {
            let found = place.and_then(|place| read.binary_search(&place).ok()).map(|at| batch.column(at).clone());
            let array = match found {
                Some(array) => array,
                None => older(column, batch.num_rows())?,
            };
            converted(&array, &ty.arrow())
        };
        self.columns.iter().zip(&self.types).zip(places).map(array).collect()
    }

    /// Whether a file of the table may have a key of new files, by what is known of both: the new files'
    /// statistics, and the ids that the columns have there.
    pub fn may_meet(&self, file: &DataFile, new: &[&[ColumnStats]], ids: &[i64]) -> bool {
        self.columns.iter().zip(&self.types).zip(ids).all(|((column, ty), id)| {
            let have = file.stats.iter().find(|stats| stats.column_id == column.id);
            new.iter().any(|new| {
                let new = new.iter().find(|stats| stats.column_id == *id);
                let (Some(have), Some(new)) = (have, new) else { return true };
                !below(ty, &have.max, &new.min) && !below(ty, &new.max, &have.min)
            })
        })
    }

    /// The columns' ids: what [`DataFile::stats`] go by.
    pub fn ids(&self) -> Vec<i64> {
        self.columns.iter().map(|column| column.id).collect()
    }

    /// Where the columns are in the table: what [`crate::catalog::NewFile::stats`] go by.
    pub fn positions(&self, table: &Table) -> Vec<usize> {
        let position = |column: &Column| table.columns.iter().position(|other| other.id == column.id);
        self.columns.iter().map(|column| position(column).unwrap_or(usize::MAX)).collect()
    }
}

impl Key<'_> {
    /// `(id)=(1)`, as in the details of Postgres' messages.
    pub fn shown(&self, keys: &Keys) -> String {
        let text = |(values, ty): (&ArrayRef, &Type)| {
            let value = ScalarValue::try_from_array(values, self.at).ok()?;
            text_of(&value, ty, &Style::default()).ok()?
        };
        let texts: Vec<_> =
            self.values.iter().zip(&keys.types).map(|it| text(it).unwrap_or_else(|| "null".into())).collect();
        format!("({})=({})", keys.names(), texts.join(", "))
    }
}

/// Which of a file's columns is the table's: by its id, since names change.
fn place(schema: &SchemaDescriptor, column: &Column) -> Option<usize> {
    let fields = schema.root_schema().get_fields();
    let id = |at: usize| fields[at].get_basic_info().has_id().then(|| i64::from(fields[at].get_basic_info().id()));
    let by_id = (0..fields.len()).find(|at| id(*at) == Some(column.id));
    by_id.or_else(|| (0..fields.len()).find(|at| id(*at).is_none() && fields[*at].name() == column.name))
}

/// The values of a column in a file that is older than the column.
pub(super) fn older(column: &Column, rows: usize) -> Result<ArrayRef> {
    match column.initial.as_deref().and_then(|text| scalar(&column.ty, text)) {
        Some(value) => Ok(value.to_array_of_size(rows)?),
        None => Ok(new_null_array(&column.ty.arrow(), rows)),
    }
}

fn below(ty: &Type, greatest: &Option<String>, least: &Option<String>) -> bool {
    let (Some(greatest), Some(least)) = (greatest, least) else { return false };
    stats::compare(ty, greatest, least) == Some(Ordering::Less)
}

/// Reads files where waiting for them keeps nobody else.
pub(super) async fn in_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let task = tokio::task::spawn_blocking(work).await;
    task.map_err(|error| Error::internal(format!("reading keys must not panic: {error}")))?
}
