//! What a comment or a grant is about: it follows the object when that is renamed, and goes with it.

use super::{Comment, Grant, Relation, Snapshot};
use crate::base::Name;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Subject {
    Schema(String),
    /// A table, view, materialized view or external table.
    Relation(Name),
    Column(Name, String),
    Index(Name),
    Constraint(Name, String),
    Model(Name),
    Workflow(Name),
    Sequence(Name),
    Connection(String),
    Database,
}

impl Subject {
    /// A name that no other subject has.
    pub fn key(&self) -> Name {
        let schema = match self {
            Subject::Schema(_) | Subject::Connection(_) | Subject::Database => "",
            Subject::Relation(name)
            | Subject::Column(name, _)
            | Subject::Index(name)
            | Subject::Constraint(name, _)
            | Subject::Model(name)
            | Subject::Workflow(name)
            | Subject::Sequence(name) => &name.schema,
        };
        Name::new(schema, self.to_string())
    }
}

/// `relation t`, `column t.a`
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Schema(name) => write!(f, "schema {name}"),
            Subject::Relation(name) => write!(f, "relation {}", name.name),
            Subject::Column(name, column) => write!(f, "column {}.{column}", name.name),
            Subject::Index(name) => write!(f, "index {}", name.name),
            Subject::Constraint(name, constraint) => write!(f, "constraint {constraint} on {}", name.name),
            Subject::Model(name) => write!(f, "model {}", name.name),
            Subject::Workflow(name) => write!(f, "workflow {}", name.name),
            Subject::Sequence(name) => write!(f, "sequence {}", name.name),
            Subject::Connection(name) => write!(f, "connection {name}"),
            Subject::Database => write!(f, "database"),
        }
    }
}

impl Snapshot {
    /// Whether there is what it says.
    pub fn has(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Schema(name) => self.schemas.contains_key(name),
            Subject::Relation(name) => self.relations.contains_key(name),
            Subject::Column(name, column) => match self.relations.get(name) {
                Some(Relation::Table(table)) => table.column(column).is_some(),
                Some(Relation::External(external)) => external.columns.iter().any(|(known, ..)| known == column),
                // Only the planner knows.
                Some(Relation::View(_)) => true,
                None => false,
            },
            Subject::Index(name) => self.relations.values().any(|relation| match relation {
                Relation::Table(table) => table.name.schema == name.schema && table.rules.has_index(&name.name),
                _ => false,
            }),
            Subject::Constraint(name, constraint) => match self.relations.get(name) {
                Some(Relation::Table(table)) => table.rules.constraint(constraint).is_some(),
                _ => false,
            },
            Subject::Model(name) => self.models.contains_key(name),
            Subject::Workflow(name) => self.workflows.contains_key(name),
            Subject::Sequence(name) => self.sequences.contains_key(name),
            Subject::Connection(name) => self.connections.contains_key(name),
            Subject::Database => true,
        }
    }

    /// Lets comments and grants follow what is called otherwise now.
    pub(super) fn follow(&mut self, renamed: impl Fn(&Subject) -> Option<Subject>) {
        let moved: Vec<_> = self.comments.keys().filter_map(|old| Some((old.clone(), renamed(old)?))).collect();
        for (old, subject) in moved {
            if let Some(comment) = self.comments.remove(&old) {
                self.comments.insert(subject.clone(), Arc::new(Comment { subject, ..(*comment).clone() }));
            }
        }
        let moved: Vec<_> = self.grants.keys().filter_map(|key| Some((key.clone(), renamed(&key.0)?))).collect();
        for (old, subject) in moved {
            if let Some(grant) = self.grants.remove(&old) {
                let key = (subject.clone(), grant.grantee.clone());
                self.grants.insert(key, Arc::new(Grant { subject, ..(*grant).clone() }));
            }
        }
    }

    /// Leaves out comments and grants on what is not there any more.
    pub(super) fn forget_missing(&mut self) {
        let gone: Vec<_> = self.comments.keys().filter(|subject| !self.has(subject)).cloned().collect();
        gone.iter().for_each(|subject| drop(self.comments.remove(subject)));
        let gone: Vec<_> = self.grants.keys().filter(|(subject, _)| !self.has(subject)).cloned().collect();
        gone.iter().for_each(|key| drop(self.grants.remove(key)));
    }
}
