//! Names, types and values as Postgres has them.

use super::Room;
use crate::base::Type;
use datafusion::common::ScalarValue;

#[tokio::test]
async fn literals_and_columns_have_postgres_types_and_names() {
    let room = Room::new().await;
    for (text, expected) in [
        ("SELECT 1", "?column? integer\n1"),
        ("SELECT 1, 2", "?column? integer, ?column? integer\n1|2"),
        ("SELECT 3000000000", "?column? bigint\n3000000000"),
        ("SELECT 1.50", "?column? numeric(3,2)\n1.50"),
        ("SELECT 'a', NULL, true", "?column? text, ?column? text, bool boolean\na|NULL|true"),
        ("SELECT 7 / 2, -7 / 2, 7 % 3", "?column? integer, ?column? integer, ?column? integer\n3|-3|1"),
        ("SELECT count(*), max(id), lower('A') FROM t", "count bigint, max integer, lower text\n3|3|a"),
        ("SELECT id AS \"Id\", T.NAME FROM t WHERE id = 1", "Id integer, name text\n1|a"),
        ("SELECT id, id FROM t WHERE id = 1", "id integer, id integer\n1|1"),
        ("SELECT *, id FROM t WHERE id = 1", "id integer, name text, x double precision, id integer\n1|a|1.5|1"),
        (
            "SELECT *, x + 1 AS x FROM t WHERE id = 1 ORDER BY x",
            "id integer, name text, x double precision, x double precision\n1|a|1.5|2.5",
        ),
        ("SELECT count FROM (SELECT count(*), count(x) FROM t) s", "count bigint\n3"),
        ("VALUES (1, 'a'), (2, 'b')", "column1 integer, column2 text\n1|a\n2|b"),
        ("SELECT 1 UNION ALL SELECT 2 ORDER BY 1", "?column? integer\n1\n2"),
        ("SELECT upper(name) u FROM t GROUP BY u ORDER BY u", "u text\nA\nB\nNULL"),
        ("SELECT name FROM t ORDER BY name DESC LIMIT 2", "name text\nNULL\nb"),
        ("SELECT name FROM t ORDER BY 1 FETCH FIRST ROW ONLY", "name text\na"),
        ("SELECT t.id, u.id FROM t JOIN u ON u.t_id = t.id", "id integer, id integer\n1|10"),
        (
            "SELECT id, name, x FROM t NATURAL JOIN (SELECT 1 AS id) s",
            "id integer, name text, x double precision\n1|a|1.5",
        ),
        ("WITH s AS (SELECT id FROM t) SELECT sum(id) FROM s", "sum bigint\n6"),
        ("WITH t AS (SELECT * FROM t WHERE id > 1) SELECT count(*) FROM t", "count bigint\n2"),
        (
            "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r",
            "n integer\n1\n2\n3",
        ),
        ("SELECT sum(id) FILTER (WHERE id > 1), count(DISTINCT id) FROM t", "sum bigint, count bigint\n5|3"),
        (
            "SELECT string_agg(name, ',' ORDER BY name), array_agg(id ORDER BY id DESC) FROM t",
            "string_agg text, array_agg integer[]\na,b|[3, 2, 1]",
        ),
        (
            "SELECT row_number() OVER (ORDER BY id DESC), id FROM t ORDER BY id",
            "row_number bigint, id integer\n3|1\n2|2\n1|3",
        ),
        ("SELECT DISTINCT ON (name IS NULL) id FROM t ORDER BY name IS NULL, id DESC", "id integer\n2\n3"),
        ("SELECT CASE WHEN id > 2 THEN 'big' ELSE 'small' END FROM t ORDER BY id", "case text\nsmall\nsmall\nbig"),
    ] {
        room.check(text, expected).await;
    }
}

#[tokio::test]
async fn casts_operators_and_times_mean_what_they_mean_in_postgres() {
    let room = Room::new().await;
    for (text, expected) in [
        ("SELECT '12'::int4 + 1", "?column? integer\n13"),
        ("SELECT 2.5::int, 2.5::float8::int, '7'::bigint", "int4 integer, int4 integer, int8 bigint\n3|2|7"),
        ("SELECT id::text || '!' FROM t WHERE id = '1'", "?column? text\n1!"),
        ("SELECT 'n: ' || id FROM t WHERE id = 1", "?column? text\nn: 1"),
        ("SELECT 'abc'::varchar(2)", "varchar character varying(2)\nab"),
        ("SELECT 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid", "uuid uuid\na0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("SELECT '{\"a\":1}'::jsonb, '1.5'::numeric(4,2)", "jsonb jsonb, numeric numeric(4,2)\n{\"a\": 1}|1.50"),
        (
            "SELECT date '2024-03-01' - date '2024-02-01', date '2024-02-28' + 2",
            "?column? integer, ?column? date\n29|2024-03-01",
        ),
        ("SELECT ('2024-03-01'::date + interval '1 hour')::text", "text text\n2024-03-01 01:00:00"),
        ("SELECT (timestamp '2024-03-02 01:00' - timestamp '2024-03-01')::text", "text text\n1 day 01:00:00"),
        ("SELECT (interval '1 month' * 1.5)::text", "text text\n1 mon 15 days"),
        (
            "SELECT date_trunc('month', timestamp '2024-03-15 10:00')",
            "date_trunc timestamp without time zone\n2024-03-01T00:00:00",
        ),
        (
            "SELECT timestamptz '2024-07-01 12:00+00' AT TIME ZONE 'America/New_York'",
            "timezone timestamp without time zone\n2024-07-01T08:00:00",
        ),
        (
            "SELECT (timestamp '2024-07-01 12:00' AT TIME ZONE 'America/New_York')::text",
            "timezone text\n2024-07-01 16:00:00+00",
        ),
        ("SELECT extract(year FROM date '2024-03-01') = 2024", "?column? boolean\ntrue"),
        (
            "SELECT now()::text, current_date, current_user",
            "now text, current_date date, current_user name\n2023-11-14 22:13:20+00|2023-11-14|ada",
        ),
        (
            "SELECT 'aBc' ILIKE 'ab%', 'abc' ~ '^a', 'abc' !~ 'B', 'ABC' ~* 'b'",
            "?column? boolean, ?column? boolean, ?column? boolean, ?column? boolean\ntrue|true|true|true",
        ),
        ("SELECT id FROM t WHERE id = ANY (ARRAY[1, 3]) ORDER BY id", "id integer\n1\n3"),
        ("SELECT * FROM generate_series(1, 3)", "generate_series integer\n1\n2\n3"),
        ("SELECT g + 1 FROM generate_series(1, 4, 2) g", "?column? integer\n2\n4"),
        ("SELECT n FROM generate_series(1, 2) AS g(n)", "n integer\n1\n2"),
        (
            "SELECT count(*) FROM generate_series(timestamp '2024-01-01', '2024-01-02', interval '6 hours')",
            "count bigint\n5",
        ),
        ("SELECT unnest(ARRAY[1, 2])", "unnest integer\n1\n2"),
        ("SELECT x FROM unnest(ARRAY['a', 'b']) x", "x text\na\nb"),
        (
            "SELECT coalesce(name, 'none'), nullif(id, 1) FROM t ORDER BY id",
            "coalesce text, nullif integer\na|NULL\nb|2\nnone|3",
        ),
        (
            "SELECT '{\"a\": [1, \"x\"]}'::json -> 'a' ->> 1, '{\"a\": {\"b\": 2}}'::jsonb -> 'a'",
            "?column? text, ?column? jsonb\nx|{\"b\": 2}",
        ),
        (
            "SELECT sum(b), avg(b) FROM (VALUES (1::bigint), (2)) s(b)",
            "sum numeric(30,0), avg numeric(38,16)\n3|1.5000000000000000",
        ),
        ("SELECT avg(x), avg(id) FROM t", "avg double precision, avg numeric(38,16)\n-0.25|2.0000000000000000"),
        (
            "SELECT round(2.567, 2), abs(-3), 2 ^ 3",
            "round numeric(4,2), abs integer, ?column? double precision\n2.57|3|8.0",
        ),
    ] {
        room.check(text, expected).await;
    }
}

#[tokio::test]
async fn parameters_have_the_types_that_their_use_tells() {
    let room = Room::new().await;
    let int = |value| ScalarValue::Int32(Some(value));
    for (text, types, values, expected) in [
        ("SELECT $1", vec![Type::Text], vec![ScalarValue::from("a")], "?column? text\na"),
        ("SELECT id FROM t WHERE id = $1", vec![Type::Int4], vec![int(2)], "id integer\n2"),
        ("SELECT $1::int8 + 1", vec![Type::Int8], vec![ScalarValue::from(4i64)], "?column? bigint\n5"),
        (
            "SELECT id FROM t WHERE id IN ($1, $2) ORDER BY 1",
            vec![Type::Int4, Type::Int4],
            vec![int(1), int(3)],
            "id integer\n1\n3",
        ),
        (
            "SELECT id FROM t WHERE id BETWEEN $1 AND $2 LIMIT $3",
            vec![Type::Int4, Type::Int4, Type::Int8],
            vec![int(3), int(9), ScalarValue::from(1i64)],
            "id integer\n3",
        ),
        ("SELECT upper($1)", vec![Type::Text], vec![ScalarValue::from("a")], "upper text\nA"),
        (
            "SELECT predict('doubler', x => $1, id => 1)",
            vec![Type::Float8],
            vec![ScalarValue::from(2.0)],
            "predict double precision\n5.0",
        ),
    ] {
        let plan = room.query.plan_text(&room.context, text).await.unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!(plan.parameters(), types, "{text}");
        assert_eq!(room.answer(text, &values).await.unwrap(), expected, "{text}");
    }
}
