//! Rows of a query on a PostgreSQL server, as they arrive.

use super::decode::Decoder;
use super::remote::{Remote, Session};
use crate::base::{Error, Kind, Result};
use crate::connect::scan::{Batches, Part};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use futures::{StreamExt, TryStreamExt, stream};
use std::pin::Pin;
use std::sync::Arc;
use tokio_postgres::CopyOutStream;

/// A query that is to be read.
#[derive(Debug)]
pub(super) struct Reading {
    pub remote: Arc<Remote>,
    pub schema_name: String,
    pub table: String,
    pub sql: String,
    pub schema: SchemaRef,
}

impl Part for Reading {
    fn open(&self, batch_rows: usize) -> Batches {
        let (remote, sql, schema) = (Arc::clone(&self.remote), self.sql.clone(), Arc::clone(&self.schema));
        let (forget, schema_name, table) = (Arc::clone(&remote), self.schema_name.clone(), self.table.clone());
        stream::once(async move { Copying::start(remote, sql, schema, batch_rows).await })
            .try_flatten()
            // What we knew of the table may be why it failed.
            .inspect_err(move |_| forget.forget(&schema_name, &table))
            .boxed()
    }
}

/// A COPY under way. Its bytes are decoded by whoever polls, on the query's threads and not on the
/// socket's; a reader that stops polling stops the server.
struct Copying {
    session: Session,
    bytes: Pin<Box<CopyOutStream>>,
    decoder: Decoder,
}

impl Copying {
    async fn start(
        remote: Arc<Remote>,
        sql: String,
        schema: SchemaRef,
        batch_rows: usize,
    ) -> Result<impl futures::Stream<Item = Result<RecordBatch>>> {
        let session = remote.begin_read().await?;
        let copy = format!("COPY ({sql}) TO STDOUT (FORMAT binary)");
        let bytes = session.client.copy_out(&copy).await.map_err(|error| session.failed(error))?;
        let decoder = Decoder::new(schema, batch_rows)?;
        let copying = Copying { session, bytes: Box::pin(bytes), decoder };
        Ok(stream::try_unfold(Some(copying), |copying| async move {
            match copying {
                Some(copying) => copying.next().await,
                None => Ok(None),
            }
        }))
    }

    /// The next batch, and what is left to read after it.
    async fn next(mut self) -> Result<Option<(RecordBatch, Option<Self>)>> {
        loop {
            if let Some(batch) = self.decoder.full()? {
                return Ok(Some((batch, Some(self))));
            }
            match self.bytes.next().await {
                Some(Ok(bytes)) => self.decoder.feed(bytes)?,
                Some(Err(error)) => return Err(self.session.failed(error)),
                None => return self.last().await,
            }
        }
    }

    async fn last(mut self) -> Result<Option<(RecordBatch, Option<Self>)>> {
        if !self.decoder.ended() {
            return Err(Error::new(Kind::ConnectionFailure, "the server's answer ended in the middle of a row"));
        }
        let rest = self.decoder.rest()?;
        self.session.give_back().await;
        Ok(rest.map(|batch| (batch, None)))
    }
}
