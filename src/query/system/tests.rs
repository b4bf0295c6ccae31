//! The statements that psql and BI tools send, answered.

use crate::base::clock::ManualClock;
use crate::base::{Config, Name, Result, Roots, Type};
use crate::catalog::{Change, Column, External, Live, ModelVersion, Snapshot, View};
use crate::connect::Connections;
use crate::lake::Lake;
use crate::query::{Answer, Context, Query, Scorer, ScorerInput, Scorers, Setting};
use crate::store::Store;
use chrono::DateTime;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::logical_expr::ScalarUDF;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

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
        Change::CreateSchema { name: "public".into(), uuid: None },
        Change::CreateSchema { name: "ml".into(), uuid: None },
        Change::CreateTable { name: Name::public("flights"), columns: flights, folder: None },
        Change::CreateTable {
            name: Name::new("ml", "scores"),
            columns: vec![column("id", Type::Int4, true)],
            folder: None,
        },
        Change::PutView(view),
        Change::PutExternal(external),
        Change::AddModelVersion { name: Name::public("delay"), version, known: Some(false) },
    ];
    Snapshot::default().apply_all(&changes).unwrap()
}

/// A model that nobody asks for an answer.
#[derive(Debug)]
struct Delay;

impl Scorers for Delay {
    fn get(&self, _: &ModelVersion) -> Result<Arc<dyn Scorer>> {
        Ok(Arc::new(Delay))
    }
}

impl Scorer for Delay {
    fn inputs(&self) -> Vec<ScorerInput> {
        let input = |name: &str, data_type| ScorerInput {
            name: name.into(),
            data_type,
            declaration: String::new(),
            used: true,
        };
        vec![input("carrier", DataType::Utf8), input("distance", DataType::Float64)]
    }

    fn function(&self, name: &str, _: Answer) -> ScalarUDF {
        unreachable!("{name} is not called")
    }

    fn output(&self, _: Answer) -> Result<DataType> {
        Ok(DataType::Float64)
    }
}

struct Bench {
    query: Query,
    context: Context,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data: folder.path().to_path_buf(), threads: 2, ..Config::default() };
        let store = Store::open(folder.path()).await.unwrap();
        let clock = ManualClock::at(DateTime::UNIX_EPOCH);
        let snapshot = snapshot();
        let live = Arc::new(Live::holding(store, clock, snapshot.clone()));
        let roots = Roots::new(folder.path(), &[], folder.path());
        let connections = Arc::new(Connections::new(roots, tokio::runtime::Handle::current()));
        let lake = Arc::new(Lake::open(folder.path()).unwrap());
        let query = Query::new(&config, live, lake, connections, Arc::new(Delay)).unwrap();
        let mut context = Context::new(Arc::new(snapshot), "aqueduct", DateTime::UNIX_EPOCH);
        let setting = |name: &'static str, value: &'static str| Setting {
            name: name.into(),
            value: value.into(),
            default: value,
            about: "",
        };
        context.settings = Arc::new([setting("search_path", "public"), setting("server_version", "15.0")]);
        Bench { query, context, _folder: folder }
    }

    async fn answer(&self, text: &str) -> Result<String> {
        let plan = self.query.plan_text(&self.context, text).await?;
        let rows = self.query.run(&plan, &[], CancellationToken::new()).await?;
        Ok(pretty_format_batches(&rows.collect().await?)?.to_string())
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
        "SELECT 'pg_class'::regclass::oid AS a, 1259::regclass::text AS b, 'ml.scores'::regclass::text AS c,
           to_regclass('none'), 'int4'::regtype::text AS d",
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
