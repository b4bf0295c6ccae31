//! The guard in front of everything a client sends: bytes become frames of known
//! types and bounded lengths, each body a slice of its own.
//!
//! Nothing behind it sees a length that the client made up.

use crate::base::{Error, Kind, Result};
use bytes::{Buf, Bytes, BytesMut};

/// Longest frame before login.
pub const LOGIN_BYTES_MAX: usize = 64 << 10;
/// Longest frame of a type that carries names and numbers only.
const SMALL_BYTES_MAX: usize = 64 << 10;

/// One message as it came: its type and its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub body: Bytes,
}

/// Shortest body of a type and whether it may be long; `None` for a type that clients do not send.
fn shape(kind: u8) -> Option<(usize, bool)> {
    Some(match kind {
        b'Q' => (1, true),
        b'P' => (4, true),
        b'B' => (8, true),
        b'd' => (0, true),
        b'F' => (10, true),
        b'p' => (0, false),
        b'D' | b'C' => (2, false),
        b'E' => (5, false),
        b'f' => (1, false),
        b'S' | b'H' | b'X' | b'c' => (0, false),
        _ => return None,
    })
}

/// Takes the next whole message out of the buffer. Fails as soon as its first bytes show that it cannot be one,
/// before the rest is waited for.
pub fn next(buffer: &mut BytesMut, bytes_max: usize) -> Result<Option<Frame>> {
    let Some((kind, length)) = measure(buffer, bytes_max)? else { return Ok(None) };
    if buffer.len() < 1 + length {
        return Ok(None);
    }
    buffer.advance(5);
    Ok(Some(Frame { kind, body: buffer.split_to(length - 4).freeze() }))
}

/// Whether [`next`] would answer without more bytes, be it with an error.
pub fn ready(buffer: &[u8], bytes_max: usize) -> bool {
    match measure(buffer, bytes_max) {
        Ok(Some((_, length))) => buffer.len() > length,
        Ok(None) => false,
        Err(_) => true,
    }
}

/// Type and length of the message that begins the buffer, once its head is there.
fn measure(buffer: &[u8], bytes_max: usize) -> Result<Option<(u8, usize)>> {
    let Some((kind, rest)) = buffer.split_first() else { return Ok(None) };
    let (body_min, long) = shape(*kind).ok_or_else(|| broken(format!("invalid frontend message type {kind}")))?;
    let Some(length) = rest.first_chunk::<4>().map(|length| u32::from_be_bytes(*length) as usize) else {
        return Ok(None);
    };
    if length < 4 + body_min {
        return Err(broken("invalid message length"));
    }
    let limit = if long { bytes_max } else { bytes_max.min(SMALL_BYTES_MAX) };
    if length > limit {
        return Err(broken(format!("a message of {length} bytes is longer than {limit}")));
    }
    Ok(Some((*kind, length)))
}

/// As [`next`], for the packets before login, which have no type: takes the body behind the length.
pub fn next_packet(buffer: &mut BytesMut) -> Result<Option<Bytes>> {
    let Some(length) = buffer.first_chunk::<4>().map(|length| u32::from_be_bytes(*length) as usize) else {
        return Ok(None);
    };
    if !(8..=LOGIN_BYTES_MAX).contains(&length) {
        return Err(broken("invalid length of startup packet"));
    }
    if buffer.len() < length {
        return Ok(None);
    }
    buffer.advance(4);
    Ok(Some(buffer.split_to(length - 4).freeze()))
}

/// The client does not speak the protocol; the connection ends.
pub fn broken(message: impl Into<String>) -> Error {
    Error::new(Kind::ProtocolViolation, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expect: Result<Option<usize>, &str>) {
        let found = next(&mut BytesMut::from(bytes), 1000);
        let found = found.map(|frame| frame.map(|frame| frame.body.len())).map_err(|error| error.message);
        assert_eq!(found.as_ref().map_err(String::as_str), expect.as_ref().map_err(|message| *message), "{bytes:?}");
    }

    #[test]
    fn a_frame_is_whole_or_waited_for_or_refused() {
        check(b"", Ok(None));
        check(b"Q", Ok(None));
        check(b"Q\0\0\0\x06a", Ok(None));
        check(b"Q\0\0\0\x06a\0", Ok(Some(2)));
        check(b"S\0\0\0\x04", Ok(Some(0)));
        check(b"D\0\0\0\0", Err("invalid message length"));
        check(b"Q\0\0\0\x04", Err("invalid message length"));
        check(b"Q\xff\xff\xff\xff", Err("a message of 4294967295 bytes is longer than 1000"));
        check(b"Q\0\0\x04\0", Err("a message of 1024 bytes is longer than 1000"));
        check(b"?", Err("invalid frontend message type 63"));
    }

    #[test]
    fn a_packet_before_login_is_small() {
        for (length, taken) in [(7u32, false), (8, true), (65_536, true), (65_537, false), (1 << 30, false)] {
            let mut buffer = BytesMut::from(&length.to_be_bytes()[..]);
            buffer.extend_from_slice(&[0, 3, 0, 0]);
            assert_eq!(next_packet(&mut buffer).is_ok(), taken, "{length}");
        }
    }
}
