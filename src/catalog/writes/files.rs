//! The files of a table and what is known of them.

use super::relations::Changes;
use crate::catalog::{DataFile, DeleteFile, Table, stats};
use std::collections::HashMap;
use std::sync::Arc;

/// Adds the rows that lead from the old files of a table to its new ones.
pub(super) fn files(changes: &mut Changes, old: Option<&Arc<Table>>, new: &Table) {
    let old_files = old.map_or(&[][..], |old| &old.files);
    let same_rows = old.map_or(0, |old| old.next_row_id) == new.next_row_id;
    // Rows that came and went within the commit have had their ids.
    if old_files == new.files && same_rows {
        return;
    }
    let before: HashMap<i64, &Arc<DataFile>> = old_files.iter().map(|file| (file.id, file)).collect();
    let after: HashMap<i64, &Arc<DataFile>> = new.files.iter().map(|file| (file.id, file)).collect();
    let (mut inserted, mut deleted) = (false, false);
    for file in old_files.iter().filter(|file| !after.contains_key(&file.id)) {
        deleted = true;
        end_file(changes, file);
    }
    for file in &new.files {
        let was = before.get(&file.id);
        if was.is_none() {
            inserted = true;
            begin_file(changes, new.id, file);
        }
        let deletes_before = was.and_then(|was| was.deletes.as_ref());
        if deletes_before != file.deletes.as_ref() {
            deleted = true;
            deletes(changes, new.id, file.id, deletes_before, file.deletes.as_ref());
        }
    }
    if inserted {
        changes.words.push(format!("inserted_into_table:{}", new.id));
    }
    if deleted {
        changes.words.push(format!("deleted_from_table:{}", new.id));
    }
    table_stats(changes, new);
}

fn end_file(changes: &mut Changes, file: &DataFile) {
    for sql in [
        "UPDATE ducklake_data_file SET end_snapshot = ? WHERE data_file_id = ? AND end_snapshot IS NULL",
        "UPDATE ducklake_delete_file SET end_snapshot = ? WHERE data_file_id = ? AND end_snapshot IS NULL",
    ] {
        changes.write(sql, [changes.now(), file.id.into()]);
    }
}

fn begin_file(changes: &mut Changes, table: i64, file: &DataFile) {
    changes.write(
        "INSERT INTO ducklake_data_file(data_file_id, table_id, begin_snapshot, path, path_is_relative, file_format, \
         record_count, file_size_bytes, footer_size, row_id_start) VALUES (?, ?, ?, ?, 1, 'parquet', ?, ?, ?, ?)",
        [
            file.id.into(),
            table.into(),
            changes.now(),
            file.path.as_str().into(),
            file.rows.into(),
            file.bytes.into(),
            file.footer_bytes.into(),
            file.row_id_start.into(),
        ],
    );
    for stats in &file.stats {
        changes.write(
            "INSERT INTO ducklake_file_column_stats(data_file_id, table_id, column_id, column_size_bytes, value_count, \
             null_count, min_value, max_value, contains_nan) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                file.id.into(),
                table.into(),
                stats.column_id.into(),
                stats.bytes.into(),
                stats.values.into(),
                stats.nulls.into(),
                stats.min.as_deref().into(),
                stats.max.as_deref().into(),
                stats.contains_nan.into(),
            ],
        );
    }
}

fn deletes(changes: &mut Changes, table: i64, file: i64, old: Option<&DeleteFile>, new: Option<&DeleteFile>) {
    if let Some(old) = old {
        changes.write(
            "UPDATE ducklake_delete_file SET end_snapshot = ? WHERE delete_file_id = ? AND end_snapshot IS NULL",
            [changes.now(), old.id.into()],
        );
    }
    let Some(new) = new else { return };
    changes.write(
        "INSERT INTO ducklake_delete_file(delete_file_id, table_id, begin_snapshot, data_file_id, path, \
         path_is_relative, format, delete_count, file_size_bytes, footer_size) \
         VALUES (?, ?, ?, ?, ?, 1, 'parquet', ?, ?, ?)",
        [
            new.id.into(),
            table.into(),
            changes.now(),
            file.into(),
            new.path.as_str().into(),
            new.rows.into(),
            new.bytes.into(),
            new.footer_bytes.into(),
        ],
    );
}

/// DuckDB plans with these, so they cover every row that the table has.
fn table_stats(changes: &mut Changes, table: &Table) {
    changes.write("DELETE FROM ducklake_table_stats WHERE table_id = ?", [table.id.into()]);
    changes.write("DELETE FROM ducklake_table_column_stats WHERE table_id = ?", [table.id.into()]);
    changes.write(
        "INSERT INTO ducklake_table_stats(table_id, record_count, next_row_id, file_size_bytes) VALUES (?, ?, ?, ?)",
        [
            table.id.into(),
            table.rows().into(),
            table.next_row_id.into(),
            table.files.iter().map(|file| file.bytes).sum::<i64>().into(),
        ],
    );
    if table.files.is_empty() {
        return;
    }
    for column in &table.columns {
        let range = stats::range(column, &table.files);
        changes.write(
            "INSERT INTO ducklake_table_column_stats(table_id, column_id, contains_null, contains_nan, min_value, \
             max_value) VALUES (?, ?, ?, ?, ?, ?)",
            [
                table.id.into(),
                column.id.into(),
                range.contains_null.into(),
                range.contains_nan.into(),
                range.min.into(),
                range.max.into(),
            ],
        );
    }
}
