//! Tables as they were.

use super::Lake;
use crate::base::{Error, Name, Result};
use crate::catalog::Table;
use crate::store::Store;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Which past.
#[derive(Clone, Debug, PartialEq)]
pub enum At {
    /// `FOR VERSION AS OF n`: the lake's snapshot.
    Version(i64),
    /// `FOR TIMESTAMP AS OF t`: the last snapshot at or before it.
    Timestamp(DateTime<Utc>),
    /// `FOR VERSION AS OF 'run id'`: the snapshot that the run's publication made.
    Run(String),
}

impl Lake {
    /// The table that had this name then.
    pub async fn table_at(&self, store: &Store, name: &Name, at: &At) -> Result<Arc<Table>> {
        let _ = (store, name, at);
        Err(Error::unsupported("reading the past must be written"))
    }
}
