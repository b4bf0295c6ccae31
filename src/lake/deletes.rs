//! Deleted rows: which positions of a data file are gone.

use super::Lake;
use super::writer::size;
use crate::base::folder;
use crate::base::{Error, Result};
use crate::catalog::{DataFile, NewDelete, NewDeleteFile, Table};
use datafusion::arrow::array::{AsArray, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, Schema};
use parking_lot::Mutex;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection, RowSelector};
use parquet::arrow::{ArrowWriter, PARQUET_FIELD_ID_META_KEY, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Positions kept in memory, over all delete files.
const POSITIONS_MAX: usize = 8 << 20;

/// Sorted positions of the delete files that were read lately, by file id.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<HashMap<(i64, PathBuf), Arc<[u64]>>>);

/// Positions of rows, by data file.
#[derive(Debug, Default)]
pub struct Positions {
    files: BTreeMap<i64, Vec<u64>>,
    rows: u64,
}

impl Positions {
    /// Adds a row; false when it is there already.
    pub fn add(&mut self, file: i64, position: u64) -> bool {
        let words = self.files.entry(file).or_default();
        let (word, bit) = ((position / 64) as usize, 1 << (position % 64));
        if words.len() <= word {
            words.resize(word + 1, 0);
        }
        let new = words[word] & bit == 0;
        words[word] |= bit;
        self.rows += u64::from(new);
        new
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    fn of_file(words: &[u64]) -> impl Iterator<Item = u64> + '_ {
        words
            .iter()
            .enumerate()
            .flat_map(|(at, word)| (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at as u64 * 64 + bit))
    }
}

impl Lake {
    /// Sorted positions of a file's deleted rows.
    pub(super) async fn deleted(&self, table: &Table, file: &DataFile) -> Result<Arc<[u64]>> {
        let Some(deletes) = &file.deletes else { return Ok(Arc::default()) };
        let path = self.folder.join(&table.folder).join(&deletes.path);
        let key = (deletes.id, path.clone());
        if let Some(found) = self.deletes.0.lock().get(&key) {
            return Ok(found.clone());
        }
        let read = tokio::task::spawn_blocking(move || read(&path));
        let positions = read.await.map_err(|error| Error::internal(format!("reading must not panic: {error}")))??;
        let mut cache = self.deletes.0.lock();
        if cache.values().map(|kept| kept.len()).sum::<usize>() + positions.len() > POSITIONS_MAX {
            cache.clear();
        }
        cache.insert(key, positions.clone());
        Ok(positions)
    }

    /// Writes delete files for these rows of a table and those that were deleted before.
    pub async fn delete(&self, table: &Table, positions: &Positions) -> Result<Vec<NewDelete>> {
        let mut deletes = vec![];
        for (id, words) in &positions.files {
            let file = table.files.iter().find(|file| file.id == *id);
            let file = file.ok_or_else(|| Error::internal("a deleted row must be in a file of its table"))?;
            let before = self.deleted(table, file).await?;
            let all = union(&before, Positions::of_file(words));
            let replaces = file.deletes.as_ref().map(|deletes| deletes.id);
            let file = match all.len() as i64 >= file.rows {
                true => None,
                false => Some(self.write_deletes(table, file, all).await?),
            };
            deletes.push(NewDelete { data_file: *id, replaces, file });
        }
        Ok(deletes)
    }

    async fn write_deletes(&self, table: &Table, file: &DataFile, positions: Vec<u64>) -> Result<NewDeleteFile> {
        let folder = self.folder.join(&table.folder);
        let data_file = folder.join(&file.path).display().to_string();
        let task = tokio::task::spawn_blocking(move || write(&folder, &data_file, &positions));
        task.await.map_err(|error| Error::internal(format!("writing must not panic: {error}")))?
    }
}

/// The sorted union of a sorted list and a sorted sequence.
fn union(before: &[u64], new: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut all: Vec<u64> = before.iter().copied().chain(new).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The rows that are left, as a selection of the file's rows.
pub(super) fn selection(deleted: &[u64], rows: i64) -> RowSelection {
    let mut selectors: Vec<RowSelector> = vec![];
    let mut next = 0;
    for position in deleted {
        if *position > next {
            selectors.push(RowSelector::select((*position - next) as usize));
        }
        selectors.push(RowSelector::skip(1));
        next = position + 1;
    }
    if (rows as u64) > next {
        selectors.push(RowSelector::select((rows as u64 - next) as usize));
    }
    RowSelection::from(selectors)
}

pub(super) fn read(path: &Path) -> Result<Arc<[u64]>> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["pos"]);
    let mut positions = vec![];
    for batch in builder.with_projection(mask).build()? {
        let batch = batch?;
        let column = batch.columns().first().and_then(|column| column.as_primitive_opt::<Int64Type>());
        let column = column.ok_or_else(|| Error::internal("a delete file must have positions"))?;
        positions.extend(column.iter().flatten().map(|position| position as u64));
    }
    positions.sort_unstable();
    positions.dedup();
    Ok(positions.into())
}

/// Field ids are those that DuckDB gives to the columns of delete files.
fn write(folder: &Path, data_file: &str, positions: &[u64]) -> Result<NewDeleteFile> {
    let field = |name, ty, id: &str| {
        Field::new(name, ty, true).with_metadata(HashMap::from([(PARQUET_FIELD_ID_META_KEY.into(), id.into())]))
    };
    let schema = Arc::new(Schema::new(vec![
        field("file_path", DataType::Utf8, "2147483646"),
        field("pos", DataType::Int64, "2147483645"),
    ]));
    let paths = StringArray::from_iter_values(std::iter::repeat_n(data_file, positions.len()));
    let places = Int64Array::from_iter_values(positions.iter().map(|position| *position as i64));
    let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(paths), Arc::new(places)])?;
    folder::create(folder)?;
    let name = format!("{}-delete.parquet", uuid::Uuid::now_v7());
    let path = folder.join(&name);
    let done = || -> Result<NewDeleteFile> {
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?)).build();
        let mut writer = ArrowWriter::try_new(File::create_new(&path)?, schema, Some(properties))?;
        writer.write(&batch)?;
        writer.finish()?;
        writer.inner().sync_all()?;
        folder::sync(folder)?;
        let (bytes, footer_bytes) = size(&path)?;
        Ok(NewDeleteFile { path: name, rows: positions.len() as i64, bytes, footer_bytes })
    };
    done().inspect_err(|_| {
        let _ = std::fs::remove_file(&path);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_what_was_not_deleted() {
        for (deleted, rows, left) in [
            (&[][..], 3, &[0, 1, 2][..]),
            (&[0], 3, &[1, 2]),
            (&[2], 3, &[0, 1]),
            (&[1, 2, 4], 6, &[0, 3, 5]),
            (&[0, 1, 2], 3, &[]),
        ] {
            let mut at = 0;
            let mut kept = vec![];
            for selector in Vec::<RowSelector>::from(selection(deleted, rows)) {
                if !selector.skip {
                    kept.extend(at..at + selector.row_count);
                }
                at += selector.row_count;
            }
            assert_eq!(kept, left);
            assert_eq!(at, rows as usize);
        }
    }

    #[test]
    fn a_position_counts_once() {
        let mut positions = Positions::default();
        assert!(positions.add(7, 1000));
        assert!(!positions.add(7, 1000));
        assert!(positions.add(7, 3));
        assert_eq!(positions.rows(), 2);
        assert_eq!(Positions::of_file(&positions.files[&7]).collect::<Vec<_>>(), [3, 1000]);
    }
}
