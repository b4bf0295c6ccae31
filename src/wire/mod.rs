//! The Postgres protocol and nothing of its meaning; the only room that says `pgwire`.

pub mod auth;

use crate::base::{Error, Result};
use crate::engine::Engine;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Serves the protocol on `listener` until `shutdown` trips; then idle sessions end at once and running statements
/// are waited for. Fails at once when the address may not be served or the certificate is broken.
pub async fn serve(engine: Arc<Engine>, listener: TcpListener, shutdown: CancellationToken) -> Result<()> {
    let _ = (engine, listener, shutdown);
    Err(Error::unsupported("the Postgres protocol is not served yet"))
}
