//! Files that are on the disk before a commit names them, and how long they are safe there.

use super::Lake;
use crate::base::clock::{Clock, SystemClock};
use crate::catalog::{Change, Relation, Snapshot, Table};
use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The files of changes that are not committed. Dropped before [`Pending::keep`], it removes them.
#[derive(Debug)]
pub struct Pending {
    /// As the catalog names it.
    folder: String,
    path: PathBuf,
    /// Folders that are new as well, and go with their last file; the innermost first.
    folders: Vec<PathBuf>,
    files: Mutex<Vec<String>>,
}

impl Lake {
    /// The files that these changes of a table will name, on top of what is `committed`.
    pub fn pending(&self, table: &Table, changes: &[Change], committed: &Snapshot) -> Pending {
        let files = changes.iter().flat_map(files).map(str::to_string).collect();
        let path = self.folder.join(&table.folder);
        let mut folders = vec![];
        if !committed.relations.values().filter_map(Relation::table).any(|known| known.folder == table.folder) {
            folders.push(path.clone());
        }
        if !committed.schemas.values().any(|schema| table.folder.starts_with(&schema.path)) {
            folders.extend(path.parent().map(PathBuf::from));
        }
        Pending { folder: table.folder.clone(), path, folders, files: Mutex::new(files) }
    }

    /// While the answer lives, nothing is collected that was written since now.
    pub fn hold(&self) -> Hold {
        // The time of a file lags behind the clock's by as much as a tick of the kernel.
        let since = SystemClock.now() - TimeDelta::seconds(1);
        *self.holds.0.lock().entry(since).or_default() += 1;
        Hold { holds: self.holds.clone(), since }
    }

    /// Since when files may belong to a transaction that is open.
    pub fn held_since(&self) -> Option<DateTime<Utc>> {
        self.holds.0.lock().keys().next().copied()
    }
}

fn files(change: &Change) -> Vec<&str> {
    match change {
        Change::AppendFiles { files, .. } => files.iter().map(|file| file.path.as_str()).collect(),
        Change::DeleteRows { deletes, .. } => {
            deletes.iter().filter_map(|delete| delete.file.as_ref()).map(|file| file.path.as_str()).collect()
        }
        _ => vec![],
    }
}

impl Pending {
    /// The commit has happened: the files that it names stay. Those of rows that came and went within it do not.
    pub fn keep(&self, committed: &Snapshot) {
        let mut tables = committed.relations.values().filter_map(Relation::table);
        let table = tables.find(|table| table.folder == self.folder);
        let named = |path: &str| {
            table.is_some_and(|table| {
                table
                    .files
                    .iter()
                    .any(|file| file.path == path || file.deletes.as_ref().is_some_and(|deletes| deletes.path == path))
            })
        };
        self.files.lock().retain(|file| !named(file));
    }

    /// The commit may have happened: the files stay, and the collector finds out.
    pub fn leave(&self) {
        self.files.lock().clear();
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // What cannot be removed now is an orphan, which the collector finds.
        for file in self.files.get_mut() {
            let _ = std::fs::remove_file(self.path.join(file));
        }
        for folder in &self.folders {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// A transaction that is open, as far as the collector of files cares.
#[derive(Debug)]
pub struct Hold {
    holds: Arc<Holds>,
    since: DateTime<Utc>,
}

/// How many transactions hold what was written since when.
#[derive(Debug, Default)]
pub(super) struct Holds(Mutex<BTreeMap<DateTime<Utc>, usize>>);

impl Drop for Hold {
    fn drop(&mut self) {
        let mut holds = self.holds.0.lock();
        if let Some(count) = holds.get_mut(&self.since) {
            *count -= 1;
            if *count == 0 {
                holds.remove(&self.since);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_open_transaction_holds_what_was_written_since() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(folder.path()).unwrap();
        assert_eq!(lake.held_since(), None);
        let (first, second) = (lake.hold(), lake.hold());
        let oldest = lake.held_since().unwrap();
        drop(first);
        assert!(lake.held_since().unwrap() >= oldest);
        drop(second);
        assert_eq!(lake.held_since(), None);
    }
}
