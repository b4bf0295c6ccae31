//! Schedules on a clock that the test moves.

use super::instance::Instance;
use aqueduct::base::clock::ManualClock;
use chrono::{DateTime, Utc};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

const DEFINITION: &str = "CREATE WORKFLOW tick SCHEDULE EVERY '1 hour' CATCHUP LATEST AS (
    STEP a INTO ticks MODE APPEND AS (SELECT scheduled_at() AS due, interval_start() AS since))";

#[tokio::test(flavor = "multi_thread")]
async fn each_tick_makes_one_run_and_a_restart_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let clock = ManualClock::at(at("2026-03-01T10:30:00Z"));
    let instance = Instance::open_at(&data, clock.clone()).await;
    instance.ok(DEFINITION).await;
    instance.engine.settle_schedules().await.unwrap();
    instance.quiet().await;
    assert_eq!(instance.ok("SELECT count(*) FROM aqueduct.runs").await.value(), "0", "nothing was due yet");

    clock.set(at("2026-03-01T11:00:00Z"));
    for _ in 0..3 {
        instance.engine.settle_schedules().await.unwrap();
        instance.quiet().await;
    }
    assert_eq!(instance.ok("SELECT count(*) FROM aqueduct.runs").await.value(), "1");
    instance.close().await;

    // Four ticks pass while nobody is there: the latest is run, the others say that they were missed.
    clock.set(at("2026-03-01T15:10:00Z"));
    let instance = Instance::open_at(&data, clock.clone()).await;
    for _ in 0..2 {
        instance.engine.settle_schedules().await.unwrap();
        instance.quiet().await;
    }
    let runs = instance.ok("SELECT status, count(*) AS n FROM aqueduct.runs GROUP BY status ORDER BY status").await;
    assert_eq!(runs.column("status"), [Some("missed".to_string()), Some("succeeded".to_string())]);
    assert_eq!(runs.column("n"), [Some("3".to_string()), Some("2".to_string())]);
    assert_eq!(instance.ok("SELECT count(*) FROM ticks").await.value(), "2");
    instance.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_workflow_has_no_ticks_and_none_to_catch_up() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(at("2026-03-01T10:30:00Z"));
    let instance = Instance::open_at(&folder.path().join("data"), clock.clone()).await;
    instance.ok(DEFINITION).await;
    instance.engine.settle_schedules().await.unwrap();
    instance.ok("PAUSE WORKFLOW tick").await;
    clock.set(at("2026-03-01T13:30:00Z"));
    instance.engine.settle_schedules().await.unwrap();
    instance.ok("RESUME WORKFLOW tick").await;
    instance.engine.settle_schedules().await.unwrap();
    instance.quiet().await;
    assert_eq!(instance.ok("SELECT count(*) FROM aqueduct.runs").await.value(), "0");
    clock.set(at("2026-03-01T14:00:00Z"));
    instance.engine.settle_schedules().await.unwrap();
    instance.quiet().await;
    assert_eq!(instance.ok("SELECT count(*) FROM aqueduct.runs").await.value(), "1");
}

/// The control: a loop that fires "when an hour has passed since I last looked" fires again after each restart.
#[test]
fn the_naive_schedule_fires_again_after_a_restart() {
    let mut fired = 0;
    for _restart in 0..3 {
        let last: Option<DateTime<Utc>> = None; // kept in memory only
        if last.is_none_or(|last| at("2026-03-01T11:00:00Z") - last >= chrono::TimeDelta::hours(1)) {
            fired += 1;
        }
    }
    assert_eq!(fired, 3);
}

/// A run that lasts until the test says so would need a test's own clock; this one is long enough to be met.
const SLOW: &str = "SELECT count(*) AS n FROM many x, many y, many z WHERE x.i + y.i + z.i = 5";

#[tokio::test(flavor = "multi_thread")]
async fn missed_ticks_run_one_after_another_and_those_that_wait_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let clock = ManualClock::at(at("2026-03-01T10:30:00Z"));
    let instance = Instance::open_at(&data, clock.clone()).await;
    instance.ok(&DEFINITION.replace("LATEST", "ALL OVERLAP SKIP")).await;
    instance.engine.settle_schedules().await.unwrap();
    clock.set(at("2026-03-01T14:10:00Z"));
    // Each time by a scheduler that knows only what is written down.
    for _ in 0..5 {
        instance.engine.settle_schedules().await.unwrap();
        instance.quiet().await;
    }
    let runs = instance.ok("SELECT status, count(*) AS n FROM aqueduct.runs GROUP BY status").await;
    assert_eq!(runs.column("status"), [Some("succeeded".to_string())]);
    assert_eq!(runs.column("n"), [Some("4".to_string())]);
    instance.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buffered_tick_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let clock = ManualClock::at(at("2026-03-01T10:30:00Z"));
    let instance = Instance::open_at(&data, clock.clone()).await;
    instance.ok("CREATE TABLE many AS SELECT i::int8 AS i FROM generate_series(1, 3000) AS g(i)").await;
    let definition =
        format!("CREATE WORKFLOW w SCHEDULE EVERY '1 hour' OVERLAP BUFFER ONE AS (STEP a INTO t AS ({SLOW}))");
    instance.ok(&definition).await;
    instance.engine.settle_schedules().await.unwrap();
    for hour in ["2026-03-01T11:00:00Z", "2026-03-01T12:00:00Z"] {
        clock.set(at(hour));
        instance.engine.settle_schedules().await.unwrap();
    }
    assert_eq!(instance.ok("SELECT count(*) FROM aqueduct.runs").await.value(), "1", "the second tick waits");
    let id = instance.ok("SELECT run_id FROM aqueduct.runs").await.value().to_string();
    instance.ok(&format!("CANCEL RUN '{id}'")).await;
    instance.quiet().await;
    instance.close().await;
    let instance = Instance::open_at(&data, clock.clone()).await;
    instance.engine.settle_schedules().await.unwrap();
    assert_eq!(instance.ok("SELECT count(*) FROM aqueduct.runs").await.value(), "2");
    let id = instance.ok("SELECT run_id FROM aqueduct.runs WHERE status <> 'canceled'").await.value().to_string();
    instance.ok(&format!("CANCEL RUN '{id}'")).await;
    instance.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resume_forgets_the_failures_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(at("2026-03-01T10:30:00Z"));
    let instance = Instance::open_at(&folder.path().join("data"), clock.clone()).await;
    instance
        .ok("CREATE WORKFLOW w SCHEDULE EVERY '1 hour' SUSPEND AFTER 2 FAILURES AS (
            STEP a INTO t AS (SELECT 1 / (count(*) - 0) AS q FROM generate_series(1, 0) AS g(i)))")
        .await;
    let paused = "SELECT paused FROM aqueduct.workflows";
    instance.engine.settle_schedules().await.unwrap();
    for (hour, expected) in [("11:00", "false"), ("12:00", "true"), ("13:00", "false"), ("14:00", "true")] {
        if hour == "13:00" {
            clock.set(at("2026-03-01T12:30:00Z"));
            instance.ok("RESUME WORKFLOW w").await;
            instance.engine.settle_schedules().await.unwrap();
        }
        clock.set(at(&format!("2026-03-01T{hour}:00Z")));
        instance.engine.settle_schedules().await.unwrap();
        instance.quiet().await;
        assert_eq!(instance.ok(paused).await.value(), expected, "at {hour}");
    }
}
