//! Schema `aqueduct`: what is defined, what ran, what was checked, published and measured.
//!
//! A view is either a file in `sql/system`, run on the store when scanned, or made from the snapshot.

mod definitions;
mod ledger;
mod objects;
mod text;

use super::declared::Declared;
use super::page::Page;
use super::schema::Scope;
use super::{Context, System};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use std::sync::{Arc, LazyLock};

/// A view of schema `aqueduct`: its columns and comments, and where its rows come from.
#[derive(Debug)]
pub struct View {
    pub declared: Declared,
    source: Source,
}

/// Where the rows of a view come from.
enum Source {
    /// A SELECT on the store, without the doc comment.
    Store(&'static str),
    /// What is defined now.
    Scope(fn(&Scope<'_>) -> Page),
}

/// The files of `sql/system`, by the view's name.
const LEDGER: &[(&str, &str)] = &[
    ("check_failures", include_str!("../../../../sql/system/check_failures.sql")),
    ("check_results", include_str!("../../../../sql/system/check_results.sql")),
    ("events", include_str!("../../../../sql/system/events.sql")),
    ("lineage", include_str!("../../../../sql/system/lineage.sql")),
    ("metric_values", include_str!("../../../../sql/system/metric_values.sql")),
    ("model_versions", include_str!("../../../../sql/system/model_versions.sql")),
    ("publications", include_str!("../../../../sql/system/publications.sql")),
    ("runs", include_str!("../../../../sql/system/runs.sql")),
    ("snapshots", include_str!("../../../../sql/system/snapshots.sql")),
    ("step_runs", include_str!("../../../../sql/system/step_runs.sql")),
    ("workflow_versions", include_str!("../../../../sql/system/workflow_versions.sql")),
];

/// Every view of the schema, by name.
pub fn views() -> &'static [View] {
    static ALL: LazyLock<Vec<View>> = LazyLock::new(|| {
        let ledger = LEDGER.iter().filter_map(|(name, file)| {
            Some(View { declared: text::of_file(name, file)?, source: Source::Store(file) })
        });
        let current = definitions::ALL.iter().chain(objects::ALL).filter_map(|(declaration, rows)| {
            Some(View { declared: text::of_declaration(declaration)?, source: Source::Scope(*rows) })
        });
        let mut all: Vec<_> = ledger.chain(current).collect();
        all.sort_by(|one, other| one.declared.name.cmp(&other.declared.name));
        all
    });
    &ALL
}

/// The view as a table of one statement.
pub(super) fn table(system: &Arc<System>, context: &Arc<Context>, name: &str) -> Option<Arc<dyn TableProvider>> {
    let view = views().iter().find(|view| view.declared.name == name)?;
    Some(match view.source {
        Source::Store(sql) => Arc::new(ledger::Ledger::new(system.store.clone(), &view.declared, sql)),
        Source::Scope(rows) => Arc::new(Current {
            declared: &view.declared,
            schema: view.declared.arrow(),
            rows,
            system: system.clone(),
            context: context.clone(),
        }),
    })
}

/// A view whose rows are made from the statement's snapshot.
struct Current {
    declared: &'static Declared,
    schema: SchemaRef,
    rows: fn(&Scope<'_>) -> Page,
    system: Arc<System>,
    context: Arc<Context>,
}

#[async_trait::async_trait]
impl TableProvider for Current {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let objects = self.system.objects(&self.context.snapshot);
        let scope = Scope { objects: &objects, context: &self.context, system: &self.system };
        let batch = (self.rows)(&scope).batch(self.declared)?;
        Ok(MemorySourceConfig::try_new_exec(&[vec![batch]], self.schema.clone(), projection.cloned())?)
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Source::Store(_) => "store",
            Source::Scope(_) => "snapshot",
        })
    }
}

impl std::fmt::Debug for Current {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.declared.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_view_is_declared_and_says_what_it_is_for() {
        assert_eq!(views().len(), LEDGER.len() + definitions::ALL.len() + objects::ALL.len());
        for view in views() {
            assert!(view.declared.about.is_some(), "{}", view.declared.name);
            assert!(!view.declared.columns.is_empty(), "{}", view.declared.name);
        }
    }
}
