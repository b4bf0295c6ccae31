//! Statements that change rows of one table take turns, so that each finds what the one before has written.
//!
//! A turn saves work and spares clients a 40001; nothing depends on it, for a commit is checked in any case.

use super::Lake;
use crate::base::Name;
use crate::catalog::temporary;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;

/// How long to wait for a statement whose client does not end it.
const PATIENCE: Duration = Duration::from_secs(2);

/// By table; those that nobody waits for are forgotten.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<Name, Arc<tokio::sync::Mutex<()>>>>);

/// The next statement's turn comes when it is dropped.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "held, never read")] OwnedMutexGuard<()>);

impl Lake {
    /// Waits for the statements before; `None` when one of them takes too long.
    pub async fn turn(&self, table: &Name) -> Option<Turn> {
        if table.schema == temporary::SCHEMA {
            return None;
        }
        let turn = {
            let mut turns = self.turns.0.lock();
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            turns.entry(table.clone()).or_default().clone()
        };
        tokio::time::timeout(PATIENCE, turn.lock_owned()).await.ok().map(Turn)
    }
}
