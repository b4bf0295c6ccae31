//! What a run does: bind, plan, execute, check, publish, record, recover.
//!
//! Outside this room nobody starts a run or moves its state.

pub use api::{Answer, Execute, StatementRunner, Subject, Workflows};

mod api;
