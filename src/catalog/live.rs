//! The catalog that is in force, and the only way to change it.

use super::{Change, Draft, Snapshot, load, writes};
use crate::base::clock::stamp;
use crate::base::{Clock, Error, Kind, Result};
use crate::store::{Store, Write};
use chrono::{DateTime, Utc};
use parking_lot::RwLock;
use std::sync::Arc;

/// The snapshot in force and the store that holds the same.
#[derive(Debug)]
pub struct Live {
    store: Store,
    clock: Arc<dyn Clock>,
    current: RwLock<Arc<Snapshot>>,
    /// Held from planning a commit to swapping the snapshot, so that commits come one after the other.
    turn: tokio::sync::Mutex<()>,
}

/// What one commit carries besides changes: rows of other rooms, and a word for the lake's history.
#[derive(Debug, Default)]
pub struct Commit {
    pub changes: Vec<Change>,
    /// Written in the same transaction, after the changes.
    pub writes: Vec<Write>,
    pub author: String,
    /// Shown in the lake's history: a statement's tag or a run's id.
    pub message: String,
}

impl Live {
    /// Reads the catalog from the store; a new store gets schemas `public` and DuckLake's first snapshot.
    pub async fn load(store: Store, clock: Arc<dyn Clock>, lake_path: &str) -> Result<Live> {
        let snapshot = load::snapshot(&store, &stamp(clock.now()), lake_path).await?;
        Ok(Live { store, clock, current: RwLock::new(Arc::new(snapshot)), turn: tokio::sync::Mutex::new(()) })
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// A catalog that was not read from the store.
    #[cfg(test)]
    pub fn holding(store: Store, clock: Arc<dyn Clock>, snapshot: Snapshot) -> Live {
        Live { store, clock, current: RwLock::new(Arc::new(snapshot)), turn: tokio::sync::Mutex::new(()) }
    }

    /// The time, by the clock of commits.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// What exists now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.read().clone()
    }

    /// Applies the changes to what exists now, durably and all at once, and returns what exists then.
    pub async fn commit(&self, commit: Commit) -> Result<Arc<Snapshot>> {
        let _turn = self.turn.lock().await;
        let mut draft = Draft::on(self.snapshot(), None);
        draft.add(commit.changes, commit.writes)?;
        self.publish(&draft, &commit.author, &commit.message).await
    }

    /// As [`Live::commit`], for what a transaction has done since; 40001 when others have done what it cannot follow.
    pub async fn commit_draft(&self, draft: &mut Draft, author: &str, message: &str) -> Result<()> {
        if draft.is_private() {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        draft.rebase(&self.snapshot())?;
        self.publish(draft, author, message).await.map(drop)
    }

    /// Makes what exists for a draft what exists for everybody. Needs the turn.
    async fn publish(&self, draft: &Draft, author: &str, message: &str) -> Result<Arc<Snapshot>> {
        let (before, after) = (draft.base(), draft.snapshot().shared());
        let mut rows = writes::writes(before, &after, author, message, &stamp(self.clock.now()))?;
        rows.extend(draft.writes().cloned());
        if !rows.is_empty() {
            self.write(&rows, draft.in_lake().then_some(before.lake)).await?;
        }
        *self.current.write() = after.clone();
        Ok(after)
    }

    /// Writes the rows, unless the lake is not at the snapshot any more that they were made from: then
    /// DuckDB or another writer has committed, and what exists is read again.
    async fn write(&self, rows: &[Write], made_from: Option<i64>) -> Result<()> {
        let mut transaction = self.store.begin().await?;
        if made_from.is_some() && load::newest(&mut transaction).await? != made_from {
            *self.current.write() = Arc::new(load::current(&mut transaction).await?);
            return Err(Error::new(Kind::SerializationFailure, "could not serialize access due to concurrent update")
                .detail("another program changed the lake".to_string()));
        }
        for row in rows {
            transaction.execute(row).await?;
        }
        transaction.commit().await
    }
}
