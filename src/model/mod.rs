//! Model files: where they are kept, and one warm copy of each for all who ask.

mod artifact;
mod registry;

pub use registry::Registry;

/// Columns of what [`Registry::describe`] answers.
pub const DESCRIPTION: [&str; 4] = ["item", "name", "type", "detail"];
