//! Runs that are cancelled, that run into each other, or whose row nobody can read.

use super::instance::Instance;
use aqueduct::store::Write;

/// Long enough to be cancelled.
const LONG: &str = "SELECT count(*) AS n FROM many x, many y, many z WHERE x.i + y.i + z.i = 5";
const MANY: &str = "CREATE TABLE many AS SELECT i::int8 AS i FROM generate_series(1, 3000) AS g(i)";

/// Waits until a step of a run has begun.
async fn begun(instance: &Instance) {
    while instance.ok("SELECT count(*) FROM aqueduct.step_runs WHERE status = 'running'").await.value() == "0" {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn finally_runs_after_cancel_and_no_step_goes_on() {
    let instance = Instance::new().await;
    instance.ok(MANY).await;
    instance.ok("CREATE TABLE told (status text)").await;
    let finally = "FINALLY tell AS (INSERT INTO told VALUES (run_status()))";
    instance.ok(&format!("CREATE WORKFLOW w AS (STEP a INTO t AS ({LONG}), {finally})")).await;
    let id = instance.ok("EXECUTE WORKFLOW w").await.column("run_id")[0].clone().unwrap();
    begun(&instance).await;
    instance.ok(&format!("CANCEL RUN '{id}'")).await;
    instance.quiet().await;
    assert_eq!(instance.ok("SELECT status FROM aqueduct.runs").await.value(), "canceled");
    assert_eq!(instance.ok("SELECT status FROM told").await.value(), "canceled");
    let steps = instance
        .ok("SELECT step, status, finished_at IS NOT NULL AS ended FROM aqueduct.step_runs ORDER BY step")
        .await;
    assert_eq!(steps.column("status"), [Some("canceled".to_string()), Some("succeeded".to_string())]);
    assert_eq!(steps.column("ended"), [Some("true".to_string()), Some("true".to_string())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_step_that_is_cancelled_makes_the_run_canceled() {
    let instance = Instance::new().await;
    instance.ok(MANY).await;
    instance.ok("CREATE TABLE counted (n int8)").await;
    instance.ok(&format!("CREATE WORKFLOW w AS (STEP a AS (INSERT INTO counted {LONG}))")).await;
    let id = instance.ok("EXECUTE WORKFLOW w").await.column("run_id")[0].clone().unwrap();
    while instance.ok("SELECT status FROM aqueduct.runs").await.value() != "finalizing" {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    instance.ok(&format!("CANCEL RUN '{id}'")).await;
    instance.quiet().await;
    assert_eq!(instance.ok("SELECT status FROM aqueduct.runs").await.value(), "canceled");
    assert_eq!(instance.ok("SELECT status FROM aqueduct.step_runs").await.value(), "canceled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_cannot_be_read_has_failed_and_the_server_starts() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let instance = Instance::open(&data).await;
    instance
        .ok("CREATE WORKFLOW w AS (PARAM p timestamptz DEFAULT now(), STEP a INTO t AS (SELECT param('p') AS p))")
        .await;
    instance.ok("EXECUTE WORKFLOW w WAIT").await;
    let spoil = "UPDATE aqueduct_run SET status = 'running', finished_at = NULL, params = '{\"p\": \"once\"}'";
    instance.engine.catalog.store().write(&[Write::new(spoil, [])]).await.unwrap();
    instance.close().await;
    let instance = Instance::open(&data).await;
    let run = instance.ok("SELECT status, reason FROM aqueduct.runs").await;
    assert_eq!(run.column("status"), [Some("failed".to_string())]);
    assert!(run.column("reason")[0].as_ref().unwrap().contains("could not go on after a restart"));
    instance.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn first_runs_that_make_the_same_table_all_publish() {
    let instance = Instance::new().await;
    instance.ok("CREATE WORKFLOW w AS (STEP a INTO made MODE APPEND AS (SELECT 1 AS one))").await;
    for _ in 0..6 {
        instance.ok("EXECUTE WORKFLOW w").await;
    }
    instance.quiet().await;
    assert_eq!(instance.ok("SELECT count(*) FROM aqueduct.runs WHERE status = 'succeeded'").await.value(), "6");
    assert_eq!(instance.ok("SELECT count(*) FROM made").await.value(), "6");
    instance.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn why_tells_what_was_found_and_what_was_required() {
    let instance = Instance::new().await;
    for (check, because) in [
        ("ROW COUNT > 10", "it has 1 row; required: ROW COUNT > 10"),
        ("(one) BETWEEN 2 AND 3", "1 of 1 rows of a; required: BETWEEN 2 AND 3"),
        ("EXPECT (one > 1)", "1 of 1 rows of a; required: EXPECT (one > 1)"),
    ] {
        let step = "STEP a INTO made AS (SELECT 1 AS one)";
        instance.ok(&format!("CREATE OR REPLACE WORKFLOW w AS ({step}, CHECK c ON a {check})")).await;
        instance.ok("EXECUTE WORKFLOW w WAIT").await;
        let why = instance.ok("EXPLAIN WHY w").await;
        let line = why.rows.iter().find(|row| row[0].as_deref() == Some("check")).unwrap();
        assert_eq!(line[1..4], [Some("c".to_string()), Some("failed".to_string()), Some(because.to_string())]);
        assert!(why.rows.iter().any(|row| row[3].as_deref() == Some("every target is as it was before")), "{why:?}");
    }
}
