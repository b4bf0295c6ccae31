//! Rows on their way from the query's threads to whoever asked.

use crate::base::Result;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use futures::{Stream, StreamExt};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A stream of batches of one schema. Dropping it stops the query.
pub struct Rows {
    pub schema: SchemaRef,
    /// Whether a client that says nothing of formats gets them in binary, as from a BINARY cursor.
    pub binary: bool,
    batches: Pin<Box<dyn Stream<Item = Result<RecordBatch>> + Send>>,
    progress: Progress,
}

/// How far a query has come; can be watched while another task reads the rows.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    rows: Arc<AtomicU64>,
}

impl Rows {
    pub fn new(schema: SchemaRef, batches: impl Stream<Item = Result<RecordBatch>> + Send + 'static) -> Self {
        Rows { schema, binary: false, batches: Box::pin(batches), progress: Progress::default() }
    }

    pub fn in_binary(self, binary: bool) -> Self {
        Rows { binary, ..self }
    }

    /// Batches that are there already.
    pub fn of(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Rows::new(schema, futures::stream::iter(batches.into_iter().map(Ok)))
    }

    pub async fn next(&mut self) -> Option<Result<RecordBatch>> {
        let batch = self.batches.next().await;
        if let Some(Ok(batch)) = &batch {
            self.progress.rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
        }
        batch
    }

    /// All of them in memory: for answers that are small by nature.
    pub async fn collect(mut self) -> Result<Vec<RecordBatch>> {
        let mut all = vec![];
        while let Some(batch) = self.next().await {
            all.push(batch?);
        }
        Ok(all)
    }

    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }
}

impl Progress {
    /// Rows that have been read so far.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }
}
