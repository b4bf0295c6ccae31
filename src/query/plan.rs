//! A query that has been planned: what it answers, reads and needs.

use crate::base::{Name, Type};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::datasource::ViewTable;
use datafusion::logical_expr::LogicalPlan;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A planned query. Nothing of it has run.
#[derive(Clone, Debug)]
pub struct Plan {
    #[allow(dead_code)] // read by `run`, which lands next
    pub(super) logical: LogicalPlan,
    pub(super) schema: SchemaRef,
    pub(super) parameters: Vec<Type>,
    pub(super) references: References,
    #[allow(dead_code)]
    pub(super) context: super::Context,
}

/// What a statement reads and writes, views expanded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// Managed and external tables, and views on the way to them.
    pub reads: BTreeSet<Name>,
    /// Relations of this statement's own context: the steps of a run.
    pub relations: BTreeSet<String>,
    /// Tables of other systems: connection, schema, table.
    pub remotes: BTreeSet<(String, String, String)>,
    /// The target of an INSERT, UPDATE, DELETE or the like, with one part per dotted name.
    pub writes: BTreeSet<Vec<String>>,
    pub models: BTreeSet<ModelUse>,
}

/// The version that a call of a model was resolved to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ModelUse {
    pub name: Name,
    pub version: i64,
    pub sha256: String,
}

impl Plan {
    /// Columns of the answer, named and typed as a Postgres client sees them; names may repeat.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Types of `$1`, `$2`, …
    pub fn parameters(&self) -> &[Type] {
        &self.parameters
    }

    /// The plan as a relation that other queries can read; it runs as part of them.
    pub fn relation(&self) -> Arc<dyn TableProvider> {
        Arc::new(ViewTable::new(self.logical.clone(), None))
    }

    pub fn references(&self) -> &References {
        &self.references
    }

    /// The model versions that it will call.
    pub fn models(&self) -> impl Iterator<Item = &ModelUse> {
        self.references.models.iter()
    }
}
