//! The catalog that is in force, and the only way to change it.

use super::{Change, Sequence, Snapshot, load, writes};
use crate::base::clock::stamp;
use crate::base::{Clock, Error, Kind, Result};
use crate::store::{Store, Write};
use chrono::{DateTime, Utc};
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::sync::Arc;

/// The snapshot in force and the store that holds the same.
#[derive(Debug)]
pub struct Live {
    store: Store,
    clock: Arc<dyn Clock>,
    current: RwLock<Arc<Snapshot>>,
    /// Held from planning a commit to swapping the snapshot, so that commits come one after the other.
    turn: tokio::sync::Mutex<()>,
    /// The last numbers that sequences gave out, by their uuids. They wait for no commit, and the next writes
    /// them down.
    numbers: Mutex<HashMap<String, Option<i64>>>,
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
        let (current, turn) = (RwLock::new(Arc::new(snapshot)), tokio::sync::Mutex::new(()));
        Ok(Live { store, clock, current, turn, numbers: Mutex::default() })
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// A catalog that was not read from the store.
    #[cfg(test)]
    pub fn holding(store: Store, clock: Arc<dyn Clock>, snapshot: Snapshot) -> Live {
        let (current, turn) = (RwLock::new(Arc::new(snapshot)), tokio::sync::Mutex::new(()));
        Live { store, clock, current, turn, numbers: Mutex::default() }
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
        self.commit_with(|_| Ok(commit)).await
    }

    /// As [`Live::commit`], with the changes decided while nobody else can commit.
    pub async fn commit_with(&self, decide: impl FnOnce(&Snapshot) -> Result<Commit> + Send) -> Result<Arc<Snapshot>> {
        let _turn = self.turn.lock().await;
        let before = self.snapshot();
        let mut commit = decide(&before)?;
        commit.changes.extend(self.advanced(&before));
        let lake_changes = commit.changes.iter().any(|change| writes::in_lake(&before, change));
        let mut after = before.apply_all(&commit.changes)?;
        if !lake_changes {
            after.lake = before.lake;
        }
        let at = stamp(self.clock.now());
        let mut rows = writes::writes(&before, &after, &commit.author, &commit.message, &at)?;
        rows.extend(commit.writes);
        if !rows.is_empty() {
            self.write(&rows, lake_changes.then_some(before.lake)).await?;
        }
        let after = Arc::new(after);
        *self.current.write() = after.clone();
        Ok(after)
    }

    /// The next number of a sequence: no other call gets it.
    pub fn next_number(&self, sequence: &Sequence) -> Result<i64> {
        let mut numbers = self.numbers.lock();
        let last = numbers.get(&sequence.uuid).copied().unwrap_or(sequence.last);
        let next = sequence.next(last)?;
        numbers.insert(sequence.uuid.clone(), Some(next));
        Ok(next)
    }

    /// The last number that a sequence gave out.
    pub fn last_number(&self, sequence: &Sequence) -> Option<i64> {
        self.numbers.lock().get(&sequence.uuid).copied().unwrap_or(sequence.last)
    }

    /// Lets a sequence go on after `last`.
    pub fn set_number(&self, sequence: &Sequence, last: Option<i64>) {
        self.numbers.lock().insert(sequence.uuid.clone(), last);
    }

    /// Numbers that were given out since the last commit.
    fn advanced(&self, before: &Snapshot) -> Vec<Change> {
        let numbers = self.numbers.lock();
        let advanced = before.sequences.values().filter_map(|sequence| {
            let last = *numbers.get(&sequence.uuid)?;
            let (name, uuid) = (sequence.name.clone(), sequence.uuid.clone());
            (last != sequence.last).then_some(Change::AdvanceSequence { name, uuid, last })
        });
        advanced.collect()
    }

    /// Writes the rows, unless the lake is not at the snapshot any more that they were made from: then
    /// DuckDB or another writer has committed, and what exists is read again.
    async fn write(&self, rows: &[Write], made_from: Option<i64>) -> Result<()> {
        let mut transaction = self.store.begin().await?;
        if made_from.is_some() && load::newest(&mut transaction).await? != made_from {
            *self.current.write() = Arc::new(load::current(&mut transaction).await?);
            return Err(Error::new(Kind::SerializationFailure, "could not serialize access due to concurrent update")
                .detail("another program changed the lake".to_string())
                .hint("run the statement again".to_string()));
        }
        for row in rows {
            transaction.execute(row).await?;
        }
        transaction.commit().await
    }
}
