//! What a client's frames say.
//!
//! pgwire's own decoders panic on bodies that end early and replace broken UTF-8
//! without a word, so bodies are read here, each length checked before it is used.

use super::frame::{Frame, broken};
use crate::base::{Error, Kind, Result};
use bytes::Bytes;

/// A message of a client that has logged in.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    Query(String),
    Parse { name: String, text: String, types: Vec<u32> },
    Bind(Bind),
    Describe(Target),
    Execute { portal: String, rows_max: usize },
    Close(Target),
    Flush,
    Sync,
    CopyData(Bytes),
    CopyDone,
    CopyFail(String),
    FunctionCall,
    Password,
    Terminate,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Bind {
    pub portal: String,
    pub statement: String,
    /// None: all text. One: for all. Else one for each.
    pub formats: Vec<i16>,
    pub values: Vec<Option<Bytes>>,
    pub answer_formats: Vec<i16>,
}

/// What Describe and Close are about.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    Statement(String),
    Portal(String),
}

/// Reads a frame. 08P01 when it is not what its type says; 22021 when text in it is not UTF-8.
pub fn read(frame: &Frame) -> Result<Incoming> {
    let mut body = Body(frame.body.clone());
    let message = match frame.kind {
        b'Q' => Incoming::Query(body.text()?),
        b'P' => Incoming::Parse { name: body.text()?, text: body.text()?, types: body.list(Body::u32)? },
        b'B' => Incoming::Bind(Bind {
            portal: body.text()?,
            statement: body.text()?,
            formats: body.list(Body::i16)?,
            values: body.list(Body::value)?,
            answer_formats: body.list(Body::i16)?,
        }),
        b'D' => Incoming::Describe(body.target()?),
        b'E' => Incoming::Execute { portal: body.text()?, rows_max: usize::try_from(body.i32()?).unwrap_or(0) },
        b'C' => Incoming::Close(body.target()?),
        b'H' => Incoming::Flush,
        b'S' => Incoming::Sync,
        b'd' => return Ok(Incoming::CopyData(body.0)),
        b'c' => Incoming::CopyDone,
        b'f' => Incoming::CopyFail(body.text()?),
        b'F' => return Ok(Incoming::FunctionCall),
        b'p' => return Ok(Incoming::Password),
        b'X' => Incoming::Terminate,
        kind => return Err(broken(format!("invalid frontend message type {kind}"))),
    };
    if body.0.is_empty() { Ok(message) } else { Err(broken("invalid message format")) }
}

/// What is left of a message's body.
pub struct Body(pub Bytes);

impl Body {
    fn take(&mut self, length: usize) -> Result<Bytes> {
        if length > self.0.len() {
            return Err(broken("insufficient data left in message"));
        }
        Ok(self.0.split_to(length))
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let taken = self.take(N)?;
        taken.first_chunk::<N>().copied().ok_or_else(|| Error::internal("a slice must be as long as it was cut"))
    }

    pub fn i16(&mut self) -> Result<i16> {
        self.fixed().map(i16::from_be_bytes)
    }

    pub fn i32(&mut self) -> Result<i32> {
        self.fixed().map(i32::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32> {
        self.fixed().map(u32::from_be_bytes)
    }

    /// Text up to its zero byte.
    pub fn text(&mut self) -> Result<String> {
        let end = self.0.iter().position(|byte| *byte == 0).ok_or_else(|| broken("invalid string in message"))?;
        let text = self.take(end)?;
        self.take(1)?;
        match std::str::from_utf8(&text) {
            Ok(text) => Ok(text.to_string()),
            Err(error) => {
                let byte = text.get(error.valid_up_to()).copied().unwrap_or_default();
                let message = format!("invalid byte sequence for encoding \"UTF8\": 0x{byte:02x}");
                Err(Error::new(Kind::InvalidEncoding, message))
            }
        }
    }

    /// A value behind its length; `None` is NULL.
    pub fn value(&mut self) -> Result<Option<Bytes>> {
        match self.i32()? {
            -1 => Ok(None),
            length => {
                let length = usize::try_from(length).map_err(|_| broken("invalid length of a value"))?;
                self.take(length).map(Some)
            }
        }
    }

    /// Items behind their count. Memory grows with what is there, not with what the count says.
    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count = self.fixed().map(u16::from_be_bytes)?;
        (0..count).map(|_| item(self)).collect()
    }

    fn target(&mut self) -> Result<Target> {
        match self.fixed::<1>()? {
            [b'S'] => self.text().map(Target::Statement),
            [b'P'] => self.text().map(Target::Portal),
            [other] => Err(broken(format!("invalid subtype {other}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame;
    use super::*;
    use bytes::{BufMut, BytesMut};
    use rand::rngs::SmallRng;
    use rand::{RngExt, SeedableRng};

    fn frame(kind: u8, body: &[u8]) -> Frame {
        Frame { kind, body: Bytes::copy_from_slice(body) }
    }

    #[test]
    fn messages_are_read_to_their_last_byte() {
        assert_eq!(read(&frame(b'Q', b"select 1\0")), Ok(Incoming::Query("select 1".into())));
        assert_eq!(
            read(&frame(b'P', b"s\0select $1\0\0\x01\0\0\0\x17")),
            Ok(Incoming::Parse { name: "s".into(), text: "select $1".into(), types: vec![23] })
        );
        let bind = b"\0s\0\0\x01\0\x01\0\x02\0\0\0\x01x\xff\xff\xff\xff\0\0";
        assert_eq!(
            read(&frame(b'B', bind)),
            Ok(Incoming::Bind(Bind {
                portal: "".into(),
                statement: "s".into(),
                formats: vec![1],
                values: vec![Some(Bytes::from_static(b"x")), None],
                answer_formats: vec![],
            }))
        );
        assert_eq!(read(&frame(b'E', b"\0\0\0\0\x05")), Ok(Incoming::Execute { portal: "".into(), rows_max: 5 }));
    }

    #[test]
    fn a_message_that_is_not_what_it_says_is_refused() {
        for (kind, body) in [
            (b'Q', &b"select 1"[..]),
            (b'Q', b"a\0b\0"),
            (b'P', b"\0\0\xff\xff"),
            (b'B', b"\0\0\0\0\0\x01\x7f\xff\xff\xff\0\0"),
            (b'B', b"\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0"),
            (b'D', b"X\0"),
            (b'S', b"x"),
        ] {
            assert_eq!(read(&frame(kind, body)).unwrap_err().kind, Kind::ProtocolViolation, "{body:?}");
        }
        assert_eq!(read(&frame(b'Q', b"\xff\0")).unwrap_err().kind, Kind::InvalidEncoding);
    }

    /// Good messages, as a start for mutations.
    fn seeds() -> Vec<Vec<u8>> {
        let bodies: &[(u8, &[u8])] = &[
            (b'Q', b"select 1\0"),
            (b'P', b"s\0select $1\0\0\x01\0\0\0\x17"),
            (b'B', b"p\0s\0\0\x01\0\x01\0\x02\0\0\0\x01x\xff\xff\xff\xff\0\x01\0\x01"),
            (b'D', b"Sname\0"),
            (b'E', b"p\0\0\0\0\x05"),
            (b'C', b"Pname\0"),
            (b'd', b"1\t2\n"),
            (b'f', b"no\0"),
            (b'S', b""),
        ];
        let frame = |(kind, body): &(u8, &[u8])| {
            let mut bytes = vec![*kind];
            bytes.put_u32(body.len() as u32 + 4);
            bytes.put_slice(body);
            bytes
        };
        bodies.iter().map(frame).collect()
    }

    fn mutate(random: &mut SmallRng, seed: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..bytes.len().max(1));
            match random.random_range(0..4) {
                0 if !bytes.is_empty() => bytes[at] = random.random(),
                1 => bytes.insert(at, random.random()),
                2 if !bytes.is_empty() => drop(bytes.remove(at)),
                _ => bytes.truncate(at),
            }
        }
        bytes
    }

    #[test]
    fn no_bytes_make_the_guard_or_the_reader_panic() {
        let mut random = SmallRng::seed_from_u64(1);
        let seeds = seeds();
        let mut read_well = 0;
        for round in 0..100_000 {
            let bytes = match round % 4 {
                0 => (0..random.random_range(0..64)).map(|_| random.random()).collect(),
                _ => {
                    let seed = random.random_range(0..seeds.len());
                    mutate(&mut random, &seeds[seed])
                }
            };
            let mut buffer = BytesMut::from(&bytes[..]);
            while let Ok(Some(frame)) = frame::next(&mut buffer, 4096) {
                read_well += usize::from(read(&frame).is_ok());
            }
            let mut packets = BytesMut::from(&bytes[..]);
            while let Ok(Some(packet)) = frame::next_packet(&mut packets) {
                let _ = super::super::login::parameters(packet);
            }
        }
        assert!(read_well > 1000, "mutations must leave some messages whole: {read_well}");
    }
}
