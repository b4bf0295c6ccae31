//! What all connections share.

use super::backends::Backends;
use super::places::Places;
use super::tls::Tls;
use crate::base::{Error, Kind, Result};
use crate::engine::{DRAIN_MAX, Engine};
use crate::statement::Parsed;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Times that a connection is given.
#[derive(Clone, Debug)]
pub struct Limits {
    /// To its startup packet.
    pub first_byte: Duration,
    /// To the end of its login.
    pub login: Duration,
    /// To the end of its statement, once the server shuts down.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Limits { first_byte: seconds(10), login: seconds(30), drain: DRAIN_MAX }
    }
}

/// Reads what a client sent as statements.
pub type Parse = fn(&str) -> Result<Vec<Parsed>>;

/// One server.
pub struct Door {
    pub engine: Arc<Engine>,
    pub parse: Parse,
    pub limits: Limits,
    pub tls: Option<Tls>,
    pub places: Arc<Places>,
    pub backends: Arc<Backends>,
    pub shutdown: CancellationToken,
}

impl Door {
    /// Reads a text as statements, when it is not too long.
    pub fn read(&self, text: &str) -> Result<Vec<Parsed>> {
        let most = self.engine.config.statement_bytes_max;
        if text.len() > most {
            return Err(Error::new(Kind::TooLarge, format!("statement is longer than {most} bytes"))
                .detail(format!("it has {} bytes", text.len()))
                .hint("load rows with COPY, or raise the setting statement_bytes_max".to_string()));
        }
        (self.parse)(text)
    }
}
