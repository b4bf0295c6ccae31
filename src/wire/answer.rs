//! Rows on their way to a client, no faster than it reads them.

use super::backends::Current;
use super::encode::{self, Columns};
use super::socket::{FLUSH_BYTES, Inbox, Outbox};
use crate::base::value::Style;
use crate::base::{Error, Result};
use crate::query::Rows;
use crate::session::{Cause, Stop};
use datafusion::arrow::array::RecordBatch;
use std::future::Future;
use std::time::Duration;

/// Longest time for which a row waits to be sent with others.
const FLUSH_AFTER: Duration = Duration::from_millis(50);

/// Does the work of a statement while watching that its client is still there.
pub async fn attend<T>(inbox: &mut Inbox, current: &Current, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    tokio::select! {
        biased;
        outcome = &mut work => return outcome,
        () = inbox.gone() => current.trip(Cause::ClientGone),
    }
    work.await
}

/// The rows of one answer, of which some may have been sent.
pub struct Sending {
    rows: Rows,
    columns: Columns,
    tag: &'static str,
    /// A batch and how many of its rows have been sent.
    pending: Option<(RecordBatch, usize)>,
}

/// How far a client's wish was met.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// Everything is sent; the command tag.
    Done(String),
    /// As many rows as were asked for; there may be more.
    Suspended,
}

impl Sending {
    pub fn new(rows: Rows, columns: Columns, tag: &'static str) -> Self {
        Sending { rows, columns, tag, pending: None }
    }

    /// Sends up to `rows_max` rows; 0 is all of them.
    pub async fn send(&mut self, outbox: &mut Outbox, style: &Style, stop: &Stop, rows_max: usize) -> Result<Progress> {
        let mut sent = 0;
        loop {
            if let Some((batch, at)) = &mut self.pending {
                let cells = self.columns.of(batch, style)?;
                while *at < batch.num_rows() {
                    let left = if rows_max == 0 { usize::MAX } else { rows_max - sent };
                    if left == 0 {
                        return Ok(Progress::Suspended);
                    }
                    let end = batch.num_rows().min(at.saturating_add(left));
                    let count = encode::rows(&cells, *at..end, FLUSH_BYTES, &mut outbox.buffer)?;
                    *at += count;
                    sent += count;
                    if outbox.buffer.len() >= FLUSH_BYTES {
                        unless_stopped(stop, outbox.flush()).await?;
                    }
                }
            }
            if rows_max > 0 && sent == rows_max {
                return Ok(Progress::Suspended);
            }
            self.pending = self.next(outbox, stop).await?.map(|batch| (batch, 0));
            if self.pending.is_none() {
                return Ok(Progress::Done(self.tag(sent)));
            }
        }
    }

    /// The next batch; what waits to be sent goes out when it takes long to come.
    async fn next(&mut self, outbox: &mut Outbox, stop: &Stop) -> Result<Option<RecordBatch>> {
        loop {
            tokio::select! {
                biased;
                () = stop.token().cancelled() => return Err(stop.error()),
                batch = self.rows.next() => return batch.transpose(),
                () = tokio::time::sleep(FLUSH_AFTER), if !outbox.buffer.is_empty() => outbox.flush().await?,
            }
        }
    }

    fn tag(&self, rows: usize) -> String {
        match self.tag {
            "SELECT" | "FETCH" | "MOVE" | "INSERT 0" | "UPDATE" | "DELETE" | "MERGE" => format!("{} {rows}", self.tag),
            whole => whole.to_string(),
        }
    }
}

/// Waits for something unless the statement is stopped first.
pub async fn unless_stopped<T>(stop: &Stop, work: impl Future<Output = Result<T, Error>>) -> Result<T> {
    tokio::select! {
        biased;
        () = stop.token().cancelled() => Err(stop.error()),
        outcome = work => outcome,
    }
}
