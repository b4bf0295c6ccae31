//! Statements on managed tables, as a user types them, on a whole engine.

use super::{execute, parse, runner};
use crate::base::{Config, Error, Result, clock::SystemClock, sql};
use crate::engine::Engine;
use crate::query::Cast;
use crate::session::{Response, Session};
use bytes::Bytes;
use datafusion::arrow::array::{Array, AsArray};
use std::path::PathBuf;
use std::sync::Arc;

struct House {
    folder: tempfile::TempDir,
    session: Session,
}

impl House {
    async fn new() -> House {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let roots = vec![folder.path().to_path_buf()];
        let config = Config { data, roots, ..Config::default() };
        let engine = Engine::open(config, Arc::new(SystemClock), runner).await.unwrap();
        House { session: Session::new(engine, "me"), folder }
    }

    async fn respond(&mut self, sql: &str) -> Result<Response> {
        let mut last = Response::Empty;
        let tokens = sql::tokenize(sql)?;
        for tokens in sql::split(&tokens) {
            let (start, end) = (tokens[0].start, tokens[tokens.len() - 1].end);
            last = self.one(&sql[start..end]).await.map_err(|error| error.shifted(start))?;
        }
        Ok(last)
    }

    async fn one(&mut self, sql: &str) -> Result<Response> {
        if sql.starts_with("SELECT") {
            let query = &self.session.engine.query;
            let plan = query.plan_text(&self.session.context(), sql).await?;
            let rows = query.run(&plan, &[], self.session.cancel.clone()).await?;
            return Ok(Response::Rows { rows, tag: "SELECT" });
        }
        let parsed = parse(sql)?.remove(0);
        let answer = execute(&mut self.session, &parsed, &[]).await?;
        if !matches!(answer, Response::CopyIn(_)) {
            self.session.finish().await?;
        }
        Ok(answer)
    }

    /// The last statement's answer: its rows, or its tag.
    async fn run(&mut self, sql: &str) -> Result<String> {
        match self.respond(sql).await? {
            Response::Rows { rows, .. } => {
                let text = Cast::new(crate::base::Type::Text, "UTC");
                let mut lines = vec![];
                for batch in rows.collect().await? {
                    let columns: Vec<_> = batch.columns().iter().map(|column| text.array(column).unwrap()).collect();
                    for row in 0..batch.num_rows() {
                        let cells = columns.iter().map(|column| match column.is_null(row) {
                            true => "NULL",
                            false => column.as_string::<i32>().value(row),
                        });
                        lines.push(cells.collect::<Vec<_>>().join("|"));
                    }
                }
                Ok(lines.join(" "))
            }
            Response::Done { tag } => Ok(tag),
            Response::CopyOut { mut chunks, .. } => {
                let mut all = vec![];
                while let Some(chunk) = chunks.recv().await {
                    all.extend_from_slice(&chunk?.data);
                }
                Ok(String::from_utf8(all).unwrap())
            }
            Response::CopyIn(_) | Response::Empty => Ok(String::new()),
        }
    }

    async fn check(&mut self, sql: &str, expected: &str) {
        let found = self.run(sql).await.unwrap_or_else(|error| shown(&error));
        assert_eq!(found, expected, "{sql}");
    }

    async fn copy_in(&mut self, sql: &str, data: &str) -> Result<u64> {
        let Response::CopyIn(copy) = self.respond(sql).await? else { panic!("{sql} must take rows") };
        for piece in data.as_bytes().chunks(7) {
            copy.data.send(Ok(Bytes::copy_from_slice(piece))).await.unwrap();
        }
        drop(copy.data);
        let count = copy.done.await.unwrap();
        self.session.finish().await.and(count)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The lake holds what its catalog says, and nothing else.
    async fn verified(&self) {
        let engine = &self.session.engine;
        let problems = engine
            .lake
            .verify(engine.catalog.store(), &engine.catalog.snapshot(), chrono::DateTime::<chrono::Utc>::MAX_UTC)
            .await
            .unwrap();
        assert_eq!(problems, Vec::<String>::new());
    }
}

fn shown(error: &Error) -> String {
    let at = error.offset.map_or_else(String::new, |offset| format!(" @{offset}"));
    format!("{}: {error}{at}", error.sqlstate())
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_change_and_go() {
    let mut house = House::new().await;
    house
        .check("CREATE TABLE t (id bigint NOT NULL, s varchar(5) DEFAULT 'x', n numeric(6,2), at date)", "CREATE TABLE")
        .await;
    house.check("INSERT INTO t VALUES (1, 'a', 1.5, '2020-01-01'), (2, NULL, 2, NULL)", "INSERT 0 2").await;
    house.check("INSERT INTO t (n, id) VALUES ('3.455', 3), (DEFAULT, 4)", "INSERT 0 2").await;
    house.check("INSERT INTO t (id, s) SELECT id + 10, s FROM t WHERE id < 3", "INSERT 0 2").await;
    house
        .check(
            "SELECT id, s, n, at FROM t ORDER BY id",
            "1|a|1.50|2020-01-01 2|NULL|2.00|NULL 3|x|3.46|NULL 4|x|NULL|NULL 11|a|NULL|NULL 12|NULL|NULL|NULL",
        )
        .await;
    house.check("UPDATE t SET s = s || '!', n = DEFAULT WHERE id IN (SELECT max(id) - 1 FROM t)", "UPDATE 1").await;
    house.check("SELECT s, n FROM t WHERE id = 11", "a!|NULL").await;
    house.check("DELETE FROM t WHERE EXISTS (SELECT 1 FROM t AS other WHERE other.id = t.id + 10)", "DELETE 2").await;
    house.check("SELECT id FROM t ORDER BY id", "3 4 11 12").await;
    house.check("DELETE FROM t WHERE false", "DELETE 0").await;
    house.check("DELETE FROM public.t AS u WHERE u.id = 12", "DELETE 1").await;
    house.check("DELETE FROM public.t WHERE public.t.id = 11", "DELETE 1").await;
    house.check("SELECT count(*), min(id), max(id) FROM t", "2|3|4").await;
    house.check("DELETE FROM t", "DELETE 2").await;
    house.check("INSERT INTO t (id) VALUES (1); TRUNCATE t; SELECT count(*) FROM t", "0").await;
    house.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_joins_several_changes_once() {
    let mut house = House::new().await;
    house.run("CREATE TABLE t (id int, v int); INSERT INTO t VALUES (1, 10), (2, 20), (3, 30)").await.unwrap();
    house.run("CREATE TABLE s (id int, v int); INSERT INTO s VALUES (1, 7), (1, 7), (3, 9)").await.unwrap();
    house.check("UPDATE t SET v = s.v FROM s WHERE s.id = t.id", "UPDATE 2").await;
    house.check("SELECT id, v FROM t ORDER BY id", "1|7 2|20 3|9").await;
    house.check("DELETE FROM t USING s WHERE s.id = t.id", "DELETE 2").await;
    house.check("UPDATE t SET (id, v) = (5, 6)", "UPDATE 1").await;
    house.check("SELECT id, v FROM t", "5|6").await;
    house.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let mut house = House::new().await;
    house.run("CREATE TABLE t (id int NOT NULL, s varchar(3), n smallint, d date)").await.unwrap();
    house.run("INSERT INTO t VALUES (1, 'a', 1, NULL); CREATE VIEW v AS SELECT 1 AS x").await.unwrap();
    let mut wrong = vec![];
    for (sql, expected) in [
        ("INSERT INTO nowhere VALUES (1)", "42P01: relation \"nowhere\" does not exist @12"),
        ("INSERT INTO t (id, z) VALUES (1, 2)", "42703: column \"z\" of relation \"t\" does not exist @19"),
        ("INSERT INTO t (id, id) VALUES (1, 2)", "42701: column \"id\" specified more than once @19"),
        ("INSERT INTO t (id) VALUES (1, 2)", "42601: INSERT has more expressions than target columns @26"),
        ("INSERT INTO t (id, s) VALUES (1)", "42601: INSERT has more target columns than expressions @29"),
        (
            "INSERT INTO t VALUES (NULL)",
            "23502: null value in column \"id\" of relation \"t\" violates not-null constraint (failing row contains (null, null, null, null))",
        ),
        ("INSERT INTO t VALUES (2, 'long')", "22001: value too long for type character varying(3)"),
        ("INSERT INTO t (id, n) VALUES (2, 70000)", "22003: smallint out of range"),
        (
            "INSERT INTO t (id, d) SELECT 2, 'x' || 'y'",
            "42804: column \"d\" is of type date but expression is of type text",
        ),
        ("UPDATE t SET z = 1", "42703: column \"z\" of relation \"t\" does not exist @13"),
        ("UPDATE t SET id = 1, id = 2", "42601: multiple assignments to same column \"id\" @21"),
        (
            "UPDATE t SET id = NULL",
            "23502: null value in column \"id\" of relation \"t\" violates not-null constraint (failing row contains (null, a, 1, null))",
        ),
        ("DELETE FROM v", "42809: cannot delete from view \"v\" @12"),
        ("DELETE FROM t WHERE z = 1", "42703: column \"z\" does not exist @20"),
        ("CREATE TABLE t (a int)", "42P07: relation \"t\" already exists @13"),
        ("CREATE TABLE u (a int, a text)", "42701: column \"a\" specified more than once"),
        ("CREATE TABLE u (a inth)", "42704: type \"inth\" does not exist @16"),
        ("CREATE TABLE nowhere.u (a int)", "3F000: schema \"nowhere\" does not exist @13"),
        ("CREATE TABLE u AS SELECT 1 AS a, 2 AS a", "42701: column \"a\" specified more than once"),
        ("DROP TABLE nowhere", "42P01: table \"nowhere\" does not exist @11"),
        ("DROP TABLE v", "42809: \"v\" is not a table @11"),
        ("DROP SCHEMA public", "2BP01: cannot drop schema public because other objects depend on it (t is in it)"),
        ("ALTER TABLE t RENAME TO v", "42P07: relation \"v\" already exists @12"),
        ("CREATE VIEW w AS SELECT z FROM t", "42703: column \"z\" does not exist @24"),
        ("CREATE VIEW v AS SELECT 1", "42P07: relation \"v\" already exists @12"),
    ] {
        let found = house.run(sql).await.unwrap_or_else(|error| shown(&error));
        if found != expected {
            wrong.push(format!("{sql}\n  {found}\n  {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let error = house.run("INSERT INTO t VALUES ('x', 'a')").await.unwrap_err();
    assert_eq!((error.sqlstate(), error.message.as_str()), ("22P02", "invalid input syntax for type integer: \"x\""));
    let error = house.run("CREATE TABLE u (a int PRIMARY KEY, b int PRIMARY KEY)").await.unwrap_err();
    assert_eq!(error.sqlstate(), "42P16");
    house.check("SELECT id, s, n FROM t", "1|a|1").await;
    house.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_made_renamed_and_dropped() {
    let mut house = House::new().await;
    house.check("CREATE SCHEMA IF NOT EXISTS ml; CREATE SCHEMA IF NOT EXISTS ml", "CREATE SCHEMA").await;
    assert_eq!(house.session.notices.pop().unwrap().message, "schema \"ml\" already exists, skipping");
    house.check("CREATE TABLE ml.t AS SELECT 1 AS a, 'x' AS b, NULL AS c", "SELECT 1").await;
    house.check("CREATE TABLE IF NOT EXISTS ml.t AS SELECT 2 AS a", "CREATE TABLE AS").await;
    house.check("CREATE VIEW ml.v (x, y) AS (SELECT a, b FROM ml.t)", "CREATE VIEW").await;
    house.check("SELECT x, y FROM ml.v", "1|x").await;
    house.check("ALTER TABLE ml.t RENAME TO t2; ALTER TABLE ml.t2 RENAME TO t", "ALTER TABLE").await;
    house.check("CREATE OR REPLACE VIEW ml.v AS SELECT a + 1 AS x FROM ml.t", "CREATE VIEW").await;
    house.check("SELECT * FROM ml.v", "2").await;
    house.check("DROP TABLE IF EXISTS ml.none, none", "DROP TABLE").await;
    house.check("DROP SCHEMA ml CASCADE", "DROP SCHEMA").await;
    house.check("SELECT * FROM ml.t", "42P01: relation \"ml.t\" does not exist @14").await;
    house.check("CREATE TABLE empty AS SELECT 1 AS a WHERE false", "SELECT 0").await;
    house.check("SELECT count(*) FROM empty", "0").await;
    house.check("CREATE TABLE \"Odd \"\"name\" (\"a b\" int[], \"select\" text DEFAULT 'it''s')", "CREATE TABLE").await;
    house.check("INSERT INTO \"Odd \"\"name\" (\"a b\") VALUES ('{1,NULL}'), (ARRAY[2])", "INSERT 0 2").await;
    house.check("SELECT \"a b\", \"select\" FROM \"Odd \"\"name\"", "{1,NULL}|it's {2}|it's").await;
    house.check("INSERT INTO \"Odd \"\"name\" DEFAULT VALUES", "INSERT 0 1").await;
    house.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_read_by_version() {
    let mut house = House::new().await;
    house.run("CREATE TABLE t (id int); INSERT INTO t VALUES (1), (2)").await.unwrap();
    let version = house.session.snapshot().lake;
    house.run("DELETE FROM t WHERE id = 1; INSERT INTO t VALUES (3)").await.unwrap();
    house.check(&format!("SELECT id FROM t FOR VERSION AS OF {version} ORDER BY id"), "1 2").await;
    house.check("SELECT id FROM t ORDER BY id", "2 3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_copied_from_and_to_the_client() {
    let mut house = House::new().await;
    house.run("CREATE TABLE t (id int NOT NULL, s text, at timestamptz, n numeric(6,2) DEFAULT 7)").await.unwrap();
    let rows = "1,\"a,\"\"b\"\"\",2020-01-01 00:00:00+00,1.5\n2,,,\n";
    assert_eq!(house.copy_in("COPY t FROM STDIN WITH (FORMAT csv)", rows).await.unwrap(), 2);
    assert_eq!(house.copy_in("COPY t (s, id) FROM STDIN", "x\\ty\t3\n\\N\t4\n").await.unwrap(), 2);
    house
        .check(
            "COPY (SELECT * FROM t ORDER BY id) TO STDOUT (FORMAT csv, HEADER)",
            "id,s,at,n\n1,\"a,\"\"b\"\"\",2020-01-01 00:00:00+00,1.50\n2,,,\n3,x\ty,,7.00\n4,,,7.00\n",
        )
        .await;
    house.check("COPY t (s) TO STDOUT", "a,\"b\"\n\\N\nx\\ty\n\\N\n").await;
    for (rows, expected) in [
        ("5,a,,1\nx,b,,2\n", "22P02: invalid input syntax for type integer: \"x\" (COPY t, line 2, column id: \"x\")"),
        ("5,a,,1\n6,b\n", "22P04: missing data for column \"at\" (COPY t, line 2)"),
        ("5,a,,1,9\n", "22P04: extra data after last expected column (COPY t, line 1)"),
        ("5,\"a\n", "22P04: unterminated CSV quoted field (COPY t, line 1)"),
        (
            ",a,,1\n",
            "23502: null value in column \"id\" of relation \"t\" violates not-null constraint (COPY t, line 1, column id)",
        ),
        ("5,a,,99999\n", "22003: numeric field overflow (COPY t, line 1, column n: \"99999\")"),
    ] {
        let error = house.copy_in("COPY t FROM STDIN (FORMAT csv)", rows).await.unwrap_err();
        assert_eq!(shown(&error), expected);
    }
    house.check("SELECT count(*) FROM t", "4").await;
    let Response::CopyIn(copy) = house.respond("COPY t FROM STDIN").await.unwrap() else { panic!() };
    copy.data.send(Ok(Bytes::from("5\ta\t\\N\t1\n"))).await.unwrap();
    copy.data.send(Err(Error::new(crate::base::Kind::Cancelled, "the client gave up"))).await.unwrap();
    drop(copy.data);
    assert_eq!(copy.done.await.unwrap().unwrap_err().kind, crate::base::Kind::Cancelled);
    house.check("SELECT count(*) FROM t", "4").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_copied_from_and_to_files() {
    let mut house = House::new().await;
    house.run("CREATE TABLE t (id int NOT NULL, s text, u uuid, a int[])").await.unwrap();
    house
        .run("INSERT INTO t SELECT i, 'row ' || i, NULL, ARRAY[i] FROM generate_series(1, 20000) AS g(i)")
        .await
        .unwrap();
    for name in ["rows.csv", "rows.parquet"] {
        let path = house.file(name).display().to_string();
        house.check(&format!("COPY t TO '{path}'"), "COPY 20000").await;
        house.run("DROP TABLE IF EXISTS back; CREATE TABLE back (id int, s text, u uuid, a int[])").await.unwrap();
        house.check(&format!("COPY back FROM '{path}'"), "COPY 20000").await;
        house
            .check("SELECT count(*), sum(id), max(s), count(u), max(a) FROM back", "20000|200010000|row 9999|0|{20000}")
            .await;
    }
    let files = std::fs::read_dir(house.folder.path()).unwrap().count();
    assert_eq!(files, 3, "the data folder and two files");
    let path = house.file("bad.csv").display().to_string();
    std::fs::write(&path, "id,s,u,a\n1,a,,\n2,\"two\nlines\",,\n3,c,nonsense,\n").unwrap();
    let error = house.run(&format!("COPY back FROM '{path}' (FORMAT csv, HEADER)")).await.unwrap_err();
    let place = format!("file \"{path}\", line 5, column u: \"nonsense\"");
    assert_eq!((error.sqlstate(), error.detail), ("22P02", Some(place)));
    house.check("SELECT count(*) FROM back", "20000").await;
    let error = house.run("COPY back FROM '/etc/passwd'").await.unwrap_err();
    assert_eq!(error.sqlstate(), "42501");
    let missing = house.file("missing.csv").display().to_string();
    assert_eq!(house.run(&format!("COPY back FROM '{missing}'")).await.unwrap_err().sqlstate(), "58P01");
    let truncated = house.file("truncated.parquet").display().to_string();
    std::fs::write(&truncated, &std::fs::read(house.file("rows.parquet")).unwrap()[..1000]).unwrap();
    assert_eq!(house.run(&format!("COPY back FROM '{truncated}'")).await.unwrap_err().sqlstate(), "22P04");
    house.verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_of_the_same_rows_wait_for_each_other_and_inserts_do_not() {
    let mut house = House::new().await;
    house.run("CREATE TABLE t (id int); INSERT INTO t VALUES (1), (2)").await.unwrap();
    let engine = house.session.engine.clone();
    let statement = |sql: &'static str| {
        let mut session = Session::new(engine.clone(), "other");
        async move {
            let parsed = parse(sql).unwrap().remove(0);
            execute(&mut session, &parsed, &[]).await?;
            session.finish().await
        }
    };
    let inserts = futures::future::join_all((0..8).map(|_| statement("INSERT INTO t VALUES (70)"))).await;
    assert!(inserts.iter().all(Result::is_ok), "{inserts:?}");
    let updates = futures::future::join_all((0..8).map(|_| statement("UPDATE t SET id = id + 1 WHERE id < 70"))).await;
    assert!(updates.iter().all(Result::is_ok), "{updates:?}");
    house.check("SELECT min(id), count(*) FROM t", "9|10").await;
}
