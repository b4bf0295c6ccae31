//! What a statement answers.

use crate::base::{Result, Type};
use crate::query::Rows;
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

/// The answer to one statement.
pub enum Response {
    /// Rows, and the command tag; `SELECT` gets its count appended.
    Rows { rows: Rows, tag: &'static str },
    /// Done, with the whole command tag: `INSERT 0 3`, `CREATE WORKFLOW`.
    Done { tag: String },
    /// `COPY … TO STDOUT`: chunks that are complete rows, already in the format that was asked for.
    CopyOut { binary: bool, columns: usize, chunks: mpsc::Receiver<Result<Chunk>> },
    /// `COPY … FROM STDIN`
    CopyIn(CopyIn),
    /// An empty statement.
    Empty,
}

/// Some of what a copy sends.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    pub data: Bytes,
    /// Where its messages end: clients may count on a row each.
    pub ends: Vec<usize>,
    pub rows: u64,
}

impl Chunk {
    /// What is no row: the head of a file, or its end.
    pub fn frame(data: impl Into<Bytes>) -> Chunk {
        let data = data.into();
        Chunk { ends: vec![data.len()], data, rows: 0 }
    }

    pub fn rows(data: impl Into<Bytes>, ends: Vec<usize>) -> Chunk {
        let rows = ends.len() as u64;
        Chunk { data: data.into(), ends, rows }
    }
}

/// Takes the client's bytes. Dropping `data` without `fail` ends the copy well; `done` then has the row count.
pub struct CopyIn {
    pub binary: bool,
    pub columns: usize,
    /// An `Err` sent here (CopyFail, lost client) undoes the copy.
    pub data: mpsc::Sender<Result<Bytes>>,
    pub done: oneshot::Receiver<Result<u64>>,
}

/// Something the client should know that is not an error.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub severity: &'static str,
    pub sqlstate: &'static str,
    pub message: String,
    pub hint: Option<String>,
}

/// What is known of a statement before it runs.
#[derive(Clone, Debug, Default)]
pub struct Description {
    pub parameters: Vec<Type>,
    /// `None` when the statement returns no rows.
    pub columns: Option<datafusion::arrow::datatypes::SchemaRef>,
}
