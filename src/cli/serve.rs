//! `aqueduct serve`: the server, from its first start to its last signal.

use crate::base::clock::SystemClock;
use crate::base::{Config, Error, Kind, Result, password};
use crate::engine::{DRAIN_MAX, Engine, Lock};
use crate::store::{Store, Write};
use crate::{http, statement, wire};
use rand::distr::{Alphanumeric, SampleString};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The role that exists from the first start.
const ROLE: &str = "aqueduct";
/// Where its password comes from, if not from us. Given again, it is the new password.
const PASSWORD: &str = "AQUEDUCT_PASSWORD";
/// Beyond [`DRAIN_MAX`], for what is cut off to be told so.
const STOP_WAIT: Duration = Duration::from_secs(10);

/// Serves until SIGTERM or SIGINT.
pub async fn serve(config: Config) -> Result<ExitCode> {
    let lock = Lock::take(&config.data)?;
    let engine = Engine::open(config, Arc::new(SystemClock), statement::runner).await?;
    for unreadable in engine.connections.verify(&engine.catalog.snapshot()) {
        tracing::warn!("{unreadable}");
    }
    engine.recover().await?;
    let made = ensure_role(engine.catalog.store()).await?;
    let (postgres, page) = (bind(engine.config.listen).await?, bind(engine.config.http).await?);
    let mut signals = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    welcome(&engine.config, postgres.local_addr()?, page.local_addr()?, made.as_deref());

    let shutdown = CancellationToken::new();
    let mut serving = tokio::spawn(wire::serve(engine.clone(), postgres, shutdown.clone()));
    let mut watched = tokio::spawn(http::serve(engine.clone(), page, shutdown.clone()));
    engine.start();
    let (mut early, mut unwatched) = (None, None);
    tokio::select! {
        () = asked_to_stop(&mut signals) => {}
        ended = &mut serving => early = Some(ended),
        // Without health and metrics nobody would notice the next fault.
        ended = &mut watched => unwatched = Some(ended),
    }
    tracing::info!("stopping; what runs has {} s to end", DRAIN_MAX.as_secs());
    shutdown.cancel();
    let failed = early.is_some() || unwatched.is_some();
    let drained = async {
        // Runs have the same time to end as statements.
        let ended = async {
            match early {
                Some(ended) => ended,
                None => serving.await,
            }
        };
        let (ended, _) = tokio::join!(ended, engine.drain());
        let watched = match unwatched {
            Some(ended) => ended,
            None => watched.await,
        };
        if let Ok(Err(error)) | Err(error) = watched.map_err(|error| Error::internal(error.to_string())) {
            tracing::error!("the HTTP server failed: {error}");
        }
        engine.close().await;
        ended
    };
    let ended = tokio::select! {
        ended = tokio::time::timeout(DRAIN_MAX + STOP_WAIT, drained) => ended,
        // Asked again: what is acknowledged is on the disk, the next start cleans up the rest.
        () = asked_to_stop(&mut signals) => return Ok(ExitCode::FAILURE),
    };
    drop(lock);
    match ended {
        Ok(Ok(outcome)) => outcome?,
        Ok(Err(error)) => return Err(Error::internal(format!("the server must not panic: {error}"))),
        Err(_) => tracing::warn!("stopped before everything had ended; it goes on at the next start"),
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AddrInUse => Some("choose another with --listen or --http".to_string()),
            _ => None,
        };
        Error::new(Kind::Io, format!("address {address} cannot be served: {error}")).hint(hint)
    })
}

async fn asked_to_stop((terminate, interrupt): &mut (Signal, Signal)) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Makes the first role when it is not there; the password, when we had to think of one.
async fn ensure_role(store: &Store) -> Result<Option<String>> {
    let name = password::setting(ROLE);
    let given = std::env::var(PASSWORD).ok().filter(|password| !password.is_empty());
    let known = !store.query("SELECT 1 FROM aqueduct_setting WHERE name = ?", &[name.clone().into()]).await?.is_empty();
    let (password, made) = match given {
        Some(password) => (password, None),
        None if known => return Ok(None),
        None => {
            let password = Alphanumeric.sample_string(&mut rand::rng(), 24);
            (password.clone(), Some(password))
        }
    };
    let write = Write::new(
        "INSERT INTO aqueduct_setting(name, value) VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value",
        [name.into(), password::verifier(&password).into()],
    );
    store.write(&[write]).await?;
    Ok(made)
}

/// Says where the server is, and the password that nobody can read again.
fn welcome(config: &Config, postgres: SocketAddr, page: SocketAddr, password: Option<&str>) {
    println!("Aqueduct {} on {}", env!("CARGO_PKG_VERSION"), config.data.display());
    println!(
        "  Postgres clients: psql \"host={} port={} dbname=aqueduct user={ROLE}\"",
        postgres.ip(),
        postgres.port()
    );
    println!("  Health, metrics:  http://{page}/");
    if let Some(password) = password {
        println!("  Password of {ROLE} (shown only this once): {password}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_role_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let password = ensure_role(&store).await.unwrap();
        assert_eq!(password.map(|password| password.len()), Some(24));
        assert_eq!(ensure_role(&store).await.unwrap(), None);
        store.close().await;
    }
}
