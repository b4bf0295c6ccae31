//! Every folder in `examples/` does what its `expected.json` says.

use super::instance::{Instance, Table, python, repository};
use super::postgres::{PASSWORD, Server};
use serde_json::Value;

/// `-- expect: name` marks the statement after it; its answer must contain what `expected.json` has under that name.
async fn run(instance: &Instance, script: &str, expected: &Value) {
    let mut seen = vec![];
    let statements = aqueduct::statement::parse(script).unwrap();
    let ends = statements.iter().skip(1).map(|next| next.offset).chain([script.len()]);
    for (parsed, end) in statements.iter().zip(ends) {
        let comments = script[..parsed.offset].lines().rev().take_while(|line| line.starts_with("--"));
        let name = comments.filter_map(|line| line.strip_prefix("-- expect: ")).next();
        let answer = instance.ok(&script[parsed.offset..end]).await;
        if let Some(name) = name {
            let wanted = &expected[name];
            assert!(!wanted.is_null(), "expected.json has no \"{name}\"");
            compare(name, &answer, wanted);
            seen.push(name.to_string());
        }
    }
    assert!(!seen.is_empty());
}

fn compare(name: &str, answer: &Table, wanted: &Value) {
    if let Some(words) = wanted["contains"].as_array() {
        let text = answer.rows.iter().flatten().flatten().cloned().collect::<Vec<_>>().join("\n");
        for word in words.iter().filter_map(Value::as_str) {
            assert!(text.to_lowercase().contains(&word.to_lowercase()), "{name}: no \"{word}\" in\n{text}");
        }
    }
    let (Some(columns), Some(rows)) = (wanted["columns"].as_array(), wanted["rows"].as_array()) else { return };
    let columns: Vec<_> = columns.iter().map(|column| answer.column(column.as_str().unwrap())).collect();
    assert_eq!(answer.rows.len(), rows.len(), "{name}: {answer:?}");
    for (at, row) in rows.iter().enumerate() {
        for (column, cell) in columns.iter().zip(row.as_array().unwrap()) {
            assert!(same(column[at].as_deref(), cell), "{name}, row {at}: {:?} is not {cell}\n{answer:?}", column[at]);
        }
    }
}

/// Text as it is, numbers by value, NULL as null.
fn same(got: Option<&str>, wanted: &Value) -> bool {
    match (got, wanted) {
        (None, Value::Null) => true,
        (Some(got), Value::String(wanted)) => got == wanted,
        (Some(got), Value::Bool(wanted)) => got == wanted.to_string(),
        (Some(got), Value::Number(wanted)) => {
            got.parse::<f64>().is_ok_and(|got| (got - wanted.as_f64().unwrap()).abs() < 1e-9)
        }
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flights_from_nothing_on_the_embedded_default() {
    std::env::set_current_dir(repository()).unwrap();
    let folder = repository().join("examples/flights");
    let script = std::fs::read_to_string(folder.join("flights.sql")).unwrap();
    let expected: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap();
    let instance = Instance::new().await;
    run(&instance, &script, &expected).await;
    instance.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flights_read_from_and_published_to_postgresql() {
    std::env::set_current_dir(repository()).unwrap();
    let folder = repository().join("examples/flights_postgres");
    let database = Server::shared().database().await;
    database.execute(&std::fs::read_to_string(folder.join("setup.sql")).unwrap()).await;
    let port = database.server.port.to_string();
    let loaded = std::process::Command::new(python())
        .arg(folder.join("load.py"))
        .envs([("PGHOST", "127.0.0.1"), ("PGPORT", &port), ("PGUSER", "ann")])
        .envs([("PGPASSWORD", PASSWORD), ("PGDATABASE", &database.name)])
        .status()
        .unwrap();
    assert!(loaded.success());
    let script = std::fs::read_to_string(folder.join("flights.sql"))
        .unwrap()
        .replace("FROM ENV 'PGPASSWORD'", &format!("FROM VALUE '{PASSWORD}'"))
        .replace("__PGHOST__", "127.0.0.1")
        .replace("__PGPORT__", &port)
        .replace("__PGDATABASE__", &database.name)
        .replace("__PGUSER__", "ann");
    let expected: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap();
    let instance = Instance::new().await;
    run(&instance, &script, &expected).await;
    instance.verify().await;
    assert_eq!(database.ask("SELECT count(*) FROM delay_predictions").await, "843");
}
