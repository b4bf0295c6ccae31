//! How queries run and stop.

use super::Room;
use crate::base::{Config, Kind, Type};
use crate::query::Context;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Takes minutes when nothing stops it.
const ENDLESS: &str =
    "SELECT count(*) FROM generate_series(1, 3000000) a, generate_series(1, 3000000) b WHERE a.a + b.b = 3";

#[tokio::test]
async fn a_cancelled_query_ends_at_once() {
    let room = Room::new().await;
    let cancel = CancellationToken::new();
    let plan = room.query.plan_text(&room.context, ENDLESS).await.unwrap();
    let rows = room.query.run(&plan, &[], cancel.clone()).await.unwrap();
    let started = Instant::now();
    let answer = tokio::spawn(rows.collect());
    tokio::task::yield_now().await;
    cancel.cancel();
    let error = answer.await.unwrap().unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (Kind::Cancelled, "canceling statement due to user request"));
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_statement_ends_at_its_deadline() {
    let mut room = Room::new().await;
    room.context.deadline = Some(Instant::now() + Duration::from_millis(300));
    let started = Instant::now();
    let error = room.error(ENDLESS).await;
    assert_eq!(error.message, "canceling statement due to statement timeout");
    assert!(started.elapsed() < Duration::from_millis(1300));
}

#[tokio::test]
async fn what_does_not_fit_in_memory_is_spilled_or_refused_and_the_next_query_runs() {
    let config = Config { threads: 2, memory_bytes: 48 << 20, ..Config::default() };
    let room = Room::with(config).await;
    let big = "SELECT repeat('x', 100) || a AS k FROM generate_series(1, 400000) a";
    room.check(
        &format!("SELECT count(*) FROM (SELECT k FROM ({big}) s ORDER BY k OFFSET 0) q"),
        "count bigint\n400000",
    )
    .await;
    // Two sorts may spill and still be in each other's way when they merge; then the join is refused.
    let join = format!("SELECT count(*) FROM ({big}) l JOIN ({big}) r ON l.k = r.k");
    match room.answer(&join, &[]).await {
        Ok(answer) => assert_eq!(answer, "count bigint\n400000"),
        Err(error) => assert_eq!(error.kind, Kind::OutOfMemory, "{error:?}"),
    }
    let error = room.error("SELECT length(string_agg(repeat('x', 1000), '')) FROM generate_series(1, 200000)").await;
    assert_eq!(error.kind, Kind::OutOfMemory);
    room.check("SELECT 1", "?column? integer\n1").await;
}

/// Each of these would go on for hours; cancelled, it leaves its thread to others.
#[tokio::test]
async fn a_join_that_is_cancelled_stops() {
    let config = Config { threads: 1, ..Config::default() };
    let room = Room::with(config).await;
    let numbers = |alias: &str| format!("generate_series(1, 300000) {alias}(i)");
    for (from, condition) in [
        (format!("{} JOIN {}", numbers("x"), numbers("y")), "ON x.i + y.i = -1 AND x.i < y.i"),
        (format!("{}, {}, {}", numbers("x"), numbers("y"), numbers("z")), "WHERE x.i + y.i + z.i = 5"),
        (format!("{} JOIN {}", numbers("x"), numbers("y")), "ON x.i % 1 = y.i % 1"),
    ] {
        let cancel = CancellationToken::new();
        let text = format!("SELECT count(*) FROM {from} {condition}");
        let plan = room.query.plan_text(&room.context, &text).await.unwrap();
        let mut rows = room.query.run(&plan, &[], cancel.clone()).await.unwrap();
        cancel.cancel();
        assert_eq!(rows.next().await.unwrap().unwrap_err().kind, Kind::Cancelled, "{text}");
        room.check("SELECT 1", "?column? integer\n1").await;
    }
}

#[tokio::test]
async fn explain_shows_the_plan_as_rows() {
    let room = Room::new().await;
    let answer = room.answer("EXPLAIN SELECT predict('doubler', *) FROM t WHERE id > 1", &[]).await.unwrap();
    assert!(answer.starts_with("QUERY PLAN text\n") && answer.contains("doubler@2"), "{answer}");
    let answer = room.answer("EXPLAIN (ANALYZE, COSTS off) SELECT count(*) FROM t", &[]).await.unwrap();
    assert!(answer.contains("output_rows") && answer.contains("Execution Time:"), "{answer}");
}

#[tokio::test]
async fn progress_counts_rows_that_were_read() {
    let room = Room::new().await;
    let plan = room.query.plan_text(&room.context, "SELECT * FROM generate_series(1, 100000)").await.unwrap();
    let mut rows = room.query.run(&plan, &[], CancellationToken::new()).await.unwrap();
    let progress = rows.progress();
    rows.next().await.unwrap().unwrap();
    assert!(progress.rows() > 0);
    drop(rows);
}

#[tokio::test]
async fn a_panic_in_a_query_is_its_error() {
    let guarded = crate::query::runtime::guarded(async { if true { panic!("boom") } else { Ok(()) } });
    let error = guarded.await.unwrap_err();
    assert_eq!((error.sqlstate(), error.detail.as_deref()), ("XX000", Some("boom")));
}

#[tokio::test]
async fn a_plan_is_used_again_only_while_all_that_it_was_made_from_is_the_same() {
    let room = Room::new().await;
    let context = Context { relations: Default::default(), ..room.context.clone() };
    let later = Context { now: context.now + chrono::Duration::hours(1), ..context.clone() };
    for (text, types, holds) in [
        ("SELECT 1", &[][..], true),
        ("SELECT $1::int + 1", &[Some(Type::Int4)], true),
        ("SELECT $1::int + 1", &[Some(Type::Int8)], false),
        ("SELECT $1::int + 1", &[None], false),
        ("SELECT current_user, version()", &[], true),
        ("SELECT now()", &[], false),
        ("SELECT * FROM (SELECT current_date AS d) AS s WHERE d IS NULL", &[], false),
        ("SELECT count(*) FROM pg_class", &[], false),
    ] {
        let plan = room.query.plan_text(&context, text).await.unwrap();
        let again = plan.again(&later, types);
        assert_eq!(again.is_some(), holds, "{text}");
        if let Some(again) = again {
            assert_eq!(again.context.now, later.now);
        }
    }
    let plan = room.query.plan_text(&context, "SELECT 1").await.unwrap();
    for other in [
        Context { snapshot: Arc::new((*context.snapshot).clone()), ..context.clone() },
        Context { search_path: vec!["ml".into()], ..context.clone() },
        Context { settings: Arc::new([]), ..context.clone() },
        Context { user: "bob".into(), ..context.clone() },
        room.context.clone(),
    ] {
        assert!(plan.again(&other, &[]).is_none());
    }
}
