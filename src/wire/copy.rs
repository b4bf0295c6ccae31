//! COPY through the client: its bytes in, our rows out.

use super::answer::{attend, unless_stopped};
use super::conversation::Conversation;
use super::frame::broken;
use super::incoming::{self, Incoming};
use super::socket::put_copy_data;
use crate::base::{Error, Kind, Result};
use crate::session::{Cause, Chunk, CopyIn, Stop};
use bytes::Bytes;
use pgwire::messages::copy::{CopyDone, CopyInResponse, CopyOutResponse};
use tokio::sync::{mpsc, oneshot};

/// What the client sent instead of the next bytes.
enum End {
    Done,
    Failed(Error),
}

impl Conversation {
    /// Sends rows as they come; tells how many.
    pub(super) async fn copy_out(
        &mut self,
        binary: bool,
        columns: usize,
        mut chunks: mpsc::Receiver<Result<Chunk>>,
        stop: &Stop,
    ) -> Result<u64> {
        let format = i16::from(binary);
        self.outbox.put(&CopyOutResponse::new(format as i8, columns as i16, vec![format; columns]))?;
        let outbox = &mut self.outbox;
        let sent = async {
            let mut count = 0;
            while let Some(chunk) = unless_stopped(stop, async { chunks.recv().await.transpose() }).await? {
                count += chunk.rows;
                let mut begin = 0;
                for end in chunk.ends {
                    put_copy_data(&chunk.data[begin..end], &mut outbox.buffer);
                    begin = end;
                    unless_stopped(stop, outbox.flush_if_full()).await?;
                }
            }
            Ok::<u64, Error>(count)
        };
        let count = attend(&mut self.inbox, &self.registration.current, sent).await?;
        self.outbox.put(&CopyDone::new())?;
        Ok(count)
    }

    /// Takes the client's rows; tells how many the statement has kept.
    pub(super) async fn copy_in(&mut self, copy: CopyIn, stop: &Stop) -> Result<u64> {
        let CopyIn { binary, columns, data, mut done } = copy;
        let format = i16::from(binary);
        self.outbox.put(&CopyInResponse::new(format as i8, columns as i16, vec![format; columns]))?;
        self.outbox.flush().await?;
        let end = tokio::select! {
            biased;
            // The statement ends before its data does: that is an error, or should be one.
            outcome = &mut done => return finished(outcome),
            () = stop.token().cancelled() => End::Failed(stop.error()),
            end = self.feed(&data) => end,
        };
        match end {
            End::Done => {
                drop(data);
                attend(&mut self.inbox, &self.registration.current, async { finished(done.await) }).await
            }
            End::Failed(error) => {
                // When nobody takes it, the statement has an error of its own.
                let _ = data.send(Err(error.clone())).await;
                drop(data);
                let outcome = finished(done.await);
                outcome.and(Err(error))
            }
        }
    }

    /// Hands on the client's bytes until it says that there are no more.
    async fn feed(&mut self, data: &mpsc::Sender<Result<Bytes>>) -> End {
        loop {
            let message = match self.inbox.frame().await {
                Ok(Some(frame)) => incoming::read(&frame),
                Ok(None) => {
                    self.registration.current.trip(Cause::ClientGone);
                    return End::Failed(Error::new(Kind::ConnectionFailure, "connection to client lost during COPY"));
                }
                Err(error) => Err(error),
            };
            match message {
                Ok(Incoming::CopyData(bytes)) => {
                    if data.send(Ok(bytes)).await.is_err() {
                        // Nobody listens any more; why, the statement itself will say.
                        std::future::pending::<()>().await;
                    }
                }
                Ok(Incoming::CopyDone) => return End::Done,
                Ok(Incoming::CopyFail(why)) => {
                    return End::Failed(Error::new(Kind::Cancelled, format!("COPY from stdin failed: {why}")));
                }
                // Drivers send them along with Execute, before they know that it is a COPY.
                Ok(Incoming::Flush | Incoming::Sync) => {}
                Ok(_) => return self.broken(broken("unexpected message type during COPY from stdin")),
                Err(error) => return self.broken(error),
            }
        }
    }

    /// The client does not speak the protocol: first the rows that came are undone, then the connection ends.
    fn broken(&mut self, error: Error) -> End {
        self.ending = Some(error.clone());
        End::Failed(error)
    }
}

fn finished(outcome: Result<Result<u64>, oneshot::error::RecvError>) -> Result<u64> {
    outcome.unwrap_or_else(|_| Err(Error::internal("a copy must say how it ended")))
}
