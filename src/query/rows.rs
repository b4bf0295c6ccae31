//! Rows on their way from the query's threads to whoever asked.

use crate::base::Result;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use futures::{Stream, StreamExt};
use std::pin::Pin;

/// A stream of batches of one schema. Dropping it stops the query.
pub struct Rows {
    pub schema: SchemaRef,
    batches: Pin<Box<dyn Stream<Item = Result<RecordBatch>> + Send>>,
}

impl Rows {
    pub fn new(schema: SchemaRef, batches: impl Stream<Item = Result<RecordBatch>> + Send + 'static) -> Self {
        Rows { schema, batches: Box::pin(batches) }
    }

    /// Batches that are there already.
    pub fn of(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Rows::new(schema, futures::stream::iter(batches.into_iter().map(Ok)))
    }

    pub async fn next(&mut self) -> Option<Result<RecordBatch>> {
        self.batches.next().await
    }

    /// All of them in memory: for answers that are small by nature.
    pub async fn collect(mut self) -> Result<Vec<RecordBatch>> {
        let mut all = vec![];
        while let Some(batch) = self.next().await {
            all.push(batch?);
        }
        Ok(all)
    }
}
