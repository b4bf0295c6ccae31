//! The commit of a statement that has written files of a managed table.

use crate::base::{Kind, Result};
use crate::catalog::{Change, Commit, Live, Table};
use crate::lake::Lake;

/// Commits, and removes the files when the commit was refused: a later try writes its own.
///
/// After any other error the files stay for the collector, as the commit may have happened.
pub async fn commit(
    (catalog, lake): (&Live, &Lake),
    table: &Table,
    changes: Vec<Change>,
    author: &str,
    message: &str,
) -> Result<()> {
    let commit = Commit {
        changes: changes.clone(),
        author: author.to_string(),
        message: message.to_string(),
        ..Commit::default()
    };
    let outcome = catalog.commit(commit).await.map(|_| ());
    outcome.inspect_err(|error| {
        if error.kind == Kind::SerializationFailure || error.sqlstate().starts_with("42") {
            lake.discard(table, &changes);
        }
    })
}
