//! What exists, as plain immutable data.
//!
//! A [`Snapshot`] never changes; [`Snapshot::apply`] makes the next one from a
//! [`Change`], and [`writes`] tells which rows of the store say the same. Only
//! [`Live`] touches the store, and it is the one place where a snapshot is swapped.

mod alter;
mod change;
mod comment;
mod role;
mod subject;
mod draft;
mod live;
mod load;
mod object;
mod rules;
mod sequence;
mod snapshot;
pub mod stats;
mod table;
pub mod temporary;
#[cfg(test)]
mod tests;
pub mod workflow;
mod writes;

pub use change::{Change, NewDelete, NewDeleteFile, NewFile};
pub use comment::Comment;
pub use draft::Draft;
pub use live::{Commit, Live};
pub use load::table_at;
pub use object::{Connection, External, Input, Model, ModelVersion, NullRule, Secret, SecretSource};
pub use role::{Grant, OWNER, PRIVILEGES, PUBLIC, Privilege, Role};
pub use rules::{Action, Constraint, Index, Key, Rule, Rules};
pub use sequence::Sequence;
pub use snapshot::{Relation, Schema, Snapshot, View};
pub use subject::Subject;
pub use table::{Column, ColumnStats, DataFile, DeleteFile, Table};
pub use temporary::Temporary;
pub use workflow::Workflow;
