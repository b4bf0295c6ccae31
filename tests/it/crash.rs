//! The process dies at each step of a publication, as under `kill -9`; after a restart the rows are there once.

use super::instance::{Instance, repository};
use super::postgres::{PASSWORD, Server};
use std::path::Path;
use std::process::Command;

/// Where a run can die; see `workflow::publish::failpoint`.
const POINTS: &[&str] = &["staged", "reserved", "acted", "before_flip", "after_flip"];

const DEFINITION: &str = "
    CREATE TABLE source AS SELECT i AS id, i * 0.5 AS score FROM generate_series(1, 1000) AS g(i);
    CREATE WORKFLOW publish AS (
      STEP kept INTO results MODE APPEND AS (SELECT id, score FROM source WHERE score > 10),
      CHECK some ON kept ROW COUNT > 0,
      METRIC mean ON kept AS (avg(score)),
      STEP sent INTO FILE 'OUT' FORMAT csv AS (SELECT id, score FROM kept)
    );";

/// Runs SQL in a process of its own that dies at `point`.
pub fn run_until(data: &Path, point: &str, sql: &str) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_aqueduct"))
        .args(["run", "--data"])
        .arg(data)
        .args(["-c", sql])
        .current_dir(data.parent().unwrap())
        .env("AQUEDUCT_CRASH_AT", point)
        .env("AQUEDUCT_ROOTS", format!("[{:?}, {:?}]", repository(), data.parent().unwrap()))
        .output()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_died_anywhere_publishes_once_after_restart() {
    for point in POINTS {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let out = folder.path().join("out.csv");
        let definition = DEFINITION.replace("OUT", out.to_str().unwrap());
        let made = run_until(&data, "nowhere", &definition);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let died = run_until(&data, point, "EXECUTE WORKFLOW publish WAIT");
        assert!(!died.status.success(), "the process must die at {point}");

        let instance = Instance::open(&data).await;
        instance.quiet().await;
        let runs = instance.ok("SELECT status FROM aqueduct.runs").await;
        assert_eq!(runs.value(), "succeeded", "died at {point}");
        let rows = instance.ok("SELECT count(*) AS n FROM results").await;
        assert_eq!(rows.value(), "980", "died at {point}");
        let file = std::fs::read_to_string(&out).unwrap();
        assert_eq!(file.lines().count(), 981, "died at {point}");
        instance.verify().await;
        instance.close().await;
    }
}

/// The same with PostgreSQL as a target beside a managed table.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_died_publishes_once_to_postgresql() {
    for point in POINTS {
        let database = Server::shared().database().await;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let definition = format!(
            "CREATE SECRET pw FROM VALUE '{PASSWORD}';
             CREATE CONNECTION ops TYPE postgres OPTIONS (host '127.0.0.1', port '{}', dbname '{}', user 'ann', password SECRET pw);
             CREATE WORKFLOW publish AS (
               STEP made INTO ops.public.results MODE APPEND AS (SELECT i::int8 AS id, i * 0.5::float8 AS score FROM generate_series(1, 1000) AS g(i)),
               STEP kept INTO results MODE APPEND AS (SELECT * FROM made)
             )",
            database.server.port, database.name
        );
        let made = run_until(&data, "nowhere", &definition);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let died = run_until(&data, point, "EXECUTE WORKFLOW publish WAIT");
        assert!(!died.status.success(), "the process must die at {point}");
        let instance = Instance::open(&data).await;
        instance.quiet().await;
        let runs = instance.ok("SELECT status FROM aqueduct.runs").await;
        assert_eq!(runs.value(), "succeeded", "died at {point}");
        assert_eq!(database.ask("SELECT count(*), sum(score) FROM results").await, "1000|250250", "died at {point}");
        assert_eq!(instance.ok("SELECT count(*) FROM results").await.value(), "1000", "died at {point}");
        instance.verify().await;
        instance.close().await;
    }
}

/// The control: a writer that marks the run done after writing does duplicate when it dies in between.
#[tokio::test(flavor = "multi_thread")]
async fn the_naive_writer_publishes_twice() {
    let instance = Instance::new().await;
    instance.ok("CREATE TABLE naive (id int8); CREATE TABLE done (run int8)").await;
    for attempt in 1..=2 {
        let done = instance.ok("SELECT count(*) FROM done WHERE run = 1").await;
        if done.value() == "0" {
            instance.ok("INSERT INTO naive SELECT i FROM generate_series(1, 10) AS g(i)").await;
            if attempt == 1 {
                continue; // dies here
            }
            instance.ok("INSERT INTO done VALUES (1)").await;
        }
    }
    assert_eq!(instance.ok("SELECT count(*) FROM naive").await.value(), "20");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_run_leaves_every_target_as_it_was() {
    let instance = Instance::new().await;
    let out = instance.data.parent().unwrap().join("out.csv");
    let definition = DEFINITION.replace("OUT", out.to_str().unwrap());
    instance.ok(&definition).await;
    instance.ok("EXECUTE WORKFLOW publish WAIT").await;
    let files = |instance: &Instance| {
        let lake = instance.data.join("lake");
        let mut files = vec![(out.clone(), std::fs::read(&out).unwrap())];
        collect(&lake.join("public"), &mut files);
        files.sort();
        files
    };
    let before = (files(&instance), instance.ok("SELECT * FROM results ORDER BY id").await);
    instance.ok("DELETE FROM source").await;
    let after_delete = files(&instance);
    let run = instance.ok("EXECUTE WORKFLOW publish WAIT").await;
    assert_eq!(run.column("status"), [Some("blocked".to_string())], "{run:?}");
    assert_eq!(instance.ok("SELECT * FROM results ORDER BY id").await, before.1);
    let results = |files: &[(std::path::PathBuf, Vec<u8>)]| {
        files.iter().filter(|(path, _)| path.to_string_lossy().contains("results")).cloned().collect::<Vec<_>>()
    };
    // Staged files of the blocked run may lie beside them; those that were named have not changed.
    for file in results(&after_delete) {
        assert!(files(&instance).contains(&file), "{} changed", file.0.display());
    }
    assert!(files(&instance).contains(&before.0.iter().find(|(path, _)| *path == out).unwrap().clone()));
    let why = instance.ok("EXPLAIN WHY publish").await;
    assert!(why.rows.iter().flatten().flatten().any(|cell| cell.contains("some")), "{why:?}");
    instance.verify().await;
}

fn collect(folder: &Path, files: &mut Vec<(std::path::PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect(&path, files),
            false => files.push((path.clone(), std::fs::read(&path).unwrap())),
        }
    }
}

#[test]
fn the_repository_is_where_tests_think_it_is() {
    assert!(repository().join("Cargo.toml").exists());
}
