//! A PostgreSQL database as a catalog of DataFusion.

use super::remote::Remote;
use super::table::RemoteTable;
use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, SchemaProvider, TableProvider};
use datafusion::common::Result;
use std::sync::Arc;

/// Every schema that is asked for; which ones exist only the server knows.
#[derive(Debug)]
pub(in crate::connect) struct RemoteCatalog(pub Arc<Remote>);

impl CatalogProvider for RemoteCatalog {
    fn schema_names(&self) -> Vec<String> {
        vec![]
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        Some(Arc::new(RemoteSchema { remote: Arc::clone(&self.0), name: name.to_string() }))
    }
}

#[derive(Debug)]
struct RemoteSchema {
    remote: Arc<Remote>,
    name: String,
}

#[async_trait]
impl SchemaProvider for RemoteSchema {
    // These two may not wait, so they cannot ask; `Connections::tables` can.
    fn table_names(&self) -> Vec<String> {
        vec![]
    }

    fn table_exist(&self, _: &str) -> bool {
        true
    }

    async fn table(&self, table: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(shape) = self.remote.shape(&self.name, table).await? else { return Ok(None) };
        Ok(Some(Arc::new(RemoteTable::new(Arc::clone(&self.remote), &self.name, table, shape))))
    }
}
