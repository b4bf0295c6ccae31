//! Accepts connections until the server shuts down, and then waits for those that still do something.

use super::backends::Backends;
use super::conversation::Conversation;
use super::door::{Door, Limits, Parse};
use super::login::login;
use super::places::{Login, Places};
use super::tls;
use crate::base::{Error, Kind, Result};
use crate::engine::Engine;
use crate::session::Cause;
use crate::statement;
use futures::FutureExt;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Time for a stopped statement to end.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// Serves the protocol on `listener` until `shutdown` trips; then idle sessions end at once and running statements
/// are waited for. Fails at once when the address may not be served or the certificate is broken.
pub async fn serve(engine: Arc<Engine>, listener: TcpListener, shutdown: CancellationToken) -> Result<()> {
    serve_with(engine, listener, shutdown, Limits::default(), statement::parse).await
}

pub(super) async fn serve_with(
    engine: Arc<Engine>,
    listener: TcpListener,
    shutdown: CancellationToken,
    limits: Limits,
    parse: Parse,
) -> Result<()> {
    let config = &engine.config;
    let tls = tls::load(config)?;
    let address = listener.local_addr()?;
    if tls.is_none() && !address.ip().is_loopback() && !config.allow_plaintext {
        let message = format!("refusing to serve {address} without encryption");
        return Err(Error::new(Kind::InvalidParameterValue, message)
            .hint("set tls_certificate and tls_key, or allow_plaintext".to_string()));
    }
    let places = Places::new(config.connections_max, config.logins_per_address_max);
    let backends = Arc::new(Backends::default());
    let door = Arc::new(Door { engine, parse, limits, tls, places, backends, shutdown });
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => enter(&door, stream, peer, &mut connections),
                Err(error) => {
                    // Out of file descriptors, most likely: the connections that end give some back.
                    tracing::warn!("a connection could not be accepted: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = door.shutdown.cancelled() => break,
        }
    }
    drop(listener);
    drain(&door, connections).await;
    Ok(())
}

fn enter(door: &Arc<Door>, stream: TcpStream, peer: SocketAddr, connections: &mut JoinSet<()>) {
    let Some(place) = door.places.login(peer.ip().to_canonical()) else {
        tracing::warn!("too many connections from {} wait to log in", peer.ip());
        return;
    };
    let connection = AssertUnwindSafe(connection(door.clone(), stream, peer, place)).catch_unwind();
    connections.spawn(async move {
        if connection.await.is_err() {
            tracing::error!("a connection from {peer} ended in a panic");
        }
    });
}

async fn connection(door: Arc<Door>, stream: TcpStream, peer: SocketAddr, place: Login) {
    if let Err(error) = prepare(&stream) {
        tracing::debug!("a connection from {peer} is gone: {error}");
        return;
    }
    let welcome = tokio::select! {
        welcome = login(&door, stream, peer) => welcome,
        () = door.shutdown.cancelled() => None,
    };
    drop(place);
    if let Some(welcome) = welcome {
        Conversation::new(door, welcome).run().await;
    }
}

/// Answers leave at once, and a client whose machine is gone is noticed within minutes.
fn prepare(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive =
        socket2::TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15));
    socket2::SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

async fn drain(door: &Door, mut connections: JoinSet<()>) {
    if tokio::time::timeout(door.limits.drain, ended(&mut connections)).await.is_ok() {
        return;
    }
    door.backends.trip_all(Cause::Shutdown);
    if tokio::time::timeout(STOP_WAIT, ended(&mut connections)).await.is_err() {
        connections.shutdown().await;
    }
}

async fn ended(connections: &mut JoinSet<()>) {
    while connections.join_next().await.is_some() {}
}
