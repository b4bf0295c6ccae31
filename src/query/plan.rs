//! A query that has been planned: what it answers, reads and needs.

use super::{Context, Explain};
use crate::base::{Error, Kind, Name, Result, Type};
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::Column;
use datafusion::datasource::ViewTable;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::ExecutionPlan;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A planned query. Nothing of it has run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) logical: LogicalPlan,
    pub(super) schema: SchemaRef,
    pub(super) parameters: Vec<Type>,
    pub(super) references: References,
    pub(super) context: Arc<Context>,
    /// Set when the answer is how the query would run, or ran.
    pub(super) explain: Option<Explain>,
    /// As it was run last, when it can be run so again.
    pub(super) physical: Arc<Mutex<Option<Arc<dyn ExecutionPlan>>>>,
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
    /// Whether something of the moment of planning is part of the plan: the time, the session's own state, a past
    /// version, what another system said of a table.
    pub momentary: bool,
}

/// The version that a call of a model was resolved to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

    /// The plan for the same statement in another context, when nothing that it was made from has changed;
    /// `types` are those of its parameters.
    pub fn again(&self, context: &Context, types: &[Option<Type>]) -> Option<Plan> {
        let same_types = self.parameters.len() == types.len()
            && self.parameters.iter().zip(types).all(|(planned, given)| given.as_ref() == Some(planned));
        let same = same_types && !self.references.momentary && self.context.is_basis_of(context);
        same.then(|| {
            context.reads.lock().extend(self.references.reads.iter().cloned());
            Plan { context: Arc::new(context.clone()), ..self.clone() }
        })
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

    /// The plan with its first columns called by other names.
    pub(super) fn renamed(self, names: &[String]) -> Result<Plan> {
        if names.is_empty() {
            return Ok(self);
        }
        if names.len() > self.schema.fields().len() {
            return Err(Error::new(Kind::Syntax, "more column names than columns"));
        }
        let fields = self.schema.fields().iter().enumerate().map(|(at, field)| match names.get(at) {
            Some(name) => field.as_ref().clone().with_name(name),
            None => field.as_ref().clone(),
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<Field>>()));
        let inner = self.logical.schema().clone();
        let columns = inner.iter().enumerate().map(|(at, (qualifier, field))| {
            let column = Expr::Column(Column::from((qualifier, field)));
            names.get(at).map_or(column.clone(), |name| column.alias(name))
        });
        let logical = LogicalPlanBuilder::from(self.logical).project(columns.collect::<Vec<_>>())?.build()?;
        Ok(Plan { logical, schema, physical: Arc::default(), ..self })
    }
}
