//! Staged rows, read back.

use super::Spool;
use crate::base::value::converted;
use crate::base::{Error, Kind, Result};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::sync::Arc;

const BATCH_ROWS: usize = 8192;

/// Every batch of the spool, in order and of its schema. Blocks; to be called where that is allowed.
pub(super) fn batches(spool: &Spool) -> impl Iterator<Item = Result<RecordBatch>> + use<> {
    let schema = Arc::clone(&spool.schema);
    let files = spool.files.clone();
    files.into_iter().flat_map(move |path| {
        let schema = Arc::clone(&schema);
        let open = || -> Result<_> {
            let file = File::open(&path).map_err(|error| missing(&path.display().to_string(), error))?;
            Ok(ParquetRecordBatchReaderBuilder::try_new(file)?.with_batch_size(BATCH_ROWS).build()?)
        };
        let (batches, failed) = match open() {
            Ok(reader) => (Some(reader), None),
            Err(error) => (None, Some(Err(error))),
        };
        let batches = batches.into_iter().flatten().map(move |batch| conform(&batch?, &schema));
        failed.into_iter().chain(batches)
    })
}

fn missing(path: &str, error: std::io::Error) -> Error {
    Error::new(Kind::DataCorrupted, format!("staged file \"{path}\" cannot be read: {error}"))
}

/// The batch with the types that the schema says, which Parquet may have stored as others.
fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    if batch.num_columns() != schema.fields().len() {
        return Err(Error::new(Kind::DataCorrupted, "staged rows have other columns than were staged"));
    }
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| converted(column, field.data_type())).collect::<Result<Vec<_>>>()?;
    let options = datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}
