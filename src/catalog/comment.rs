//! What was said about an object with COMMENT ON.

use super::{Snapshot, Subject};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    pub subject: Subject,
    pub text: String,
}

impl Snapshot {
    pub fn comment(&self, subject: &Subject) -> Option<&str> {
        self.comments.get(subject).map(|comment| comment.text.as_str())
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
}
