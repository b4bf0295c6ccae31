//! The commit of a statement that has written files of a managed table.

use crate::base::{Error, Kind, Result};
use crate::catalog::{Change, Commit, Live, Table};
use crate::lake::Lake;

/// How often constraints are looked at again because another statement has committed meanwhile.
const AGAIN_MAX: usize = 20;

/// Commits what leaves all constraints whole, and removes the files when the commit was refused: a later
/// try writes its own.
///
/// After any other error the files stay for the collector, as the commit may have happened.
pub async fn commit(
    (catalog, lake): (&Live, &Lake),
    table: &Table,
    changes: Vec<Change>,
    author: &str,
    message: &str,
) -> Result<()> {
    let outcome = held((catalog, lake), &changes, author, message).await;
    outcome.inspect_err(|error| {
        let state = error.sqlstate();
        if error.kind == Kind::SerializationFailure || state.starts_with("42") || state.starts_with("23") {
            lake.discard(table, &changes);
        }
    })
}

async fn held((catalog, lake): (&Live, &Lake), changes: &[Change], author: &str, message: &str) -> Result<()> {
    let mut refused: Option<Error> = None;
    for _ in 0..AGAIN_MAX {
        let expected = lake.hold(&catalog.snapshot(), changes).await?;
        let looked = !expected.is_empty();
        let commit = Commit {
            changes: expected.into_iter().chain(changes.iter().cloned()).collect(),
            author: author.to_string(),
            message: message.to_string(),
            ..Commit::default()
        };
        match catalog.commit(commit).await {
            Ok(_) => return Ok(()),
            Err(error) if looked && error.kind == Kind::SerializationFailure => refused = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(refused.unwrap_or_else(|| Error::internal("a commit must be tried")))
}
