//! The sessions that are open, by the number that CancelRequest names.

use crate::query::system::sessions::Signals;
use crate::session::{Cause, Stop};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Open sessions.
#[derive(Debug, Default)]
pub struct Backends(Mutex<HashMap<i32, Backend>>);

#[derive(Debug)]
struct Backend {
    secret: i32,
    current: Arc<Current>,
}

/// The statement that a session runs now, if it runs one.
#[derive(Debug, Default)]
pub struct Current {
    stop: Mutex<Option<Stop>>,
    /// Trips when the session must end.
    pub ended: CancellationToken,
}

impl Current {
    pub fn set(&self, stop: Option<Stop>) {
        *self.stop.lock() = stop;
    }

    /// Stops what runs; between statements there is nothing to stop.
    pub fn trip(&self, cause: Cause) {
        if let Some(stop) = &*self.stop.lock() {
            stop.trip(cause);
        }
    }
}

impl Signals for Current {
    fn cancel(&self) {
        self.trip(Cause::Request);
    }

    fn terminate(&self) {
        self.ended.cancel();
        self.trip(Cause::Shutdown);
    }
}

/// A session's entry, taken out when it is dropped.
#[derive(Debug)]
pub struct Registration {
    backends: Arc<Backends>,
    pub pid: i32,
    pub secret: i32,
    pub current: Arc<Current>,
}

impl Backends {
    pub fn register(self: &Arc<Self>) -> Registration {
        let current = Arc::new(Current::default());
        let secret = rand::random();
        let mut open = self.0.lock();
        let pid = loop {
            let pid = rand::random::<i32>() & i32::MAX;
            if pid != 0 && !open.contains_key(&pid) {
                break pid;
            }
        };
        open.insert(pid, Backend { secret, current: current.clone() });
        Registration { backends: self.clone(), pid, secret, current }
    }

    /// CancelRequest: stops the statement of the session whose secret was given, and tells nobody whether there is one.
    pub fn cancel(&self, pid: i32, secret: i32) {
        if let Some(backend) = self.0.lock().get(&pid).filter(|backend| backend.secret == secret) {
            backend.current.trip(Cause::Request);
        }
    }

    /// Stops whatever runs anywhere.
    pub fn trip_all(&self, cause: Cause) {
        self.0.lock().values().for_each(|backend| backend.current.trip(cause));
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.backends.0.lock().remove(&self.pid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_knows_the_secret_stops_a_statement() {
        let backends = Arc::new(Backends::default());
        let session = backends.register();
        let stop = Stop::default();
        session.current.set(Some(stop.clone()));
        backends.cancel(session.pid, session.secret.wrapping_add(1));
        backends.cancel(session.pid.wrapping_add(1), session.secret);
        assert_eq!(stop.cause(), None);
        backends.cancel(session.pid, session.secret);
        assert_eq!(stop.cause(), Some(Cause::Request));
        drop(session);
        assert!(backends.0.lock().is_empty());
    }
}
