//! The only door to DataFusion's planner and executor.
//!
//! Text and syntax trees come in, plans and rows go out. Nobody else builds a
//! `SessionContext`.

mod aggregates;
mod alike;
pub mod assignment;
mod binding;
mod called;
mod constant;
mod context;
mod cooperative;
mod errors;
mod explain;
mod expression;
mod from;
mod functions;
mod held;
mod meaning;
mod models;
mod names;
mod operators;
mod output;
mod parameters;
mod phrases;
mod places;
mod plan;
mod planner;
mod predict;
mod quick;
mod references;
mod relations;
mod rewrite;
mod rows;
mod run;
mod runtime;
mod series;
mod session;
mod subqueries;
pub mod system;
#[cfg(test)]
mod tests;
mod types;
mod unfolded;

pub use aggregates::aggregates;
pub use context::{Context, RunContext, Setting};
pub use explain::Explain;
pub use functions::cast::Cast;
pub use models::{Answer, Scorer, ScorerInput, Scorers};
pub use plan::{ModelUse, Plan, References};
pub use rows::{Progress, Rows};

use crate::base::{Config, Error, Kind, Result, Type, sql};
use crate::catalog::Live;
use crate::connect::Connections;
use crate::lake::Lake;
use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::ScalarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::sql::sqlparser::ast::Statement;
use planner::Planner;
use runtime::{Limits, Threads};
use std::sync::Arc;
use system::sessions::Sessions;
use tokio_util::sync::CancellationToken;

/// Plans and runs queries.
#[derive(Debug)]
pub struct Query {
    planner: Arc<Planner>,
    threads: Arc<Threads>,
}

/// An expression bound to the columns of a schema.
#[derive(Clone, Debug)]
pub struct Bound {
    expression: Arc<dyn PhysicalExpr>,
    ty: Type,
}

impl Query {
    /// The models' files are read by `models` when a statement first calls them.
    pub fn new(
        config: &Config,
        catalog: Arc<Live>,
        lake: Arc<Lake>,
        connections: Arc<Connections>,
        models: Arc<dyn Scorers>,
    ) -> Result<Query> {
        let threads = Arc::new(Threads::new(config)?);
        let functions = Arc::new(functions::Functions::new());
        let planner = Planner {
            state: Arc::new(session::template(config, &threads)),
            functions,
            system: Arc::new(system::System::new(catalog.clone())),
            catalog,
            lake,
            connections,
            models: models::Models(models),
        };
        Ok(Query { planner: Arc::new(planner), threads })
    }

    /// Everybody who is connected.
    pub fn sessions(&self) -> &Arc<Sessions> {
        &self.planner.system.sessions
    }

    /// Plans a query or an EXPLAIN of one. `text` is what `statement` was parsed from:
    /// errors carry the byte offset of the culprit in it.
    pub async fn plan(&self, context: &Context, statement: &Statement, text: &str) -> Result<Plan> {
        self.plan_with(context, statement, text, &[]).await
    }

    /// As [`Query::plan`], with the types that the client gave for `$1`, `$2`, …
    pub async fn plan_with(
        &self,
        context: &Context,
        statement: &Statement,
        text: &str,
        hints: &[Option<Type>],
    ) -> Result<Plan> {
        let (planner, statement) = (self.planner.clone(), statement.clone());
        let (text, hints) = (text.to_string(), hints.to_vec());
        let work = move |context| async move { planner.plan(context, statement, &text, &hints).await };
        self.on_threads(context, work).await
    }

    /// Parses and plans a text that is one query.
    pub async fn plan_text(&self, context: &Context, text: &str) -> Result<Plan> {
        self.plan(context, &sql::parse_statement(text)?, text).await
    }

    /// Starts a plan on the query threads. Dropping the rows, the token or the plan's deadline stops it.
    pub async fn run(&self, plan: &Plan, parameters: &[ScalarValue], cancel: CancellationToken) -> Result<Rows> {
        run::run(&self.planner, &self.threads, plan, parameters, cancel).await
    }

    /// The value of an expression without columns, converted to `ty` when one is given.
    pub async fn value(&self, context: &Context, text: &str, ty: Option<&Type>) -> Result<ScalarValue> {
        let (planner, text, ty) = (self.planner.clone(), text.to_string(), ty.cloned());
        let work = move |context| async move { planner.value(context, &text, ty.as_ref()).await };
        self.on_threads(context, work).await
    }

    /// Binds a boolean expression to the columns of `schema`; `42804` when it is not boolean.
    pub async fn condition(&self, context: &Context, text: &str, schema: &SchemaRef) -> Result<Bound> {
        let bound = self.expression(context, text, schema).await?;
        match bound.ty {
            Type::Bool => Ok(bound),
            ty => {
                Err(Error::new(Kind::DatatypeMismatch, format!("a condition must be type boolean, not type {ty}"))
                    .at(0))
            }
        }
    }

    /// Binds an expression of any type to the columns of `schema`.
    pub async fn expression(&self, context: &Context, text: &str, schema: &SchemaRef) -> Result<Bound> {
        let (planner, text, schema) = (self.planner.clone(), text.to_string(), schema.clone());
        let work = move |context: Arc<Context>| async move { planner.bound(&context, &text, &schema).await };
        self.on_threads(context, work).await
    }

    /// What a statement (query or DML) reads, writes and calls.
    pub async fn references(&self, context: &Context, text: &str) -> Result<References> {
        let (planner, text) = (self.planner.clone(), text.to_string());
        let work = move |context| async move { planner.references(context, &text).await };
        self.on_threads(context, work).await
    }

    /// Planning, too, can take long and deep.
    async fn on_threads<T: Send + 'static, F: Future<Output = Result<T>> + Send + 'static>(
        &self,
        context: &Context,
        work: impl FnOnce(Arc<Context>) -> F,
    ) -> Result<T> {
        let limits = Limits { cancel: context.cancel.clone(), deadline: context.deadline };
        // On the heap: planning waits for much, and is handed from thread to thread.
        self.threads.run(&limits, Box::pin(work(Arc::new(context.clone())))).await
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
