//! The catalog that a client can see: schemas `aqueduct`, `pg_catalog` and `information_schema`,
//! the functions that clients ask about it, and the rewrites that their statements need.
//!
//! All of it is read from the snapshot a statement is planned in, or from the store when scanned.

mod aqueduct;
mod declared;
mod functions;
mod information_constraints;
mod information_privileges;
mod information_schema;
mod objects;
mod oid;
mod page;
mod pg;
mod rewrite;
mod schema;
pub mod sessions;
#[cfg(test)]
mod tests;

pub use aqueduct::{View as SystemView, views};
pub use declared::{Declared, DeclaredColumn};
pub use rewrite::rewrite;

use super::Context;
use crate::base::{Result, Type};
use crate::catalog::{Live, Model, Snapshot, View};
use crate::store::Store;
use chrono::{DateTime, Utc};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::logical_expr::ScalarUDF;
use futures::future::BoxFuture;
use objects::{Known, Objects};
use parking_lot::Mutex;
use sessions::Sessions;
use std::sync::Arc;

/// The schemas that are ours to fill. Unqualified names are looked up in `pg_catalog` before the search path.
pub const SCHEMAS: [&str; 3] = ["pg_catalog", "information_schema", "aqueduct"];

/// Whether a relation is one of ours, with what this server says of itself.
pub fn is_system(provider: &dyn TableProvider) -> bool {
    schema::is_system(provider)
}

/// Tells the shapes that the snapshot does not hold: only the planner knows them.
pub trait Shapes: Send + Sync + std::fmt::Debug {
    /// The columns of a view.
    fn view<'a>(&'a self, context: &'a Context, view: &'a View) -> BoxFuture<'a, Result<SchemaRef>>;

    /// Inputs and answer of a model's live version, as a function.
    fn model(&self, context: &Context, model: &Model) -> Result<Signature>;
}

/// What a model takes and what `predict` gives for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    pub inputs: Vec<(String, Type)>,
    pub output: Type,
}

/// What the system catalog is made of besides the snapshot, and what it has made of the last one.
#[derive(Debug)]
pub struct System {
    store: Store,
    /// Gives out the numbers of sequences.
    catalog: Arc<Live>,
    started_at: DateTime<Utc>,
    last: Mutex<Option<Arc<Objects>>>,
    known: Mutex<Known>,
    pub sessions: Arc<Sessions>,
}

impl System {
    pub fn new(catalog: Arc<Live>) -> Self {
        let (store, started_at) = (catalog.store().clone(), catalog.now());
        let (last, known, sessions) = Default::default();
        System { store, catalog, started_at, last, known, sessions }
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

    /// A function of Postgres that asks about the catalog, the session or the server.
    /// They have their bare names; [`rewrite`] drops `pg_catalog.` before them.
    pub fn function(self: &Arc<Self>, context: &Arc<Context>, name: &str) -> Option<Arc<ScalarUDF>> {
        functions::function(self, context, name)
    }

    pub fn function_names() -> impl Iterator<Item = &'static str> {
        functions::names()
    }

    /// The snapshot's objects; the last snapshot's are kept, since a client asks many times.
    fn objects(&self, snapshot: &Arc<Snapshot>) -> Arc<Objects> {
        let mut last = self.last.lock();
        if let Some(objects) = last.as_ref().filter(|objects| Arc::ptr_eq(&objects.snapshot, snapshot)) {
            return objects.clone();
        }
        let objects = Arc::new(Objects::new(snapshot));
        *last = Some(objects.clone());
        objects
    }
}
