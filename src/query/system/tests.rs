//! The statements that psql and BI tools send, answered.

use super::{Shapes, Signature, System, rewrite};
use crate::base::{Name, Result, Type};
use crate::catalog::{Change, Column, External, Model, ModelVersion, Snapshot, View};
use crate::query::Context;
use crate::store::Store;
use async_trait::async_trait;
use chrono::DateTime;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::catalog::{CatalogProvider, MemTable, SchemaProvider, TableProvider};
use datafusion::prelude::{SessionConfig, SessionContext};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug)]
struct Fixed;

#[async_trait]
impl Shapes for Fixed {
    async fn view(&self, _: &Context, _: &View) -> Result<SchemaRef> {
        let columns = [Column::new("id", Type::Int8, true), Column::new("carrier", Type::Text, true)];
        Ok(Arc::new(datafusion::arrow::datatypes::Schema::new(columns.map(|column| column.field()).to_vec())))
    }

    async fn model(&self, _: &Context, _: &Model) -> Result<Signature> {
        let inputs = vec![("carrier".into(), Type::Text), ("distance".into(), Type::Float8)];
        Ok(Signature { inputs, output: Type::Float8 })
    }
}

fn snapshot() -> Snapshot {
    let column = |name: &str, ty, nullable| Column::new(name, ty, nullable);
    let mut price = column("price", Type::Numeric(Some((10, 2))), true);
    price.default = Some("0".into());
    let flights = vec![
        column("id", Type::Int8, false),
        column("carrier", Type::Text, true),
        column("distance", Type::Float8, true),
        column("sched_dep", Type::Timestamptz, true),
        price,
        column("tags", Type::Array(Box::new(Type::Text)), true),
    ];
    let version = ModelVersion {
        version: 1,
        sha256: "00".into(),
        bytes: 10,
        format: "lightgbm".into(),
        source: "models/delay.txt".into(),
        inputs: vec![],
        labels: vec![],
        created_at: "2026-01-01 00:00:00.000000+00".into(),
    };
    let view = View {
        id: 0,
        uuid: String::new(),
        name: Name::public("late"),
        sql: "SELECT id, carrier FROM flights WHERE distance > 100".into(),
        column_aliases: vec![],
    };
    let external = External {
        name: Name::public("planes"),
        format: "csv".into(),
        location: "planes.csv".into(),
        options: BTreeMap::new(),
        columns: vec![("tailnum".into(), Type::Text, true), ("year".into(), Type::Int4, true)],
    };
    let changes = [
        Change::CreateSchema { name: "public".into() },
        Change::CreateSchema { name: "ml".into() },
        Change::CreateTable { name: Name::public("flights"), columns: flights, folder: None },
        Change::CreateTable {
            name: Name::new("ml", "scores"),
            columns: vec![column("id", Type::Int4, true)],
            folder: None,
        },
        Change::PutView(view),
        Change::PutExternal(external),
        Change::AddModelVersion { name: Name::public("delay"), version },
    ];
    Snapshot::default().apply_all(&changes).unwrap()
}

/// Resolves names as the planner does: a schema of ours, else the snapshot's, `pg_catalog` first.
#[derive(Debug)]
struct Names {
    system: Arc<System>,
    context: Arc<Context>,
}

#[derive(Debug)]
struct Inside(Arc<dyn SchemaProvider>, Arc<Context>);

impl CatalogProvider for Names {
    fn schema_names(&self) -> Vec<String> {
        vec![]
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let shapes: Arc<dyn Shapes> = Arc::new(Fixed);
        self.system.schema(name, &self.context, &shapes).or_else(|| {
            let catalog = self.system.schema("pg_catalog", &self.context, &shapes)?;
            Some(Arc::new(Inside(catalog, self.context.clone())))
        })
    }
}

#[async_trait]
impl SchemaProvider for Inside {
    fn table_names(&self) -> Vec<String> {
        vec![]
    }

    async fn table(&self, name: &str) -> datafusion::error::Result<Option<Arc<dyn TableProvider>>> {
        if let Some(table) = self.0.table(name).await? {
            return Ok(Some(table));
        }
        let Ok(table) = self.1.snapshot.table(&Name::public(name)) else { return Ok(None) };
        Ok(Some(Arc::new(MemTable::try_new(table.schema(), vec![vec![]])?)))
    }

    fn table_exist(&self, _: &str) -> bool {
        true
    }
}

struct Bench {
    session: SessionContext,
    context: Arc<Context>,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let system = Arc::new(System::new(store, DateTime::UNIX_EPOCH));
        let mut context = Context::new(Arc::new(snapshot()), "aqueduct", DateTime::UNIX_EPOCH);
        context.settings = crate::session::Settings::default().listed();
        let context = Arc::new(context);
        let config = SessionConfig::new()
            .with_default_catalog_and_schema("aqueduct", "public")
            .with_create_default_catalog_and_schema(false)
            .set_str("datafusion.sql_parser.dialect", "postgres");
        let session = SessionContext::new_with_config(config);
        session.register_catalog("aqueduct", Arc::new(Names { system: system.clone(), context: context.clone() }));
        system.functions(&context).into_iter().for_each(|function| session.register_udf((*function).clone()));
        Bench { session, context, _folder: folder }
    }

    async fn answer(&self, text: &str) -> Result<String> {
        let mut statement = crate::base::sql::parse_statement(text)?;
        rewrite(&mut statement, &self.context)?;
        let statement = datafusion::sql::parser::Statement::Statement(Box::new(statement));
        let plan = self.session.state().statement_to_plan(statement).await?;
        let batches = self.session.execute_logical_plan(plan).await?.collect().await?;
        Ok(pretty_format_batches(&batches)?.to_string())
    }
}

/// For a look at any statements: `CORPUS=file cargo test --lib system::tests::corpus -- --nocapture`.
#[tokio::test]
async fn corpus() {
    let Ok(path) = std::env::var("CORPUS") else { return };
    let bench = Bench::new().await;
    let (mut good, mut bad) = (0, 0);
    for text in std::fs::read_to_string(path).unwrap().split("\n--\n").map(str::trim).filter(|text| !text.is_empty()) {
        match bench.answer(text.trim_end_matches(';')).await {
            Ok(answer) => {
                good += 1;
                println!("--- OK\n{text}\n{answer}\n");
            }
            Err(error) => {
                bad += 1;
                println!("--- FAILED\n{text}\n{error}\n");
            }
        }
    }
    println!("{good} answered, {bad} failed");
}
