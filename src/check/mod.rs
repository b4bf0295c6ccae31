//! Assertions and metrics: from a definition to SQL, and from its numbers to a verdict.
//!
//! Pure: whoever audits rows runs the SQL. Each kind of assertion is one file in `sql/checks/`.

mod fold;
mod kind;
pub mod metric;
mod plan;
mod sql;
mod verdict;

pub use fold::{Found, fold};
pub use plan::{CheckPlan, plan};
pub use sql::Sql;
pub use verdict::{Status, describe, verdict};
