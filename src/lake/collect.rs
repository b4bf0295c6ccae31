//! Which files of the lake's folder belong to something, and the end of those that don't.

use super::Lake;
use crate::base::clock::parse_stamp;
use crate::base::{Result, clock::stamp};
use crate::store::{Store, Write};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What the catalog says of a file, in any snapshot of its history.
#[derive(Debug)]
pub(super) struct Named {
    pub table: i64,
    pub bytes: i64,
    pub rows: i64,
}

impl Lake {
    /// Removes files that no snapshot names and that were last written before `before`, and those that
    /// another writer scheduled for deletion before it; tells which.
    ///
    /// A staged file is such a file until it is committed: `before` must lie before the start of
    /// every run that still goes on. Those of open transactions are held.
    pub async fn collect(&self, store: &Store, before: DateTime<Utc>) -> Result<Vec<PathBuf>> {
        let before = self.held_since().map_or(before, |held| held.min(before));
        let named = named(store, &self.folder).await?;
        let scheduled = scheduled(store, &self.folder).await?;
        let mut removed = vec![];
        for path in self.files()? {
            if named.contains_key(&path) {
                continue;
            }
            let due = match scheduled.get(&path) {
                Some(at) => *at < before,
                None => written(&path)? < before,
            };
            if due {
                std::fs::remove_file(&path)?;
                removed.push(path);
            }
        }
        let sql = "DELETE FROM ducklake_files_scheduled_for_deletion WHERE schedule_start < ?";
        store.write(&[Write::new(sql, [stamp(before).into()])]).await?;
        Ok(removed)
    }

    /// Every file below the lake's folder.
    pub(super) fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = vec![];
        let mut folders = vec![self.folder.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                match entry.file_type()?.is_dir() {
                    true => folders.push(entry.path()),
                    false => files.push(entry.path()),
                }
            }
        }
        Ok(files)
    }
}

/// When a file was last written.
pub(super) fn written(path: &Path) -> Result<DateTime<Utc>> {
    Ok(std::fs::metadata(path)?.modified()?.into())
}

/// Every file that some snapshot names.
pub(super) async fn named(store: &Store, folder: &Path) -> Result<HashMap<PathBuf, Named>> {
    let rows = store
        .query(
            "SELECT f.table_id, f.path, f.path_is_relative, f.file_size_bytes AS bytes, f.record_count AS row_count, \
             t.path AS table_path, t.path_is_relative AS table_relative, s.path AS schema_path FROM ( \
               SELECT table_id, path, path_is_relative, file_size_bytes, record_count FROM ducklake_data_file \
               UNION ALL \
               SELECT table_id, path, path_is_relative, file_size_bytes, delete_count FROM ducklake_delete_file \
             ) f JOIN (SELECT DISTINCT table_id, schema_id, path, path_is_relative FROM ducklake_table) t \
             ON t.table_id = f.table_id JOIN ducklake_schema s ON s.schema_id = t.schema_id",
            &[],
        )
        .await?;
    let mut named = HashMap::new();
    for row in &rows {
        let mut path = folder.to_path_buf();
        if row.int("table_relative")? == 1 {
            path.push(row.text("schema_path")?);
        }
        path.push(row.text("table_path")?);
        if row.int("path_is_relative")? != 1 {
            path.clear();
        }
        path.push(row.text("path")?);
        let (table, bytes, rows) = (row.int("table_id")?, row.int("bytes")?, row.int("row_count")?);
        named.insert(path, Named { table, bytes, rows });
    }
    Ok(named)
}

/// Files that another writer wants deleted, and since when.
async fn scheduled(store: &Store, folder: &Path) -> Result<HashMap<PathBuf, DateTime<Utc>>> {
    let sql = "SELECT path, schedule_start FROM ducklake_files_scheduled_for_deletion";
    let mut files = HashMap::new();
    for row in store.query(sql, &[]).await? {
        if let Some(at) = parse_stamp(row.text("schedule_start")?) {
            files.insert(folder.join(row.text("path")?), at);
        }
    }
    Ok(files)
}
