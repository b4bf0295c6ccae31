//! Rows of a cursor in a file that has no name and is gone with it.

use crate::base::{Error, Result};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::arrow::ipc::writer::StreamWriter;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

pub struct Spill {
    file: Arc<File>,
    length: u64,
}

impl Spill {
    pub fn new(folder: &Path) -> Result<Spill> {
        Ok(Spill { file: Arc::new(tempfile::tempfile_in(folder)?), length: 0 })
    }

    /// Where the batch is from now on, and how many bytes it has there.
    pub async fn write(&mut self, batch: RecordBatch) -> Result<(u64, usize)> {
        let (file, offset) = (self.file.clone(), self.length);
        let length = blocking(move || {
            let mut writer = StreamWriter::try_new(vec![], &batch.schema())?;
            writer.write(&batch)?;
            let bytes = writer.into_inner()?;
            file.write_all_at(&bytes, offset)?;
            Ok(bytes.len())
        })
        .await?;
        self.length += length as u64;
        Ok((offset, length))
    }

    pub async fn read(&self, offset: u64, length: usize) -> Result<RecordBatch> {
        let file = self.file.clone();
        blocking(move || {
            let mut bytes = vec![0; length];
            file.read_exact_at(&mut bytes, offset)?;
            let batch = StreamReader::try_new(bytes.as_slice(), None)?.next();
            batch.ok_or_else(|| Error::internal("a batch that was written must be there"))?.map_err(Error::from)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::internal(format!("reading a cursor's rows must not panic: {error}")))?
}
