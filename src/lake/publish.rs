//! The changes by which staged files become rows of a table.
//!
//! Each function only decides; the caller commits its changes, those of several
//! tables together when a run has several.

use super::Lake;
use crate::base::{Error, Result};
use crate::catalog::{Change, NewFile, Table};
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
        let _ = (table, staged, key, delete_missing);
        Err(Error::unsupported("upsert must be written"))
    }
}
