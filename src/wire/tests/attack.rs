//! What a client that means no good meets.

use super::{Server, eventually, field, rest, send};
use crate::wire::door::Limits;
use crate::wire::tls::tests::with_certificate;
use std::time::Duration;
use tokio::io::AsyncReadExt;

const STARTUP: &[u8] = b"\0\0\0\x23\0\x03\0\0user\0aqueduct\0database\0aqueduct\0\0";
const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const GSS_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x30";

fn startup() -> Vec<u8> {
    let mut packet = STARTUP.to_vec();
    packet[3] = packet.len() as u8;
    packet
}

#[tokio::test]
async fn a_bad_frame_is_a_protocol_violation_and_ends_the_connection() {
    let server = Server::start().await;
    for bytes in [&b"D\0\0\0\0"[..], b"p\xff\xff\xff\xff", b"?\0\0\0\x04", b"Q\0\0\0\x06a\0", b"p\0\0\0\x06SC"] {
        let mut socket = server.socket().await;
        send(&mut socket, &startup()).await;
        send(&mut socket, bytes).await;
        let answer = rest(&mut socket).await;
        // The challenge comes first: it has no field of an error in it.
        let error = answer.get(answer.iter().position(|byte| *byte == b'E').unwrap()..).unwrap();
        assert_eq!(field(error, b'C').as_deref(), Some("08P01"), "{bytes:?}");
        assert_eq!(field(error, b'S').as_deref(), Some("FATAL"), "{bytes:?}");
    }
    for bytes in [&b"\0\0\0\x07"[..], b"\x7f\xff\xff\xff", b"GET / HTTP/1.1\r\n\r\n"] {
        let mut socket = server.socket().await;
        send(&mut socket, bytes).await;
        assert!(rest(&mut socket).await.is_empty(), "{bytes:?}");
    }
}

#[tokio::test]
async fn what_was_sent_before_the_handshake_is_not_believed_after_it() {
    let server = Server::with(|config, folder| with_certificate(folder.path(), config), Limits::default()).await;
    let mut socket = server.socket().await;
    let mut injected = SSL_REQUEST.to_vec();
    injected.extend(startup());
    send(&mut socket, &injected).await;
    assert!(rest(&mut socket).await.is_empty(), "the server must close without a word");

    // The control: the same request alone is answered.
    let mut socket = server.socket().await;
    send(&mut socket, SSL_REQUEST).await;
    let mut answer = [0];
    socket.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"S");
}

#[tokio::test]
async fn encryption_that_is_not_there_is_declined_once() {
    let server = Server::start().await;
    let mut socket = server.socket().await;
    let mut answer = [0];
    for request in [GSS_REQUEST, SSL_REQUEST] {
        send(&mut socket, request).await;
        socket.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"N");
    }
    send(&mut socket, SSL_REQUEST).await;
    assert!(rest(&mut socket).await.is_empty());
}

#[tokio::test]
async fn who_says_nothing_or_never_ends_is_let_go() {
    let limits =
        Limits { first_byte: Duration::from_millis(50), login: Duration::from_millis(150), ..Limits::default() };
    let server = Server::with(|config, _| config, limits).await;
    let mut silent = server.socket().await;
    assert!(rest(&mut silent).await.is_empty());

    // One byte at a time keeps nothing open.
    let mut slow = server.socket().await;
    let packet = startup();
    eventually(async || {
        use tokio::io::AsyncWriteExt;
        slow.write_all(&packet[..1]).await.is_err() || slow.read(&mut [0]).await.is_ok_and(|count| count == 0)
    })
    .await;

    let mut half = server.socket().await;
    send(&mut half, &startup()).await;
    let answer = rest(&mut half).await;
    assert_eq!(answer.first(), Some(&b'R'), "it was asked for its password, and then let go");
}

#[tokio::test]
async fn one_address_cannot_take_all_places() {
    let server =
        Server::with(|config, _| crate::base::Config { logins_per_address_max: 2, ..config }, Limits::default()).await;
    let waiting = [server.socket().await, server.socket().await];
    let mut third = server.socket().await;
    assert!(rest(&mut third).await.is_empty());
    drop(waiting);
    eventually(async || tokio_postgres::connect(&server.target(), tokio_postgres::NoTls).await.is_ok()).await;
}
