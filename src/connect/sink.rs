//! What every target outside the store must be able to do, exactly once.

use crate::base::Result;
use crate::catalog::workflow::Mode;
use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A target of publications outside the managed tables.
///
/// The contract (see `tests/it/sinks.rs`): publishing the same [`Act`] twice is
/// publishing it once; readers see all of it or none; [`Sink::probe`] tells the
/// truth after any crash, because the marker is part of the target's own atomic act.
#[async_trait]
pub trait Sink: Send + Sync {
    /// What the target can promise, for `EXPLAIN WORKFLOW`.
    fn guarantee(&self) -> Guarantee;

    /// Refuses, when a workflow is created and again before a run publishes, rows that would not fit.
    async fn check(&self, schema: &SchemaRef, mode: &Mode) -> Result<()>;

    /// Makes the staged rows visible in one atomic act that carries the marker.
    /// When the marker is there already, nothing is done and its receipt returned.
    async fn publish(&self, act: &Act) -> Result<Receipt>;

    /// Asks the target, under its own lock, whether the act has landed. After `None` an act of the
    /// same run with an older epoch can never land.
    async fn probe(&self, act: &Act) -> Result<Option<Receipt>>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarantee {
    ExactlyOnce,
    AtLeastOnce,
}

/// One publication: which rows, how, and the marker that makes it once.
#[derive(Clone, Debug)]
pub struct Act {
    pub marker: Marker,
    pub mode: Mode,
    pub spool: Spool,
}

/// Identifies a publication inside its target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// This installation, so that two servers may publish to one database.
    pub server: String,
    pub target: String,
    pub run_id: String,
    /// Position in the order of publications to this target, 1 or more: one that comes after a
    /// higher one is refused. 0 for a statement of its own, which has no place in that order.
    pub seq: i64,
    /// Of the lease under which the run publishes; an older one is refused.
    pub epoch: i64,
    /// Of the staged bytes.
    pub sha256: String,
}

/// Staged rows: Parquet files that are on the disk and never change.
#[derive(Clone, Debug)]
pub struct Spool {
    pub schema: SchemaRef,
    pub files: Vec<PathBuf>,
    pub rows: u64,
    pub bytes: u64,
}

/// What a target answers when a publication has landed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub rows: u64,
    /// The target's own word for the act: transaction id, file name.
    pub reference: String,
}
