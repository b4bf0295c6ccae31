//! Managed tables: how their rows are written, read, deleted and looked after.
//!
//! The catalog says which files a table has; this room knows what is in a file.
//! Files are on the disk before the catalog names them and never change.

mod cascade;
mod collect;
mod conflicts;
mod constraints;
mod deletes;
mod evolved;
mod keys;
mod past;
mod pending;
mod provider;
pub mod publish;
mod small;
mod stats;
#[cfg(test)]
mod tests;
mod turns;
mod verify;
mod writer;

pub use conflicts::Fate;
pub use deletes::Positions;
pub use past::At;
pub use pending::{Hold, Pending};
pub use provider::is_managed;
pub use stats::{initial, storable};
pub use turns::Turn;
pub use writer::Writer;

use crate::base::{Result, folder};
use crate::catalog::{NewFile, Table};
use datafusion::catalog::TableProvider;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder with the files of all managed tables. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Lake {
    folder: Arc<Path>,
    temporary: Arc<Path>,
    deletes: Arc<deletes::Cache>,
    holds: Arc<pending::Holds>,
    turns: Arc<turns::Turns>,
    small: Arc<small::Small>,
}

/// Column of [`Lake::provider_with_positions`] with the id of the data file a row is in (`bigint`).
pub const FILE_COLUMN: &str = "__file";
/// Column of [`Lake::provider_with_positions`] with the row's number in its file (`bigint`).
pub const POSITION_COLUMN: &str = "__position";

impl Lake {
    /// Opens the lake of a data folder, making its folder when it is not there.
    pub fn open(data: &Path) -> Result<Lake> {
        let folder = data.join("lake");
        folder::create(&folder)?;
        let temporary = data.canonicalize()?.join("temporary");
        // Tables of sessions that a process before this one had.
        let _ = std::fs::remove_dir_all(&temporary);
        Ok(Lake {
            folder: folder.canonicalize()?.into(),
            temporary: temporary.into(),
            deletes: Arc::default(),
            holds: Arc::default(),
            turns: Arc::default(),
            small: Arc::default(),
        })
    }

    /// A folder that nobody has, for temporary tables; not below the one that the collector looks after.
    pub fn temporary_folder(&self) -> PathBuf {
        self.temporary.join(uuid::Uuid::new_v4().to_string())
    }

    /// The folder, as the store's catalog names it: absolute, ending in `/`.
    pub fn data_path(&self) -> String {
        format!("{}/", self.folder.display())
    }

    /// Reads files that a [`Writer`] of this table has finished and no commit has named yet.
    pub fn staged(&self, table: &Table, files: &[NewFile]) -> Result<Arc<dyn TableProvider>> {
        let mut staged = Table { files: vec![], ..table.clone() };
        for (file, id) in files.iter().zip(1..) {
            // Named in memory only, so any ids do.
            staged.files.push(Arc::new(file.clone().named(&staged.columns, -id, 0, 0)));
        }
        Ok(self.provider(&Arc::new(staged)))
    }

    /// Where files of a table are, which may be a [`Table::staged`] one.
    pub fn paths(&self, table: &Table, files: &[NewFile]) -> Vec<PathBuf> {
        files.iter().map(|file| self.folder.join(&table.folder).join(&file.path)).collect()
    }

    /// Writes new files of a table, which may be a [`Table::staged`] one.
    pub fn writer(&self, table: &Table) -> Writer {
        Writer::new(self.folder.join(&table.folder), table.file_schema())
    }
}
