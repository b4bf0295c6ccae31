//! Model files: where they are kept, and one warm copy of each for all who ask.

mod artifact;
mod registry;

pub use registry::Registry;
