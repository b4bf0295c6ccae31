//! The changes by which staged files become rows of a table.
//!
//! Each function only decides; the caller commits its changes, those of several
//! tables together when a run has several.

use super::Lake;
use super::deletes::Positions;
use super::keys::{Found, Keys, in_thread};
use crate::base::{Error, Result};
use crate::catalog::{Change, NewFile, Table};
use std::fs::File;
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
        let keys = Keys::new(table, key)?;
        let (paths, reader) = (self.paths(table, &staged), keys.clone());
        let found = in_thread(move || reader.each_once(&paths)).await?;
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
    async fn rows_with(&self, table: &Arc<Table>, staged: &[NewFile], keys: Keys, found: Found) -> Result<Positions> {
        if let Some(reason) = &table.unreadable {
            return Err(Error::unsupported(format!("table \"{}\" cannot be read", table.name)).detail(reason.clone()));
        }
        let (places, stats) = (keys.positions(table), staged.iter().map(|file| &file.stats[..]).collect::<Vec<_>>());
        let ids: Vec<_> = places.iter().map(|place| *place as i64).collect();
        let files = table.files.iter().filter(|file| keys.may_meet(file, &stats, &ids));
        let parts = self.parts(table, files).await?;
        in_thread(move || {
            let mut positions = Positions::default();
            for part in parts {
                keys.read_part(&part, |key| {
                    if found.contains(key.bytes) {
                        positions.add(part.file, key.position);
                    }
                    Ok(())
                })?;
            }
            Ok(positions)
        })
        .await
    }
}
