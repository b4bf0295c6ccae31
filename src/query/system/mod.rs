//! The catalog that a client can see: schemas `aqueduct`, `pg_catalog` and `information_schema`,
//! the functions that clients ask about it, and the rewrites that their statements need.
//!
//! All of it is read from the snapshot a statement is planned in, or from the store when scanned.

mod functions;
mod rewrite;
mod schema;

pub use rewrite::rewrite;

use super::Context;
use crate::base::Result;
use crate::catalog::View;
use crate::store::Store;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::SchemaProvider;
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// The schemas that are ours to fill. Unqualified names are looked up in `pg_catalog` before the search path.
pub const SCHEMAS: [&str; 3] = ["aqueduct", "information_schema", "pg_catalog"];

/// Tells the columns of views: only the planner knows them.
#[async_trait]
pub trait Views: Send + Sync + std::fmt::Debug {
    async fn columns(&self, context: &Context, view: &View) -> Result<SchemaRef>;
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
        views: &Arc<dyn Views>,
    ) -> Option<Arc<dyn SchemaProvider>> {
        schema::schema(self, name, context, views)
    }

    /// The functions of Postgres that ask about the catalog, the session or the server.
    /// They are registered under their bare names; [`rewrite`] drops `pg_catalog.` before them.
    pub fn functions(self: &Arc<Self>, context: &Arc<Context>) -> Vec<Arc<ScalarUDF>> {
        functions::functions(self, context)
    }
}
