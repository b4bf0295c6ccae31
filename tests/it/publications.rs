//! Publications that meet: one that is in doubt, one that was found missing, one that waits for another.

use super::crash::run_until;
use super::instance::{Instance, repository};
use super::postgres::{Database, PASSWORD, Server};
use aqueduct::base::clock::SystemClock;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A connection `ops` to a database.
fn connect(database: &Database) -> String {
    format!(
        "CREATE SECRET pw FROM VALUE '{PASSWORD}';
         CREATE CONNECTION ops TYPE postgres OPTIONS (host '127.0.0.1', port '{}', dbname '{}', user 'ann', password SECRET pw);",
        database.server.port, database.name
    )
}

/// A data folder whose last process has run `definition`, and died at `point` of a run of `w`.
fn died_at(point: &str, definition: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let made = run_until(&data, "nowhere", definition);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let died = run_until(&data, point, "EXECUTE WORKFLOW w WAIT");
    assert!(!died.status.success(), "the process must die at {point}");
    (folder, data)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publication_that_another_run_found_missing_takes_a_new_place() {
    let database = Server::shared().database().await;
    let definition = format!(
        "{}
         CREATE WORKFLOW w AS (STEP a INTO ops.public.results MODE APPEND AS (SELECT 'first' AS who));
         CREATE WORKFLOW other AS (STEP a INTO ops.public.results MODE APPEND AS (SELECT 'other' AS who))",
        connect(&database)
    );
    let (_folder, data) = died_at("reserved", &definition);
    let instance = Instance::open_asleep(&data, Arc::new(SystemClock)).await;
    instance.ok("EXECUTE WORKFLOW other WAIT").await;
    let states = instance.ok("SELECT state FROM aqueduct.publications ORDER BY seq").await;
    assert_eq!(states.column("state"), [Some("abandoned".to_string()), Some("published".to_string())]);
    instance.engine.recover().await.unwrap();
    instance.quiet().await;
    let runs = instance.ok("SELECT DISTINCT status FROM aqueduct.runs").await;
    assert_eq!(runs.value(), "succeeded");
    assert_eq!(database.ask("SELECT string_agg(who, ',' ORDER BY who) FROM results").await, "first,other");
    let seqs = instance.ok("SELECT seq FROM aqueduct.publications WHERE state = 'published' ORDER BY seq").await;
    assert_eq!(seqs.column("seq"), [Some("2".to_string()), Some("3".to_string())]);
    instance.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_landed_in_a_table_of_its_own_is_not_refused_because_it_is_there() {
    let database = Server::shared().database().await;
    let definition = format!(
        "{} CREATE WORKFLOW w AS (STEP a INTO ops.public.fresh MODE FAIL AS (SELECT 1 AS one))",
        connect(&database)
    );
    let (_folder, data) = died_at("acted", &definition);
    let instance = Instance::open(&data).await;
    instance.quiet().await;
    let run = instance.ok("SELECT status, reason FROM aqueduct.runs").await;
    assert_eq!(run.column("status"), [Some("succeeded".to_string())], "{run:?}");
    assert_eq!(database.ask("SELECT count(*) FROM fresh").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_for_its_turn_can_be_cancelled() {
    let database = Server::shared().database().await;
    let instance = Instance::new().await;
    instance.ok(&connect(&database)).await;
    database.execute("CREATE TABLE results (who text)").await;
    for name in ["w", "other"] {
        let step = format!("STEP a INTO ops.public.results MODE APPEND AS (SELECT '{name}' AS who)");
        instance.ok(&format!("CREATE WORKFLOW {name} AS ({step})")).await;
    }
    let holder = database.client().await;
    holder.batch_execute("BEGIN; LOCK TABLE results").await.unwrap();
    instance.ok("EXECUTE WORKFLOW w").await;
    let in_doubt = "SELECT count(*) FROM aqueduct.publications WHERE state = 'in_doubt'";
    while instance.ok(in_doubt).await.value() == "0" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let waiting = instance.ok("EXECUTE WORKFLOW other").await.column("run_id")[0].clone().unwrap();
    let publishing = format!("SELECT status FROM aqueduct.runs WHERE run_id = '{waiting}'");
    while instance.ok(&publishing).await.value() != "publishing" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    instance.ok(&format!("CANCEL RUN '{waiting}'")).await;
    instance.engine.workflows.wait(&waiting).await;
    assert_eq!(instance.ok(&publishing).await.value(), "canceled");
    holder.batch_execute("COMMIT").await.unwrap();
    instance.quiet().await;
    assert_eq!(database.ask("SELECT string_agg(who, ',') FROM results").await, "w");
    instance.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_set_rows_aside_in_the_same_table_take_turns() {
    let instance = Instance::new().await;
    instance.ok("CREATE TABLE source AS SELECT i::int8 AS id FROM generate_series(1, 10) AS g(i)").await;
    for name in ["one", "two"] {
        let step = format!("STEP a INTO of_{name} AS (SELECT * FROM source)");
        let check = "CHECK small ON a (id) BETWEEN 1 AND 7 ON VIOLATION QUARANTINE INTO aside";
        instance.ok(&format!("CREATE WORKFLOW {name} AS ({step}, {check})")).await;
    }
    for _ in 0..4 {
        instance.ok("EXECUTE WORKFLOW one; EXECUTE WORKFLOW two").await;
    }
    instance.quiet().await;
    assert_eq!(instance.ok("SELECT DISTINCT status FROM aqueduct.runs").await.value(), "succeeded");
    assert_eq!(instance.ok("SELECT count(*) FROM aside").await.value(), "24");
    instance.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_steps_were_all_computed_before_still_knows_its_models() {
    let model = repository().join("examples/flights/model/delay.txt");
    let definition = format!(
        "CREATE MODEL delay FROM '{}' FORMAT lightgbm;
         CREATE TABLE source AS SELECT 1 AS id;
         CREATE WORKFLOW w AS (STEP a INTO scored AS (SELECT ARGUMENTS AS p FROM source))",
        model.display()
    );
    let definition = definition.replace("ARGUMENTS", &arguments().await);
    let (_folder, data) = died_at("before_flip", &definition);
    let instance = Instance::open(&data).await;
    instance.quiet().await;
    let run = instance.ok("SELECT status, model_versions FROM aqueduct.runs").await;
    assert_eq!(run.column("status"), [Some("succeeded".to_string())], "{run:?}");
    assert_eq!(run.column("model_versions"), [Some("{\"delay\":1}".to_string())]);
    assert_eq!(
        instance.ok("SELECT status FROM aqueduct.step_runs ORDER BY attempt DESC LIMIT 1").await.value(),
        "reused"
    );
}

/// A call of the example's model whose inputs are all NULL.
async fn arguments() -> String {
    let instance = Instance::new().await;
    let model = repository().join("examples/flights/model/delay.txt");
    instance.ok(&format!("CREATE MODEL delay FROM '{}' FORMAT lightgbm", model.display())).await;
    let inputs = instance.ok("DESCRIBE MODEL delay").await;
    let kinds = inputs.column(&inputs.columns[0]);
    let named: Vec<String> = inputs
        .rows
        .iter()
        .zip(kinds)
        .filter(|(_, kind)| kind.as_deref() == Some("input"))
        .map(|(row, _)| format!("{} => NULL", row[1].as_deref().unwrap()))
        .collect();
    assert!(!named.is_empty(), "{inputs:?}");
    format!("predict('delay', {})", named.join(", "))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_died_while_finalizing_is_at_work_again_and_ends_once() {
    let definition = "CREATE TABLE told (status text);
        CREATE WORKFLOW w AS (STEP a INTO made MODE APPEND AS (SELECT 1 AS one),
          FINALLY tell AS (INSERT INTO told VALUES (run_status())))";
    let (_folder, data) = died_at("after_flip", definition);
    let instance = Instance::open(&data).await;
    instance.quiet().await;
    assert_eq!(instance.ok("SELECT status FROM aqueduct.runs").await.value(), "succeeded");
    assert_eq!(instance.ok("SELECT count(*) FROM made").await.value(), "1");
    assert_eq!(instance.ok("SELECT status FROM told").await.value(), "succeeded");
    instance.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publication_that_waits_to_be_tried_again_can_be_cancelled() {
    let instance = Instance::new().await;
    let folder = instance.data.parent().unwrap().join("out");
    let step = format!("STEP a INTO FILE '{}/rows.csv' AS (SELECT 1 AS one)", folder.display());
    instance.ok(&format!("CREATE WORKFLOW w RETRY (ATTEMPTS 9, BACKOFF '10 hours', MAX '10 hours') AS ({step})")).await;
    // A file where the folder should be made.
    std::fs::write(&folder, "").unwrap();
    let id = instance.ok("EXECUTE WORKFLOW w").await.column("run_id")[0].clone().unwrap();
    while instance.ok("SELECT status FROM aqueduct.runs").await.value() != "publishing" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    instance.ok(&format!("CANCEL RUN '{id}'")).await;
    instance.engine.workflows.wait(&id).await;
    assert_eq!(instance.ok("SELECT status FROM aqueduct.runs").await.value(), "canceled");
    assert_eq!(instance.ok("SELECT count(*) FROM aqueduct.publications").await.value(), "0");
    instance.verify().await;
}
