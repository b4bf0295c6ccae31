//! Model files: where they are kept, and one warm copy of each for all who ask.
//!
//! What is in a file, and how it is scored, is the leaf crate's matter.

mod artifact;
mod describe;
mod refusal;
mod registry;

pub use describe::{DESCRIPTION, signature};
pub use registry::Registry;
