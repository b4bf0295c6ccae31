//! The catalog that is in force, and the only way to change it.

use super::{Change, Draft, Sequence, Snapshot, load, writes};
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
    numbers: Mutex<Numbers>,
}

#[derive(Debug, Default)]
struct Numbers {
    last: HashMap<String, Option<i64>>,
    /// How often one was given out or set, and how often when it was last written down.
    given: u64,
    written: u64,
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
    ///
    /// For changes that leave the rows of tables as they are.
    pub async fn commit(&self, commit: Commit) -> Result<Arc<Snapshot>> {
        let _turn = self.turn.lock().await;
        let mut draft = Draft::on(self.snapshot(), None);
        draft.add(commit.changes, commit.writes)?;
        self.publish(&mut draft, &commit.author, &commit.message).await
    }

    /// As [`Live::commit`], for what a transaction has done since; 40001 when others have done what it cannot follow.
    ///
    /// `false` when nothing is committed because others have changed rows that its constraints were checked against.
    pub async fn commit_draft(&self, draft: &mut Draft, author: &str, message: &str) -> Result<bool> {
        if draft.is_private() {
            return self.write_numbers().await.map(|()| true);
        }
        let _turn = self.turn.lock().await;
        draft.rebase(&self.snapshot())?;
        if !draft.is_checked() {
            return Ok(false);
        }
        self.publish(draft, author, message).await.map(|_| true)
    }

    /// Makes what exists for a draft what exists for everybody. Needs the turn.
    async fn publish(&self, draft: &mut Draft, author: &str, message: &str) -> Result<Arc<Snapshot>> {
        let (advanced, given) = self.advanced(draft.snapshot());
        draft.add(advanced, vec![])?;
        let (before, after) = (draft.base(), draft.snapshot().shared());
        let mut rows = writes::writes(before, &after, author, message, &stamp(self.clock.now()))?;
        rows.extend(draft.writes().cloned());
        if !rows.is_empty() {
            self.write(&rows, draft.in_lake().then_some(before.lake)).await?;
        }
        *self.current.write() = after.clone();
        self.numbers.lock().written = given;
        Ok(after)
    }

    /// Writes the numbers down that have been given out so far, unless another commit has.
    async fn write_numbers(&self) -> Result<()> {
        let given = self.numbers.lock().given;
        if self.numbers.lock().written >= given {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        if self.numbers.lock().written >= given {
            return Ok(());
        }
        self.publish(&mut Draft::on(self.snapshot(), None), "", "").await.map(drop)
    }

    /// The next number of a sequence: no other call gets it. The session's commit writes it down.
    pub fn next_number(&self, sequence: &Sequence) -> Result<i64> {
        let mut numbers = self.numbers.lock();
        let next = sequence.next(numbers.last(sequence))?;
        numbers.set(sequence, Some(next));
        Ok(next)
    }

    /// The last number that a sequence gave out.
    pub fn last_number(&self, sequence: &Sequence) -> Option<i64> {
        self.numbers.lock().last(sequence)
    }

    /// Lets a sequence go on after `last`.
    pub fn set_number(&self, sequence: &Sequence, last: Option<i64>) {
        self.numbers.lock().set(sequence, last);
    }

    /// The changes that write down the numbers given out so far, and how many that were.
    fn advanced(&self, snapshot: &Snapshot) -> (Vec<Change>, u64) {
        let numbers = self.numbers.lock();
        let advanced = snapshot.sequences.values().filter_map(|sequence| {
            let (last, name, uuid) = (numbers.last(sequence), sequence.name.clone(), sequence.uuid.clone());
            (last != sequence.last).then_some(Change::AdvanceSequence { name, uuid, last })
        });
        (advanced.collect(), numbers.given)
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

impl Numbers {
    fn last(&self, sequence: &Sequence) -> Option<i64> {
        self.last.get(&sequence.uuid).copied().unwrap_or(sequence.last)
    }

    fn set(&mut self, sequence: &Sequence, last: Option<i64>) {
        self.last.insert(sequence.uuid.clone(), last);
        self.given += 1;
    }
}
