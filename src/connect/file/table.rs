//! An external table: files that read like a table.

use super::csv::Csv;
use super::find::{Found, find};
use super::json::Json;
use super::lines::{LinesPart, Split};
use super::options::{FileFormat, dialect, format};
use super::parquet;
use crate::base::{Error, Result, Roots};
use crate::catalog::External;
use crate::connect::scan::{Part, ScanExec};
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DFSchema;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use futures::future::BoxFuture;
use std::sync::Arc;

type DataFusionResult<T> = datafusion::common::Result<T>;

/// Files of one format below the roots, with the columns of the table's definition.
#[derive(Debug)]
pub(in crate::connect) struct ExternalTable {
    roots: Roots,
    external: External,
    format: &'static FileFormat,
    schema: SchemaRef,
}

impl ExternalTable {
    pub fn new(roots: Roots, external: &External) -> Result<Self> {
        let fields: Vec<_> = external.columns.iter().map(|(name, ty, nullable)| ty.field(name, *nullable)).collect();
        let format = format(&external.format, &external.options)?;
        dialect(&external.options)?;
        Ok(ExternalTable { roots, external: external.clone(), format, schema: Arc::new(Schema::new(fields)) })
    }

    /// The files as they are now, each checked against the roots now.
    async fn files(&self) -> Result<Vec<Found>> {
        let (roots, location, endings) = (self.roots.clone(), self.external.location.clone(), self.format.endings);
        let found = tokio::task::spawn_blocking(move || find(&roots, &location, endings)).await;
        found.map_err(|error| Error::internal(format!("looking for files must not panic: {error}")))?
    }

    /// How text files are split into the wanted columns.
    fn split(&self, wanted: &[usize]) -> Result<Arc<dyn Split>> {
        let columns = &self.external.columns;
        Ok(match self.format.name {
            "csv" => Arc::new(Csv {
                dialect: dialect(&self.external.options)?,
                names: columns.iter().map(|(name, ..)| name.clone()).collect(),
                wanted: wanted.to_vec(),
            }),
            _ => Arc::new(Json {
                wanted: wanted.iter().map(|at| (columns[*at].0.clone(), columns[*at].1.clone())).collect(),
            }),
        })
    }
}

impl TableProvider for ExternalTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        // Parquet leaves out what cannot fit; the rows that are left are still to be filtered.
        let support = match self.format.name {
            "parquet" => TableProviderFilterPushDown::Inexact,
            _ => TableProviderFilterPushDown::Unsupported,
        };
        Ok(vec![support; filters.len()])
    }

    // Written out, so that no future holds an `Expr`: `async_trait` would have rustc prove for seconds that it may be sent.
    fn scan<'life0, 'life1, 'life2, 'life3, 'async_trait>(
        &'life0 self,
        session: &'life1 dyn Session,
        projection: Option<&'life2 Vec<usize>>,
        filters: &'life3 [Expr],
        limit: Option<usize>,
    ) -> BoxFuture<'async_trait, DataFusionResult<Arc<dyn ExecutionPlan>>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        'life2: 'async_trait,
        'life3: 'async_trait,
        Self: 'async_trait,
    {
        let predicate = self.predicate(session, filters);
        Box::pin(async move { self.scanned(session, projection, predicate?, limit).await })
    }
}

impl ExternalTable {
    fn predicate(&self, session: &dyn Session, filters: &[Expr]) -> DataFusionResult<Option<Arc<dyn PhysicalExpr>>> {
        let Some(filter) = conjunction(filters.iter().cloned()) else { return Ok(None) };
        let schema = DFSchema::try_from(Arc::clone(&self.schema))?;
        session.create_physical_expr(filter, &schema).map(Some)
    }

    async fn scanned(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        predicate: Option<Arc<dyn PhysicalExpr>>,
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let files = self.files().await?;
        if self.format.name == "parquet" {
            let asked = parquet::Asked { schema: &self.schema, projection, predicate, limit };
            return parquet::scan(session, &self.roots, files, &asked);
        }
        let wanted = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let schema = Arc::new(self.schema.project(&wanted)?);
        let split = self.split(&wanted)?;
        let label = format!("format={} location={} files={}", self.format.name, self.external.location, files.len());
        let part = |file| {
            let part = LinesPart { file, split: Arc::clone(&split), schema: Arc::clone(&schema), limit };
            Arc::new(part) as Arc<dyn Part>
        };
        let parts = files.into_iter().map(part).collect();
        Ok(Arc::new(ScanExec::new("FileExec", label, schema, parts, None)))
    }
}
