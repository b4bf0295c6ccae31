//! What every room may use: errors with SQLSTATE, names, types and values,
//! configuration, the clock. Nothing here knows what a workflow, a table or a socket is.

pub mod clock;
pub mod config;
pub mod counts;
pub mod culprit;
pub mod digest;
pub mod error;
pub mod folder;
mod error_datafusion;
pub mod name;
pub mod password;
pub mod roots;
pub mod seal;
pub mod sql;
pub mod textual;
mod type_names;
pub mod types;
pub mod value;

pub use clock::Clock;
pub use config::Config;
pub use counts::Counts;
pub use culprit::Culprit;
pub use error::{Error, Kind, Result};
pub use name::{Name, quote_identifier, quote_literal};
pub use roots::Roots;
pub use textual::{Span, Textual};
pub use types::Type;
