//! The rows of the store that say what a commit changes.
//!
//! They come from comparing what existed before with what exists after, so no
//! change can be forgotten here; `tests.rs` holds them to what the loader reads.

mod files;
mod objects;
mod relations;

use super::{Change, Relation, Snapshot};
use crate::base::Result;
use crate::store::{Value, Write};

/// Whether a change belongs to the lake's history.
pub(super) fn in_lake(snapshot: &Snapshot, change: &Change) -> bool {
    match change {
        change if change.is_temporary() => false,
        Change::RenameRelation { from, .. } => !matches!(snapshot.relations.get(from), Some(Relation::External(_))),
        Change::CreateSchema { .. }
        | Change::DropSchema { .. }
        | Change::CreateTable { .. }
        | Change::DropTable { .. }
        | Change::SetColumns { .. }
        | Change::SetRules { .. }
        | Change::AppendFiles { .. }
        | Change::RemoveFiles { .. }
        | Change::Truncate { .. }
        | Change::DeleteRows { .. }
        | Change::PutView(_)
        | Change::DropView { .. } => true,
        Change::Expect { .. }
        | Change::Vacant { .. }
        | Change::Comment { .. }
        | Change::PutRole { .. }
        | Change::DropRole { .. }
        | Change::Grant { .. }
        | Change::Revoke { .. }
        | Change::PutSequence { .. }
        | Change::DropSequence { .. }
        | Change::AdvanceSequence { .. }
        | Change::PutExternal(_)
        | Change::DropExternal { .. }
        | Change::PutSecret { .. }
        | Change::DropSecret { .. }
        | Change::PutConnection { .. }
        | Change::DropConnection { .. }
        | Change::AddModelVersion { .. }
        | Change::DropModel { .. }
        | Change::PutWorkflow { .. }
        | Change::PauseWorkflow { .. }
        | Change::DropWorkflow { .. } => false,
    }
}

/// Rows that lead the store from `before` to `after`.
pub(super) fn writes(before: &Snapshot, after: &Snapshot, author: &str, message: &str, at: &str) -> Result<Vec<Write>> {
    let mut writes = vec![];
    if after.lake != before.lake {
        lake(before, after, author, message, at, &mut writes);
    }
    objects::objects(before, after, author, at, &mut writes)?;
    Ok(writes)
}

fn lake(before: &Snapshot, after: &Snapshot, author: &str, message: &str, at: &str, writes: &mut Vec<Write>) {
    let words = relations::relations(before, after, writes);
    writes.push(Write::new(
        "INSERT INTO ducklake_snapshot(snapshot_id, snapshot_time, schema_version, next_catalog_id, next_file_id) \
         VALUES (?, ?, ?, ?, ?)",
        [
            after.lake.into(),
            at.into(),
            after.schema_version.into(),
            after.next_catalog_id.into(),
            after.next_file_id.into(),
        ],
    ));
    let known = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    writes.push(Write::new(
        "INSERT INTO ducklake_snapshot_changes(snapshot_id, changes_made, author, commit_message) VALUES (?, ?, ?, ?)",
        [after.lake.into(), words.join(",").into(), known(author), known(message)],
    ));
}
