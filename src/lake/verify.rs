//! What must be true of the files that the catalog names.

use super::Lake;
use super::collect::{Named, named, written};
use crate::base::{Error, Result};
use crate::catalog::{Relation, Snapshot};
use crate::store::Store;
use chrono::{DateTime, Utc};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::path::Path;

impl Lake {
    /// What is wrong, one line each; nothing when all is well.
    ///
    /// A file written after `staged_since` that nothing names may be staged; an older one is garbage
    /// that should be gone.
    pub async fn verify(&self, store: &Store, snapshot: &Snapshot, staged_since: DateTime<Utc>) -> Result<Vec<String>> {
        let mut problems = dangling(store).await?;
        let named = named(store, &self.folder).await?;
        problems.extend(unreadable(snapshot));
        let files = self.files()?;
        for file in files.iter().filter(|file| !named.contains_key(*file)) {
            if written(file)? < staged_since {
                problems.push(format!("file {} belongs to nothing", file.display()));
            }
        }
        let check = tokio::task::spawn_blocking(move || {
            named.iter().filter_map(|(path, named)| damage(path, named)).collect::<Vec<_>>()
        });
        problems.extend(check.await.map_err(|error| Error::internal(format!("a check must not panic: {error}")))?);
        problems.sort();
        Ok(problems)
    }
}

fn unreadable(snapshot: &Snapshot) -> impl Iterator<Item = String> + '_ {
    snapshot.relations.values().filter_map(|relation| match relation {
        Relation::Table(table) => {
            table.unreadable.as_ref().map(|reason| format!("table \"{}\" cannot be read: {reason}", table.name))
        }
        Relation::View(_) | Relation::External(_) => None,
    })
}

/// What is wrong with a file that the catalog names.
fn damage(path: &Path, named: &Named) -> Option<String> {
    let shown = path.display();
    let bytes = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len() as i64,
        Err(error) => return Some(format!("file {shown} of table {} is gone: {error}", named.table)),
    };
    if bytes != named.bytes {
        return Some(format!("file {shown} has {bytes} bytes, the catalog says {}", named.bytes));
    }
    let reader = File::open(path).map_err(Error::from);
    let reader = reader.and_then(|file| Ok(ParquetRecordBatchReaderBuilder::try_new(file)?));
    match reader.map(|reader| reader.metadata().file_metadata().num_rows()) {
        Ok(rows) if rows == named.rows => None,
        Ok(rows) => Some(format!("file {shown} has {rows} rows, the catalog says {}", named.rows)),
        Err(error) => Some(format!("file {shown} cannot be read: {error}")),
    }
}

/// Rows of the lake's tables that point nowhere.
async fn dangling(store: &Store) -> Result<Vec<String>> {
    const CHECKS: &[(&str, &str)] = &[
        (
            "a table's schema",
            "SELECT table_id AS id FROM ducklake_table WHERE schema_id NOT IN (SELECT schema_id FROM ducklake_schema)",
        ),
        (
            "a view's schema",
            "SELECT view_id AS id FROM ducklake_view WHERE schema_id NOT IN (SELECT schema_id FROM ducklake_schema)",
        ),
        (
            "a column's table",
            "SELECT DISTINCT table_id AS id FROM ducklake_column \
             WHERE table_id NOT IN (SELECT table_id FROM ducklake_table)",
        ),
        (
            "a data file's table",
            "SELECT data_file_id AS id FROM ducklake_data_file \
             WHERE table_id NOT IN (SELECT table_id FROM ducklake_table)",
        ),
        (
            "a delete file's data file",
            "SELECT delete_file_id AS id FROM ducklake_delete_file \
             WHERE data_file_id NOT IN (SELECT data_file_id FROM ducklake_data_file)",
        ),
        (
            "a data file that outlives its table",
            "SELECT data_file_id AS id FROM ducklake_data_file f WHERE f.end_snapshot IS NULL AND NOT EXISTS \
             (SELECT 1 FROM ducklake_table t WHERE t.table_id = f.table_id AND t.end_snapshot IS NULL)",
        ),
        (
            "an id at or above the next one",
            "SELECT data_file_id AS id FROM ducklake_data_file WHERE data_file_id >= \
             (SELECT max(next_file_id) FROM ducklake_snapshot)",
        ),
        (
            "two rows for what exists once",
            "SELECT table_id AS id FROM ducklake_table WHERE end_snapshot IS NULL GROUP BY table_id HAVING count(*) > 1",
        ),
    ];
    let mut problems = vec![];
    for (what, sql) in CHECKS {
        for row in store.query(sql, &[]).await? {
            problems.push(format!("the catalog is wrong about {what}: id {}", row.int("id")?));
        }
    }
    Ok(problems)
}
