//! Aqueduct: prediction infrastructure in SQL.
//!
//! A room may use only the rooms listed after it; `tests/it/tidy.rs` holds them to that.

pub mod cli; // the command line
pub mod wire; // the Postgres protocol
pub mod http; // health, metrics
pub mod statement; // what a user can say, one file each
pub mod session; // one client
pub mod engine; // the rooms put together
pub mod workflow; // what a run does
pub mod query; // the only door to DataFusion
pub mod lake; // managed tables
pub mod connect; // other systems
pub mod check; // assertions and metrics
pub mod model; // registry and artifacts
pub mod schedule; // when
pub mod catalog; // what exists
pub mod store; // what survives a restart
pub mod base; // what every room may use
