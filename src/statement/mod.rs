//! What a user can say, one file each: syntax, meaning, manual entry, tests.

mod alter_table;
mod copy;
mod create_schema;
mod create_table;
mod create_view;
mod delete;
mod drop;
mod insert;
pub mod managed;
mod truncate;
mod update;

use crate::base::Result;
use crate::session::{Description, Response, Session};
use async_trait::async_trait;
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

/// A statement that has been read; prints back as text that reads to the same.
#[async_trait]
pub trait Statement: fmt::Debug + fmt::Display + Send + Sync {
    /// Types of its parameters and shape of its answer, before it runs. `hints` are the types the client gave.
    async fn describe(&self, session: &Session, hints: &[Option<crate::base::Type>]) -> Result<Description> {
        let _ = (session, hints);
        Ok(Description::default())
    }

    /// Runs it. Positions in errors are offsets in the statement's own text.
    async fn run(&self, session: &mut Session, parameters: &[ScalarValue]) -> Result<Response>;
}

/// A statement and the text it was read from.
#[derive(Clone, Debug)]
pub struct Parsed {
    pub text: String,
    /// Byte offset of `text` in what the client sent.
    pub offset: usize,
    pub statement: Arc<dyn Statement>,
}
