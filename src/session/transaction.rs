//! The transaction block of a session: its state, and the settings it goes back to.
//!
//! A block may only read in this version. Settings are the one thing that a
//! block changes, so they are what ROLLBACK and savepoints restore.

use super::Settings;
use crate::base::{Error, Kind, Result};
use crate::catalog::Snapshot;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Where a session stands between BEGIN and COMMIT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Each statement is a transaction of its own.
    #[default]
    Idle,
    /// After BEGIN.
    Block,
    /// After an error in a block: everything but its end is refused.
    Failed,
}

/// What a statement does to the world, as far as a transaction cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Reads, or changes only this session.
    Read,
    /// Changes what others see.
    Write,
    /// Begins or ends a transaction block, or moves within it.
    Transaction,
}

#[derive(Clone, Debug, Default)]
pub struct Transaction {
    status: Status,
    /// As they were at BEGIN.
    settings: Settings,
    savepoints: Vec<(String, Settings)>,
    /// When the block began: its `now()`.
    pub started_at: Option<DateTime<Utc>>,
    /// What a block of repeatable reads reads.
    pub snapshot: Option<Arc<Snapshot>>,
}

impl Transaction {
    pub fn status(&self) -> Status {
        self.status
    }

    /// Whether a statement may be prepared, bound or gone on with now.
    pub fn admit_kept(&self, effect: Effect) -> Result<()> {
        match (self.status, effect) {
            (Status::Idle | Status::Block, _) | (Status::Failed, Effect::Transaction) => Ok(()),
            (Status::Failed, Effect::Read | Effect::Write) => Err(Error::new(
                Kind::InFailedTransaction,
                "current transaction is aborted, commands ignored until end of transaction block",
            )),
        }
    }

    /// Whether a statement may run now; `lead` is its first word.
    pub fn admit(&self, effect: Effect, lead: &str, read_only: bool) -> Result<()> {
        self.admit_kept(effect)?;
        match (self.status, effect) {
            (_, Effect::Write) if read_only => {
                Err(Error::new(Kind::ReadOnlyTransaction, format!("cannot execute {lead} in a read-only transaction")))
            }
            (Status::Block, Effect::Write) => {
                Err(Error::unsupported(format!("{lead} cannot run inside a transaction block"))
                    .hint("transaction blocks may only read in this version; run it without BEGIN".to_string()))
            }
            _ => Ok(()),
        }
    }

    /// BEGIN. False when a block is open already.
    pub fn begin(&mut self, settings: &Settings, now: DateTime<Utc>) -> bool {
        if self.status != Status::Idle {
            return false;
        }
        *self = Transaction {
            status: Status::Block,
            settings: settings.clone(),
            started_at: Some(now),
            ..Transaction::default()
        };
        true
    }

    /// After an error inside a block.
    pub fn fail(&mut self) {
        if self.status == Status::Block {
            self.status = Status::Failed;
        }
    }

    /// COMMIT or ROLLBACK: tells how the block stood, and gives back the settings that hold from now on.
    pub fn end(&mut self, commit: bool, settings: &mut Settings) -> Status {
        let was = self.status;
        match was {
            Status::Idle => {}
            Status::Block if commit => settings.end_local(),
            Status::Block | Status::Failed => *settings = std::mem::take(&mut self.settings),
        }
        *self = Transaction::default();
        was
    }

    pub fn savepoint(&mut self, name: &str, settings: &Settings) -> Result<()> {
        self.inside("SAVEPOINT")?;
        self.savepoints.push((name.to_string(), settings.clone()));
        Ok(())
    }

    /// RELEASE: forgets the savepoint and those after it.
    pub fn release(&mut self, name: &str) -> Result<()> {
        self.inside("RELEASE SAVEPOINT")?;
        let at = self.find(name)?;
        self.savepoints.truncate(at);
        Ok(())
    }

    /// ROLLBACK TO: the savepoint stays, an error since then is forgiven.
    pub fn rollback_to(&mut self, name: &str, settings: &mut Settings) -> Result<()> {
        self.inside("ROLLBACK TO SAVEPOINT")?;
        let at = self.find(name)?;
        self.savepoints.truncate(at + 1);
        *settings = self.savepoints[at].1.clone();
        self.status = Status::Block;
        Ok(())
    }

    fn find(&self, name: &str) -> Result<usize> {
        self.savepoints
            .iter()
            .rposition(|(known, _)| known == name)
            .ok_or_else(|| Error::new(Kind::InvalidSavepoint, format!("savepoint \"{name}\" does not exist")))
    }

    fn inside(&self, what: &str) -> Result<()> {
        match self.status {
            Status::Idle => {
                Err(Error::new(Kind::NoActiveTransaction, format!("{what} can only be used in transaction blocks")))
            }
            Status::Block | Status::Failed => Ok(()),
        }
    }
}
