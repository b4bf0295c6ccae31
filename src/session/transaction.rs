//! The transaction of a session: its block, its savepoints, and what an error or ROLLBACK goes back to.
//!
//! Outside a block the statements of one message are a transaction, which is one statement most of the time.
//! No transaction holds a lock: conflicts are found when work meets what others have committed.

use super::uncommitted::{Uncommitted, Work};
use super::{Cursors, Settings};
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::{Snapshot, Temporary};
use crate::lake::{Hold, Turn};
use crate::query::system::sessions::{Mark, Member};
use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use std::collections::BTreeSet;
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

/// What a transaction's statements see of what others commit meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// All that is there when the statement begins.
    #[default]
    ReadCommitted,
    /// Nothing since the first statement.
    RepeatableRead,
    /// Nothing, and what it changes is as if nothing had been committed: else it is refused.
    Serializable,
}

/// What a statement does to the world, as far as a transaction cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Changes or tells of this session alone.
    Session,
    /// Reads what exists.
    Read,
    /// Changes what exists: a part of its transaction.
    Write,
    /// Does what cannot be taken back: no part of a transaction.
    Act,
    /// Begins or ends a transaction block, or moves within it.
    Transaction,
}

#[derive(Debug, Default)]
pub struct Transaction {
    status: Status,
    /// As they were at BEGIN.
    settings: Settings,
    /// As they were outside a block before the message that changes them.
    before: Option<Settings>,
    /// Whether the message that runs has several statements, which are a block without BEGIN.
    pub several: bool,
    savepoints: Vec<Savepoint>,
    /// When it began: its `now()`.
    pub started_at: Option<DateTime<Utc>>,
    pub isolation: Isolation,
    /// What the last statement found committed, or the first one when reads are repeatable.
    base: Option<Arc<Snapshot>>,
    pub uncommitted: Uncommitted,
    /// Relations that its statements have looked up.
    pub reads: Arc<Mutex<BTreeSet<Name>>>,
    /// Keeps the collector from files that its snapshot or its work needs.
    hold: Option<Hold>,
    /// Of its statement, when that is all of it and changes rows of a table.
    pub(super) turn: Option<Turn>,
    pub cursors: Cursors,
    member: Arc<Member>,
}

#[derive(Debug)]
struct Savepoint {
    name: String,
    settings: Settings,
    work: Option<Work>,
    cursors: u64,
    mark: Mark,
}

impl Transaction {
    /// The transactions of a session.
    pub fn of(member: Arc<Member>) -> Self {
        Transaction { cursors: Cursors::of(member.clone()), member, ..Transaction::default() }
    }

    pub fn status(&self) -> Status {
        self.status
    }

    /// Whether a statement may be prepared, bound or gone on with now.
    pub fn admit_kept(&self, effect: Effect) -> Result<()> {
        match (self.status, effect) {
            (Status::Idle | Status::Block, _) | (Status::Failed, Effect::Transaction) => Ok(()),
            (Status::Failed, _) => Err(Error::new(
                Kind::InFailedTransaction,
                "current transaction is aborted, commands ignored until end of transaction block",
            )),
        }
    }

    /// Whether a statement may run now; `command` is what messages call it.
    pub fn admit(&self, effect: Effect, command: &str, read_only: bool) -> Result<()> {
        self.admit_kept(effect)?;
        match (self.status, effect) {
            (_, Effect::Write | Effect::Act) if read_only => Err(Error::new(
                Kind::ReadOnlyTransaction,
                format!("cannot execute {command} in a read-only transaction"),
            )),
            (Status::Block, Effect::Act) => {
                Err(Error::new(Kind::ActiveTransaction, format!("{command} cannot run inside a transaction block"))
                    .detail("what it does cannot be rolled back")
                    .hint("COMMIT or ROLLBACK first".to_string()))
            }
            _ => Ok(()),
        }
    }

    /// What exists for its statements; `None` before the first.
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.uncommitted.snapshot().or_else(|| self.base.clone())
    }

    /// Reads this until the first statement.
    pub fn read_from(&mut self, snapshot: Arc<Snapshot>) {
        self.base = Some(snapshot);
    }

    /// A statement begins: it reads what is committed by now, or what the first one of the block read.
    pub fn enter(
        &mut self,
        newest: Arc<Snapshot>,
        temporary: Option<Arc<Temporary>>,
        now: DateTime<Utc>,
        hold: impl FnOnce() -> Hold,
    ) -> Result<()> {
        let first = self.hold.is_none();
        let base = match (self.isolation, &self.base) {
            (Isolation::RepeatableRead | Isolation::Serializable, Some(read)) if !first => read.clone(),
            _ => newest,
        };
        self.base = Some(base.clone());
        self.started_at.get_or_insert(now);
        self.hold.get_or_insert_with(hold);
        self.uncommitted.enter(base, temporary)
    }

    /// Whether a statement of this transaction has read something.
    pub fn has_read(&self) -> bool {
        self.hold.is_some()
    }

    /// What must not have changed since when it commits.
    pub(super) fn relied_upon(&self) -> BTreeSet<Name> {
        let reads = std::mem::take(&mut *self.reads.lock());
        if self.isolation == Isolation::Serializable { reads } else { BTreeSet::new() }
    }

    /// BEGIN. False when a block is open already. What the same message has done before is part of the block.
    pub fn begin(&mut self, settings: &Settings, now: DateTime<Utc>) -> bool {
        if self.status != Status::Idle {
            return false;
        }
        self.status = Status::Block;
        self.settings = settings.clone();
        self.started_at.get_or_insert(now);
        true
    }

    /// Settings change: outside a block an error later in the message takes that back.
    pub fn remember(&mut self, settings: &Settings) {
        if self.status == Status::Idle && self.before.is_none() {
            self.before = Some(settings.clone());
        }
    }

    /// After an error: what was not committed has not happened. Gives back the settings that hold from now on,
    /// when others do.
    pub fn fail(&mut self) -> Option<Settings> {
        match self.status {
            Status::Idle => {
                let before = self.before.take();
                self.over(false);
                return before;
            }
            Status::Block | Status::Failed => {
                self.status = Status::Failed;
                self.uncommitted.restore(None);
                if self.savepoints.is_empty() {
                    self.cursors.over(false);
                    self.member.over(false);
                }
            }
        }
        None
    }

    /// COMMIT or ROLLBACK: tells how the block stood, and gives back the settings that hold from now on.
    /// What has not been committed by now never will be.
    pub fn end(&mut self, commit: bool, settings: &mut Settings) -> Status {
        let was = self.status;
        match was {
            Status::Idle => {}
            Status::Block if commit => settings.end_local(),
            Status::Block | Status::Failed => *settings = std::mem::take(&mut self.settings),
        }
        self.over(commit && was != Status::Failed);
        was
    }

    /// No transaction is open any more.
    pub fn over(&mut self, committed: bool) {
        self.cursors.over(committed);
        self.member.over(committed);
        let (cursors, member) = (std::mem::take(&mut self.cursors), self.member.clone());
        *self = Transaction { cursors, member, ..Transaction::default() };
    }

    pub fn savepoint(&mut self, name: &str, settings: &Settings) -> Result<()> {
        self.inside("SAVEPOINT")?;
        let (settings, work) = (settings.clone(), self.uncommitted.saved());
        let (cursors, mark) = (self.cursors.made(), self.member.mark());
        self.savepoints.push(Savepoint { name: name.to_string(), settings, work, cursors, mark });
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
        *settings = self.savepoints[at].settings.clone();
        self.uncommitted.restore(self.savepoints[at].work.clone());
        self.cursors.back_to(self.savepoints[at].cursors);
        self.member.back_to(self.savepoints[at].mark);
        self.status = Status::Block;
        Ok(())
    }

    fn find(&self, name: &str) -> Result<usize> {
        self.savepoints
            .iter()
            .rposition(|savepoint| savepoint.name == name)
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
