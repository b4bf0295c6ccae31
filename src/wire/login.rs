//! From the first byte to ReadyForQuery: encryption, who it is, which database, which settings.

use super::backends::Registration;
use super::door::Door;
use super::frame::{self, broken};
use super::incoming::Body;
use super::places::Place;
use super::report;
use super::socket::{self, Duplex, Inbox, Outbox};
use super::{auth, report::Severity};
use crate::base::name;
use crate::base::{Error, Kind, Result};
use crate::session::Session;
use bytes::{Buf, Bytes, BytesMut};
use pgwire::messages::response::{ReadyForQuery, TransactionStatus};
use pgwire::messages::startup::{BackendKeyData, NegotiateProtocolVersion, ParameterStatus, SecretKey};
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const SSL_REQUEST: i32 = 80_877_103;
const GSS_REQUEST: i32 = 80_877_104;
const CANCEL_REQUEST: i32 = 80_877_102;

/// A client that has logged in.
pub struct Welcome {
    pub session: Session,
    pub inbox: Inbox,
    pub outbox: Outbox,
    pub registration: Registration,
    pub place: Place,
}

/// Name and value of everything that the client wants at its start.
pub type Parameters = Vec<(String, String)>;

/// Lets a client in. `None` when there is nobody to let in: a cancel request, a client that left or was told why not.
pub async fn login(door: &Door, stream: TcpStream, peer: SocketAddr) -> Option<Welcome> {
    let limits = &door.limits;
    timeout(limits.login, async {
        let opened = timeout(limits.first_byte, open(door, stream)).await.ok()?;
        let Opened { stream, buffer, encrypted, body } = opened.ok()??;
        let (mut inbox, mut outbox) = socket::split(stream, buffer);
        let welcomed = welcome(door, peer, encrypted, body, &mut inbox, &mut outbox).await;
        match welcomed {
            Ok((session, registration, place)) => Some(Welcome { session, inbox, outbox, registration, place }),
            Err(error) => {
                report::error(&mut outbox, Severity::Fatal, &error, None);
                outbox.close().await;
                None
            }
        }
    })
    .await
    .ok()
    .flatten()
}

/// A connection whose startup packet has come.
struct Opened {
    stream: Box<dyn Duplex>,
    /// What came behind the packet.
    buffer: BytesMut,
    encrypted: bool,
    /// The packet, from its protocol version on.
    body: Bytes,
}

/// Answers requests for encryption until the startup packet comes.
async fn open(door: &Door, mut stream: TcpStream) -> Result<Option<Opened>> {
    let mut buffer = BytesMut::new();
    let mut asked = vec![];
    loop {
        let Some(packet) = packet(&mut stream, &mut buffer).await? else { return Ok(None) };
        match (code(&packet), &door.tls) {
            (request @ (SSL_REQUEST | GSS_REQUEST), _) if asked.contains(&request) => return Ok(None),
            (SSL_REQUEST, Some(tls)) => {
                // What came before the handshake was never encrypted: whoever sent it, it is not the client that
                // will prove itself afterwards.
                if buffer.has_remaining() {
                    return Ok(None);
                }
                stream.write_all(b"S").await?;
                let mut stream = tls.acceptor.accept(stream).await?;
                let mut buffer = BytesMut::new();
                let Some(body) = self::packet(&mut stream, &mut buffer).await? else { return Ok(None) };
                let opened = Opened { stream: Box::new(stream), buffer, encrypted: true, body };
                return Ok(startup(door, opened));
            }
            (request @ (SSL_REQUEST | GSS_REQUEST), _) => {
                asked.push(request);
                stream.write_all(b"N").await?;
            }
            _ => {
                let opened = Opened { stream: Box::new(stream), buffer, encrypted: false, body: packet };
                return Ok(startup(door, opened));
            }
        }
    }
}

/// A cancel request is served here and leaves nothing to open.
fn startup(door: &Door, opened: Opened) -> Option<Opened> {
    match code(&opened.body) {
        CANCEL_REQUEST => {
            let mut body = Body(opened.body);
            if let (Ok(_), Ok(pid), Ok(secret)) = (body.i32(), body.i32(), body.i32()) {
                door.backends.cancel(pid, secret);
            }
            None
        }
        SSL_REQUEST | GSS_REQUEST => None,
        _ => Some(opened),
    }
}

fn code(packet: &Bytes) -> i32 {
    packet.first_chunk::<4>().map_or(0, |code| i32::from_be_bytes(*code))
}

async fn packet(stream: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> Result<Option<Bytes>> {
    loop {
        if let Some(packet) = frame::next_packet(buffer)? {
            return Ok(Some(packet));
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

/// The parameters of a startup packet; its protocol version stands before them.
pub fn parameters(packet: Bytes) -> Result<(i32, Parameters)> {
    let mut body = Body(packet);
    let version = body.i32()?;
    let mut parameters = vec![];
    loop {
        let name = body.text()?;
        if name.is_empty() {
            break;
        }
        parameters.push((name, body.text()?));
    }
    if body.0.is_empty() { Ok((version, parameters)) } else { Err(broken("invalid startup packet layout")) }
}

async fn welcome(
    door: &Door,
    peer: SocketAddr,
    encrypted: bool,
    body: Bytes,
    inbox: &mut Inbox,
    outbox: &mut Outbox,
) -> Result<(Session, Registration, Place)> {
    let version = code(&body);
    if version >> 16 != 3 {
        let message = format!("unsupported frontend protocol {}.{}", version >> 16, version & 0xffff);
        return Err(Error::unsupported(format!("{message}: server supports 3.0")));
    }
    let (version, parameters) = parameters(body)?;
    negotiate(version, &parameters, outbox)?;
    let wanted = |name: &str| parameters.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let user = wanted("user")
        .filter(|user| !user.is_empty())
        .ok_or_else(|| Error::new(Kind::InvalidAuthorization, "no PostgreSQL user name specified in startup packet"))?;
    if !encrypted && !door.engine.config.allow_plaintext && !peer.ip().to_canonical().is_loopback() {
        let message = format!("connection from {} for user \"{user}\" is not encrypted", peer.ip());
        return Err(Error::new(Kind::InvalidAuthorization, message).hint("connect with sslmode=require".to_string()));
    }
    let binding = door.tls.as_ref().filter(|_| encrypted).and_then(|tls| tls.binding.as_ref());
    auth::prove(door.engine.catalog.store(), user, binding, inbox, outbox).await?;
    if !door.engine.catalog.snapshot().role(user).is_ok_and(|role| role.login) {
        let message = format!("role \"{user}\" is not permitted to log in");
        return Err(Error::new(Kind::InvalidAuthorization, message));
    }

    let database = wanted("database").filter(|name| !name.is_empty()).unwrap_or(user);
    if database != name::database() {
        return Err(Error::new(Kind::UndefinedDatabase, format!("database \"{database}\" does not exist"))
            .hint(format!("the database is \"{}\"", name::database())));
    }
    if door.shutdown.is_cancelled() {
        return Err(Error::new(Kind::CannotConnectNow, "the database system is shutting down"));
    }
    let place = door.places.session(user == name::ROLE)?;
    let mut session = Session::new(door.engine.clone(), user);
    apply(&parameters, &mut session)?;
    let registration = door.backends.register();
    session.enroll(registration.pid, Some(peer), registration.current.clone());
    greet(&session, &registration, outbox)?;
    outbox.flush().await?;
    inbox.bytes_max = door.engine.config.message_bytes_max;
    Ok((session, registration, place))
}

/// Tells a client that wants a newer protocol, or an extension of it, what there is.
fn negotiate(version: i32, parameters: &Parameters, outbox: &mut Outbox) -> Result<()> {
    let extensions: Vec<_> =
        parameters.iter().filter(|(name, _)| name.starts_with("_pq_.")).map(|(name, _)| name.clone()).collect();
    if version & 0xffff == 0 && extensions.is_empty() {
        return Ok(());
    }
    outbox.put(&NegotiateProtocolVersion::new(0, extensions))
}

fn apply(parameters: &Parameters, session: &mut Session) -> Result<()> {
    for (name, value) in parameters {
        match name.as_str() {
            "user" | "database" => {}
            "replication" if ["false", "off", "no", "0"].contains(&value.as_str()) => {}
            "replication" => return Err(Error::unsupported("replication connections are not supported")),
            "options" => {
                for (name, value) in options(value)? {
                    session.settings.set_start(&name, &value)?;
                }
            }
            extension if extension.starts_with("_pq_.") => {}
            name => session.settings.set_start(name, value)?,
        }
    }
    Ok(())
}

/// `-c name=value --name=value`, a backslash keeping the blank behind it.
fn options(text: &str) -> Result<Parameters> {
    let mut words = vec![];
    let mut word = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.extend(chars.next()),
            c if c.is_ascii_whitespace() => {
                words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()))
            }
            c => word.push(c),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));

    let mut parameters = vec![];
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let setting = match (word.strip_prefix("--"), word.strip_prefix("-c")) {
            (Some(setting), _) => setting.to_string(),
            (_, Some("")) => words.next().unwrap_or_default(),
            (_, Some(setting)) => setting.to_string(),
            _ => String::new(),
        };
        let Some((name, value)) = setting.split_once('=') else {
            let message = format!("invalid command-line argument for server process: {word}");
            return Err(Error::new(Kind::Syntax, message));
        };
        parameters.push((name.replace('-', "_"), value.to_string()));
    }
    Ok(parameters)
}

fn greet(session: &Session, registration: &Registration, outbox: &mut Outbox) -> Result<()> {
    for (name, value) in session.settings.reported() {
        outbox.put(&ParameterStatus::new(name.to_string(), value.to_string()))?;
    }
    outbox.put(&BackendKeyData::new(registration.pid, SecretKey::I32(registration.secret)))?;
    outbox.put(&ReadyForQuery::new(TransactionStatus::Idle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_settings() {
        let pairs = |text| {
            options(text).map(|all| all.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>())
        };
        assert_eq!(
            pairs("-c statement_timeout=5s --search-path=a\\ b,c  -cgeqo=off"),
            Ok(vec!["statement_timeout=5s".into(), "search_path=a b,c".into(), "geqo=off".into()])
        );
        assert_eq!(pairs(""), Ok(vec![]));
        for text in ["-c", "x=1", "-c x", "-F"] {
            assert_eq!(options(text).unwrap_err().kind, Kind::Syntax, "{text}");
        }
    }
}
