//! Counters of what a server does, for whoever watches it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Goes up, and where a thing can end, down.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

/// What is counted since the process started.
#[derive(Debug, Default)]
pub struct Counts {
    /// Clients that are logged in now.
    pub sessions: Count,
    /// Clients that have logged in.
    pub logins: Count,
    /// Statements that were run.
    pub statements: Count,
    /// Statements that ended in an error.
    pub errors: Count,
}

/// Counts a thing for as long as this lives.
#[derive(Debug)]
pub struct Counted<'a>(&'a Count);

impl Count {
    pub fn up(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub fn down(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Up now, down when what is returned is dropped.
    pub fn hold(&self) -> Counted<'_> {
        self.up();
        Counted(self)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.down();
    }
}
