//! Errors in Postgres' words, at the byte where the culprit is.

use super::Room;

#[tokio::test]
async fn errors_point_at_the_culprit() {
    let room = Room::new().await;
    for (marked, sqlstate, message) in [
        ("SELECT * FROM ^nope", "42P01", "relation \"nope\" does not exist"),
        ("SELECT 'é' FROM t JOIN ^ml.nope ON true", "42P01", "relation \"ml.nope\" does not exist"),
        ("SELECT * FROM ^ops.public.flights", "42704", "connection \"ops\" does not exist"),
        ("SELECT ^nam FROM t", "42703", "column \"nam\" does not exist"),
        ("SELECT ^t.nam FROM t", "42703", "column t.nam does not exist"),
        ("SELECT ^s.id FROM t", "42P01", "missing FROM-clause entry for table \"s\""),
        ("SELECT id FROM t WHERE\n  ^nope = 1", "42703", "column \"nope\" does not exist"),
        ("SELECT ^id FROM t, u", "42702", "column reference \"id\" is ambiguous"),
        ("SELECT ^lowr(name) FROM t", "42883", "function lowr(text) does not exist"),
        ("SELECT ^abs(name) FROM t", "42883", "function abs(text) does not exist"),
        ("SELECT id FROM t WHERE id ^= name", "42883", "operator does not exist: integer = text"),
        ("SELECT 1 + 2 ^* true", "42883", "operator does not exist: integer * boolean"),
        ("SELECT id FROM t WHERE id = ^'abc'", "22P02", "invalid input syntax for type integer: \"abc\""),
        ("SELECT ^'abc'::int", "22P02", "invalid input syntax for type integer: \"abc\""),
        ("SELECT date ^'2024-13-01'", "22008", "date/time field value out of range: \"2024-13-01\""),
        ("SELECT 1::^nope", "42704", "type \"nope\" does not exist"),
        (
            "SELECT ^name, count(*) FROM t",
            "42803",
            "column \"t.name\" must appear in the GROUP BY clause or be used in an aggregate function",
        ),
        ("SELECT 1 ^1", "42601", "syntax error at or near \"1\""),
        ("SELECT * FROM ^t TABLESAMPLE BERNOULLI (10)", "0A000", "TABLESAMPLE is not supported"),
        ("SELECT ^param('x')", "55000", "param() has a value only inside a run"),
    ] {
        room.check_error(marked, sqlstate, message).await;
    }
}

#[tokio::test]
async fn near_misses_get_a_hint() {
    let room = Room::new().await;
    for (text, hint) in [
        ("SELECT nam FROM t", "did you mean \"name\"?"),
        ("SELECT * FROM tt", "did you mean \"t\"?"),
        ("SELECT lowr('a')", "did you mean \"lower\"?"),
    ] {
        assert_eq!(room.error(text).await.hint.as_deref(), Some(hint), "{text}");
    }
}

#[tokio::test]
async fn arithmetic_that_does_not_fit_is_an_error() {
    let room = Room::new().await;
    for (text, sqlstate, message) in [
        ("SELECT 2000000000 + 2000000000", "22003", "integer out of range"),
        ("SELECT id * 2000000000 FROM t", "22003", "integer out of range"),
        ("SELECT 1 / 0", "22012", "division by zero"),
        ("SELECT 1 / (id - 1) FROM t", "22012", "division by zero"),
        ("SELECT name::int FROM t", "22P02", "invalid input syntax for type integer: \"a\""),
        ("SELECT (SELECT id FROM t)", "21000", "more than one row returned by a subquery used as an expression"),
    ] {
        let error = room.error(text).await;
        assert_eq!((error.sqlstate(), error.message.as_str()), (sqlstate, message), "{text}: {error:?}");
    }
}

#[tokio::test]
async fn a_view_is_what_its_names_mean_now_and_its_errors_name_it() {
    let mut room = Room::new().await;
    room.view("one", "SELECT 1 AS a, 'x' AS b");
    room.view("two", "SELECT a + 1 AS a FROM one");
    room.check("SELECT * FROM two", "a integer\n2").await;
    room.view("one", "SELECT 10 AS a");
    room.check("SELECT a FROM public.two", "a integer\n11").await;
    let references = room.query.references(&room.context, "INSERT INTO public.out SELECT a FROM two, t").await.unwrap();
    let reads: Vec<_> = references.reads.iter().map(|name| name.to_string()).collect();
    assert_eq!((reads.join(" "), references.relations.len()), ("one two".to_string(), 1));
    assert!(references.writes.contains(&vec!["public".to_string(), "out".to_string()]));
    room.view("bad", "SELECT nope FROM one");
    let error = room.error("SELECT * FROM bad").await;
    assert_eq!((error.sqlstate(), error.offset), ("42703", Some(14)));
    assert!(error.detail.unwrap().contains("in view \"bad\""));
    room.view("a", "SELECT * FROM b");
    room.view("b", "SELECT * FROM a");
    assert_eq!(room.error("SELECT * FROM a").await.sqlstate(), "42P17");
}

#[tokio::test]
async fn only_queries_are_planned_here_and_no_file_is_reached() {
    let room = Room::new().await;
    for text in [
        "INSERT INTO t VALUES (1)",
        "DROP TABLE t",
        "COPY t TO '/tmp/x.csv'",
        "EXPLAIN ANALYZE DELETE FROM t",
        "CREATE TABLE x AS SELECT 1",
        "SET datafusion.execution.batch_size = 1",
        "SELECT * INTO x FROM t",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"/etc/passwd\"",
        "SELECT * FROM read_csv('/etc/passwd')",
    ] {
        room.error(text).await;
    }
}
