//! The statements that psql and BI tools send, answered.

use super::{Shapes, Signature, System, rewrite};
use crate::base::{Name, Result, Type};
use crate::catalog::{Change, Column, External, Model, ModelVersion, Snapshot, View};
use crate::query::{Context, Setting};
use crate::store::Store;
use async_trait::async_trait;
use chrono::DateTime;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::catalog::{CatalogProvider, MemTable, SchemaProvider, TableProvider};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::sqlparser::ast::{Expr, VisitMut, VisitorMut};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

#[derive(Debug)]
struct Fixed;

impl Shapes for Fixed {
    fn view<'a>(&'a self, _: &'a Context, _: &'a View) -> BoxFuture<'a, Result<SchemaRef>> {
        let columns = [Column::new("id", Type::Int8, true), Column::new("carrier", Type::Text, true)];
        let schema = datafusion::arrow::datatypes::Schema::new(columns.map(|column| column.field()).to_vec());
        Box::pin(std::future::ready(Ok(Arc::new(schema))))
    }

    fn model(&self, _: &Context, _: &Model) -> Result<Signature> {
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

/// Types in DataFusion's words.
struct Types;

impl VisitorMut for Types {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Cast { data_type, .. } = expr {
            let plain = match Type::parse(&data_type.to_string()) {
                Some(Type::Oid) => Some("INT UNSIGNED"),
                Some(Type::Text | Type::Varchar(_) | Type::Name | Type::InternalChar) => Some("TEXT"),
                Some(Type::Int2) => Some("INT2"),
                Some(Type::Int4) => Some("INT4"),
                _ => None,
            };
            if let Some(plain) = plain {
                let parser = Parser::new(&GenericDialect {}).try_with_sql(plain);
                *data_type = parser.unwrap().parse_data_type().unwrap();
            }
        }
        ControlFlow::Continue(())
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
        let setting = |name: &'static str, value: &'static str| Setting {
            name: name.into(),
            value: value.into(),
            default: value,
            about: "",
        };
        context.settings = Arc::new([setting("search_path", "public"), setting("server_version", "15.0")]);
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
        let _ = statement.visit(&mut Types);
        let statement = datafusion::sql::parser::Statement::Statement(Box::new(statement));
        let plan = self.session.state().statement_to_plan(statement).await?;
        let batches = self.session.execute_logical_plan(plan).await?.collect().await?;
        Ok(pretty_format_batches(&batches)?.to_string())
    }
}

/// The rows of an answer, its header and rules left out.
async fn check(text: &str, expected: &[&str]) {
    let answer = Bench::new().await.answer(text).await.unwrap_or_else(|error| panic!("{text}\n{error}"));
    let rows: Vec<_> = answer.lines().filter(|line| line.starts_with('|')).skip(1).map(squeezed).collect();
    assert_eq!(rows, expected, "{text}");
}

fn squeezed(line: &str) -> String {
    line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join("|")
}

#[tokio::test]
async fn d_lists_relations_on_the_search_path() {
    check(
        "SELECT n.nspname as \"Schema\", c.relname as \"Name\",
           CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'f' THEN 'foreign table' END as \"Type\",
           pg_catalog.pg_get_userbyid(c.relowner) as \"Owner\"
         FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r','p','v','m','S','f','') AND n.nspname <> 'pg_catalog' AND n.nspname !~ '^pg_toast'
           AND n.nspname <> 'information_schema' AND pg_catalog.pg_table_is_visible(c.oid)
         ORDER BY 1,2",
        &["public|flights|table|aqueduct", "public|late|view|aqueduct", "public|planes|foreign table|aqueduct"],
    )
    .await;
}

#[tokio::test]
async fn d_of_a_table_shows_its_columns() {
    let columns = |relation: &str| {
        format!(
            "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
               (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) FROM pg_catalog.pg_attrdef d
                WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef), a.attnotnull,
               (SELECT c.collname FROM pg_catalog.pg_collation c, pg_catalog.pg_type t WHERE c.oid = a.attcollation
                AND t.oid = a.atttypid AND a.attcollation <> t.typcollation) AS attcollation
             FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = '{relation}'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        )
    };
    check(
        &columns("flights"),
        &[
            "id|bigint||true|",
            "carrier|text||false|",
            "distance|double precision||false|",
            "sched_dep|timestamp with time zone||false|",
            "price|numeric(10,2)|0|false|",
            "tags|text[]||false|",
        ],
    )
    .await;
    check(&columns("late"), &["id|bigint||false|", "carrier|text||false|"]).await;
}

#[tokio::test]
async fn models_are_functions_with_their_inputs() {
    check(
        "SELECT p.proname, pg_catalog.pg_get_function_result(p.oid), pg_catalog.pg_get_function_arguments(p.oid)
         FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'public'::regnamespace",
        &["delay|double precision|carrier text, distance double precision"],
    )
    .await;
}

#[tokio::test]
async fn names_and_oids_lead_to_each_other() {
    check(
        "SELECT 'pg_class'::regclass::oid AS a, 1259::regclass AS b, 'ml.scores'::regclass AS c, to_regclass('none'),
           'int4'::regtype AS d",
        &["1259|pg_class|ml.scores||integer"],
    )
    .await;
    let missing = Bench::new().await.answer("SELECT 'nothing'::regclass").await.unwrap_err();
    assert_eq!(missing.kind, crate::base::Kind::UndefinedTable);
}

#[tokio::test]
async fn an_equality_reaches_the_store() {
    let bench = Bench::new().await;
    let plan = bench.answer("EXPLAIN SELECT status FROM aqueduct.runs WHERE run_id = 'x' LIMIT 1").await.unwrap();
    assert!(!plan.contains("FilterExec"), "{plan}");
}

#[tokio::test]
async fn every_view_of_the_ledger_can_be_read() {
    let bench = Bench::new().await;
    for view in super::views() {
        bench.answer(&format!("SELECT * FROM aqueduct.{}", view.declared.name)).await.unwrap();
    }
}

#[tokio::test]
async fn no_rows_make_an_empty_array() {
    check(
        "SELECT r.rolname, ARRAY(SELECT b.rolname FROM pg_catalog.pg_auth_members m
           JOIN pg_catalog.pg_roles b ON (m.roleid = b.oid) WHERE m.member = r.oid) as memberof
         FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_' ORDER BY 1",
        &["aqueduct|[]"],
    )
    .await;
}

/// For a look at any statements: `CORPUS=file cargo test --lib system::tests::corpus -- --nocapture`,
/// with a line `--` between two of them.
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
