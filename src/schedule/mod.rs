//! When a workflow runs: cron, intervals and time zones as pure functions.

mod cron;
pub mod spec;
mod zone;

pub use spec::Spec;
