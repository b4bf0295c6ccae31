//! Files that are older than the table's columns: each column is found by its id, whatever it was
//! called when the file was written, and one that came later has its first value.

use super::stats::scalar;
use crate::catalog::Table;
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_expr_adapter::{
    DefaultPhysicalExprAdapterFactory, PhysicalExprAdapter, PhysicalExprAdapterFactory,
};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;
use std::collections::HashMap;
use std::sync::Arc;

/// How the files of one table are read.
#[derive(Debug)]
pub(super) struct Columns {
    /// Names by id.
    names: HashMap<i64, String>,
    /// What columns have in files that are older.
    initial: Arc<HashMap<String, ScalarValue>>,
}

impl Columns {
    pub fn of(table: &Table) -> Arc<Columns> {
        let initial = table.columns.iter().filter_map(|column| {
            let value = column.initial.as_deref().and_then(|text| scalar(&column.ty, text))?;
            Some((column.name.clone(), value))
        });
        let names = table.columns.iter().map(|column| (column.id, column.name.clone()));
        Arc::new(Columns { names: names.collect(), initial: Arc::new(initial.collect()) })
    }

    /// A field of a file as the table knows it.
    fn known(&self, field: &Field, logical: &Schema) -> Field {
        let id = field.metadata().get(PARQUET_FIELD_ID_META_KEY).and_then(|id| id.parse::<i64>().ok());
        let Some(id) = id else { return field.clone() };
        match self.names.get(&id).map(|name| (name, logical.field_with_name(name))) {
            // The same but for what its metadata says: then it needs no conversion.
            Some((_, Ok(logical))) if logical.data_type() == field.data_type() => logical.clone(),
            Some((name, _)) => field.clone().with_name(name),
            // The table has it no more, and perhaps another of its name.
            None => field.clone().with_name(format!("\u{1}{id}")),
        }
    }
}

impl PhysicalExprAdapterFactory for Columns {
    fn create(&self, logical: SchemaRef, physical: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let known: Vec<_> = physical.fields().iter().map(|field| self.known(field, &logical)).collect();
        let inner = DefaultPhysicalExprAdapterFactory.create(logical, Arc::new(Schema::new(known.clone())))?;
        let initial = self.initial.iter().filter(|(name, _)| known.iter().all(|field| field.name() != *name));
        let initial = initial.map(|(name, value)| (name.clone(), value.clone())).collect();
        Ok(Arc::new(Adapter { inner, physical, initial }))
    }
}

#[derive(Debug)]
struct Adapter {
    inner: Arc<dyn PhysicalExprAdapter>,
    physical: SchemaRef,
    /// Of columns that the file lacks.
    initial: HashMap<String, ScalarValue>,
}

impl PhysicalExprAdapter for Adapter {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let filled = expr.transform(|expr| {
            let value = expr.downcast_ref::<Column>().and_then(|column| self.initial.get(column.name()));
            Ok(match value {
                Some(value) => Transformed::yes(Arc::new(Literal::new(value.clone())) as Arc<dyn PhysicalExpr>),
                None => Transformed::no(expr),
            })
        });
        self.inner.rewrite(filled.data()?)?.transform(|expr| self.as_in_file(expr)).data()
    }
}

impl Adapter {
    /// The column by the name that it has in the file.
    fn as_in_file(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Transformed<Arc<dyn PhysicalExpr>>> {
        let Some(column) = expr.downcast_ref::<Column>() else { return Ok(Transformed::no(expr)) };
        let (name, index) = match self.physical.fields().get(column.index()) {
            Some(field) if field.name() != column.name() => (field.name().clone(), column.index()),
            _ => return Ok(Transformed::no(expr)),
        };
        Ok(Transformed::yes(Arc::new(Column::new(&name, index))))
    }
}
