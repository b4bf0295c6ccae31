//! The only door to DataFusion's planner and executor.
//!
//! Text and syntax trees come in, plans and rows go out. Nobody else builds a
//! `SessionContext`.

mod context;
mod rows;

pub use context::{Context, RunContext};
pub use rows::Rows;
