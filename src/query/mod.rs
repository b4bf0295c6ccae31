//! The only door to DataFusion's planner and executor.
//!
//! Text and syntax trees come in, plans and rows go out. Nobody else builds a
//! `SessionContext`.

mod context;
mod rows;
pub mod system;

pub use context::{Context, RunContext, Setting};
pub use rows::Rows;
