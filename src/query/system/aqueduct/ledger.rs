//! A view on the store: a SELECT that takes along what the statement filters by.

use crate::base::clock::{parse_stamp, stamp};
use crate::base::{Error, Result, Type};
use crate::query::system::declared::{Declared, DeclaredColumn};
use crate::query::system::page::{Cell, Page};
use crate::store::{Row, Store, Value};
use chrono::DateTime;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::ScalarValue;
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::TryStreamExt;
use futures::future::BoxFuture;
use std::future::ready;
use std::sync::Arc;

#[derive(Debug)]
pub struct Ledger {
    store: Store,
    declared: &'static Declared,
    schema: SchemaRef,
    sql: &'static str,
}

impl Ledger {
    pub fn new(store: Store, declared: &'static Declared, sql: &'static str) -> Self {
        Ledger { store, declared, schema: declared.arrow(), sql }
    }

    /// `"column" op ?` for a filter that the store decides exactly as we would.
    fn pushed(&self, filter: &Expr) -> Option<(String, Vec<Value>)> {
        match filter {
            Expr::BinaryExpr(binary) => {
                let (column, op, literal) = match (&*binary.left, &*binary.right) {
                    (Expr::Column(column), literal) => (column, binary.op, literal),
                    (literal, Expr::Column(column)) => (column, binary.op.swap()?, literal),
                    _ => return None,
                };
                let column = self.column(&column.name)?;
                let value = value(&column.ty, literal)?;
                Some((format!("{} {} ?", self.alias(column)?, comparison(op)?), vec![value]))
            }
            Expr::InList(list) if !list.negated && !list.list.is_empty() => {
                let Expr::Column(column) = &*list.expr else { return None };
                let column = self.column(&column.name)?;
                let values = list.list.iter().map(|it| value(&column.ty, it)).collect::<Option<Vec<_>>>()?;
                let places = vec!["?"; values.len()].join(", ");
                Some((format!("{} IN ({places})", self.alias(column)?), values))
            }
            _ => None,
        }
    }

    /// The column as the view's SELECT names it: in quotes and with its type.
    fn alias(&self, column: &DeclaredColumn) -> Option<&'static str> {
        let start = self.sql.find(&format!("AS \"{} ", column.name))? + "AS ".len();
        let length = self.sql[start + 1..].find('"')? + 2;
        self.sql.get(start..start + length)
    }

    fn column(&self, name: &str) -> Option<&DeclaredColumn> {
        self.declared.columns.iter().find(|column| column.name == name)
    }
}

fn comparison(op: Operator) -> Option<&'static str> {
    Some(match op {
        Operator::Eq => "=",
        Operator::Lt => "<",
        Operator::LtEq => "<=",
        Operator::Gt => ">",
        Operator::GtEq => ">=",
        _ => return None,
    })
}

/// A literal as the store holds values of the column's type; their order there is the order here.
fn value(ty: &Type, literal: &Expr) -> Option<Value> {
    let Expr::Literal(literal, _) = literal else { return None };
    match (ty, literal) {
        (Type::Text, literal) => literal.try_as_str().flatten().map(Value::from),
        (Type::Int8, ScalarValue::Int64(Some(value))) => Some(Value::Int(*value)),
        (Type::Int8, ScalarValue::Int32(Some(value))) => Some(Value::Int((*value).into())),
        (Type::Timestamptz, literal) => {
            let micros = match literal {
                ScalarValue::TimestampMicrosecond(Some(micros), Some(_)) => *micros,
                ScalarValue::TimestampNanosecond(Some(nanos), Some(_)) if nanos % 1000 == 0 => nanos / 1000,
                _ => return None,
            };
            DateTime::from_timestamp_micros(micros).map(|at| stamp(at).into())
        }
        _ => None,
    }
}

impl TableProvider for Ledger {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match self.pushed(filter) {
            Some(_) => TableProviderFilterPushDown::Exact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }

    // Written out, so that no future holds an `Expr`: `async_trait` would have rustc prove for seconds that it may be sent.
    fn scan<'life0, 'life1, 'life2, 'life3, 'async_trait>(
        &'life0 self,
        _: &'life1 dyn Session,
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
        Box::pin(ready(self.scanned(projection, filters, limit)))
    }
}

impl Ledger {
    fn scanned(
        &self,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let (conditions, values): (Vec<_>, Vec<_>) = filters.iter().filter_map(|filter| self.pushed(filter)).unzip();
        let mut sql = format!("SELECT * FROM ({}) AS view", self.sql);
        if !conditions.is_empty() {
            sql.push_str(&format!(" WHERE {}", conditions.join(" AND ")));
        }
        if let Some(limit) = limit {
            sql.push_str(&format!(" LIMIT {limit}"));
        }
        let select = Select {
            store: self.store.clone(),
            declared: self.declared,
            schema: self.schema.clone(),
            sql,
            values: values.into_iter().flatten().collect(),
        };
        let partition: Arc<dyn PartitionStream> = Arc::new(select);
        Ok(Arc::new(StreamingTableExec::try_new(self.schema.clone(), vec![partition], projection, None, false, limit)?))
    }
}

/// The SELECT of one scan, run when its rows are wanted.
#[derive(Debug)]
struct Select {
    store: Store,
    declared: &'static Declared,
    schema: SchemaRef,
    sql: String,
    values: Vec<Value>,
}

/// Rows of one batch.
const BATCH_ROWS: usize = 8192;

impl PartitionStream for Select {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (store, sql, values, declared) = (self.store.clone(), self.sql.clone(), self.values.clone(), self.declared);
        let batches = async move {
            let rows = store.query(&sql, &values).await?;
            let batches = rows.chunks(BATCH_ROWS).map(|rows| batch(declared, rows)).collect::<Vec<_>>();
            Ok::<_, datafusion::error::DataFusionError>(futures::stream::iter(batches).err_into())
        };
        let stream = futures::stream::once(batches).try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), stream))
    }
}

fn batch(declared: &'static Declared, rows: &[Row]) -> Result<RecordBatch> {
    let cells = rows.iter().map(|row| {
        row.values().iter().zip(&declared.columns).map(|(value, column)| cell(&column.ty, value)).collect::<Result<_>>()
    });
    Page::positional(declared, cells.collect::<Result<_>>()?).batch(declared)
}

fn cell(ty: &Type, value: &Value) -> Result<Cell> {
    Ok(match (ty, value) {
        (_, Value::Null) => Cell::Null,
        (Type::Timestamptz, Value::Text(text)) => match parse_stamp(text) {
            Some(at) => Cell::Instant(at.timestamp_micros()),
            None => return Err(Error::internal(format!("\"{text}\" in the store must be an instant"))),
        },
        (Type::Bool, Value::Int(value)) => Cell::Bool(*value != 0),
        (_, Value::Int(value)) => Cell::Int(*value),
        (_, Value::Real(value)) => Cell::Real(*value),
        (_, Value::Text(text)) => Cell::Text(text.clone()),
    })
}
