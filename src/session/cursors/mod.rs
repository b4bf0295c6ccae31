//! Cursors of a session: queries whose rows are fetched a few at a time.
//!
//! One ends with the transaction that declared it, unless it was declared WITH HOLD and the transaction was committed.

mod spill;
mod walk;

pub use walk::{Direction, Walk};

use crate::base::{Error, Kind, Result};
use crate::lake::Hold;
use crate::query::Rows;
use crate::query::system::sessions::{Member, OpenCursor};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard};
use walk::Keep;

/// The cursors that are open.
#[derive(Debug, Default)]
pub struct Cursors {
    open: BTreeMap<String, Cursor>,
    made: u64,
    member: Arc<Member>,
}

/// A query and how far its rows were fetched.
pub struct Cursor {
    pub schema: SchemaRef,
    pub shown: OpenCursor,
    serial: u64,
    /// Whether the transaction that declared it is still open.
    is_own: bool,
    walk: Arc<Mutex<Walk>>,
    /// Keeps the files that its query reads.
    _hold: Hold,
}

impl std::fmt::Debug for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cursor({})", self.shown.name)
    }
}

impl Cursors {
    /// `member` shows them to the session's own functions.
    pub fn of(member: Arc<Member>) -> Self {
        Cursors { member, ..Cursors::default() }
    }

    /// Opens one over the rows of a query; `scroll` is what was said of it, `folder` is for rows that do not fit
    /// into memory.
    pub fn open(
        &mut self,
        shown: OpenCursor,
        scroll: Option<bool>,
        rows: Rows,
        hold: Hold,
        folder: PathBuf,
    ) -> Result<()> {
        if self.open.contains_key(&shown.name) {
            return Err(Error::new(Kind::DuplicateCursor, format!("cursor \"{}\" already exists", shown.name)));
        }
        let keep = match scroll {
            Some(true) => Keep::All(folder),
            Some(false) => Keep::Nothing,
            None => Keep::Last,
        };
        let (schema, name) = (rows.schema.clone(), shown.name.clone());
        let walk = Arc::new(Mutex::new(Walk::new(rows, keep)));
        self.made += 1;
        self.open.insert(name, Cursor { schema, shown, serial: self.made, is_own: true, walk, _hold: hold });
        self.show();
        Ok(())
    }

    pub fn get(&self, name: &str) -> Result<&Cursor> {
        self.open.get(name).ok_or_else(|| missing(name))
    }

    /// 34000 when there is none of this name.
    pub fn close(&mut self, name: &str) -> Result<()> {
        self.open.remove(name).ok_or_else(|| missing(name))?;
        self.show();
        Ok(())
    }

    pub fn close_all(&mut self) {
        self.open.clear();
        self.show();
    }

    /// How many were opened so far: for a savepoint.
    pub(super) fn made(&self) -> u64 {
        self.made
    }

    /// Back to a savepoint: those that were opened since then are gone.
    pub(super) fn back_to(&mut self, made: u64) {
        self.retain(|cursor| cursor.serial <= made);
    }

    /// The transaction is over.
    pub(super) fn over(&mut self, committed: bool) {
        self.retain(|cursor| !cursor.is_own || (committed && cursor.shown.hold));
        self.open.values_mut().for_each(|cursor| cursor.is_own = false);
    }

    fn retain(&mut self, keep: impl Fn(&Cursor) -> bool) {
        if !self.open.is_empty() {
            self.open.retain(|_, cursor| keep(cursor));
            self.show();
        }
    }

    fn show(&self) {
        *self.member.cursors.lock() = self.open.values().map(|cursor| cursor.shown.clone()).collect();
    }
}

impl Cursor {
    /// The rows on the way to a place, as they are asked for; 55006 while an earlier answer is still being read.
    pub fn fetch(&self, direction: Direction) -> Result<Rows> {
        let (walk, schema, binary) = (self.walk()?, self.schema.clone(), self.shown.binary);
        let start = (walk, Some(direction), (false, 0));
        let batches = futures::stream::unfold(start, |(mut walk, direction, mut left)| async move {
            if let Some(direction) = direction {
                left = match walk.turn(direction).await {
                    Ok(left) => left,
                    Err(error) => return Some((Err(error), (walk, None, (false, 0)))),
                };
            }
            let batch = walk.step(&mut left).await.transpose()?;
            if batch.is_err() {
                left.1 = 0;
            }
            Some((batch, (walk, None, left)))
        });
        Ok(Rows::new(schema, batches).in_binary(binary))
    }

    /// Goes to a place; tells how many rows FETCH would have given.
    pub async fn pass(&self, direction: Direction) -> Result<u64> {
        let mut walk = self.walk()?;
        let mut left = walk.turn(direction).await?;
        let mut count = 0;
        while let Some(batch) = walk.step(&mut left).await? {
            count += RecordBatch::num_rows(&batch) as u64;
        }
        Ok(count)
    }

    fn walk(&self) -> Result<OwnedMutexGuard<Walk>> {
        let busy = |_| Error::new(Kind::ObjectInUse, format!("cursor \"{}\" is being read", self.shown.name));
        let walk = self.walk.clone().try_lock_owned().map_err(busy)?;
        match walk.failed {
            true => Err(Error::new(Kind::WrongState, format!("portal \"{}\" cannot be run", self.shown.name))),
            false => Ok(walk),
        }
    }
}

fn missing(name: &str) -> Error {
    Error::new(Kind::InvalidCursor, format!("cursor \"{name}\" does not exist"))
}
