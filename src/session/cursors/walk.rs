//! The way through a query's rows: forwards as they come, backwards as far as they are kept.
//!
//! Row 1 is the first. A place is the row that was fetched last: 0 before the first, one more than there are after
//! the last.

use super::spill::Spill;
use crate::base::{Error, Kind, Result};
use crate::query::Rows;
use datafusion::arrow::array::{RecordBatch, UInt64Array};
use datafusion::arrow::compute::take_record_batch;
use std::collections::VecDeque;
use std::path::PathBuf;

/// Bytes of rows that a cursor keeps in memory.
const KEPT_BYTES: usize = 16 << 20;

/// Where to go. Counts may be negative; `i64::MAX` is all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Forward(i64),
    Backward(i64),
    Absolute(i64),
    Relative(i64),
}

/// Which rows stay when they were fetched.
#[derive(Debug)]
pub enum Keep {
    /// None: it only goes forwards.
    Nothing,
    /// The last ones that fit into memory.
    Last,
    /// Every one, in a file of the folder when there are many.
    All(PathBuf),
}

/// Backwards or not, and how many rows.
pub type Left = (bool, u64);

pub struct Walk {
    /// `None` when all have come.
    rows: Option<Rows>,
    keep: Keep,
    kept: VecDeque<Kept>,
    /// Rows that have come.
    count: u64,
    at: u64,
    /// Of what is kept in memory.
    bytes: usize,
    bytes_max: usize,
    spill: Option<Spill>,
    /// After an error nothing more can be said.
    pub(super) failed: bool,
}

/// A batch and the number of its first row.
struct Kept {
    first: u64,
    rows: u64,
    place: Place,
}

enum Place {
    Memory(RecordBatch),
    /// Where in the file, and how many bytes.
    Disk(u64, usize),
}

impl Kept {
    fn last(&self) -> u64 {
        self.first + self.rows - 1
    }
}

impl Walk {
    pub fn new(rows: Rows, keep: Keep) -> Self {
        let (kept, spill) = (VecDeque::new(), None);
        Walk { rows: Some(rows), keep, kept, count: 0, at: 0, bytes: 0, bytes_max: KEPT_BYTES, spill, failed: false }
    }

    /// Goes to where the rows of a FETCH begin, and tells which ones they are.
    pub async fn turn(&mut self, direction: Direction) -> Result<Left> {
        let outcome = self.turned(direction).await;
        self.failed |= outcome.is_err();
        outcome
    }

    async fn turned(&mut self, direction: Direction) -> Result<Left> {
        match direction {
            Direction::Forward(0) | Direction::Backward(0) | Direction::Relative(0) => {
                let is_on_row = self.at > 0 && self.at <= self.count;
                if is_on_row {
                    self.back_to(self.at - 1)?;
                }
                Ok((false, u64::from(is_on_row)))
            }
            Direction::Forward(count) if count > 0 => Ok((false, count as u64)),
            Direction::Forward(count) | Direction::Backward(count) if count < 0 => {
                let back = matches!(direction, Direction::Forward(_));
                self.may_go_back(back)?;
                Ok((back, count.unsigned_abs()))
            }
            Direction::Forward(count) | Direction::Backward(count) => {
                self.may_go_back(true)?;
                Ok((true, count as u64))
            }
            Direction::Absolute(0) => {
                self.back_to(0)?;
                Ok((false, 0))
            }
            Direction::Absolute(row) if row > 0 => {
                self.go_to(row as u64 - 1).await?;
                Ok((false, 1))
            }
            Direction::Absolute(row) => {
                self.may_go_back(true)?;
                self.go_to(u64::MAX).await?;
                self.single_before(self.at, row.unsigned_abs())
            }
            Direction::Relative(rows) if rows > 0 => {
                self.go_to(self.at.saturating_add(rows as u64 - 1)).await?;
                Ok((false, 1))
            }
            Direction::Relative(rows) => {
                self.may_go_back(true)?;
                self.single_before(self.at, rows.unsigned_abs())
            }
        }
    }

    /// The row that is `rows` before `at`, when there is one.
    fn single_before(&mut self, at: u64, rows: u64) -> Result<Left> {
        let row = at.saturating_sub(rows);
        self.back_to(row.saturating_sub(1))?;
        Ok((false, u64::from(row > 0)))
    }

    fn may_go_back(&self, back: bool) -> Result<()> {
        if back && matches!(self.keep, Keep::Nothing) { Err(forward_only()) } else { Ok(()) }
    }

    /// To a place that was passed already.
    fn back_to(&mut self, at: u64) -> Result<()> {
        if at < self.at {
            self.may_go_back(true)?;
            // The row after it must still be there.
            if self.kept.front().is_none_or(|kept| kept.first > at + 1) && self.count > 0 {
                return Err(forward_only());
            }
        }
        self.at = at;
        Ok(())
    }

    async fn go_to(&mut self, at: u64) -> Result<()> {
        if at <= self.at {
            return self.back_to(at);
        }
        while self.count < at && self.pull().await? {
            self.at = self.count.min(at);
            self.forget();
        }
        self.at = at.min(self.count + u64::from(self.rows.is_none()));
        Ok(())
    }

    /// The next rows of those that are left; `None` when there are no more on this way.
    pub async fn step(&mut self, left: &mut Left) -> Result<Option<RecordBatch>> {
        if left.1 == 0 {
            return Ok(None);
        }
        let outcome = if left.0 { self.backward(left.1).await } else { self.forward(left.1).await };
        self.failed |= outcome.is_err();
        let batch = outcome?;
        left.1 -= batch.as_ref().map_or(left.1, |batch| batch.num_rows() as u64);
        Ok(batch)
    }

    async fn forward(&mut self, left: u64) -> Result<Option<RecordBatch>> {
        if self.at >= self.count && !self.pull().await? {
            self.at = self.count + 1;
            return Ok(None);
        }
        let from = self.at + 1;
        let (first, batch) = self.read(from).await?;
        let offset = from - first;
        let rows = left.min(batch.num_rows() as u64 - offset);
        self.at += rows;
        self.forget();
        Ok(Some(batch.slice(offset as usize, rows as usize)))
    }

    async fn backward(&mut self, left: u64) -> Result<Option<RecordBatch>> {
        if self.at <= 1 {
            self.at = 0;
            return Ok(None);
        }
        let to = self.at - 1;
        let (first, batch) = self.read(to).await?;
        let rows = left.min(to - first + 1);
        self.at -= rows;
        let positions = UInt64Array::from_iter_values((self.at - first..=to - first).rev());
        Ok(Some(take_record_batch(&batch, &positions)?))
    }

    /// Takes one more batch of the query; false when there is none.
    async fn pull(&mut self) -> Result<bool> {
        let Some(rows) = &mut self.rows else { return Ok(false) };
        loop {
            let Some(batch) = rows.next().await else {
                self.rows = None;
                return Ok(false);
            };
            // A place would be one in the text of its DECLARE.
            let batch = batch.map_err(Error::unplaced)?;
            if batch.num_rows() > 0 {
                let (first, rows) = (self.count + 1, batch.num_rows() as u64);
                self.count += rows;
                self.bytes += batch.get_array_memory_size();
                self.kept.push_back(Kept { first, rows, place: Place::Memory(batch) });
                return self.spill().await.map(|()| true);
            }
        }
    }

    /// The batch that holds a row, and its first row's number.
    async fn read(&mut self, row: u64) -> Result<(u64, RecordBatch)> {
        let at = self.kept.partition_point(|kept| kept.last() < row);
        let kept = self.kept.get(at).filter(|kept| kept.first <= row).ok_or_else(forward_only)?;
        let batch = match (&kept.place, &self.spill) {
            (Place::Memory(batch), _) => batch.clone(),
            (Place::Disk(offset, length), Some(spill)) => spill.read(*offset, *length).await?,
            (Place::Disk(..), None) => return Err(Error::internal("rows on the disk must have a file")),
        };
        Ok((kept.first, batch))
    }

    /// Drops what was passed and need not or cannot be kept.
    fn forget(&mut self) {
        let most = match self.keep {
            Keep::Nothing => 0,
            Keep::Last => self.bytes_max,
            Keep::All(_) => return,
        };
        while self.bytes > most && self.kept.front().is_some_and(|kept| kept.last() <= self.at) {
            if let Some(Kept { place: Place::Memory(batch), .. }) = self.kept.pop_front() {
                self.bytes = self.bytes.saturating_sub(batch.get_array_memory_size());
            }
        }
    }

    /// Writes what is in memory to the disk, when it is much and all of it must stay.
    async fn spill(&mut self) -> Result<()> {
        let Keep::All(folder) = &self.keep else { return Ok(()) };
        if self.bytes <= self.bytes_max {
            return Ok(());
        }
        let spill = match &mut self.spill {
            Some(spill) => spill,
            none => none.insert(Spill::new(folder)?),
        };
        for kept in &mut self.kept {
            if let Place::Memory(batch) = &kept.place {
                let (offset, length) = spill.write(batch.clone()).await?;
                kept.place = Place::Disk(offset, length);
            }
        }
        self.bytes = 0;
        Ok(())
    }
}

fn forward_only() -> Error {
    Error::new(Kind::WrongState, "cursor can only scan forward")
        .hint("Declare it with SCROLL option to enable backward scan.".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array};
    use datafusion::arrow::datatypes::Int64Type;
    use std::sync::Arc;

    /// Five rows in two batches.
    fn walk(keep: Keep, bytes_max: usize) -> Walk {
        let batch = |numbers: Vec<i64>| {
            let numbers: ArrayRef = Arc::new(Int64Array::from(numbers));
            RecordBatch::try_from_iter([("n", numbers)]).unwrap()
        };
        let batches = vec![batch(vec![1, 2, 3]), batch(vec![4, 5])];
        let rows = Rows::of(batches[0].schema(), batches);
        Walk { bytes_max, ..Walk::new(rows, keep) }
    }

    async fn fetch(walk: &mut Walk, direction: Direction) -> Result<Vec<i64>> {
        let mut left = walk.turn(direction).await?;
        let mut all = vec![];
        while let Some(batch) = walk.step(&mut left).await? {
            all.extend(batch.column(0).as_primitive::<Int64Type>().values());
        }
        Ok(all)
    }

    #[tokio::test]
    async fn a_walk_goes_where_postgres_goes() {
        use Direction::*;
        let folder = tempfile::tempdir().unwrap();
        let steps: &[(Direction, &[i64])] = &[
            (Absolute(-2), &[4]),
            (Absolute(-1), &[5]),
            (Absolute(1), &[1]),
            (Backward(1), &[]),
            (Forward(1), &[1]),
            (Relative(2), &[3]),
            (Relative(-1), &[2]),
            (Forward(0), &[2]),
            (Backward(i64::MAX), &[1]),
            (Forward(0), &[]),
            (Forward(i64::MAX), &[1, 2, 3, 4, 5]),
            (Backward(0), &[]),
            (Forward(-2), &[5, 4]),
            (Absolute(3), &[3]),
            (Backward(-1), &[4]),
            (Absolute(99), &[]),
            (Backward(1), &[5]),
            (Absolute(0), &[]),
            (Absolute(-99), &[]),
            (Forward(1), &[1]),
            (Relative(-9), &[]),
            (Forward(4), &[1, 2, 3, 4]),
            (Backward(3), &[3, 2, 1]),
        ];
        for bytes_max in [usize::MAX, 1] {
            let mut walk = walk(Keep::All(folder.path().to_path_buf()), bytes_max);
            for (direction, expected) in steps {
                assert_eq!(fetch(&mut walk, *direction).await.unwrap(), *expected, "{direction:?}");
            }
            assert_eq!(walk.spill.is_some(), bytes_max == 1);
        }
    }

    #[tokio::test]
    async fn what_is_not_kept_cannot_be_gone_back_to() {
        use Direction::*;
        for direction in [Backward(1), Relative(0), Relative(-1), Absolute(1), Absolute(-1), Forward(-1)] {
            let mut walk = walk(Keep::Nothing, 1 << 20);
            assert_eq!(fetch(&mut walk, Forward(2)).await.unwrap(), [1, 2]);
            let refused = fetch(&mut walk, direction).await.unwrap_err();
            assert_eq!((refused.kind, refused.message.as_str()), (Kind::WrongState, "cursor can only scan forward"));
            assert!(walk.failed);
        }
        let mut forwards = walk(Keep::Nothing, 1 << 20);
        assert_eq!(fetch(&mut forwards, Absolute(4)).await.unwrap(), [4]);
        assert_eq!(fetch(&mut forwards, Relative(1)).await.unwrap(), [5]);
        assert!(fetch(&mut forwards, Forward(1)).await.unwrap().is_empty());
        // What fits into memory is kept without being asked for.
        let mut little = walk(Keep::Last, 1 << 20);
        fetch(&mut little, Forward(i64::MAX)).await.unwrap();
        assert_eq!(fetch(&mut little, Backward(5)).await.unwrap(), [5, 4, 3, 2, 1]);
        let mut much = walk(Keep::Last, 1);
        fetch(&mut much, Forward(i64::MAX)).await.unwrap();
        assert!(fetch(&mut much, Backward(5)).await.is_err());
    }
}
