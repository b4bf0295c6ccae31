//! The catalog that a client can see: schemas `aqueduct`, `pg_catalog` and `information_schema`,
//! the functions that clients ask about it, and the rewrites that their statements need.
//!
//! All of it is read from the snapshot a statement is planned in, or from the store when scanned.

mod functions;
mod rewrite;
mod schema;

pub use rewrite::rewrite;

use super::Context;
use crate::base::{Result, Type};
use crate::catalog::{Model, View};
use crate::store::Store;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::SchemaProvider;
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// The schemas that are ours to fill. Unqualified names are looked up in `pg_catalog` before the search path.
pub const SCHEMAS: [&str; 3] = ["aqueduct", "information_schema", "pg_catalog"];

/// Tells the shapes that the snapshot does not hold: only the planner knows them.
#[async_trait]
pub trait Shapes: Send + Sync + std::fmt::Debug {
    /// The columns of a view.
    async fn view(&self, context: &Context, view: &View) -> Result<SchemaRef>;

    /// Inputs and answer of a model's live version, as a function.
    async fn model(&self, context: &Context, model: &Model) -> Result<Signature>;
}

/// What a model takes and what `predict` gives for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    pub inputs: Vec<(String, Type)>,
    pub output: Type,
}

/// What the system catalog is made of besides the snapshot.
#[derive(Debug)]
pub struct System {
    store: Store,
    started_at: DateTime<Utc>,
}

impl System {
    pub fn new(store: Store, started_at: DateTime<Utc>) -> Self {
        System { store, started_at }
    }

    /// The schema of a name, when it is one of [`SCHEMAS`].
    pub fn schema(
        self: &Arc<Self>,
        name: &str,
        context: &Arc<Context>,
        shapes: &Arc<dyn Shapes>,
    ) -> Option<Arc<dyn SchemaProvider>> {
        schema::schema(self, name, context, shapes)
    }

    /// The functions of Postgres that ask about the catalog, the session or the server.
    /// They are registered under their bare names; [`rewrite`] drops `pg_catalog.` before them.
    pub fn functions(self: &Arc<Self>, context: &Arc<Context>) -> Vec<Arc<ScalarUDF>> {
        functions::functions(self, context)
    }
}
