//! What must be true of the files that the catalog names.

use super::Lake;
use crate::base::{Error, Result};
use crate::catalog::Snapshot;
use crate::store::Store;
use std::path::PathBuf;
use std::time::Duration;

impl Lake {
    /// What is wrong, one line each; nothing when all is well.
    pub async fn verify(&self, store: &Store, snapshot: &Snapshot) -> Result<Vec<String>> {
        let _ = (store, snapshot);
        Err(Error::unsupported("verify must be written"))
    }

    /// Removes files that no snapshot of the history names and that are older than `age`; tells which.
    pub async fn collect(&self, store: &Store, age: Duration) -> Result<Vec<PathBuf>> {
        let _ = (store, age);
        Err(Error::unsupported("collect must be written"))
    }
}
