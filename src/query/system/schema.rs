//! The tables of a system schema, and a table whose rows are made when it is scanned.

use super::declared::{Declared, postgres};
use super::page::Page;
use super::{Context, Shapes, System, aqueduct, information_schema, pg};
use crate::base::Result;
use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{SchemaProvider, Session, TableProvider};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use std::sync::Arc;

/// What rows are made of.
pub struct Scope<'a> {
    pub objects: &'a super::objects::Objects,
    pub context: &'a Context,
    pub system: &'a System,
}

/// How the rows of a relation are made.
pub struct Filled {
    pub name: &'static str,
    pub rows: fn(&Scope<'_>) -> Page,
    pub needs: Needs,
}

/// What the rows depend on besides the snapshot.
#[derive(Clone, Copy, PartialEq)]
pub enum Needs {
    Nothing,
    /// The columns of views and the signatures of models.
    Shapes,
    /// Who asks, and when.
    Session,
}

impl Filled {
    pub const fn new(name: &'static str, rows: fn(&Scope<'_>) -> Page, needs: Needs) -> Self {
        Filled { name, rows, needs }
    }
}

pub(super) fn schema(
    system: &Arc<System>,
    name: &str,
    context: &Arc<Context>,
    shapes: &Arc<dyn Shapes>,
) -> Option<Arc<dyn SchemaProvider>> {
    let name = super::SCHEMAS.into_iter().find(|schema| *schema == name)?;
    Some(Arc::new(SystemSchema { name, system: system.clone(), context: context.clone(), shapes: shapes.clone() }))
}

pub(super) fn is_system(provider: &dyn TableProvider) -> bool {
    (provider as &dyn std::any::Any).is::<SystemTable>()
}

#[derive(Debug)]
struct SystemSchema {
    name: &'static str,
    system: Arc<System>,
    context: Arc<Context>,
    shapes: Arc<dyn Shapes>,
}

#[async_trait]
impl SchemaProvider for SystemSchema {
    fn table_names(&self) -> Vec<String> {
        let ours = aqueduct::views().iter().map(|view| &view.declared).filter(|_| self.name == "aqueduct");
        let all = ours.chain(postgres().iter().filter(|declared| declared.schema == self.name));
        all.map(|declared| declared.name.clone()).collect()
    }

    async fn table(&self, name: &str) -> DataFusionResult<Option<Arc<dyn TableProvider>>> {
        if self.name == "aqueduct" {
            return Ok(aqueduct::table(&self.system, &self.context, name));
        }
        let here = |declared: &&Declared| declared.schema == self.name && declared.name == name;
        Ok(postgres().iter().find(here).map(|declared| {
            Arc::new(SystemTable {
                declared,
                schema: declared.arrow(),
                filled: filled(declared),
                system: self.system.clone(),
                context: self.context.clone(),
                shapes: self.shapes.clone(),
            }) as _
        }))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.table_names().iter().any(|known| known == name)
    }
}

fn filled(declared: &Declared) -> Option<&'static Filled> {
    let all = if declared.schema == "pg_catalog" { pg::FILLED } else { information_schema::FILLED };
    all.iter().find(|filled| filled.name == declared.name)
}

/// Whether a relation can have rows.
pub fn is_filled(declared: &Declared) -> bool {
    filled(declared).is_some()
}

/// A relation of `pg_catalog` or `information_schema`.
#[derive(Debug)]
struct SystemTable {
    declared: &'static Declared,
    schema: SchemaRef,
    filled: Option<&'static Filled>,
    system: Arc<System>,
    context: Arc<Context>,
    shapes: Arc<dyn Shapes>,
}

impl SystemTable {
    async fn batch(&self, projection: Option<&Vec<usize>>) -> Result<RecordBatch> {
        let Some(filled) = self.filled else { return Page::default().batch(self.declared) };
        let objects = self.system.objects(&self.context.snapshot);
        let scope = Scope { objects: &objects, context: &self.context, system: &self.system };
        if filled.needs == Needs::Session {
            return (filled.rows)(&scope).batch(self.declared);
        }
        if filled.needs == Needs::Shapes || self.counts_columns(projection) {
            objects.resolve(&self.context, &*self.shapes, &self.system.known).await;
        }
        // A count of a view's columns is right only once views are resolved.
        let key = (self.declared.schema, filled.name, objects.is_resolved());
        if let Some(batch) = objects.batches.lock().get(&key) {
            return Ok(batch.clone());
        }
        let batch = (filled.rows)(&scope).batch(self.declared)?;
        objects.batches.lock().insert(key, batch.clone());
        Ok(batch)
    }

    /// Whether `pg_class.relnatts` is asked for: most statements do without, and need no view planned.
    fn counts_columns(&self, projection: Option<&Vec<usize>>) -> bool {
        let wanted = |at: &usize| self.declared.columns.get(*at).is_some_and(|column| column.name == "relnatts");
        self.declared.name == "pg_class" && projection.is_none_or(|projection| projection.iter().any(wanted))
    }
}

#[async_trait]
impl TableProvider for SystemTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let batch = self.batch(projection).await?;
        Ok(MemorySourceConfig::try_new_exec(&[vec![batch]], self.schema.clone(), projection.cloned())?)
    }
}

impl std::fmt::Debug for Filled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
