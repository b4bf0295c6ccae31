//! Tables of a real PostgreSQL, read here.

use super::postgres::{Database, Server, connections, snapshot};
use aqueduct::base::{Error, Kind, Type};
use aqueduct::catalog::Connection;
use aqueduct::connect::Connections;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::prelude::SessionContext;

/// An engine's view of the database.
struct Reader {
    context: SessionContext,
    _folder: tempfile::TempDir,
    connections: Connections,
    connection: Connection,
}

impl Reader {
    fn new(connection: Connection) -> Reader {
        let folder = tempfile::tempdir().unwrap();
        let connections = connections(folder.path());
        let context = SessionContext::new();
        context.register_catalog("ops", connections.catalog(&connection, &snapshot(&connection)).unwrap());
        Reader { context, _folder: folder, connections, connection }
    }

    async fn rows(&self, query: &str) -> Result<String, Error> {
        let batches = self.context.sql(query).await?.collect().await?;
        let mut rows = vec![];
        for batch in &batches {
            let format = FormatOptions::default();
            let columns: Vec<_> =
                batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &format).unwrap()).collect();
            for row in 0..batch.num_rows() {
                rows.push(columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|"));
            }
        }
        Ok(rows.join(";"))
    }

    async fn ask(&self, query: &str) -> String {
        self.rows(query).await.unwrap_or_else(|error| panic!("{query}: {error:?}"))
    }

    async fn plan(&self, query: &str) -> String {
        let plan = self.context.sql(query).await.unwrap().create_physical_plan().await.unwrap();
        datafusion::physical_plan::displayable(plan.as_ref()).indent(false).to_string()
    }
}

async fn database(statements: &str) -> Database {
    let database = Server::shared().database().await;
    database.execute(statements).await;
    database
}

/// Declared type, a value, what it reads as, and its type here.
pub const TYPES: &[(&str, &str, &str, &str)] = &[
    ("boolean", "true", "true", "boolean"),
    ("smallint", "-32768", "-32768", "smallint"),
    ("integer", "2147483647", "2147483647", "integer"),
    ("bigint", "-9223372036854775808", "-9223372036854775808", "bigint"),
    ("real", "1.5", "1.5", "real"),
    ("double precision", "'NaN'", "NaN", "double precision"),
    ("numeric(10,2)", "-1234.5", "-1234.50", "numeric(10,2)"),
    ("numeric(3,5)", "0.00123", "0.00123", "numeric(5,5)"),
    ("numeric(4,-2)", "12345", "12300.0000000000", "numeric"),
    ("numeric", "1.00000000005", "1.0000000001", "numeric"),
    ("text", "'žluťoučký 🐎'", "žluťoučký 🐎", "text"),
    ("varchar(5)", "'ab'", "ab", "character varying(5)"),
    ("char(4)", "'ab'", "ab  ", "character(4)"),
    ("name", "'n'", "n", "name"),
    ("\"char\"", "'c'", "c", "\"char\""),
    ("bytea", "'\\x00ff'", "00ff", "bytea"),
    ("date", "'0044-03-15 BC'", "-0043-03-15", "date"),
    ("time", "'23:59:59.999999'", "23:59:59.999999", "time without time zone"),
    ("timestamp", "'2026-01-02 03:04:05.678901'", "2026-01-02T03:04:05.678901", "timestamp without time zone"),
    ("timestamptz", "'2026-07-01 00:00+02'", "2026-06-30T22:00:00Z", "timestamp with time zone"),
    ("interval", "'1 mon -2 days 03:04:05'", "1 mons -2 days 3 hours 4 mins 5.000000000 secs", "interval"),
    ("uuid", "'6ECD8C99-4036-403D-BF84-CF8400F67836'", "6ecd8c99-4036-403d-bf84-cf8400f67836", "uuid"),
    ("json", "'{\"b\": 1,  \"a\": [2]}'", "{\"b\": 1,  \"a\": [2]}", "json"),
    ("jsonb", "'{\"b\": 1,  \"a\": [2]}'", "{\"a\": [2], \"b\": 1}", "jsonb"),
    ("oid", "4294967295", "4294967295", "oid"),
    ("mood", "'so so'", "so so", "text"),
    ("score", "7", "7", "integer"),
    ("scores", "'{1,2}'", "[1, 2]", "integer[]"),
    ("inet", "'10.0.0.1/8'", "10.0.0.1/8", "text"),
    ("cidr", "'10.0.0.0/8'", "10.0.0.0/8", "text"),
    ("macaddr", "'08:00:2b:01:02:03'", "08:00:2b:01:02:03", "text"),
    ("int4range", "'[1,5)'", "[1,5)", "text"),
    ("tstzrange", "'[2026-01-01 01:00+01,)'", "[\"2026-01-01 00:00:00+00\",)", "text"),
    ("xml", "'<a/>'", "<a/>", "text"),
    ("money", "'1.50'", "$1.50", "text"),
    ("timetz", "'12:00+02'", "12:00:00+02", "text"),
    ("point", "'(1,2)'", "(1,2)", "text"),
    ("bit(3)", "B'101'", "101", "text"),
    ("tsvector", "'a b'", "'a' 'b'", "text"),
    ("regclass", "'pg_class'", "pg_class", "text"),
    ("pair", "'(1,x)'", "(1,x)", "text"),
    ("int2vector", "'1 2'", "1 2", "text"),
    ("bool[]", "'{t,f,NULL}'", "[true, false, ]", "boolean[]"),
    ("int2[]", "'{1,NULL}'", "[1, ]", "smallint[]"),
    ("int8[]", "'{}'", "[]", "bigint[]"),
    ("float8[]", "'{1.5,Infinity}'", "[1.5, inf]", "double precision[]"),
    ("numeric(4,1)[]", "'{1.5,NULL}'", "[1.5, ]", "numeric(4,1)[]"),
    ("text[]", "'{\"a,b\",NULL,\"\"}'", "[a,b, , ]", "text[]"),
    ("varchar(3)[]", "'{abc}'", "[abc]", "character varying(3)[]"),
    ("bytea[]", "'{\"\\\\x01\"}'", "[01]", "bytea[]"),
    ("date[]", "'{2026-01-01}'", "[2026-01-01]", "date[]"),
    ("timestamptz[]", "'{2026-01-01 00:00+00}'", "[2026-01-01T00:00:00Z]", "timestamp with time zone[]"),
    ("interval[]", "'{1 day}'", "[1 days]", "interval[]"),
    ("uuid[]", "'{6ecd8c99-4036-403d-bf84-cf8400f67836}'", "[6ecd8c99-4036-403d-bf84-cf8400f67836]", "uuid[]"),
    ("jsonb[]", "'{\"{}\"}'", "[{}]", "jsonb[]"),
    ("mood[]", "'{ok,NULL}'", "[ok, ]", "text[]"),
    ("inet[]", "'{10.0.0.1}'", "[10.0.0.1/32]", "text[]"),
];

pub const OWN_TYPES: &str = "CREATE TYPE mood AS ENUM ('ok', 'so so'); CREATE DOMAIN score AS int CHECK (VALUE < 11);
    CREATE DOMAIN scores AS int[]; CREATE TYPE pair AS (a int, b text);";

#[tokio::test(flavor = "multi_thread")]
async fn every_type_is_read_with_its_name_and_its_nulls() {
    let columns: Vec<_> = TYPES.iter().enumerate().map(|(at, (ty, ..))| format!("c{at} {ty}")).collect();
    let values: Vec<_> = TYPES.iter().map(|(_, value, ..)| *value).collect();
    let database = database(&format!(
        "{OWN_TYPES} CREATE TABLE all_types (n int, {}); INSERT INTO all_types VALUES (1, {}); INSERT INTO all_types VALUES (2)",
        columns.join(", "),
        values.join(", ")
    ))
    .await;
    let reader = Reader::new(database.connection());
    for (at, (declared, _, expect, ty)) in TYPES.iter().enumerate() {
        let query = format!("SELECT c{at} FROM ops.public.all_types ORDER BY n");
        assert_eq!(reader.ask(&query).await, format!("{expect};"), "{declared}");
        let frame = reader.context.sql(&query).await.unwrap();
        assert_eq!(Type::of(frame.schema().field(0)).to_string(), *ty, "{declared}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_has_none_here_is_an_error_that_names_the_column() {
    let database = database(
        "CREATE TABLE t (k text, n numeric, at timestamptz, a int[]);
         INSERT INTO t VALUES ('large', 1e40), ('nan', 'NaN'), ('plain', 1.5);
         INSERT INTO t (k, at) VALUES ('infinity', 'infinity'); INSERT INTO t (k, a) VALUES ('two', '{{1},{2}}')",
    )
    .await;
    let reader = Reader::new(database.connection());
    assert_eq!(reader.ask("SELECT n FROM ops.public.t WHERE k = 'plain'").await, "1.5000000000");
    for (key, kind, message) in [
        ("large", Kind::NumericOutOfRange, "column \"n\": numeric value does not fit"),
        ("nan", Kind::NumericOutOfRange, "column \"n\": numeric NaN has no value here"),
        (
            "infinity",
            Kind::DatetimeOverflow,
            "column \"at\": timestamp infinity, or one outside the calendar, has no value here",
        ),
        ("two", Kind::FeatureNotSupported, "column \"a\": an array of 2 dimensions is not supported"),
    ] {
        let error = reader.rows(&format!("SELECT n, at, a FROM ops.public.t WHERE k = '{key}'")).await.unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (kind, message));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_views_partitions_and_odd_names_are_read() {
    let database = database(
        "CREATE SCHEMA \"My Schema\"; CREATE TABLE \"My Schema\".\"T\"\"x\" (\"select\" int, \"a b\" text);
         INSERT INTO \"My Schema\".\"T\"\"x\" VALUES (1, 'one');
         CREATE TABLE p (d int, v int) PARTITION BY LIST (d); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
         INSERT INTO p VALUES (1, 10); CREATE VIEW v AS SELECT v * 2 AS twice FROM p;
         CREATE MATERIALIZED VIEW m AS SELECT count(*) AS n FROM p; CREATE TABLE none ()",
    )
    .await;
    database.execute("INSERT INTO none DEFAULT VALUES").await;
    let reader = Reader::new(database.connection());
    assert_eq!(reader.ask("SELECT \"select\", \"a b\" FROM ops.\"My Schema\".\"T\"\"x\"").await, "1|one");
    assert_eq!(reader.ask("SELECT * FROM ops.public.p").await, "1|10");
    assert_eq!(reader.ask("SELECT twice FROM ops.public.v").await, "20");
    assert_eq!(reader.ask("SELECT n FROM ops.public.m").await, "1");
    assert_eq!(reader.ask("SELECT count(*) FROM ops.public.none").await, "1");
    assert!(reader.context.sql("SELECT 1 FROM ops.public.nope").await.is_err());
    let tables = reader.connections.tables(&reader.connection, &snapshot(&reader.connection)).await.unwrap();
    let names: Vec<_> = tables.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["\"My Schema\".\"T\"\"x\"", "m", "none", "p", "p1", "v"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn projection_filter_and_limit_are_done_there_and_the_rest_here() {
    let database = database(
        "CREATE TABLE t (id int PRIMARY KEY, name text COLLATE \"en-x-icu\", f float8);
         INSERT INTO t VALUES (1, 'a', 0.0), (2, 'B', '-0'), (3, 'c', 'NaN'), (4, NULL, 2)",
    )
    .await;
    let reader = Reader::new(database.connection());
    let plan = reader.plan("SELECT name FROM ops.public.t WHERE id > 1 AND name <> 'c' LIMIT 1").await;
    let expect = "sql=[SELECT \"name\"::pg_catalog.\"text\" FROM \"public\".\"t\" WHERE \
        (\"id\" OPERATOR(pg_catalog.>) '1'::pg_catalog.int8) AND (\"name\" OPERATOR(pg_catalog.<>) 'c') LIMIT 1]";
    assert!(plan.contains(expect), "{plan}");
    assert!(!plan.contains("FilterExec"), "{plan}");
    assert_eq!(reader.ask("SELECT name FROM ops.public.t WHERE id > 1 AND name <> 'c' LIMIT 1").await, "B");
    // The order of text is ours, not the column's; zeros and NaN are told apart as they are everywhere here.
    assert!(reader.plan("SELECT id FROM ops.public.t WHERE name < 'b' LIMIT 1").await.contains("FilterExec"));
    assert_eq!(reader.ask("SELECT id FROM ops.public.t WHERE name < 'b' ORDER BY id LIMIT 5").await, "1;2");
    assert_eq!(reader.ask("SELECT id FROM ops.public.t WHERE f > 1 ORDER BY id").await, "3;4");
    assert_eq!(reader.ask("SELECT count(*) FROM ops.public.t WHERE upper(name) = 'B'").await, "1");
    assert_eq!(reader.ask("SELECT count(*) FROM ops.public.t").await, "4");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_the_server_change_nothing() {
    let database = database(
        "CREATE TABLE t (at timestamptz, r tstzrange, x text);
         INSERT INTO t VALUES ('2026-01-01 00:00+00', '[2026-01-01 00:00+00,)', 'a\\b')",
    )
    .await;
    database
        .execute(&format!(
            "ALTER DATABASE {name} SET TimeZone = 'Asia/Tokyo'; ALTER DATABASE {name} SET DateStyle = 'German';
             ALTER DATABASE {name} SET standard_conforming_strings = off;
             CREATE SCHEMA trap; ALTER DATABASE {name} SET search_path = trap, pg_catalog;
             CREATE FUNCTION trap.never(text, text) RETURNS bool LANGUAGE sql AS 'SELECT false';
             CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.never)",
            name = database.name
        ))
        .await;
    let reader = Reader::new(database.connection());
    let query = "SELECT at, r FROM ops.public.t WHERE x = 'a\\b' AND at < TIMESTAMPTZ '2026-01-01 00:00:01+00'";
    assert!(!reader.plan(query).await.contains("FilterExec"));
    assert_eq!(reader.ask(query).await, "2026-01-01T00:00:00Z|[\"2026-01-01 00:00:00+00\",)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_changed_is_looked_at_again() {
    let database = database("CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'x')").await;
    let reader = Reader::new(database.connection());
    assert_eq!(reader.ask("SELECT b FROM ops.public.t").await, "x");
    database.execute("ALTER TABLE t DROP COLUMN b").await;
    let error = reader.rows("SELECT b FROM ops.public.t").await.unwrap_err();
    assert_eq!(error.kind, Kind::UndefinedColumn, "{error}");
    assert!(error.message.starts_with("connection \"ops\": column \"b\" does not exist"), "{error}");
    assert!(reader.context.sql("SELECT b FROM ops.public.t").await.is_err(), "the planner knows now");
    database.execute("ALTER TABLE t ALTER a TYPE timestamp USING '2026-01-01'").await;
    assert_eq!(reader.rows("SELECT a FROM ops.public.t").await.unwrap_err().sqlstate(), "42846");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stops_stops_the_server() {
    let database = database("CREATE VIEW endless AS SELECT generate_series(1, 1000000000000) AS i").await;
    let reader = Reader::new(database.connection());
    assert_eq!(reader.ask("SELECT i FROM ops.public.endless LIMIT 3").await, "1;2;3");
    let stream =
        reader.context.sql("SELECT i % 7 FROM ops.public.endless").await.unwrap().execute_stream().await.unwrap();
    let mut stream = stream;
    assert!(futures::StreamExt::next(&mut stream).await.unwrap().is_ok());
    let running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY%'";
    assert_eq!(database.ask(running).await, "1");
    drop(stream);
    // The server ends it in its own time; the query that waits for that ends when it has.
    let client = database.client().await;
    let waited = "SELECT count(*) FROM pg_stat_activity, pg_sleep(0.05) WHERE state = 'active' AND query LIKE 'COPY%'";
    for _ in 0..200 {
        if super::postgres::answer(&client, waited).await == "0" {
            return;
        }
    }
    panic!("the server still runs the query");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_on_the_way_is_said_in_our_words() {
    let database = database(
        "CREATE TABLE secret_table (a int); CREATE VIEW broken AS SELECT 1 / 0 AS x;
         CREATE ROLE bob LOGIN PASSWORD 'correct horse'",
    )
    .await;
    let test = async |connection: Connection| {
        let reader = Reader::new(connection);
        reader.connections.test(&reader.connection, &snapshot(&reader.connection)).await
    };
    let port = database.server.port;
    let tested = test(database.connection()).await.unwrap();
    assert!(tested.version.starts_with("PostgreSQL 1") && tested.tables == 2, "{tested:?}");
    let mut socket = database.connection();
    socket.options.insert("host".into(), database.server.socket_folder().display().to_string());
    assert!(test(socket).await.is_ok());

    let wrong = test(database.connection_by(port, "ann", "wrong")).await.unwrap_err();
    assert_eq!(wrong.message, "connection \"ops\": password authentication failed for user \"ann\"");
    assert_eq!(wrong.kind, Kind::InvalidPassword);
    assert!(!format!("{wrong:?}").contains("tr0ub4dor"));
    let unset = test(database.connection_by(port, "ann", "unset")).await.unwrap_err();
    assert_eq!(unset.message, "secret \"unset\" has no value: environment variable AQUEDUCT_TEST_UNSET is not set");
    let mut without = database.connection();
    without.secrets.clear();
    assert_eq!(test(without).await.unwrap_err().kind, Kind::InvalidPassword);
    let mut elsewhere = database.connection();
    elsewhere.options.insert("dbname".into(), "nowhere".into());
    assert_eq!(test(elsewhere).await.unwrap_err().kind, Kind::UndefinedDatabase);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let refused = test(database.connection_by(free, "ann", "pw")).await.unwrap_err();
    assert_eq!(
        refused.message,
        format!("connection \"ops\": could not connect to 127.0.0.1:{free}: connection refused")
    );
    assert_eq!(refused.kind, Kind::ConnectionFailure);
    let mut encrypted = database.connection();
    encrypted.options.insert("sslmode".into(), "require".into());
    let encrypted = test(encrypted).await.unwrap_err();
    assert_eq!(
        encrypted.message,
        format!("connection \"ops\": could not connect to 127.0.0.1:{port}: server does not support TLS")
    );

    let bob = Reader::new(database.connection_by(port, "bob", "pw"));
    let denied = bob.rows("SELECT a FROM ops.public.secret_table").await.unwrap_err();
    assert_eq!(denied.message, "connection \"ops\": permission denied for table secret_table");
    assert_eq!(denied.kind, Kind::InsufficientPrivilege);
    let ann = Reader::new(database.connection());
    assert_eq!(ann.rows("SELECT x FROM ops.public.broken").await.unwrap_err().kind, Kind::DivisionByZero);
}

/// A certificate for `localhost` alone, its key, and the authority that signed it, in PEM.
fn certificate() -> (String, String, String) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let (authority_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut authority = CertificateParams::new(vec!["an authority".to_string()]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::from_params(&authority, &authority_key);
    let leaf = CertificateParams::new(vec!["localhost".to_string()]).unwrap().signed_by(&key, &issuer).unwrap();
    (leaf.pem(), key.serialize_pem(), root.pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_as_encrypted_and_as_sure_of_the_server_as_it_says() {
    let (certificate, key, authority) = certificate();
    let server = std::sync::Arc::new(Server::start_encrypted(&certificate, &key));
    let database = server.database().await;
    let attempt = async |host: &str, sslmode: &str, authority: Option<&str>| {
        let mut connection = database.connection();
        connection.options.insert("host".into(), host.into());
        connection.options.insert("sslmode".into(), sslmode.into());
        connection.options.insert("application_name".into(), format!("{host} {sslmode}"));
        if authority.is_some() {
            connection.options.insert("sslrootcert".into(), "root.pem".into());
        }
        let reader = Reader::new(connection);
        std::fs::write(reader._folder.path().join("root.pem"), authority.unwrap_or_default()).unwrap();
        reader.connections.test(&reader.connection, &snapshot(&reader.connection)).await?;
        let encrypted = "SELECT s.ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE application_name";
        Ok::<_, Error>(database.ask(&format!("{encrypted} = '{host} {sslmode}'")).await)
    };
    assert_eq!(attempt("localhost", "disable", None).await.unwrap(), "f");
    assert_eq!(attempt("localhost", "prefer", None).await.unwrap(), "t");
    assert_eq!(attempt("127.0.0.1", "require", None).await.unwrap(), "t");
    assert_eq!(attempt("localhost", "verify-full", Some(&authority)).await.unwrap(), "t");
    // Signed by nobody we know, and by the right one for another name.
    for refused in
        [attempt("localhost", "verify-full", None).await, attempt("127.0.0.1", "verify-full", Some(&authority)).await]
    {
        let error = refused.unwrap_err();
        assert!(error.kind == Kind::ConnectionFailure && error.message.contains("certificate"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_accepts_and_is_silent_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let database = database("").await;
    let mut connection = database.connection_by(listener.local_addr().unwrap().port(), "ann", "pw");
    connection.options.insert("connect_timeout".into(), "1".into());
    let reader = Reader::new(connection);
    let error = reader.connections.test(&reader.connection, &snapshot(&reader.connection)).await.unwrap_err();
    assert!(error.kind == Kind::ConnectionFailure && error.message.ends_with("timed out"), "{error}");
}
