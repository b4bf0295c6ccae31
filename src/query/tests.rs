//! What a statement answers, on relations in memory.

mod errors;
mod limits;
mod models;
mod postgres;
mod running;

use super::{Answer, Context, Query, Scorer, ScorerInput, Scorers};
use crate::base::clock::ManualClock;
use crate::base::{Config, Error, Name, Result, Roots, Type};
use crate::catalog::{Live, Model, ModelVersion, Relation, Schema, Snapshot, View};
use crate::connect::Connections;
use crate::lake::Lake;
use crate::store::Store;
use chrono::DateTime;
use datafusion::arrow::array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Schema as ArrowSchema};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::ScalarValue;
use datafusion::datasource::MemTable;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio_util::sync::CancellationToken;

/// A query room over an empty catalog, with tables `t` and `u` in its context.
struct Room {
    query: Query,
    context: Context,
    doubler: Arc<Doubler>,
    _folder: tempfile::TempDir,
}

impl Room {
    async fn new() -> Room {
        Room::with(Config { threads: 2, ..Config::default() }).await
    }

    async fn with(config: Config) -> Room {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data: folder.path().to_path_buf(), ..config };
        let store = Store::open(folder.path()).await.unwrap();
        let clock = ManualClock::at(DateTime::from_timestamp(1_700_000_000, 0).unwrap());
        let mut snapshot = Snapshot::default();
        for name in ["public", "ml"] {
            let schema = Schema { id: 1, uuid: String::new(), name: name.into(), path: format!("{name}/") };
            snapshot.schemas.insert(name.into(), Arc::new(schema));
        }
        let version = |version| ModelVersion {
            version,
            sha256: format!("sha{version}"),
            bytes: 0,
            format: "test".into(),
            source: String::new(),
            inputs: vec![],
            labels: vec![],
            created_at: String::new(),
        };
        for name in [Name::public("doubler"), Name::new("ml", "other")] {
            let model = Model { name: name.clone(), versions: vec![version(1), version(2)] };
            snapshot.models.insert(name, Arc::new(model));
        }
        let snapshot = Arc::new(snapshot);
        let live = Arc::new(Live::holding(store, clock.clone(), (*snapshot).clone()));
        let lake = Arc::new(Lake::open(folder.path()).unwrap());
        let roots = Roots::new(folder.path(), &[], folder.path());
        let connections = Arc::new(Connections::new(roots, tokio::runtime::Handle::current()));
        let doubler = Arc::new(Doubler::default());
        let query = Query::new(&config, live, lake, connections, doubler.clone()).unwrap();
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let context = Context::new(snapshot, "ada", now).with_relation("t", t()).with_relation("u", u());
        Room { query, context, doubler, _folder: folder }
    }

    fn view(&mut self, name: &str, sql: &str) {
        let mut snapshot = (*self.context.snapshot).clone();
        let name = Name::public(name);
        let view = View { id: 1, uuid: String::new(), name: name.clone(), sql: sql.into(), column_aliases: vec![] };
        snapshot.relations.insert(name, Relation::View(Arc::new(view)));
        self.context.snapshot = Arc::new(snapshot);
    }

    /// The answer as text: column names with types, then a line for each row.
    async fn answer(&self, text: &str, parameters: &[ScalarValue]) -> Result<String> {
        let plan = self.query.plan_text(&self.context, text).await?;
        let rows = self.query.run(&plan, parameters, CancellationToken::new()).await?;
        let schema = rows.schema.clone();
        let batches = rows.collect().await?;
        let columns: Vec<_> =
            schema.fields().iter().map(|field| format!("{} {}", field.name(), Type::of(field))).collect();
        let mut lines = vec![columns.join(", ")];
        for batch in &batches {
            assert_eq!(batch.schema().fields().len(), schema.fields().len());
            let options = FormatOptions::default().with_null("NULL");
            let columns: Vec<_> =
                batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
            for row in 0..batch.num_rows() {
                lines.push(columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|"));
            }
        }
        Ok(lines.join("\n"))
    }

    async fn check(&self, text: &str, expected: &str) {
        let answer = self.answer(text, &[]).await.unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!(answer, expected, "{text}");
    }

    async fn error(&self, text: &str) -> Error {
        match self.answer(text, &[]).await {
            Ok(answer) => panic!("{text}: {answer}"),
            Err(error) => error,
        }
    }

    /// `^` in `marked` stands before the byte that the error must point at.
    async fn check_error(&self, marked: &str, sqlstate: &str, message: &str) {
        let text = marked.replacen('^', "", 1);
        let error = self.error(&text).await;
        assert_eq!((error.sqlstate(), error.message.as_str()), (sqlstate, message), "{text}: {error:?}");
        assert_eq!(error.offset, marked.find('^'), "{text}: {error:?}");
    }
}

/// id, name, x
fn t() -> Arc<MemTable> {
    table(
        &[("id", Type::Int4, false), ("name", Type::Text, true), ("x", Type::Float8, true)],
        vec![
            Arc::new(Int32Array::from(vec![1, 2, 3])),
            Arc::new(StringArray::from(vec![Some("a"), Some("b"), None])),
            Arc::new(Float64Array::from(vec![Some(1.5), None, Some(-2.0)])),
        ],
    )
}

/// id, t_id
fn u() -> Arc<MemTable> {
    table(
        &[("id", Type::Int4, false), ("t_id", Type::Int4, true)],
        vec![Arc::new(Int32Array::from(vec![10, 20])), Arc::new(Int32Array::from(vec![Some(1), None]))],
    )
}

fn table(columns: &[(&str, Type, bool)], arrays: Vec<ArrayRef>) -> Arc<MemTable> {
    let fields: Vec<_> = columns.iter().map(|(name, ty, nullable)| ty.field(name, *nullable)).collect();
    let schema = Arc::new(ArrowSchema::new(fields));
    let batch = RecordBatch::try_new(schema.clone(), arrays).unwrap();
    Arc::new(MemTable::try_new(schema, vec![vec![batch]]).unwrap())
}

/// A model with inputs `x` (used), `unused` and `id` (used): twice x plus id. Counts the rows it scores.
#[derive(Debug, Default)]
struct Doubler {
    rows: Arc<AtomicUsize>,
}

impl Doubler {
    fn rows(&self) -> usize {
        self.rows.load(Ordering::SeqCst)
    }
}

impl Scorers for Doubler {
    fn get(&self, _: &ModelVersion) -> Result<Arc<dyn Scorer>> {
        Ok(Arc::new(Doubler { rows: self.rows.clone() }))
    }
}

impl Scorer for Doubler {
    fn inputs(&self) -> Vec<ScorerInput> {
        [("x", true), ("unused", false), ("id", true)]
            .map(|(name, used)| ScorerInput {
                name: name.into(),
                data_type: DataType::Float64,
                declaration: format!("{name} float8"),
                used,
            })
            .into()
    }

    fn function(&self, name: &str, answer: Answer) -> ScalarUDF {
        let signature = Signature::exact(vec![DataType::Float64, DataType::Float64], Volatility::Stable);
        ScalarUDF::from(Doubled { name: name.into(), answer, rows: Counter(self.rows.clone()), signature })
    }

    fn output(&self, _: Answer) -> Result<DataType> {
        Ok(DataType::Float64)
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Doubled {
    name: String,
    answer: Answer,
    rows: Counter,
    signature: Signature,
}

#[derive(Debug)]
struct Counter(Arc<AtomicUsize>);

impl PartialEq for Counter {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Counter {}

impl std::hash::Hash for Counter {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

impl ScalarUDFImpl for Doubled {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> datafusion::error::Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> datafusion::error::Result<ColumnarValue> {
        self.rows.0.fetch_add(args.number_rows, Ordering::SeqCst);
        let [x, id] = [0, 1].map(|at| args.args[at].to_array(args.number_rows).unwrap());
        let two = Float64Array::new_scalar(2.0);
        let doubled = datafusion::arrow::compute::kernels::numeric::mul(&x, &two)?;
        Ok(ColumnarValue::Array(datafusion::arrow::compute::kernels::numeric::add(&doubled, &id)?))
    }
}
