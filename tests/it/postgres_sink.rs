//! Publishing to a real PostgreSQL.

use super::postgres::{Database, Server, answer, connections, snapshot};
use super::proxy::{Cut, Proxy};
use super::sinks::{Subject, contract, marker, rows, spool};
use aqueduct::base::{Kind, Type};
use aqueduct::catalog::Connection;
use aqueduct::catalog::workflow::{Mode, Target};
use aqueduct::connect::{Act, Connections, Sink};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::prelude::SessionContext;
use std::sync::Arc;
use tokio_postgres::Client;

/// A table of a database of its own.
struct Published {
    database: Database,
    folder: tempfile::TempDir,
}

impl Published {
    async fn new(statements: &str) -> Published {
        let database = Server::shared().database().await;
        database.execute(statements).await;
        Published { database, folder: tempfile::tempdir().unwrap() }
    }

    fn sink_of(&self, connection: &Connection, table: &str) -> Arc<dyn Sink> {
        sink(&connections(self.folder.path()), connection, table)
    }

    fn sink_to(&self, table: &str) -> Arc<dyn Sink> {
        self.sink_of(&self.database.connection(), table)
    }

    fn act(&self, run: &str, seq: i64, mode: Mode, batches: &[RecordBatch]) -> Act {
        Act { marker: marker(run, seq, 1), mode, spool: spool(self.folder.path(), run, batches) }
    }

    async fn ids(&self) -> String {
        self.database.ask("SELECT id, name FROM t ORDER BY 1, 2").await
    }
}

fn sink(connections: &Connections, connection: &Connection, table: &str) -> Arc<dyn Sink> {
    let target = Target::Remote { connection: "ops".into(), schema: "public".into(), table: table.into() };
    connections.sink(&target, &snapshot(connection)).unwrap()
}

impl Subject for Published {
    fn sink(&self) -> Arc<dyn Sink> {
        self.sink_to("t")
    }

    async fn seen(&self) -> Option<String> {
        if self.database.ask("SELECT to_regclass('t')").await.is_empty() {
            return None;
        }
        let rows = "SELECT coalesce(string_agg(id || '=' || coalesce(name, ''), ';' ORDER BY id), '') FROM t";
        Some(self.database.ask(rows).await)
    }

    fn orders(&self) -> bool {
        true
    }

    fn fences(&self) -> bool {
        true
    }
}

fn upsert(delete_missing: bool) -> Mode {
    Mode::Upsert { key: vec!["id".into()], delete_missing }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_the_contract() {
    contract(&Published::new("").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mode_does_to_the_table_what_it_says() {
    for unique in ["PRIMARY KEY", ""] {
        let published =
            Published::new(&format!("CREATE TABLE t (id bigint {unique}, name text, at timestamptz)")).await;
        let sink = published.sink();
        sink.publish(&published.act("a", 1, Mode::Append, &[rows(&[2, 3], "a")])).await.unwrap();
        assert_eq!(published.ids().await, "2|a;3|a");
        sink.publish(&published.act("b", 2, upsert(false), &[rows(&[3, 4], "b")])).await.unwrap();
        assert_eq!(published.ids().await, "2|a;3|b;4|b");
        sink.publish(&published.act("c", 3, upsert(true), &[rows(&[4, 5], "c")])).await.unwrap();
        assert_eq!(published.ids().await, "4|c;5|c");
        sink.publish(&published.act("d", 4, Mode::Append, &[rows(&[6], "d")])).await.unwrap();
        sink.publish(&published.act("e", 5, Mode::Replace, &[rows(&[7], "e")])).await.unwrap();
        assert_eq!(published.ids().await, "7|e");
        let double = published.act("f", 6, upsert(false), &[rows(&[8, 8], "f")]);
        let error = sink.publish(&double).await.unwrap_err();
        assert_eq!(error.message, "upsert key (id) comes twice in the rows for \"ops.public.t\"");
        assert_eq!(error.kind, Kind::CardinalityViolation);
        assert_eq!(published.ids().await, "7|e");
        assert_eq!(published.database.ask("SELECT count(*) FROM aqueduct_ledger").await, "5");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_not_there_is_created_with_the_rows_types_and_key() {
    let published = Published::new("").await;
    published.sink().publish(&published.act("a", 1, upsert(false), &[rows(&[1, 2], "a")])).await.unwrap();
    let columns = "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
        WHERE attrelid = 't'::regclass AND attnum > 0 ORDER BY attnum";
    assert_eq!(published.database.ask(columns).await, "id|bigint;name|text;at|timestamp with time zone");
    assert_eq!(
        published.database.ask("SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass AND indisprimary").await,
        "1"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_before_and_at_publication() {
    let published = Published::new(
        "CREATE TABLE t (id int NOT NULL, name varchar(3)); CREATE VIEW v AS SELECT 1 AS id;
         CREATE ROLE carl LOGIN PASSWORD 'correct horse'; CREATE ROLE dora LOGIN PASSWORD 'correct horse';
         GRANT INSERT ON t TO dora",
    )
    .await;
    let check = async |table: &str, fields: Vec<Field>, mode: Mode| {
        published.sink_to(table).check(&Arc::new(Schema::new(fields)), &mode).await.map_err(|error| error.message)
    };
    let id = || Type::Int4.field("id", true);
    let refused = |message: &str| Err(message.to_string());
    assert_eq!(check("t", vec![id()], Mode::Append).await, Ok(()));
    assert_eq!(
        check("t", vec![id(), Type::Text.field("nmae", true)], Mode::Append).await,
        refused("column \"nmae\" of target \"ops.public.t\" does not exist")
    );
    assert_eq!(
        check("t", vec![Type::Text.field("id", true)], Mode::Append).await,
        refused("column \"id\" of target \"ops.public.t\" is of type integer but gets text")
    );
    assert_eq!(
        check("t", vec![Type::Text.field("name", true)], Mode::Append).await,
        refused("column \"id\" of target \"ops.public.t\" is NOT NULL and gets no value")
    );
    assert_eq!(check("v", vec![id()], Mode::Append).await, refused("target \"ops.public.v\" is not a table"));
    assert_eq!(check("t", vec![id()], Mode::Fail).await, refused("target \"ops.public.t\" already exists"));
    assert_eq!(
        check("t", vec![id()], Mode::Upsert { key: vec!["ID".into()], delete_missing: false }).await,
        refused("key column \"ID\" is not among the rows' columns")
    );
    let port = published.database.server.port;
    let carl = published.sink_of(&published.database.connection_by(port, "carl", "pw"), "t");
    let error = carl.check(&Arc::new(Schema::new(vec![id()])), &Mode::Append).await.unwrap_err();
    assert_eq!(error.message, "user \"carl\" may not publish to \"ops.public.t\"");
    assert_eq!(error.hint.unwrap(), "on the server: GRANT INSERT ON \"public\".\"t\" TO \"carl\"");
    assert_eq!(error.kind, Kind::InsufficientPrivilege);
    let dora = published.sink_of(&published.database.connection_by(port, "dora", "pw"), "t");
    let error = dora.check(&Arc::new(Schema::new(vec![id()])), &Mode::Append).await.unwrap_err();
    assert_eq!(error.message, "the role may not record publications");
    let act = published.act("a", 1, Mode::Append, &[rows(&[1], "a")]);
    assert_eq!(dora.publish(&act).await.unwrap_err().kind, Kind::InsufficientPrivilege);

    // A value that only the server can refuse undoes the act, and the next one finds nothing of it.
    let id_and_name = |name: &str| rows(&[1, 2], name).project(&[0, 1]).unwrap();
    let long = published.act("long", 2, Mode::Append, &[id_and_name("four")]);
    let sink = published.sink();
    let error = sink.publish(&long).await.unwrap_err();
    assert_eq!(error.message, "connection \"ops\": value too long for type character varying(3)");
    assert_eq!(error.kind, Kind::StringTooLong);
    assert_eq!(sink.probe(&long).await.unwrap(), None);
    sink.publish(&published.act("short", 2, Mode::Append, &[id_and_name("abc")])).await.unwrap();
    assert_eq!(published.ids().await, "1|;2|abc");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_the_old_rows_until_all_new_ones_are_there() {
    // A trigger holds the publication when its rows are in, until this test lets go.
    let published = Published::new(
        "CREATE TABLE t (id bigint, name text, at timestamptz); INSERT INTO t VALUES (1, 'old');
         CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
           'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END';
         CREATE TRIGGER hold AFTER INSERT ON t EXECUTE FUNCTION hold()",
    )
    .await;
    let holder = published.database.client().await;
    holder.batch_execute("SELECT pg_advisory_lock(1)").await.unwrap();
    let (sink, act) = (published.sink(), published.act("a", 1, Mode::Replace, &[rows(&[2, 3], "new")]));
    let publication = tokio::spawn(async move { sink.publish(&act).await });
    wait_until(&holder, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted", "1").await;
    assert_eq!(published.ids().await, "1|old");
    holder.batch_execute("SELECT pg_advisory_unlock(1)").await.unwrap();
    publication.await.unwrap().unwrap();
    assert_eq!(published.ids().await, "2|new;3|new");
}

/// Asks until the answer is there; the server does the waiting.
async fn wait_until(client: &Client, query: &str, expect: &str) {
    for _ in 0..1000 {
        if answer(client, query).await == expect {
            return;
        }
        answer(client, "SELECT pg_sleep(0.01)").await;
    }
    panic!("{query} never was {expect}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_that_replace_at_the_same_moment_leave_the_rows_of_one() {
    let published = Published::new("CREATE TABLE t (id bigint, name text, at timestamptz)").await;
    for round in 0..5 {
        // Of two servers: their head rows are not the same, so only the table's lock orders them.
        let act = |who: &str| {
            let mut act = published.act(&format!("{who}{round}"), round + 1, Mode::Replace, &[rows(&[5, 6], who)]);
            act.marker.server = who.into();
            act
        };
        let (a, b) = (act("a"), act("b"));
        let (sink_a, sink_b) = (published.sink(), published.sink());
        let (first, second) = tokio::join!(sink_a.publish(&a), sink_b.publish(&b));
        first.unwrap();
        second.unwrap();
        let seen = published.ids().await;
        assert!(seen == "5|a;6|a" || seen == "5|b;6|b", "{seen}");
    }
}

/// Publishes through a connection that is cut at the n-th message, for every (`stride`-th) n, and again through one that is not.
/// Answers how often the rows were there more or less than once.
async fn cut_everywhere(mode: &Mode, stride: usize, naive: bool) -> (usize, usize) {
    let published = Published::new("CREATE TABLE t (id bigint, name text, at timestamptz)").await;
    let (mut wrong, mut trials) = (0, 0);
    for cut in [Cut::ToServer, Cut::ToClient] {
        for message in (1..).step_by(stride) {
            let name = format!("{cut:?}{message}");
            trials += 1;
            let act = published.act(&name, trials, mode.clone(), &[rows(&[2], &name)]);
            let proxy = Proxy::start(published.database.server.port, cut, message).await;
            let mut through = published.database.connection_by(proxy.port, "ann", "pw");
            through.options.insert("sslmode".into(), "disable".into());
            let whole = published.database.connection();
            if naive {
                let id = trials;
                if insert_and_hope(&published.database, proxy.port, id, &name).await.is_err() {
                    insert_and_hope(&published.database, published.database.server.port, id, &name).await.unwrap();
                }
            } else if published.sink_of(&through, "t").publish(&act).await.is_err() {
                let sink = published.sink_of(&whole, "t");
                if sink.probe(&act).await.unwrap().is_none() {
                    sink.publish(&act).await.unwrap();
                }
            }
            let count = published.database.ask(&format!("SELECT count(*) FROM t WHERE name = '{name}'")).await;
            wrong += usize::from(count != "1");
            if !proxy.has_cut() {
                break;
            }
        }
    }
    (wrong, trials as usize)
}

/// What a writer without a marker does: when the answer is lost, it writes again.
async fn insert_and_hope(database: &Database, port: u16, id: i64, name: &str) -> Result<(), tokio_postgres::Error> {
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(port).user("ann").password(super::postgres::PASSWORD).dbname(&database.name);
    let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    client.batch_execute(&format!("BEGIN; INSERT INTO t VALUES ({id}, '{name}'); COMMIT")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_at_any_message_publishes_once() {
    for (mode, stride) in [(Mode::Append, 1), (upsert(false), 5)] {
        let (wrong, trials) = cut_everywhere(&mode, stride, false).await;
        assert_eq!(wrong, 0, "of {trials}");
        assert!(trials > 20, "only {trials} messages were cut");
    }
    let (wrong, trials) = cut_everywhere(&Mode::Append, 1, true).await;
    assert!(wrong > 0, "the control must fail in one of {trials}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stays_away_leaves_the_act_in_doubt_and_says_so() {
    let published = Published::new("CREATE TABLE t (id bigint, name text, at timestamptz)").await;
    let act = published.act("a", 1, Mode::Append, &[rows(&[2], "a")]);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let gone = published.sink_of(&published.database.connection_by(free, "ann", "pw"), "t");
    let error = gone.publish(&act).await.unwrap_err();
    assert!(error.kind == Kind::ConnectionFailure && error.retryable(), "{error}");
    assert_eq!(gone.probe(&act).await.unwrap_err().kind, Kind::ConnectionFailure);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_that_is_read_is_written_back_the_same() {
    let types = super::reader::TYPES.iter();
    // Values of two types are not what they were: what is read was rounded to what we hold.
    let columns: Vec<_> = types.clone().enumerate().map(|(at, (ty, ..))| format!("c{at} {ty}")).collect();
    let values: Vec<_> =
        types.map(|(ty, value, ..)| if *ty == "numeric" { "1.5000000000" } else { value }.to_string()).collect();
    let own = super::reader::OWN_TYPES;
    let published = Published::new(&format!(
        "{own} CREATE TABLE source (n int, {}); INSERT INTO source VALUES (1, {}); INSERT INTO source VALUES (2);
         CREATE TABLE same (LIKE source)",
        columns.join(", "),
        values.join(", ")
    ))
    .await;
    let connection = published.database.connection();
    let context = SessionContext::new();
    let engine = connections(published.folder.path());
    context.register_catalog("ops", engine.catalog(&connection, &snapshot(&connection)).unwrap());
    let batches = context.sql("SELECT * FROM ops.public.source").await.unwrap().collect().await.unwrap();
    let act = published.act("a", 1, Mode::Append, &batches);
    published.sink_to("same").publish(&act).await.unwrap();
    let differing =
        "SELECT s::text, t::text FROM source s FULL JOIN same t ON s.n = t.n WHERE s::text IS DISTINCT FROM t::text";
    assert_eq!(published.database.ask(differing).await, "");
    assert_eq!(published.database.ask("SELECT count(*) FROM same").await, "2");
    // And into a table of our making, from which the same is read again.
    let act = published.act("b", 2, Mode::Fail, &batches);
    published.sink_to("made").publish(&act).await.unwrap();
    let again = context.sql("SELECT * FROM ops.public.made").await.unwrap().collect().await.unwrap();
    for (at, (ty, ..)) in std::iter::once(&("n", "", "", "")).chain(super::reader::TYPES).enumerate() {
        assert_eq!(again[0].column(at), batches[0].column(at), "{ty}");
    }
}
