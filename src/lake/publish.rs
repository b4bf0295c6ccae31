//! The changes by which staged files become rows of a table.
//!
//! Each function only decides; the caller commits its changes, those of several
//! tables together when a run has several.

use super::Lake;
use super::deletes::Positions;
use crate::base::value::converted;
use crate::base::{Error, Kind, Result, Type};
use crate::catalog::{Change, Column, NewFile, Table, stats};
use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, new_null_array};
use datafusion::arrow::row::{RowConverter, SortField};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The staged rows instead of all that the table has.
pub fn replace(table: &Arc<Table>, staged: Vec<NewFile>) -> Vec<Change> {
    let files = table.files.iter().map(|file| file.id).collect();
    vec![
        Change::Expect { table: table.clone(), rows: true },
        Change::RemoveFiles { table: table.name.clone(), files },
        Change::AppendFiles { table: table.name.clone(), files: staged },
    ]
}

/// The staged rows beside those that the table has.
pub fn append(table: &Arc<Table>, staged: Vec<NewFile>) -> Vec<Change> {
    vec![
        Change::Expect { table: table.clone(), rows: false },
        Change::AppendFiles { table: table.name.clone(), files: staged },
    ]
}

/// A new table with the staged rows; `table` is what [`Table::staged`] made and a writer wrote to.
pub fn create(table: &Table, staged: Vec<NewFile>) -> Vec<Change> {
    vec![
        Change::CreateTable {
            name: table.name.clone(),
            columns: table.columns.clone(),
            folder: Some(table.folder.clone()),
        },
        Change::AppendFiles { table: table.name.clone(), files: staged },
    ]
}

impl Lake {
    /// Makes files that were written for `from` files of `table` as well, on the disk before this returns.
    pub fn adopt(&self, table: &Table, from: &Table, staged: &[NewFile]) -> Result<()> {
        let folder = self.folder.join(&table.folder);
        std::fs::create_dir_all(&folder)?;
        for (file, path) in staged.iter().zip(self.paths(from, staged)) {
            match std::fs::hard_link(&path, folder.join(&file.path)) {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error.into()),
                _ => {}
            }
        }
        File::open(&folder)?.sync_all()?;
        Ok(())
    }

    /// The staged rows instead of those with the same key, the others beside them; with
    /// `delete_missing`, rows whose key is not staged go.
    ///
    /// NULL in a key, or a key twice in the staged rows, is an error 21000.
    pub async fn upsert(
        &self,
        table: &Arc<Table>,
        staged: Vec<NewFile>,
        key: &[String],
        delete_missing: bool,
    ) -> Result<Vec<Change>> {
        let mut columns = vec![];
        for name in key {
            let column = table.column(name).ok_or_else(|| {
                let message = format!("column \"{name}\" of relation \"{}\" does not exist", table.name.name);
                Error::new(Kind::UndefinedColumn, message)
            })?;
            columns.push(column.clone());
        }
        let folder = self.folder.join(&table.folder);
        let keys = Keys { columns, table: table.name.name.clone() };
        let (files, reader) = (staged.clone(), keys.clone());
        let task = tokio::task::spawn_blocking(move || reader.staged(&folder, &files));
        let found = task.await.map_err(|error| Error::internal(format!("an upsert must not panic: {error}")))??;
        if delete_missing {
            return Ok(replace(table, staged));
        }
        let positions = self.rows_with(table, &staged, keys, found).await?;
        let deletes = self.delete(table, &positions).await?;
        Ok(vec![
            Change::Expect { table: table.clone(), rows: true },
            Change::DeleteRows { table: table.name.clone(), deletes },
            Change::AppendFiles { table: table.name.clone(), files: staged },
        ])
    }

    /// Rows of the table whose key is among the staged ones.
    async fn rows_with(
        &self,
        table: &Arc<Table>,
        staged: &[NewFile],
        keys: Keys,
        found: HashSet<Box<[u8]>>,
    ) -> Result<Positions> {
        if let Some(reason) = &table.unreadable {
            return Err(Error::unsupported(format!("table \"{}\" cannot be read", table.name)).detail(reason.clone()));
        }
        let files = table.files.iter().filter(|file| keys.may_meet(table, file.id, staged));
        let mut work: Vec<(i64, PathBuf, Arc<[u64]>)> = vec![];
        for file in files {
            let path = self.folder.join(&table.folder).join(&file.path);
            work.push((file.id, path, self.deleted(table, file).await?));
        }
        let task = tokio::task::spawn_blocking(move || -> Result<Positions> {
            let mut positions = Positions::default();
            for (id, path, deleted) in work {
                let mut at = 0;
                keys.read(&path, |key, _| {
                    if found.contains(key) && deleted.binary_search(&at).is_err() {
                        positions.add(id, at);
                    }
                    at += 1;
                    Ok(())
                })?;
            }
            Ok(positions)
        });
        task.await.map_err(|error| Error::internal(format!("an upsert must not panic: {error}")))?
    }
}

/// The columns that tell rows apart.
#[derive(Clone)]
struct Keys {
    columns: Vec<Column>,
    table: String,
}

impl Keys {
    /// The keys of staged files, each once and none with a NULL.
    fn staged(&self, folder: &Path, files: &[NewFile]) -> Result<HashSet<Box<[u8]>>> {
        let mut found = HashSet::new();
        for file in files {
            self.read(&folder.join(&file.path), |key, null| {
                if null {
                    return Err(self.violation("has NULL"));
                }
                match found.insert(Box::from(key)) {
                    true => Ok(()),
                    false => Err(self.violation("has the same value twice")),
                }
            })?;
        }
        Ok(found)
    }

    fn violation(&self, what: &str) -> Error {
        let names: Vec<_> = self.columns.iter().map(|column| column.name.as_str()).collect();
        let message = format!("key ({}) of the rows for \"{}\" {what}", names.join(", "), self.table);
        Error::new(Kind::CardinalityViolation, message)
            .hint("each row that is written must have a key of its own".to_string())
    }

    /// Gives each row's key, as bytes that are equal when the keys are, and whether it has a NULL.
    fn read(&self, path: &Path, mut row: impl FnMut(&[u8], bool) -> Result<()>) -> Result<()> {
        let types = self.columns.iter().map(|column| column.ty.arrow());
        let converter = RowConverter::new(types.map(SortField::new).collect())?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
        let names = self.columns.iter().map(|column| column.name.as_str());
        let mask = ProjectionMask::columns(builder.parquet_schema(), names);
        for batch in builder.with_projection(mask).build()? {
            let columns = self.arrays(&batch?)?;
            let rows = converter.convert_columns(&columns)?;
            for at in 0..rows.num_rows() {
                row(rows.row(at).as_ref(), columns.iter().any(|column| column.is_null(at)))?;
            }
        }
        Ok(())
    }

    fn arrays(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let array = |column: &Column| match batch.column_by_name(&column.name) {
            Some(array) if *array.data_type() == column.ty.arrow() => Ok(array.clone()),
            Some(array) => converted(array, &column.ty.arrow()),
            // The file is older than the column.
            None => Ok(new_null_array(&column.ty.arrow(), batch.num_rows())),
        };
        self.columns.iter().map(array).collect()
    }

    /// Whether a file of the table may have one of the staged keys, by what is known of both.
    fn may_meet(&self, table: &Table, file: i64, staged: &[NewFile]) -> bool {
        let Some(file) = table.files.iter().find(|found| found.id == file) else { return true };
        self.columns.iter().all(|column| {
            let Some(at) = table.columns.iter().position(|other| other.id == column.id) else { return true };
            let have = file.stats.iter().find(|stats| stats.column_id == column.id);
            staged.iter().any(|staged| {
                let new = staged.stats.iter().find(|stats| stats.column_id == at as i64);
                let (Some(have), Some(new)) = (have, new) else { return true };
                !below(&column.ty, &have.max, &new.min) && !below(&column.ty, &new.max, &have.min)
            })
        })
    }
}

fn below(ty: &Type, greatest: &Option<String>, least: &Option<String>) -> bool {
    let (Some(greatest), Some(least)) = (greatest, least) else { return false };
    stats::compare(ty, greatest, least) == Some(Ordering::Less)
}
