//! Temporary tables and views of a session: as of its last commit, and what becomes of them at the next.

use super::Session;
use crate::base::{Name, Result};
use crate::catalog::temporary::SCHEMA;
use crate::catalog::{Change, Snapshot, Temporary};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// What becomes of a temporary table when its transaction commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnCommit {
    #[default]
    PreserveRows,
    DeleteRows,
    Drop,
}

#[derive(Debug, Default)]
pub struct TemporaryTables {
    committed: Option<Arc<Temporary>>,
    /// By the folder of the table, which no other table ever has.
    on_commit: BTreeMap<String, OnCommit>,
    folder: Option<Folder>,
}

/// The folder of a session's temporary tables; gone with it.
#[derive(Debug)]
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl TemporaryTables {
    pub(super) fn committed(&self) -> Option<Arc<Temporary>> {
        self.committed.clone()
    }

    /// What exists for the session outside a transaction.
    pub(super) fn beside(&self, shared: Arc<Snapshot>) -> Arc<Snapshot> {
        match &self.committed {
            Some(temporary) => Arc::new(shared.with_temporary(temporary)),
            None => shared,
        }
    }

    /// The changes that COMMIT makes of itself.
    pub(super) fn on_commit(&self, snapshot: &Snapshot) -> Vec<Change> {
        let tables = snapshot.relations.values().filter_map(|relation| relation.table());
        let change = |table: &Arc<crate::catalog::Table>| match self.on_commit.get(&table.folder)? {
            OnCommit::PreserveRows => None,
            OnCommit::DeleteRows if table.files.is_empty() => None,
            OnCommit::DeleteRows => Some(Change::Truncate { table: table.name.clone() }),
            OnCommit::Drop => Some(Change::DropTable { name: table.name.clone() }),
        };
        if self.on_commit.is_empty() { vec![] } else { tables.filter_map(change).collect() }
    }

    /// Takes over what a commit has left, and removes the files that nothing names any more.
    pub(super) fn commit(&mut self, after: &Snapshot) {
        let (before, after) = (self.committed.take(), after.temporary().map(Arc::new));
        if let (Some(before), Some(folder)) = (before, &self.folder) {
            let named: BTreeSet<_> = after.iter().flat_map(|after| after.files()).collect();
            for (table, file) in before.files().filter(|file| !named.contains(file)) {
                let table = folder.0.join(table);
                let _ = std::fs::remove_file(table.join(file));
                let _ = std::fs::remove_dir(table);
            }
        }
        self.committed = after;
    }
}

impl Session {
    /// From here on the transaction may create relations in [`SCHEMA`].
    pub fn allow_temporary(&mut self) -> Result<()> {
        let lake = &self.engine.lake;
        let folder = self.temporary.folder.get_or_insert_with(|| Folder(lake.temporary_folder()));
        self.transaction.uncommitted.allow_temporary(|| format!("{}/", folder.0.display()))
    }

    /// What becomes of a temporary table that was created just now.
    pub fn on_commit(&mut self, table: &Name, on_commit: OnCommit) -> Result<()> {
        let folder = self.snapshot().table(table)?.folder.clone();
        self.temporary.on_commit.insert(folder, on_commit);
        Ok(())
    }

    /// `DISCARD TEMP`
    pub fn discard_temporary(&self) -> Result<()> {
        let snapshot = self.snapshot();
        let own = snapshot.relations.iter().filter(|(name, _)| name.schema == SCHEMA);
        let change = |name: &Name, is_table: bool| match is_table {
            true => Change::DropTable { name: name.clone() },
            false => Change::DropView { name: name.clone() },
        };
        let changes: Vec<_> = own.map(|(name, relation)| change(name, relation.table().is_some())).collect();
        if changes.is_empty() { Ok(()) } else { self.change(changes, "DISCARD TEMP") }
    }
}
