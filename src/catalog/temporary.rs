//! Temporary tables and views: they exist for one session, in a schema of its own, and in no store.
//!
//! In a session's snapshot they lie beside what exists for everybody. Their ids are below zero, so that those of
//! the lake go on without a gap.

use super::{Change, Comment, Grant, Relation, Schema, Sequence, Snapshot, Subject};
use crate::base::Name;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The schema of temporary tables and views, whichever session asks.
pub const SCHEMA: &str = "pg_temp";

/// What a session has of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Temporary {
    schema: Arc<Schema>,
    relations: BTreeMap<Name, Relation>,
    sequences: BTreeMap<Name, Arc<Sequence>>,
    comments: BTreeMap<Subject, Arc<Comment>>,
    grants: BTreeMap<(Subject, String), Arc<Grant>>,
    next_id: i64,
}

impl Temporary {
    /// Nothing yet; the files of tables will lie below `folder`, an absolute path ending in `/`.
    pub fn new(folder: String) -> Temporary {
        let schema = Schema { id: -1, uuid: String::new(), name: SCHEMA.to_string(), path: folder };
        let (relations, sequences, comments, grants) = Default::default();
        Temporary { schema: Arc::new(schema), relations, sequences, comments, grants, next_id: -2 }
    }

    /// Files that its tables name, and the tables' folders.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.relations.values().filter_map(Relation::table).flat_map(|table| {
            let deletes = table.files.iter().filter_map(|file| file.deletes.as_ref());
            let files = table.files.iter().map(|file| &file.path).chain(deletes.map(|deletes| &deletes.path));
            files.map(|file| (table.folder.as_str(), file.as_str()))
        })
    }
}

impl Snapshot {
    /// What exists for the session that has these.
    pub fn with_temporary(&self, temporary: &Temporary) -> Snapshot {
        let mut snapshot = self.clone();
        snapshot.schemas.insert(SCHEMA.to_string(), temporary.schema.clone());
        snapshot.relations.extend(temporary.relations.clone());
        snapshot.sequences.extend(temporary.sequences.clone());
        snapshot.comments.extend(temporary.comments.clone());
        snapshot.grants.extend(temporary.grants.clone());
        snapshot.next_temporary_id = temporary.next_id;
        snapshot
    }

    /// What the session has of its own.
    pub fn temporary(&self) -> Option<Temporary> {
        let schema = self.schemas.get(SCHEMA)?.clone();
        let (mut relations, mut sequences) = (self.relations.clone(), self.sequences.clone());
        let (mut comments, mut grants) = (self.comments.clone(), self.grants.clone());
        relations.retain(|name, _| name.schema == SCHEMA);
        sequences.retain(|name, _| name.schema == SCHEMA);
        comments.retain(|subject, _| subject.key().schema == SCHEMA);
        grants.retain(|(subject, _), _| subject.key().schema == SCHEMA);
        Some(Temporary { schema, relations, sequences, comments, grants, next_id: self.next_temporary_id })
    }

    /// What exists for everybody.
    pub fn shared(self: &Arc<Self>) -> Arc<Snapshot> {
        if !self.schemas.contains_key(SCHEMA) {
            return self.clone();
        }
        let mut shared = (**self).clone();
        shared.schemas.remove(SCHEMA);
        shared.relations.retain(|name, _| name.schema != SCHEMA);
        shared.sequences.retain(|name, _| name.schema != SCHEMA);
        shared.comments.retain(|subject, _| subject.key().schema != SCHEMA);
        shared.grants.retain(|(subject, _), _| subject.key().schema != SCHEMA);
        shared.next_temporary_id = 0;
        Arc::new(shared)
    }
}

impl Change {
    /// Whether it is about a relation of one session alone.
    pub fn is_temporary(&self) -> bool {
        match self {
            Change::CreateTable { name, .. }
            | Change::Vacant { name }
            | Change::DropTable { name }
            | Change::RenameRelation { from: name, .. }
            | Change::AppendFiles { table: name, .. }
            | Change::RemoveFiles { table: name, .. }
            | Change::Truncate { table: name }
            | Change::SetColumns { table: name, .. }
            | Change::SetRules { table: name, .. }
            | Change::DeleteRows { table: name, .. }
            | Change::DropView { name }
            | Change::DropExternal { name } => name.schema == SCHEMA,
            Change::Expect { table, .. } => table.name.schema == SCHEMA,
            Change::PutView(view) => view.name.schema == SCHEMA,
            Change::PutExternal(external) => external.name.schema == SCHEMA,
            Change::PutSequence { sequence, .. } => sequence.name.schema == SCHEMA,
            Change::DropSequence { name } | Change::AdvanceSequence { name, .. } => name.schema == SCHEMA,
            Change::Comment { subject, .. } | Change::Grant { subject, .. } | Change::Revoke { subject, .. } => {
                subject.key().schema == SCHEMA
            }
            Change::CreateSchema { .. }
            | Change::DropSchema { .. }
            | Change::PutRole { .. }
            | Change::DropRole { .. }
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
}
