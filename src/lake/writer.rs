//! Rows into Parquet files that are on the disk before anybody hears of them.

use crate::base::{Error, Result};
use crate::catalog::NewFile;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use std::path::PathBuf;

/// Writes batches of one schema to new files of one folder.
///
/// Dropped before [`Writer::finish`], it leaves nothing behind.
pub struct Writer {
    #[allow(dead_code)]
    folder: PathBuf,
    #[allow(dead_code)]
    schema: SchemaRef,
}

impl Writer {
    /// Files get the schema's types, and the field ids that its metadata names.
    pub fn new(folder: PathBuf, schema: SchemaRef) -> Writer {
        Writer { folder, schema }
    }

    /// Adds rows; columns go by position and must have the schema's types.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let _ = batch;
        Err(Error::unsupported("writing must be written"))
    }

    /// Ends the last file; when it returns, all files and their names are on the disk.
    pub async fn finish(self) -> Result<Vec<NewFile>> {
        Err(Error::unsupported("writing must be written"))
    }
}
