//! What the transaction of a session has done so far: seen by its own statements alone, until one commit
//! makes all of it so for everybody, or it is dropped and has never been.

use super::{Session, Status};
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::{Change, Commit, Draft, Snapshot, Table, Temporary};
use crate::engine::Engine;
use crate::lake::{Lake, Pending};
use crate::workflow::Workflows;
use parking_lot::Mutex;
use std::sync::Arc;

/// A transaction's work, shared with what goes on beside its session: COPY takes its rows in a task of its own.
#[derive(Clone, Debug, Default)]
pub struct Uncommitted(Arc<Mutex<Option<Work>>>);

/// Cheap to clone, so that a savepoint is a clone. Files of work that nobody holds any more are gone.
#[derive(Clone, Debug)]
pub(super) struct Work {
    draft: Draft,
    pending: Vec<Arc<Pending>>,
    /// Tags of the statements, each once, for the lake's history.
    tags: Vec<String>,
}

impl Uncommitted {
    /// What exists for the transaction; `None` when it has not begun.
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.0.lock().as_ref().map(|work| work.draft.snapshot().clone())
    }

    pub(super) fn has_changes(&self) -> bool {
        self.0.lock().as_ref().is_some_and(|work| work.draft.changes().next().is_some())
    }

    /// Brings the work onto `base`; 40001 when others have done what it cannot follow.
    pub(super) fn enter(&self, base: Arc<Snapshot>, temporary: Option<Arc<Temporary>>) -> Result<()> {
        match &mut *self.0.lock() {
            Some(work) => work.draft.rebase(&base),
            begins => {
                *begins = Some(Work { draft: Draft::on(base, temporary), pending: vec![], tags: vec![] });
                Ok(())
            }
        }
    }

    /// Lets the session have relations of its own, when it has none.
    pub(super) fn allow_temporary(&self, folder: impl FnOnce() -> String) -> Result<()> {
        self.with(|work| {
            work.draft.allow_temporary(folder);
            Ok(())
        })
    }

    /// Adds a statement's changes, all or none.
    pub fn add(&self, commit: Commit) -> Result<()> {
        self.with(|work| work.add(commit))
    }

    /// As [`Uncommitted::add`], for changes of a table's rows, after which all constraints hold.
    pub async fn write(&self, lake: &Lake, table: &Table, changes: Vec<Change>, tag: &str) -> Result<()> {
        let mut work = self.saved().ok_or_else(ended)?;
        // Dropped when the changes are refused, and with it the files that they name.
        let pending = lake.pending(table, &changes, work.draft.base());
        let before = work.draft.snapshot().clone();
        work.add(Commit { changes, message: tag.to_string(), ..Commit::default() })?;
        while let Some((child, changes)) = lake.cascade(&before, work.draft.snapshot()).await? {
            work.pending.push(Arc::new(lake.pending(&child, &changes, work.draft.base())));
            work.add(Commit { changes, ..Commit::default() })?;
        }
        let looked_at = lake.check_constraints(&before, work.draft.snapshot()).await?;
        work.draft.constraints_still_hold(looked_at);
        work.pending.push(Arc::new(pending));
        self.with(|current| {
            *current = work;
            Ok(())
        })
    }

    fn with(&self, change: impl FnOnce(&mut Work) -> Result<()>) -> Result<()> {
        change(self.0.lock().as_mut().ok_or_else(ended)?)
    }

    /// For a savepoint.
    pub(super) fn saved(&self) -> Option<Work> {
        self.0.lock().clone()
    }

    /// Goes back to a savepoint, or to nothing.
    pub(super) fn restore(&self, saved: Option<Work>) {
        // Dropped outside the lock: files go then.
        let _gone = std::mem::replace(&mut *self.0.lock(), saved);
    }

    pub(super) fn take(&self) -> Option<Work> {
        self.0.lock().take()
    }
}

/// The session has given up meanwhile.
fn ended() -> Error {
    Error::new(Kind::Cancelled, "the transaction has ended")
}

impl Work {
    fn add(&mut self, commit: Commit) -> Result<()> {
        let Commit { changes, writes, message, .. } = commit;
        self.draft.add(changes, writes)?;
        if !message.is_empty() && !self.tags.contains(&message) {
            self.tags.push(message);
        }
        Ok(())
    }

    /// What exists after it, for the session.
    async fn commit(self, engine: &Engine, author: &str) -> Result<Arc<Snapshot>> {
        let Work { mut draft, pending, tags } = self;
        let defines = draft.changes().any(Workflows::concerns);
        let disconnects = draft.changes().any(|change| matches!(change, Change::DropConnection { .. }));
        let outcome = engine.lake.commit(&engine.catalog, &mut draft, author, &tags.join(", ")).await;
        match &outcome {
            Ok(()) => {
                pending.iter().for_each(|files| files.keep(draft.snapshot()));
                if defines {
                    engine.workflows.redefined();
                }
                if disconnects {
                    engine.connections.prune(draft.snapshot());
                }
            }
            // It surely has not happened, and the next try writes files of its own.
            Err(error) if error.kind == Kind::SerializationFailure || error.sqlstate().starts_with("23") => {}
            Err(_) => pending.iter().for_each(|files| files.leave()),
        }
        outcome.map(|()| draft.snapshot().clone())
    }
}

impl Session {
    /// What exists for this session: all that is committed, and what its transaction has changed.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.transaction.snapshot().unwrap_or_else(|| self.temporary.beside(self.engine.catalog.snapshot()))
    }

    /// A statement begins: with it a transaction, unless one is open.
    pub fn enter(&mut self) -> Result<()> {
        let (newest, now) = (self.engine.catalog.snapshot(), self.engine.clock.now());
        let lake = &self.engine.lake;
        let entered = self.transaction.enter(newest, self.temporary.committed(), now, || lake.hold());
        entered.map_err(|error| self.advised(error))
    }

    /// A statement is about to change rows of a table. When it is alone in its transaction, it waits for others of its
    /// kind and finds what they have written: what it reads from now on is newer than before.
    pub async fn wait_for_turn(&mut self, table: &Name) -> Result<()> {
        let alone = self.transaction.status() == Status::Idle && !self.transaction.uncommitted.has_changes();
        if !alone || self.transaction.turn.is_some() {
            return Ok(());
        }
        let lake = self.engine.lake.clone();
        self.transaction.turn = tokio::select! {
            turn = lake.turn(table) => turn,
            () = self.cancel.cancelled() => return Err(self.stop.error()),
        };
        self.enter()
    }

    /// Changes what exists, for the transaction's own statements until it is committed.
    pub fn change(&self, changes: Vec<Change>, tag: &str) -> Result<()> {
        self.add(Commit { changes, message: tag.to_string(), ..Commit::default() })
    }

    /// As [`Session::change`], with rows of other rooms; the author is this session's user.
    pub fn add(&self, commit: Commit) -> Result<()> {
        self.transaction.uncommitted.add(commit)
    }

    /// As [`Session::change`], for changes of a table's rows, after which all constraints hold.
    pub async fn write(&self, table: &Table, changes: Vec<Change>, tag: &str) -> Result<()> {
        self.transaction.uncommitted.write(&self.engine.lake, table, changes, tag).await
    }

    /// Makes what the transaction has changed so for everybody. After an error nothing of it has happened.
    ///
    /// Must be waited for: a commit that is on the disk has to reach memory.
    pub async fn commit(&mut self) -> Result<()> {
        let Some(snapshot) = self.transaction.uncommitted.snapshot() else { return Ok(()) };
        let ends = self.temporary.on_commit(&snapshot);
        if !ends.is_empty() {
            self.change(ends, "")?;
        }
        let Some(mut work) = self.transaction.uncommitted.take() else { return Ok(()) };
        work.draft.rely_upon(self.transaction.relied_upon());
        let after = work.commit(&self.engine, &self.user).await.map_err(|error| self.advised(error))?;
        self.temporary.commit(&after);
        Ok(())
    }

    /// The client's message is over: statements outside a block are committed, all of a message as one.
    pub async fn finish(&mut self) -> Result<()> {
        if self.transaction.status() != Status::Idle {
            return Ok(());
        }
        let outcome = self.commit().await;
        self.transaction.over(outcome.is_ok());
        outcome
    }

    /// A conflict with the words for what to do.
    pub fn advised(&self, error: Error) -> Error {
        if error.kind != Kind::SerializationFailure || error.hint.is_some() {
            return error;
        }
        let what = if self.transaction.status() == Status::Idle { "statement" } else { "transaction" };
        error.hint(format!("run the {what} again"))
    }
}
