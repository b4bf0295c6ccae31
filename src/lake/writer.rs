//! Rows into Parquet files that are on the disk before anybody hears of them.

use super::stats;
use crate::base::value::converted;
use crate::base::{Error, Kind, Result, Type, folder};
use crate::catalog::NewFile;
use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A file is ended when it has this many bytes.
const FILE_BYTES: usize = 128 << 20;
/// Rows of a row group: enough to compress well, few enough to leave out by statistics and to share among threads.
const ROW_GROUP_ROWS: usize = 128 << 10;

/// Writes batches of one schema to new files of one folder, on a thread of its own.
///
/// Dropped before [`Writer::finish`], it leaves nothing behind, soon after.
pub struct Writer {
    folder: PathBuf,
    schema: SchemaRef,
    file_bytes: usize,
    running: Option<Running>,
}

struct Running {
    batches: mpsc::Sender<Option<RecordBatch>>,
    done: JoinHandle<Result<Vec<NewFile>>>,
}

impl Writer {
    /// Files get the schema's types, and the field ids that its metadata names.
    pub fn new(folder: PathBuf, schema: SchemaRef) -> Writer {
        Writer { folder, schema: stats::in_files(&schema), file_bytes: FILE_BYTES, running: None }
    }

    /// Ends files at another size.
    pub fn with_file_bytes(self, file_bytes: usize) -> Writer {
        Writer { file_bytes, ..self }
    }

    /// Adds rows; columns go by position and must have types that only differ in form from the schema's.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let batch = conform(batch, &self.schema)?;
        let running = self.start();
        if running.batches.send(Some(batch)).await.is_err() {
            // The thread has ended early, which only an error makes it do.
            return Err(self.end().await.err().unwrap_or_else(|| Error::internal("a writer must end when told")));
        }
        Ok(())
    }

    /// Ends the last file; when it returns, all files and their names are on the disk.
    pub async fn finish(mut self) -> Result<Vec<NewFile>> {
        if self.running.is_none() {
            return Ok(vec![]);
        }
        // An error of the thread is answered by its end.
        let _ = self.start().batches.send(None).await;
        self.end().await
    }

    /// Gives up and waits until nothing is left.
    pub async fn given_up(mut self) {
        let _ = self.end().await;
    }

    fn start(&mut self) -> &mut Running {
        let (folder, schema, file_bytes) = (&self.folder, &self.schema, self.file_bytes);
        self.running.get_or_insert_with(|| {
            let (batches, received) = mpsc::channel(2);
            let files = Files::new(folder.clone(), schema.clone(), file_bytes);
            Running { batches, done: tokio::task::spawn_blocking(move || files.run(received)) }
        })
    }

    async fn end(&mut self) -> Result<Vec<NewFile>> {
        let Some(Running { batches, done }) = self.running.take() else { return Ok(vec![]) };
        drop(batches);
        done.await.map_err(|error| Error::internal(format!("writing a file must not panic: {error}")))?
    }
}

/// The batch with exactly the schema's fields.
fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    if batch.num_columns() != schema.fields().len() {
        return Err(Error::internal("a batch must have the columns of the table that it is written to"));
    }
    let columns =
        batch.columns().iter().zip(schema.fields()).map(|(column, field)| converted(column, field.data_type()));
    let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
    for (column, field) in columns.iter().zip(schema.fields()) {
        if !field.is_nullable() && column.null_count() > 0 {
            let message = format!("null value in column \"{}\" violates not-null constraint", field.name());
            return Err(Error::new(Kind::NotNullViolation, message));
        }
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}

/// The files so far; those that were not finished are removed with it.
struct Files {
    folder: PathBuf,
    schema: SchemaRef,
    file_bytes: usize,
    current: Option<Open>,
    done: Vec<NewFile>,
    finished: bool,
}

struct Open {
    path: PathBuf,
    writer: ArrowWriter<File>,
    nan: Vec<bool>,
}

impl Files {
    fn new(folder: PathBuf, schema: SchemaRef, file_bytes: usize) -> Files {
        Files { folder, schema, file_bytes, current: None, done: vec![], finished: false }
    }

    fn run(mut self, mut batches: mpsc::Receiver<Option<RecordBatch>>) -> Result<Vec<NewFile>> {
        while let Some(message) = batches.blocking_recv() {
            let Some(batch) = message else {
                self.close()?;
                folder::sync(&self.folder)?;
                self.finished = true;
                return Ok(std::mem::take(&mut self.done));
            };
            self.write(&batch)?;
        }
        // Nobody asked for the files: the statement failed or was given up.
        Err(Error::new(Kind::Cancelled, "writing was given up"))
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let open = match &mut self.current {
            Some(open) => open,
            None => self.current.insert(open(&self.folder, &self.schema)?),
        };
        stats::nan(batch, &mut open.nan);
        open.writer.write(batch)?;
        if open.writer.bytes_written() + open.writer.in_progress_size() >= self.file_bytes {
            self.close()?;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let Some(Open { path, mut writer, nan }) = self.current.take() else { return Ok(()) };
        // Named already, so that a failure below removes it.
        self.done.push(NewFile { path: name(&path), rows: 0, bytes: 0, footer_bytes: 0, stats: vec![] });
        let metadata = writer.finish()?;
        writer.inner().sync_all()?;
        let (bytes, footer_bytes) = size(&path)?;
        let rows = metadata.file_metadata().num_rows();
        let stats = stats::of_file(&self.schema, &metadata, &nan)?;
        self.done.pop();
        self.done.push(NewFile { path: name(&path), rows, bytes, footer_bytes, stats });
        Ok(())
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let unfinished = self.current.take().map(|open| open.path);
        let done = self.done.iter().map(|file| self.folder.join(&file.path));
        for path in done.chain(unfinished) {
            // What cannot be removed now is an orphan, which the collector finds.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn open(folder: &Path, schema: &SchemaRef) -> Result<Open> {
    schema.fields().iter().try_for_each(|field| stats::storable(field.name(), &Type::of(field)))?;
    folder::create(folder)?;
    let path = folder.join(format!("{}.parquet", uuid::Uuid::now_v7()));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_truncate_length(Some(stats::TEXT_BYTES_MAX))
        .build();
    let file = File::create_new(&path)?;
    let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties)).inspect_err(|_| {
        let _ = std::fs::remove_file(&path);
    })?;
    Ok(Open { path, writer, nan: vec![false; schema.fields().len()] })
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Bytes of a Parquet file and of its footer.
pub(super) fn size(path: &Path) -> Result<(i64, i64)> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = File::open(path)?;
    let bytes = file.seek(SeekFrom::End(-8))? + 8;
    let mut tail = [0; 4];
    file.read_exact(&mut tail)?;
    Ok((bytes as i64, i64::from(u32::from_le_bytes(tail))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::StringArray;
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use std::sync::Arc;

    #[test]
    fn a_full_disk_is_told_as_one() {
        let schema = Arc::new(Schema::new(vec![Field::new("s", DataType::Utf8, true)]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(1 << 20)]));
        let batch = RecordBatch::try_new(schema.clone(), vec![texts]).unwrap();
        let full = || File::options().write(true).open("/dev/full").unwrap();
        let write = || -> Result<()> {
            let mut writer = ArrowWriter::try_new(full(), schema.clone(), None)?;
            writer.write(&batch)?;
            writer.finish()?;
            Ok(())
        };
        assert_eq!(write().unwrap_err().kind, Kind::DiskFull);
    }
}
