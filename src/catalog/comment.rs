//! What was said about an object with COMMENT ON.

use super::{Relation, Snapshot};
use crate::base::Name;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a comment is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Subject {
    Schema(String),
    /// A table, view, materialized view or external table.
    Relation(Name),
    Column(Name, String),
    Index(Name),
    Constraint(Name, String),
    Model(Name),
    Workflow(Name),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    pub subject: Subject,
    pub text: String,
}

impl Subject {
    /// A name that no other subject has.
    pub fn key(&self) -> Name {
        match self {
            Subject::Schema(name) => Name::new("", format!("schema {name}")),
            Subject::Relation(name) => Name::new(&name.schema, format!("relation {}", name.name)),
            Subject::Column(name, column) => Name::new(&name.schema, format!("column {}.{column}", name.name)),
            Subject::Index(name) => Name::new(&name.schema, format!("index {}", name.name)),
            Subject::Constraint(name, it) => Name::new(&name.schema, format!("constraint {it} on {}", name.name)),
            Subject::Model(name) => Name::new(&name.schema, format!("model {}", name.name)),
            Subject::Workflow(name) => Name::new(&name.schema, format!("workflow {}", name.name)),
        }
    }
}

impl Snapshot {
    pub fn comment(&self, subject: &Subject) -> Option<&str> {
        self.comments.get(subject).map(|comment| comment.text.as_str())
    }

    /// Whether there is what a comment is about.
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
        }
    }

    pub(super) fn say(&mut self, subject: &Subject, text: Option<&String>) {
        match text {
            Some(text) => {
                let comment = Comment { subject: subject.clone(), text: text.clone() };
                self.comments.insert(subject.clone(), Arc::new(comment));
            }
            None => drop(self.comments.remove(subject)),
        }
    }

    /// Comments on what is called otherwise now.
    pub(super) fn say_again(&mut self, renamed: impl Fn(&Subject) -> Option<Subject>) {
        let moved: Vec<_> = self.comments.keys().filter_map(|old| Some((old.clone(), renamed(old)?))).collect();
        for (old, new) in moved {
            let text = self.comments.remove(&old).map(|comment| comment.text.clone());
            self.say(&new, text.as_ref());
        }
    }

    /// Leaves out comments on what is not there any more.
    pub(super) fn unsay(&mut self) {
        if !self.comments.is_empty() {
            let kept = self.comments.iter().filter(|(subject, _)| self.has(subject));
            self.comments = kept.map(|(subject, comment)| (subject.clone(), comment.clone())).collect();
        }
    }
}
