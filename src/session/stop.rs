//! How a statement that runs is stopped, and why.

use crate::base::{Error, Kind};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Why a statement is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Somebody asked for it.
    Request,
    /// `statement_timeout` is over.
    Timeout,
    /// Nobody is there to read the answer.
    ClientGone,
    /// The server is going away.
    Shutdown,
}

/// The handle of one statement: whoever holds a clone can stop it.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    token: CancellationToken,
    cause: Arc<OnceLock<Cause>>,
}

/// Stops the statement when the time is up; dropping it lets the statement run on.
#[derive(Debug)]
pub struct Timer(tokio::task::JoinHandle<()>);

impl Stop {
    /// What the statement watches.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Stops the statement; the first cause is the one that is told.
    pub fn trip(&self, cause: Cause) {
        let _ = self.cause.set(cause);
        self.token.cancel();
    }

    pub fn cause(&self) -> Option<Cause> {
        self.cause.get().copied()
    }

    /// Stops the statement after `time`.
    pub fn after(&self, time: Duration) -> Timer {
        let stop = self.clone();
        Timer(tokio::spawn(async move {
            tokio::time::sleep(time).await;
            stop.trip(Cause::Timeout);
        }))
    }

    /// What everybody is told when the server goes away.
    pub fn shutdown() -> Error {
        Error::new(Kind::Shutdown, "terminating connection due to administrator command")
    }

    /// What a stopped statement answers.
    pub fn error(&self) -> Error {
        let (kind, why) = match self.cause() {
            Some(Cause::Timeout) => (Kind::Cancelled, "canceling statement due to statement timeout"),
            Some(Cause::ClientGone) => (Kind::ConnectionFailure, "connection to client lost"),
            Some(Cause::Shutdown) => return Stop::shutdown(),
            Some(Cause::Request) | None => (Kind::Cancelled, "canceling statement due to user request"),
        };
        Error::new(kind, why)
    }

    /// The error as its reader should see it: a statement that was stopped says why.
    pub fn explain(&self, error: Error) -> Error {
        if error.kind == Kind::Cancelled && self.token.is_cancelled() { self.error() } else { error }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.0.abort();
    }
}
