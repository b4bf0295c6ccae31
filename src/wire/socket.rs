//! The two directions of a connection: bytes that came and wait to be read, bytes that wait to be sent.

use super::frame::{self, Frame};
use crate::base::{Error, Kind, Result};
use bytes::{Buf, BufMut, BytesMut};
use pgwire::messages::Message;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};

/// A TCP connection with or without TLS on it.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// Bytes that are sent together; a slow reader holds up more than this only while a row is written.
pub const FLUSH_BYTES: usize = 64 << 10;
/// Bytes that may wait to be read while a statement runs.
const AHEAD_BYTES_MAX: usize = 1 << 20;
const READ_BYTES: usize = 16 << 10;

/// Splits a connection; `buffer` is what was read of it already.
pub fn split(stream: Box<dyn Duplex>, buffer: BytesMut) -> (Inbox, Outbox) {
    let (reader, writer) = tokio::io::split(stream);
    let inbox = Inbox { reader, buffer, closed: false, bytes_max: frame::LOGIN_BYTES_MAX };
    (inbox, Outbox { writer, buffer: BytesMut::new(), broken: false })
}

/// What the client sends.
pub struct Inbox {
    reader: ReadHalf<Box<dyn Duplex>>,
    buffer: BytesMut,
    closed: bool,
    /// Longest message.
    pub bytes_max: usize,
}

impl Inbox {
    /// The next message; `None` when the client is gone. Can be dropped and called again.
    pub async fn frame(&mut self) -> Result<Option<Frame>> {
        loop {
            if let Some(frame) = frame::next(&mut self.buffer, self.bytes_max)? {
                self.shrink();
                return Ok(Some(frame));
            }
            if self.closed || !self.fill().await {
                return Ok(None);
            }
        }
    }

    /// Whether a whole message, or a broken one, is there without waiting.
    pub fn ready(&self) -> bool {
        frame::ready(&self.buffer, self.bytes_max)
    }

    /// Reads ahead until the client is gone. Can be dropped and called again.
    pub async fn gone(&mut self) {
        while !self.closed {
            if self.buffer.len() >= AHEAD_BYTES_MAX {
                // It is there and sends more than it waits for: no need to watch it.
                std::future::pending::<()>().await;
            }
            self.fill().await;
        }
    }

    /// False when nothing will come any more.
    async fn fill(&mut self) -> bool {
        self.buffer.reserve(READ_BYTES);
        let read = self.reader.read_buf(&mut self.buffer).await;
        self.closed = !matches!(read, Ok(count) if count > 0);
        !self.closed
    }

    /// One large message must not hold its memory for the rest of the session.
    fn shrink(&mut self) {
        if self.buffer.is_empty() && self.buffer.capacity() > AHEAD_BYTES_MAX {
            self.buffer = BytesMut::new();
        }
    }
}

/// What the client is sent.
pub struct Outbox {
    writer: WriteHalf<Box<dyn Duplex>>,
    /// Rows are written right here.
    pub buffer: BytesMut,
    /// Nobody reads any more.
    pub broken: bool,
}

impl Outbox {
    pub fn put(&mut self, message: &impl Message) -> Result<()> {
        message
            .encode(&mut self.buffer)
            .map_err(|error| Error::internal(format!("a message must be encodable: {error}")))
    }

    /// Sends what waits. Can be dropped and called again: what was sent is no longer in the buffer.
    pub async fn flush(&mut self) -> Result<()> {
        let sent = self.send().await;
        self.broken |= sent.is_err();
        sent.map_err(|error| Error::new(Kind::ConnectionFailure, format!("connection to client lost: {error}")))
    }

    async fn send(&mut self) -> io::Result<()> {
        while self.buffer.has_remaining() {
            if self.writer.write_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        if self.buffer.capacity() > 16 * FLUSH_BYTES {
            self.buffer = BytesMut::new();
        }
        self.writer.flush().await
    }

    /// Sends when enough waits to be worth it.
    pub async fn flush_if_full(&mut self) -> Result<()> {
        if self.buffer.len() >= FLUSH_BYTES { self.flush().await } else { Ok(()) }
    }

    /// Ends the connection after what waits.
    pub async fn close(&mut self) {
        let _ = self.flush().await;
        let _ = self.writer.shutdown().await;
    }
}

/// Appends a body as CopyData without copying it through a message.
pub fn put_copy_data(data: &[u8], out: &mut BytesMut) {
    out.put_u8(b'd');
    out.put_u32(data.len() as u32 + 4);
    out.put_slice(data);
}
