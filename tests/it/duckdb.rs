//! Real DuckDB, a process of its own, reads the tables that we go on committing to.

use super::instance::{Instance, python, repository};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// DuckDB with a store's lake attached.
struct DuckDb {
    process: Child,
}

impl DuckDb {
    fn attach(data: &Path) -> DuckDb {
        let process = Command::new(python())
            .arg(repository().join("tests/python/read_lake.py"))
            .arg(data.join("aqueduct.db"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut duckdb = DuckDb { process };
        assert_eq!(duckdb.line(), "attached", "see the error above");
        duckdb
    }

    fn line(&mut self) -> String {
        // One byte at a time, so that nothing is read ahead and lost with the reader.
        let mut line = String::new();
        BufReader::with_capacity(1, self.process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        line.trim_end().to_string()
    }

    /// The rows as JSON, or DuckDB's error.
    fn query(&mut self, sql: &str) -> String {
        writeln!(self.process.stdin.as_mut().unwrap(), "{sql}").unwrap();
        let answer: serde_json::Value = serde_json::from_str(&self.line()).unwrap();
        match answer.get("rows") {
            Some(rows) => rows.to_string(),
            None => answer["error"].as_str().unwrap().to_string(),
        }
    }

    fn check(&mut self, sql: &str, expected: &str) {
        assert_eq!(self.query(sql), expected, "{sql}");
    }
}

impl Drop for DuckDb {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn duckdb_sees_each_commit_while_it_stays_attached() {
    let house = Instance::new().await;
    house.ok("CREATE TABLE t (id bigint NOT NULL, s text, tags text[], n numeric(6,2) DEFAULT 1 + 1)").await;
    let mut duckdb = DuckDb::attach(&house.data);
    duckdb.check("FROM lake.public.t", "[]");
    house.ok("INSERT INTO t VALUES (1, 'a', '{x,NULL}', 1.5), (2, NULL, NULL, NULL), (3, 'c', '{}', -7)").await;
    duckdb.check(
        "FROM lake.public.t ORDER BY id",
        r#"[[1,"a",["x",null],"1.50"],[2,null,null,null],[3,"c",[],"-7.00"]]"#,
    );
    house.ok("DELETE FROM t WHERE id = 2").await;
    duckdb.check("SELECT id FROM lake.public.t ORDER BY id", "[[1],[3]]");
    house
        .ok("DELETE FROM t WHERE id = 3; INSERT INTO t SELECT i, 'many', NULL FROM generate_series(10, 5010) AS g(i)")
        .await;
    house.ok("DELETE FROM t WHERE id % 2 = 1 AND id > 4000").await;
    duckdb.check("SELECT count(*), min(id), max(id), sum(n) FROM lake.public.t", r#"[[4497,1,5010,"8993.50"]]"#);
    house.ok("UPDATE t SET s = 'new', n = n * 2 WHERE id < 20").await;
    duckdb.check("SELECT count(*), sum(n) FROM lake.public.t WHERE s = 'new'", r#"[[11,"43.00"]]"#);
    duckdb.check("SELECT count(*) FROM lake.public.t WHERE id > 4000 AND s = 'many'", "[[505]]");
    house.ok("ALTER TABLE t RENAME TO u").await;
    duckdb.check("SELECT count(*) FROM lake.public.u", "[[4497]]");
    assert!(duckdb.query("FROM lake.public.t").contains("does not exist"));
    house.ok("CREATE VIEW few AS SELECT id, s FROM u WHERE id < 12").await;
    duckdb.check("FROM lake.public.few ORDER BY id", r#"[[1,"new"],[10,"new"],[11,"new"]]"#);
    let version = house.engine.catalog.snapshot().lake;
    house.ok("TRUNCATE u").await;
    duckdb.check("SELECT count(*) FROM lake.public.u", "[[0]]");
    duckdb.check(&format!("SELECT count(*) FROM lake.public.u AT (VERSION => {version})"), "[[4497]]");
    house.ok("CREATE SCHEMA \"Odd schema\"; CREATE TABLE \"Odd schema\".\"T\"\"x\" AS SELECT 1 AS \"A b\"").await;
    duckdb.check("FROM lake.\"Odd schema\".\"T\"\"x\"", "[[1]]");
    house.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn duckdb_follows_columns_that_come_go_and_change_their_names() {
    let house = Instance::new().await;
    house
        .ok("CREATE TABLE t (id int PRIMARY KEY, a int, b text); INSERT INTO t VALUES (1, 10, 'x'), (2, 20, 'y')")
        .await;
    let mut duckdb = DuckDb::attach(&house.data);
    house
        .ok("ALTER TABLE t ADD COLUMN c int DEFAULT 5, ADD COLUMN d timestamptz DEFAULT '2020-01-01 00:00:00+00'")
        .await;
    duckdb.check(
        "SELECT id, a, b, c, epoch(d) FROM lake.public.t ORDER BY id",
        r#"[[1,10,"x",5,1577836800.0],[2,20,"y",5,1577836800.0]]"#,
    );
    house.ok("ALTER TABLE t RENAME COLUMN a TO first; ALTER TABLE t ADD COLUMN a int").await;
    house.ok("INSERT INTO t (id, first, a) VALUES (3, 30, 300)").await;
    let expected = "[[1,10,null,5],[2,20,null,5],[3,30,300,5]]";
    duckdb.check("SELECT id, \"first\", a, c FROM lake.public.t ORDER BY id", expected);
    house.ok("ALTER TABLE t DROP COLUMN first, DROP COLUMN c").await;
    duckdb.check("SELECT * EXCLUDE (d) FROM lake.public.t ORDER BY id", r#"[[1,"x",null],[2,"y",null],[3,null,300]]"#);
    house.ok("ALTER TABLE t ALTER COLUMN a TYPE text; UPDATE t SET a = 'text' WHERE id = 1").await;
    duckdb.check("SELECT id, a FROM lake.public.t ORDER BY id", r#"[[1,"text"],[2,null],[3,"300"]]"#);
    assert_eq!(house.error("INSERT INTO t VALUES (1)").await.sqlstate(), "23505");
    house.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn duckdb_reads_every_type_and_prunes_by_our_statistics() {
    let house = Instance::new().await;
    house
        .ok("CREATE TABLE t (i int, b bool, f float8, d date, ts timestamp, tz timestamptz, ti time, u uuid, j jsonb, \
        raw bytea, n numeric, c char(3), r real, small smallint)")
        .await;
    house
        .ok("INSERT INTO t VALUES (1, true, 1.5, '2020-02-29', '2020-01-01 01:02:03.5', '2020-01-01 00:00:00+01', \
        '12:34:56', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{\"a\": 1}', '\\xaa00', 1.5, 'x', 0.5, -3)")
        .await;
    house.ok("INSERT INTO t (i, f) VALUES (2, 'NaN'), (3, '-Infinity')").await;
    let mut duckdb = DuckDb::attach(&house.data);
    duckdb.check("SELECT i, b, f, d, ts, epoch(tz), ti, u, j, hex(raw), n, c, r, small FROM lake.public.t WHERE i = 1",
        r#"[[1,true,1.5,"2020-02-29","2020-01-01 01:02:03.500000",1577833200.0,"12:34:56","a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11","{\"a\": 1}","AA00","1.5000000000","x  ",0.5,-3]]"#);
    for (condition, expected) in [
        ("i >= 2", "[[2]]"),
        ("f > 1000", "[[1]]"),
        ("f < -1e300", "[[1]]"),
        ("d = DATE '2020-02-29'", "[[1]]"),
        ("d > DATE '2020-02-29'", "[[0]]"),
        ("tz = TIMESTAMPTZ '2019-12-31 23:00:00+00'", "[[1]]"),
        ("ts < TIMESTAMP '2020-01-02'", "[[1]]"),
        ("ti = TIME '12:34:56'", "[[1]]"),
        ("raw = '\\xAA\\x00'::BLOB", "[[1]]"),
        ("n = 1.5", "[[1]]"),
        ("b", "[[1]]"),
        ("u IS NULL", "[[2]]"),
    ] {
        duckdb.check(&format!("SELECT count(*) FROM lake.public.t WHERE {condition}"), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_duckdb_writes_is_a_conflict_for_us_and_then_read() {
    let house = Instance::new().await;
    house.ok("CREATE TABLE t (id bigint, s text); INSERT INTO t VALUES (1, 'a'), (2, 'b')").await;
    let mut duckdb = DuckDb::attach(&house.data);
    duckdb.check("INSERT INTO lake.public.t VALUES (3, 'duck')", "[[1]]");
    assert_eq!(house.error("INSERT INTO t VALUES (4, 'd')").await.sqlstate(), "40001");
    house.ok("INSERT INTO t VALUES (4, 'd')").await;
    duckdb.check("DELETE FROM lake.public.t WHERE id = 1", "[[1]]");
    duckdb.check("UPDATE lake.public.t SET s = 'quack' WHERE id = 2", "[[1]]");
    duckdb.check("CREATE TABLE lake.public.made AS SELECT 1::int AS i, 'x' AS s, {'a': 1} AS st", "[[1]]");
    assert_eq!(house.error("INSERT INTO t VALUES (5, 'e')").await.sqlstate(), "40001");
    assert_eq!(house.ok("SELECT string_agg(s, ',' ORDER BY id) FROM t").await.value(), "quack,duck,d");
    assert_eq!(house.error("SELECT * FROM made").await.sqlstate(), "0A000");
    house.ok("DROP TABLE made").await;
    house.ok("CREATE TABLE old AS SELECT 7 AS a").await;
    duckdb.check("ALTER TABLE lake.public.old RENAME COLUMN a TO b", "[]");
    assert_eq!(house.error("CREATE TABLE other (i int)").await.sqlstate(), "40001");
    assert_eq!(house.ok("SELECT b FROM old").await.value(), "7", "a column is found by its id");
    house.ok("DELETE FROM t WHERE id = 2").await;
    duckdb.check("SELECT id FROM lake.public.t ORDER BY id", "[[3],[4]]");
}
