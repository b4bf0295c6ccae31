//! Files below the allowed roots: read as external tables, written as targets of workflows.

mod csv;
mod find;
mod infer;
mod json;
mod lines;
mod options;
mod parquet;
mod sink;
mod table;
mod text;
mod values;
mod write;

pub(super) use infer::infer;
pub use options::{FORMATS, FileFormat};
pub(super) use sink::FileSink;
pub(super) use table::ExternalTable;
