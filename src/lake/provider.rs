//! A managed table for DataFusion: files, columns and rows that a query does not need are not read.

use super::evolved::Columns;
use super::{FILE_COLUMN, Lake, POSITION_COLUMN, deletes, small, stats};
use crate::base::{Error, Result};
use crate::catalog::{DataFile, Table};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::pruning::PrunableStatistics;
use datafusion::common::{DFSchema, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::object_store::path::Path as StorePath;
use datafusion::object_store::{ObjectMeta, local::LocalFileSystem};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::{ExecutionPlan, collect};
use futures::future::BoxFuture;
use parquet::arrow::RowNumber;
use std::sync::Arc;

type DataFusionResult<T> = datafusion::common::Result<T>;

/// Under this address a query's runtime finds the files; no statement can name it.
const STORE: &str = "aqueduct-lake://files/";
/// A table of fewer bytes is read as one stream, its rows in the order in which they came.
const SMALL_BYTES: i64 = 8 << 20;

#[derive(Debug)]
struct Provider {
    lake: Lake,
    table: Arc<Table>,
    shape: TableSchema,
    /// As `shape`, the positions' column without the mark that makes the reader fill it.
    schema: SchemaRef,
    statistics: Statistics,
}

impl Lake {
    /// Reads a table as of the snapshot it was taken from.
    pub fn provider(&self, table: &Arc<Table>) -> Arc<dyn TableProvider> {
        Arc::new(Provider::new(self, table, false))
    }

    /// As [`Lake::provider`], with [`FILE_COLUMN`] and [`POSITION_COLUMN`] after the table's columns.
    pub fn provider_with_positions(&self, table: &Arc<Table>) -> Arc<dyn TableProvider> {
        Arc::new(Provider::new(self, table, true))
    }
}

/// Whether the relation is a managed table, whose files never change.
pub fn is_managed(provider: &dyn TableProvider) -> bool {
    (provider as &dyn std::any::Any).is::<Provider>()
}

impl Provider {
    fn new(lake: &Lake, table: &Arc<Table>, positions: bool) -> Provider {
        let mut shape = TableSchema::builder(table.schema());
        let mut fields: Vec<_> = table.schema().fields().iter().cloned().collect();
        if positions {
            let file = Arc::new(Field::new(FILE_COLUMN, DataType::Int64, false));
            let position = Field::new(POSITION_COLUMN, DataType::Int64, false);
            fields.extend([file.clone(), Arc::new(position.clone())]);
            shape = shape
                .with_table_partition_cols(vec![file])
                .with_virtual_columns(vec![Arc::new(position.with_extension_type(RowNumber))]);
        }
        let schema = Arc::new(Schema::new(fields));
        let visible: Vec<_> = table.files.iter().map(|file| stats::known(table, file).visible).collect();
        let statistics = together(&visible, &table.schema()).unwrap_or_else(|_| Statistics::new_unknown(&schema));
        Provider { lake: lake.clone(), table: table.clone(), shape: shape.build(), schema, statistics }
    }

    /// Files that may have rows for the filter, with what is known of them.
    fn files(&self, predicate: Option<&Arc<dyn PhysicalExpr>>) -> Vec<(&Arc<DataFile>, stats::Known)> {
        let files: Vec<_> = self.table.files.iter().map(|file| (file, stats::known(&self.table, file))).collect();
        let Some(predicate) = predicate else { return files };
        let bounds = files.iter().map(|(_, known)| Arc::new(known.bounds.clone())).collect();
        let bounds = PrunableStatistics::new(bounds, self.table.schema());
        let keep = PruningPredicateBuilder::new()
            .with_file_schema(self.table.schema())
            .try_build(predicate.clone())
            .and_then(|pruning| pruning.prune(&bounds))
            // Leaving files out is an optimisation: a filter that cannot be judged keeps them all.
            .unwrap_or_else(|_| vec![true; files.len()]);
        files.into_iter().zip(keep).filter_map(|(file, keep)| keep.then_some(file)).collect()
    }

    async fn part(&self, file: &DataFile, visible: Statistics) -> Result<PartitionedFile> {
        let path = self.lake.folder.join(&self.table.folder).join(&file.path);
        let location = StorePath::from_absolute_path(&path)
            .map_err(|error| Error::internal(format!("a data file must have a path: {error}")))?;
        let mut part = PartitionedFile::new_from_meta(ObjectMeta {
            location,
            last_modified: chrono::DateTime::UNIX_EPOCH,
            size: file.bytes as u64,
            e_tag: None,
            version: None,
        });
        if self.has_positions() {
            part.partition_values = vec![ScalarValue::from(file.id)];
        }
        if file.deletes.is_some() {
            let deleted = self.lake.deleted(&self.table, file).await?;
            part = part.with_extension(ParquetRowSelection::new(deletes::selection(&deleted, file.rows)));
        }
        if file.footer_bytes > 0 {
            part.metadata_size_hint = Some(file.footer_bytes as usize + 8);
        }
        Ok(if self.has_positions() { part } else { part.with_statistics(Arc::new(visible)) })
    }

    fn has_positions(&self) -> bool {
        !self.shape.virtual_columns().is_empty()
    }

    /// The filters that only ask for the table's own columns, as the reader wants them.
    fn predicate(&self, session: &dyn Session, filters: &[Expr]) -> DataFusionResult<Option<Arc<dyn PhysicalExpr>>> {
        let own = |filter: &&Expr| {
            filter.column_refs().iter().all(|column| ![FILE_COLUMN, POSITION_COLUMN].contains(&column.name.as_str()))
        };
        let Some(filter) = conjunction(filters.iter().filter(own).cloned()) else { return Ok(None) };
        let schema = DFSchema::try_from(self.table.schema())?;
        session.create_physical_expr(filter, &schema).map(Some)
    }
}

/// What is known of several files together.
fn together(files: &[Statistics], schema: &SchemaRef) -> DataFusionResult<Statistics> {
    match files {
        [] => Ok(Statistics::new_unknown(schema).with_num_rows(datafusion::common::stats::Precision::Exact(0))),
        files => Statistics::try_merge_iter(files, schema),
    }
}

impl TableProvider for Provider {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn statistics(&self) -> Option<Statistics> {
        (!self.has_positions()).then(|| self.statistics.clone())
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
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

impl Provider {
    /// Whether its rows are kept in memory from one query to the next.
    fn is_small(&self) -> bool {
        let (bytes, rows) = self.table.files.iter().fold((0, 0), |(b, r), file| (b + file.bytes, r + file.rows));
        let little = bytes <= small::FILE_BYTES_MAX && rows <= small::ROWS_MAX;
        little && self.table.files.len() <= small::FILES_MAX && !self.has_positions()
    }

    async fn in_memory(
        &self,
        session: &dyn Session,
        address: ObjectStoreUrl,
        projection: Option<&Vec<usize>>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let batches = self.rows(session, address).await?;
        Ok(MemorySourceConfig::try_new_exec(&[batches], self.schema.clone(), projection.cloned())?)
    }

    /// All rows of a small table.
    async fn rows(&self, session: &dyn Session, address: ObjectStoreUrl) -> DataFusionResult<Vec<RecordBatch>> {
        if let Some(batches) = self.lake.small.get(&self.table) {
            return Ok(batches);
        }
        let mut parts = vec![];
        for (file, known) in self.files(None) {
            parts.push(self.part(file, known.visible).await?);
        }
        let source =
            ParquetSource::new(self.shape.clone()).with_table_parquet_options(session.default_table_options().parquet);
        let scan = FileScanConfigBuilder::new(address, Arc::new(source))
            .with_file_groups(vec![FileGroup::new(parts)])
            .with_expr_adapter(Some(Columns::of(&self.table)));
        let batches = collect(DataSourceExec::from_data_source(scan.build()), session.task_ctx()).await?;
        self.lake.small.keep(&self.table, &batches);
        Ok(batches)
    }

    async fn scanned(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        predicate: Option<Arc<dyn PhysicalExpr>>,
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        if let Some(reason) = &self.table.unreadable {
            let error = Error::unsupported(format!("table \"{}\" cannot be read", self.table.name));
            return Err(error.detail(reason.clone()).into());
        }
        let address = ObjectStoreUrl::parse(STORE)?;
        session.runtime_env().register_object_store(address.as_ref(), Arc::new(LocalFileSystem::new()));
        let one = self.table.files.len() <= 1;
        if one && self.is_small() {
            return self.in_memory(session, address, projection).await;
        }
        let files = self.files(predicate.as_ref());
        if files.len() == self.table.files.len() && self.is_small() {
            drop(files);
            return self.in_memory(session, address, projection).await;
        }
        let bytes: i64 = files.iter().map(|(file, _)| file.bytes).sum();
        let visible: Vec<_> = files.iter().map(|(_, known)| known.visible.clone()).collect();
        let mut parts = vec![];
        for (file, known) in files {
            parts.push(self.part(file, known.visible).await?);
        }
        let groups = match bytes < SMALL_BYTES {
            true => vec![FileGroup::new(parts)],
            false => FileGroup::new(parts).split_files(session.config().target_partitions()),
        };
        let mut source =
            ParquetSource::new(self.shape.clone()).with_table_parquet_options(session.default_table_options().parquet);
        if let Some(predicate) = predicate {
            source = source.with_predicate(predicate);
        }
        let mut scan = FileScanConfigBuilder::new(address, Arc::new(source))
            .with_file_groups(groups)
            .with_projection_indices(projection.cloned())?
            .with_expr_adapter(Some(Columns::of(&self.table)))
            .with_limit(limit);
        if !self.has_positions() {
            scan = scan.with_statistics(together(&visible, &self.table.schema())?);
        }
        Ok(DataSourceExec::from_data_source(scan.build()))
    }
}
