//! What survives a restart: one SQL database in which the catalog, the run
//! ledger and the lake's metadata commit together.
//!
//! The rooms above write portable SQL with `?` placeholders and read [`Row`]s;
//! which database runs it is known only here.

mod schema;
mod sqlite;
mod value;

pub use sqlite::{Store, Transaction};
pub use value::{Row, Value, Write};
