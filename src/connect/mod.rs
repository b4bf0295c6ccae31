//! Other systems, one file or folder per connector: read, stage, publish, probe.

mod sink;

pub use sink::{Act, Guarantee, Marker, Receipt, Sink, Spool};
