//! A table of a PostgreSQL server, readable here.

use super::column::quoted;
use super::filter;
use super::read::Reading;
use super::remote::Remote;
use super::shape::Shape;
use crate::connect::scan::{ScanExec, estimate};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, Statistics};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use futures::future::BoxFuture;
use std::fmt::Write;
use std::future::ready;
use std::sync::Arc;

/// A table or view of another server.
#[derive(Debug)]
pub(super) struct RemoteTable {
    remote: Arc<Remote>,
    schema_name: String,
    table: String,
    shape: Arc<Shape>,
    schema: SchemaRef,
}

impl RemoteTable {
    pub fn new(remote: Arc<Remote>, schema_name: &str, table: &str, shape: Arc<Shape>) -> Self {
        let schema = shape.schema();
        RemoteTable { remote, schema_name: schema_name.to_string(), table: table.to_string(), shape, schema }
    }

    /// The query that the server gets.
    fn select(&self, projection: &[usize], filters: &[Expr], limit: Option<usize>) -> String {
        let columns: Vec<_> =
            projection.iter().filter_map(|at| self.shape.columns.get(*at)).map(|column| column.selected()).collect();
        let mut sql =
            format!("SELECT {} FROM {}.{}", columns.join(", "), quoted(&self.schema_name), quoted(&self.table));
        let conditions: Vec<_> = filters.iter().filter_map(|filter| filter::translate(filter, &self.shape)).collect();
        if !conditions.is_empty() {
            let _ = write!(sql, " WHERE {}", conditions.join(" AND "));
        }
        // A limit over rows that are still to be filtered here would lose some.
        if let Some(limit) = limit.filter(|_| conditions.len() == filters.len()) {
            let _ = write!(sql, " LIMIT {limit}");
        }
        sql
    }
}

impl TableProvider for RemoteTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        if matches!(self.shape.kind, 'v' | 'm') { TableType::View } else { TableType::Base }
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match filter::translate(filter, &self.shape) {
            Some(_) => TableProviderFilterPushDown::Exact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(estimate(&self.schema, self.shape.rows))
    }

    // Written out, so that no future holds an `Expr`: `async_trait` would have rustc prove for seconds that it may be sent.
    fn scan<'life0, 'life1, 'life2, 'life3, 'async_trait>(
        &'life0 self,
        _: &'life1 dyn Session,
        projection: Option<&'life2 Vec<usize>>,
        filters: &'life3 [Expr],
        limit: Option<usize>,
    ) -> BoxFuture<'async_trait, Result<Arc<dyn ExecutionPlan>>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        'life2: 'async_trait,
        'life3: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(ready(self.scanned(projection, filters, limit)))
    }
}

impl RemoteTable {
    fn scanned(
        &self,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let projection = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let schema = Arc::new(self.schema.project(&projection)?);
        let sql = self.select(&projection, filters, limit);
        let rows = if filters.is_empty() { self.shape.rows } else { self.shape.rows.map(|rows| rows.div_ceil(5)) };
        let rows = limit.map_or(rows, |limit| Some(rows.map_or(limit, |rows| rows.min(limit))));
        let label = format!("connection={} sql=[{sql}]", self.remote.name);
        let reading = Reading {
            remote: Arc::clone(&self.remote),
            schema_name: self.schema_name.clone(),
            table: self.table.clone(),
            sql,
            schema: Arc::clone(&schema),
        };
        Ok(Arc::new(ScanExec::new("PostgresExec", label, schema, vec![Arc::new(reading)], rows)))
    }
}
