//! Calls of models.

use super::Room;
use crate::base::Type;
use crate::query::RunContext;
use datafusion::common::ScalarValue;
use std::collections::BTreeMap;
use std::sync::Arc;

#[tokio::test]
async fn inputs_bind_by_name() {
    let room = Room::new().await;
    for (text, expected) in [
        (
            "SELECT id, predict('doubler', *) FROM t ORDER BY id",
            "id integer, predict double precision\n1|4.0\n2|NULL\n3|-1.0",
        ),
        ("SELECT predict('doubler', t.*) FROM t JOIN u ON u.t_id = t.id", "predict double precision\n4.0"),
        ("SELECT predict('doubler@1', id, x) p FROM t WHERE id = 1", "p double precision\n4.0"),
        ("SELECT predict('public.doubler', t.id, x => 1) FROM t WHERE id = 1", "predict double precision\n3.0"),
        ("SELECT predict('ml.other', *, x => x * 10) FROM t WHERE id = 1", "predict double precision\n31.0"),
        ("SELECT doubler(id, x) FROM t WHERE id = 1", "doubler double precision\n4.0"),
        ("SELECT doubler(1.5, NULL, 2)", "doubler double precision\n5.0"),
        ("SELECT count(*) FROM t WHERE predict('doubler', *) > 0", "count bigint\n1"),
        (
            "SELECT max(predict('doubler', *)), min(predict_proba('doubler', *)) FROM t",
            "max double precision, min double precision\n4.0|-1.0",
        ),
    ] {
        room.check(text, expected).await;
    }
    let plan = room.query.plan_text(&room.context, "SELECT doubler(id, x) FROM t").await.unwrap();
    let models: Vec<_> = plan.models().map(|used| (used.name.to_string(), used.version, used.sha256.clone())).collect();
    assert_eq!(models, [("doubler".to_string(), 2, "sha2".to_string())]);
}

#[tokio::test]
async fn what_does_not_bind_is_refused_with_the_models_signature() {
    let room = Room::new().await;
    for (marked, sqlstate, message) in [
        ("SELECT ^predict('nope', *) FROM t", "42704", "model \"nope\" does not exist"),
        ("SELECT ^predict('doubler@9', *) FROM t", "42704", "model \"doubler@9\" does not exist"),
        (
            "SELECT ^predict(name, *) FROM t",
            "42883",
            "predict() takes a model's name as its first argument, as a literal",
        ),
        ("SELECT ^predict('doubler', *) FROM u", "42883", "input \"x\" of model \"doubler\" is missing"),
        ("SELECT ^predict('doubler', id) FROM t", "42883", "input \"x\" of model \"doubler\" is missing"),
        ("SELECT ^predict('doubler', x + 1, id) FROM t", "42883", "an argument of model \"doubler\" has no name"),
        (
            "SELECT ^predict('doubler', *, x => name) FROM t",
            "42883",
            "input \"x\" of model \"doubler\" is double precision, got text",
        ),
        (
            "SELECT ^predict('doubler', *, y => 1) FROM t",
            "42883",
            "model \"doubler\" has no input \"y\", did you mean \"x\"?",
        ),
        ("SELECT ^predict('doubler', *) FROM t JOIN u ON true", "42702", "column reference \"id\" is ambiguous"),
        ("SELECT predict('doubler', *, x => ^nope) FROM t", "42703", "column \"nope\" does not exist"),
    ] {
        room.check_error(marked, sqlstate, message).await;
    }
    let error = room.error("SELECT predict('doubler', *) FROM u").await;
    assert_eq!(error.hint.as_deref(), Some("model \"doubler\" takes (x float8, id float8)"));
}

#[tokio::test]
async fn a_row_is_scored_once() {
    let room = Room::new().await;
    for (text, rows) in [
        ("SELECT predict('doubler', *) p FROM t WHERE predict('doubler', *) > -5", 3),
        ("SELECT p, p + 1, p > 2 FROM (SELECT predict('doubler', *) p FROM t) s WHERE p > -5", 3),
        ("SELECT p FROM (SELECT predict('doubler', *) p, id FROM t) s WHERE id = 1", 1),
        ("SELECT predict('doubler', *), predict('doubler', *) * 2 FROM t WHERE id < 3", 2),
    ] {
        let before = room.doubler.rows();
        room.answer(text, &[]).await.unwrap();
        assert_eq!(room.doubler.rows() - before, rows, "{text}");
    }
}

#[tokio::test]
async fn a_run_knows_itself() {
    let mut room = Room::new().await;
    let params = BTreeMap::from([("late".to_string(), (Type::Float8, ScalarValue::from(1.0)))]);
    room.context.run = Some(Arc::new(RunContext {
        run_id: "r1".into(),
        scheduled_at: room.context.now,
        interval_start: room.context.now - chrono::Duration::days(1),
        interval_end: room.context.now,
        status: None,
        params,
    }));
    room.check("SELECT run_id(), x > param('late') late FROM t WHERE id = 1", "run_id text, late boolean\nr1|true")
        .await;
    room.check("SELECT (interval_end() - interval_start())::text", "text text\n1 day").await;
    room.check_error("SELECT ^param('lat')", "42P02", "parameter \"lat\" does not exist").await;
    room.check_error("SELECT ^run_status()", "55000", "run_status() is known only in FINALLY").await;
    let value = room.query.value(&room.context, "param('late') * 2", Some(&Type::Int4)).await.unwrap();
    assert_eq!(value, ScalarValue::Int32(Some(2)));
}
