//! Other systems, one file or folder per connector: read, stage, publish, probe.

mod connections;
mod file;
mod kind;
mod postgres;
pub mod records;
mod scan;
mod secret;
mod sink;
mod spool;

pub use connections::{Connections, ExternalColumn, Tested};
pub use file::FileFormat;
pub use kind::{ConnectionKind, ConnectionOption};
pub use sink::{Act, Guarantee, Marker, Receipt, Sink, Spool};
