//! The only door to DataFusion's planner and executor.
//!
//! Text and syntax trees come in, plans and rows go out. Nobody else builds a
//! `SessionContext`.

mod context;
mod plan;
mod rows;
pub mod system;

pub use context::{Context, RunContext, Setting};
pub use plan::{ModelUse, Plan, References};
pub use rows::{Progress, Rows};

use crate::base::{Config, Error, Result, Type};
use crate::catalog::Live;
use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::ScalarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::sql::sqlparser::ast::Statement;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Plans and runs queries.
#[derive(Debug)]
pub struct Query {}

/// An expression bound to the columns of a schema.
#[derive(Clone, Debug)]
pub struct Bound {
    expression: Arc<dyn PhysicalExpr>,
    ty: Type,
}

impl Query {
    pub fn new(_config: &Config, _catalog: Arc<Live>) -> Result<Query> {
        Ok(Query {})
    }

    /// Plans a query or an EXPLAIN of one. `text` is what `statement` was parsed from:
    /// errors carry the byte offset of the culprit in it.
    pub async fn plan(&self, context: &Context, statement: &Statement, text: &str) -> Result<Plan> {
        self.plan_with(context, statement, text, &[]).await
    }

    /// As [`Query::plan`], with the types that the client gave for `$1`, `$2`, …
    pub async fn plan_with(&self, _: &Context, _: &Statement, _: &str, _hints: &[Option<Type>]) -> Result<Plan> {
        Err(Error::unsupported("queries"))
    }

    /// Parses and plans a text that is one query.
    pub async fn plan_text(&self, _context: &Context, _text: &str) -> Result<Plan> {
        Err(Error::unsupported("queries"))
    }

    /// Starts a plan on the query threads. Dropping the rows, the token or the plan's deadline stops it.
    pub async fn run(&self, _plan: &Plan, _parameters: &[ScalarValue], _cancel: CancellationToken) -> Result<Rows> {
        Err(Error::unsupported("queries"))
    }

    /// The value of an expression without columns, converted to `ty` when one is given.
    pub async fn value(&self, _context: &Context, _text: &str, _ty: Option<&Type>) -> Result<ScalarValue> {
        Err(Error::unsupported("queries"))
    }

    /// Binds a boolean expression to the columns of `schema`; `42804` when it is not boolean.
    pub async fn condition(&self, _context: &Context, _text: &str, _schema: &SchemaRef) -> Result<Bound> {
        Err(Error::unsupported("queries"))
    }

    /// Binds an expression of any type to the columns of `schema`.
    pub async fn expression(&self, _context: &Context, _text: &str, _schema: &SchemaRef) -> Result<Bound> {
        Err(Error::unsupported("queries"))
    }

    /// What a statement (query or DML) reads, writes and calls.
    pub async fn references(&self, _context: &Context, _text: &str) -> Result<References> {
        Err(Error::unsupported("queries"))
    }
}

impl Bound {
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    /// The expression's values for the rows of a batch of the schema it was bound to.
    pub fn evaluate(&self, batch: &RecordBatch) -> Result<ArrayRef> {
        Ok(self.expression.evaluate(batch)?.into_array(batch.num_rows())?)
    }
}
