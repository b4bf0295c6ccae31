//! Parquet files: DataFusion's own reader, which can open only what the roots allow.

use super::find::Found;
use crate::base::{Error, Kind, Result, Roots, Type};
use crate::connect::ExternalColumn;
use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::object_store::local::LocalFileSystem;
use datafusion::object_store::path::Path as StorePath;
use datafusion::object_store::{
    CopyOptions, Error as StoreError, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result as StoreResult,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use futures::StreamExt;
use futures::stream::BoxStream;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fmt;
use std::fs::File;
use std::sync::Arc;

/// Under this address a query's runtime finds the files; no statement can name it.
const STORE: &str = "aqueduct-files://files/";
/// Fewer bytes are read as one stream.
const SMALL_BYTES: u64 = 8 << 20;

/// The columns of a file.
pub(super) fn columns(file: &Found, several: bool) -> Result<Vec<ExternalColumn>> {
    let opened = File::open(&file.path)?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(opened).map_err(|error| not_parquet(file, &error))?;
    let fields = reader.schema().fields().iter();
    // A further file may lack the column.
    Ok(fields.map(|field| (field.name().clone(), Type::of(field), field.is_nullable() || several)).collect())
}

fn not_parquet(file: &Found, error: &parquet::errors::ParquetError) -> Error {
    let text = error.to_string();
    let text = text.split_once(": ").map_or(text.as_str(), |(_, rest)| rest);
    Error::new(
        Kind::BadCopyFileFormat,
        format!("file \"{}\" is not a Parquet file: {}", file.shown, text.to_lowercase()),
    )
}

/// What is asked of the files.
pub(super) struct Asked<'a> {
    pub schema: &'a SchemaRef,
    pub projection: Option<&'a Vec<usize>>,
    pub predicate: Option<Arc<dyn PhysicalExpr>>,
    pub limit: Option<usize>,
}

/// Reads the files; row groups that cannot have rows for the filters are left out.
pub(super) fn scan(
    session: &dyn Session,
    roots: &Roots,
    files: Vec<Found>,
    asked: &Asked,
) -> datafusion::common::Result<Arc<dyn ExecutionPlan>> {
    let address = ObjectStoreUrl::parse(STORE)?;
    let store = Arc::new(Guarded { roots: roots.clone(), files: LocalFileSystem::new() });
    session.runtime_env().register_object_store(address.as_ref(), store);
    let small = files.iter().map(|file| file.bytes).sum::<u64>() < SMALL_BYTES;
    let parts: Vec<_> = files.iter().map(part).collect::<Result<_>>()?;
    let groups = match small {
        true => vec![FileGroup::new(parts)],
        false => FileGroup::new(parts).split_files(session.config().target_partitions()),
    };
    let mut source = ParquetSource::new(Arc::clone(asked.schema))
        .with_table_parquet_options(session.default_table_options().parquet);
    if let Some(predicate) = &asked.predicate {
        source = source.with_predicate(Arc::clone(predicate));
    }
    let scan = FileScanConfigBuilder::new(address, Arc::new(source))
        .with_file_groups(groups)
        .with_projection_indices(asked.projection.cloned())?
        .with_limit(asked.limit);
    Ok(DataSourceExec::from_data_source(scan.build()))
}

fn part(file: &Found) -> Result<PartitionedFile> {
    let location = StorePath::from_absolute_path(&file.path)
        .map_err(|error| Error::internal(format!("a file that was found must have a path: {error}")))?;
    Ok(PartitionedFile::new_from_meta(ObjectMeta {
        location,
        last_modified: chrono::DateTime::UNIX_EPOCH,
        size: file.bytes,
        e_tag: None,
        version: None,
    }))
}

/// The machine's files, read only, each checked against the roots when it is opened: a link may have
/// changed since the query was planned.
#[derive(Debug)]
struct Guarded {
    roots: Roots,
    files: LocalFileSystem,
}

impl fmt::Display for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("files below the roots")
    }
}

fn refused() -> StoreError {
    StoreError::NotSupported { source: "files are only read here".into() }
}

#[async_trait]
impl ObjectStore for Guarded {
    async fn get_opts(&self, location: &StorePath, options: GetOptions) -> StoreResult<GetResult> {
        let path = self.files.path_to_filesystem(location)?;
        let refused = |error: Error| StoreError::PermissionDenied { path: location.to_string(), source: error.into() };
        self.roots.resolve(&path.display().to_string()).map_err(refused)?;
        self.files.get_opts(location, options).await
    }

    async fn put_opts(&self, _: &StorePath, _: PutPayload, _: PutOptions) -> StoreResult<PutResult> {
        Err(refused())
    }

    async fn put_multipart_opts(&self, _: &StorePath, _: PutMultipartOptions) -> StoreResult<Box<dyn MultipartUpload>> {
        Err(refused())
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, StoreResult<StorePath>>,
    ) -> BoxStream<'static, StoreResult<StorePath>> {
        futures::stream::once(async { Err(refused()) }).boxed()
    }

    fn list(&self, _: Option<&StorePath>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        futures::stream::once(async { Err(refused()) }).boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&StorePath>) -> StoreResult<ListResult> {
        Err(refused())
    }

    async fn copy_opts(&self, _: &StorePath, _: &StorePath, _: CopyOptions) -> StoreResult<()> {
        Err(refused())
    }
}
