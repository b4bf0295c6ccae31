//! Which of some rows meet rows that are there already, or each other: for `ON CONFLICT`.

use super::Lake;
use super::keys::{Keys, in_thread};
use super::stats::bound;
use crate::base::{Error, Result};
use crate::catalog::{ColumnStats, Table};
use datafusion::arrow::array::RecordBatch;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    New,
    /// The table has a row with its key: data file and position.
    Existing(i64, u64),
    /// A row before it in the same statement has its key, or has met the same row of the table.
    Earlier,
}

/// One unique key, and what it knows of the rows.
struct Known {
    /// Each row's key; `None` when it meets no other, for it has a NULL.
    rows: Vec<Option<Box<[u8]>>>,
    existing: HashMap<Box<[u8]>, (i64, u64)>,
}

impl Lake {
    /// The fate of each row, in order; `keys` are the columns of unique keys, with whether NULLs differ.
    pub async fn fates(
        &self,
        table: &Arc<Table>,
        keys: &[(Vec<String>, bool)],
        batches: &[RecordBatch],
    ) -> Result<Vec<Fate>> {
        if let Some(reason) = &table.unreadable {
            return Err(Error::unsupported(format!("table \"{}\" cannot be read", table.name)).detail(reason.clone()));
        }
        let mut known = vec![];
        for (names, nulls_distinct) in keys {
            known.push(self.known(table, names, *nulls_distinct, batches).await?);
        }
        let count = batches.iter().map(RecordBatch::num_rows).sum();
        Ok(decide(known, count))
    }

    async fn known(
        &self,
        table: &Arc<Table>,
        names: &[String],
        nulls_distinct: bool,
        batches: &[RecordBatch],
    ) -> Result<Known> {
        let keys = Keys::new(table, names)?;
        let places = keys.positions(table);
        let (bounds, ids) = (bounds(&keys, &places, batches), keys.ids());
        let bounds: Vec<_> = bounds.iter().map(Vec::as_slice).collect();
        let files = table.files.iter().filter(|file| keys.may_meet(file, &bounds, &ids));
        let parts = self.parts(table, files).await?;
        let batches = batches.to_vec();
        in_thread(move || {
            let mut rows = vec![];
            let mut existing = HashMap::new();
            for batch in &batches {
                let columns: Vec<_> = places.iter().filter_map(|at| batch.columns().get(*at).cloned()).collect();
                keys.of_arrays(&columns, &mut |key| {
                    let distinct = key.null && nulls_distinct;
                    rows.push((!distinct).then(|| Box::from(key.bytes)));
                    Ok(())
                })?;
            }
            let wanted: HashSet<&[u8]> = rows.iter().flatten().map(Box::as_ref).collect();
            for part in &parts {
                keys.read_part(part, |key| {
                    if wanted.contains(key.bytes) {
                        existing.insert(Box::from(key.bytes), (part.file, key.position));
                    }
                    Ok(())
                })?;
            }
            Ok(Known { rows, existing })
        })
        .await
    }
}

/// As the statement would go through its rows one by one: a row that is left out meets nobody.
fn decide(mut known: Vec<Known>, count: usize) -> Vec<Fate> {
    let mut fates = vec![];
    let mut taken: Vec<HashSet<Box<[u8]>>> = known.iter().map(|_| Default::default()).collect();
    for row in 0..count {
        let mut fate = Fate::New;
        for (known, taken) in known.iter().zip(&taken) {
            let Some(key) = &known.rows[row] else { continue };
            if taken.contains(key) {
                fate = Fate::Earlier;
                break;
            }
            if let Some((file, position)) = known.existing.get(key) {
                fate = Fate::Existing(*file, *position);
                break;
            }
        }
        for (known, taken) in known.iter_mut().zip(&mut taken) {
            // A row of the table that was met once belongs to the row that met it.
            if fate != Fate::Earlier
                && let Some(key) = known.rows[row].take()
            {
                taken.insert(key);
            }
        }
        fates.push(fate);
    }
    fates
}

/// What is known of the rows, as if they were in a file.
fn bounds(keys: &Keys, places: &[usize], batches: &[RecordBatch]) -> Vec<Vec<ColumnStats>> {
    let of = |batch: &RecordBatch| {
        let stats = keys.columns.iter().zip(places).filter_map(|(column, at)| {
            let values = batch.columns().get(*at)?;
            Some(ColumnStats {
                column_id: column.id,
                bytes: 0,
                values: 0,
                nulls: 0,
                min: bound(&column.ty, values, Ordering::Less),
                max: bound(&column.ty, values, Ordering::Greater),
                contains_nan: None,
            })
        });
        stats.collect()
    };
    batches.iter().map(of).collect()
}
