//! A managed table for DataFusion.

use crate::catalog::Table;
use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::datasource::TableType;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug)]
struct Provider {
    table: Arc<Table>,
    schema: SchemaRef,
    #[allow(dead_code)]
    folder: PathBuf,
    #[allow(dead_code)]
    positions: bool,
}

pub(super) fn of(folder: &Path, table: &Arc<Table>, positions: bool) -> Arc<dyn TableProvider> {
    Arc::new(Provider { schema: table.schema(), folder: folder.join(&table.folder), table: table.clone(), positions })
}

#[async_trait]
impl TableProvider for Provider {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _session: &dyn Session,
        _projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Err(crate::base::Error::unsupported(format!("reading {} must be written", self.table.name)).into())
    }
}
