//! Tables of few bytes, kept as they were read last: opening a file takes longer than what is in it.

use crate::catalog::Table;
use datafusion::arrow::array::RecordBatch;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, Weak};

/// Bytes of the files of a table that is kept.
pub const FILE_BYTES_MAX: i64 = 128 << 10;
/// Rows of a table that is kept.
pub const ROWS_MAX: i64 = 20_000;
/// Files of a table that is kept.
pub const FILES_MAX: usize = 3;
/// Bytes in memory of all of them.
const BYTES_MAX: usize = 64 << 20;

/// A table never changes: another state of it is another `Table`.
#[derive(Debug, Default)]
pub struct Small(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    tables: HashMap<usize, (Weak<Table>, Vec<RecordBatch>)>,
    bytes: usize,
}

impl Small {
    pub fn get(&self, table: &Arc<Table>) -> Option<Vec<RecordBatch>> {
        let kept = self.0.lock();
        let (known, batches) = kept.tables.get(&key(table))?;
        // Where one was, another may be now.
        known.upgrade().is_some_and(|known| Arc::ptr_eq(&known, table)).then(|| batches.clone())
    }

    pub fn keep(&self, table: &Arc<Table>, batches: &[RecordBatch]) {
        let bytes = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::get_array_memory_size).sum::<usize>();
        let mut kept = self.0.lock();
        kept.bytes += bytes(batches);
        if kept.bytes > BYTES_MAX {
            kept.tables.retain(|_, (table, _)| table.strong_count() > 0);
            kept.bytes = kept.tables.values().map(|(_, batches)| bytes(batches)).sum();
            if kept.bytes > BYTES_MAX / 2 {
                (kept.tables, kept.bytes) = (HashMap::new(), 0);
            }
            kept.bytes += bytes(batches);
        }
        kept.tables.insert(key(table), (Arc::downgrade(table), batches.to_vec()));
    }
}

fn key(table: &Arc<Table>) -> usize {
    Arc::as_ptr(table) as usize
}
