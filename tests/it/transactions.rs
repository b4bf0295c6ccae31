//! Several clients at once, and clients and processes that go away in the middle of a transaction.

use super::client::Client;
use super::instance::{Instance, python, repository};
use aqueduct::base::{Kind, password};
use aqueduct::store::Write;
use aqueduct::wire;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Every file below a folder.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => {
                found.extend(files(&path));
                found.insert(path);
            }
            false => drop(found.insert(path)),
        }
    }
    found
}

/// Rows of the store and files of the lake, as far as a transaction can change them.
async fn kept(instance: &Instance) -> (Vec<String>, BTreeSet<PathBuf>) {
    let store = instance.engine.catalog.store();
    let mut counts = vec![];
    for table in store.query("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name", &[]).await.unwrap() {
        let name = table.text("name").unwrap().to_string();
        let rows = store.query(&format!("SELECT count(*) AS n FROM \"{name}\""), &[]).await.unwrap();
        counts.push(format!("{name} {}", rows[0].int("n").unwrap()));
    }
    (counts, files(&instance.data.join("lake")))
}

const SWAP: &[&str] = &[
    "CREATE TABLE a__new AS SELECT i AS id, (SELECT max(round) + 1 FROM a) AS round FROM generate_series(1, 10) AS g(i)",
    "ALTER TABLE a RENAME TO a__backup",
    "ALTER TABLE a__new RENAME TO a",
    "DROP TABLE IF EXISTS a__backup CASCADE",
];

const ROUNDS: usize = 20;

/// What readers see that ask all the time while a writer replaces the table: errors, or tables that are not whole.
async fn seen_during_swaps(instance: &Instance, block: bool) -> Vec<String> {
    instance.ok("CREATE TABLE a AS SELECT i AS id, 0 AS round FROM generate_series(1, 10) AS g(i)").await;
    let done = tokio_util::sync::CancellationToken::new();
    let readers = (0..2).map(|_| {
        let (mut client, done) = (Client::new(instance), done.clone());
        tokio::spawn(async move {
            let mut wrong = vec![];
            while !done.is_cancelled() {
                match client.send("SELECT count(*), count(DISTINCT round) FROM a").await {
                    Ok(seen) if seen == "10|1" => {}
                    Ok(seen) => wrong.push(seen),
                    Err(error) => wrong.push(error.sqlstate().to_string()),
                }
            }
            wrong
        })
    });
    let readers: Vec<_> = readers.collect();
    let mut writer = Client::new(instance);
    for _ in 0..ROUNDS {
        if block {
            writer.ok("BEGIN").await;
        }
        for statement in SWAP {
            writer.ok(statement).await;
        }
        if block {
            writer.ok("COMMIT").await;
        }
    }
    done.cancel();
    let mut wrong = vec![];
    for reader in readers {
        wrong.extend(reader.await.unwrap());
    }
    assert_eq!(writer.ok("SELECT max(round) FROM a").await, ROUNDS.to_string());
    instance.verify().await;
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_never_miss_a_table_that_is_swapped_in_a_block() {
    assert_eq!(seen_during_swaps(&Instance::new().await, true).await, Vec::<String>::new());
}

/// The control: without a block there is a moment without the table.
#[tokio::test(flavor = "multi_thread")]
async fn readers_miss_a_table_that_is_swapped_by_statements() {
    assert!(seen_during_swaps(&Instance::new().await, false).await.contains(&"42P01".to_string()));
}

/// Clients that add one to the same number, each several times; how often they succeeded, and the number.
async fn counted(instance: &Instance, begin: &'static str) -> (usize, String) {
    instance.ok("CREATE TABLE counter AS SELECT 0 AS n").await;
    let clients = (0..4).map(|_| {
        let mut client = Client::new(instance);
        tokio::spawn(async move {
            let mut done = 0;
            while done < 5 {
                client.ok(begin).await;
                let added = async {
                    let n: i64 = client.send("SELECT n FROM counter").await?.parse().unwrap();
                    client.send(&format!("UPDATE counter SET n = {}", n + 1)).await?;
                    client.send("COMMIT").await
                };
                match added.await {
                    Ok(_) => done += 1,
                    Err(error) => {
                        assert_eq!(error.kind, Kind::SerializationFailure, "{error:?}");
                        client.ok("ROLLBACK").await;
                    }
                }
            }
            done
        })
    });
    let mut done = 0;
    for client in clients.collect::<Vec<_>>() {
        done += client.await.unwrap();
    }
    (done, instance.ok("SELECT n FROM counter").await.value().to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_addition_of_a_repeatable_block_is_lost() {
    let instance = Instance::new().await;
    assert_eq!(counted(&instance, "BEGIN ISOLATION LEVEL REPEATABLE READ").await, (20, "20".to_string()));
    instance.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_given_up_leaves_nothing() {
    let instance = Instance::new().await;
    instance.ok("CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 100) AS g(i)").await;
    instance.ok("CREATE TABLE other AS SELECT 1 AS x").await;
    let before = kept(&instance).await;
    let work = "CREATE SCHEMA s; CREATE TABLE s.made AS SELECT * FROM t; INSERT INTO t VALUES (101); SAVEPOINT a;
        DELETE FROM t WHERE id < 50; UPDATE s.made SET id = 0; CREATE VIEW v AS SELECT 1 AS x; CREATE SECRET p FROM VALUE 'x';
        CREATE WORKFLOW w AS (STEP kept INTO kept AS (SELECT id FROM t)); TRUNCATE other; ALTER TABLE t RENAME TO u";
    for end in ["ROLLBACK", "ROLLBACK TO a; ROLLBACK", "SELECT 1 / 0", "gone"] {
        let mut client = Client::new(&instance);
        client.ok("BEGIN").await;
        client.ok(work).await;
        assert_eq!(client.ok("SELECT count(*) FROM u").await, "52");
        assert_ne!(kept(&instance).await.1, before.1, "its files are there until it ends");
        match end {
            "SELECT 1 / 0" => {
                client.send(end).await.unwrap_err();
                client.ok("COMMIT").await;
            }
            "gone" => drop(client),
            end => drop(client.ok(end).await),
        }
        assert_eq!(kept(&instance).await, before, "{end}");
        assert_eq!(instance.ok("SELECT count(*) FROM t").await.value(), "100");
    }
    // One that is overtaken leaves nothing either.
    let (mut first, mut second) = (Client::new(&instance), Client::new(&instance));
    first.ok("BEGIN; UPDATE t SET id = 0 WHERE id = 1; CREATE TABLE mine AS SELECT 1 AS x").await;
    second.ok("DELETE FROM t WHERE id = 2").await;
    let before = kept(&instance).await;
    first.send("COMMIT").await.unwrap_err();
    let after = kept(&instance).await;
    assert_eq!(after.0, before.0);
    assert_eq!(before.1.difference(&after.1).count(), 4, "data and delete file of t, file and folder of mine");
    instance.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_waits_for_days_keeps_its_files_and_stops_nobody() {
    let instance = Instance::new().await;
    instance.ok("CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 10) AS g(i)").await;
    let mut forgotten = Client::new(&instance);
    forgotten.ok("BEGIN; INSERT INTO t VALUES (11); CREATE TABLE mine AS SELECT 1 AS x").await;
    instance.ok("INSERT INTO t VALUES (12); DELETE FROM t WHERE id = 12").await;
    let collect = async || {
        let engine = &instance.engine;
        engine.lake.collect(engine.catalog.store(), chrono::DateTime::<chrono::Utc>::MAX_UTC).await.unwrap().len()
    };
    assert_eq!(collect().await, 0);
    assert_eq!(forgotten.ok("SELECT count(*) + (SELECT x FROM mine) FROM t").await, "12");
    forgotten.ok("COMMIT").await;
    assert_eq!(collect().await, 0);
    assert_eq!(instance.ok("SELECT count(*) FROM t").await.value(), "11");
    instance.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_within_a_block_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let instance = Instance::open(&data).await;
    instance.ok("CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 10) AS g(i)").await;
    instance.close().await;
    // COPY waits for an input that never comes, so the process is between two statements when it dies.
    let mut process = Command::new(env!("CARGO_BIN_EXE_aqueduct"))
        .args(["run", "--data"])
        .arg(&data)
        .args(["-c", "BEGIN; INSERT INTO t VALUES (11); DELETE FROM t WHERE id < 5; CREATE TABLE u AS SELECT * FROM t; COPY t FROM STDIN; COMMIT"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    for expected in ["BEGIN", "INSERT 0 1", "DELETE 4", "SELECT 7"] {
        assert_eq!(lines.next().unwrap().unwrap(), expected);
    }
    process.kill().unwrap();
    process.wait().unwrap();
    let instance = Instance::open(&data).await;
    assert_eq!(instance.ok("SELECT count(*) FROM t").await.value(), "10");
    assert_eq!(instance.error("SELECT * FROM u").await.kind, Kind::UndefinedTable);
    let engine = &instance.engine;
    let store = engine.catalog.store();
    let orphans = engine.lake.collect(store, chrono::DateTime::<chrono::Utc>::MAX_UTC).await.unwrap();
    assert_eq!(orphans.len(), 3, "files of INSERT, DELETE and CREATE TABLE AS are the collector's: {orphans:?}");
    instance.verify().await;
    instance.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_finds_transactions_as_it_expects_them() {
    let instance = Instance::new().await;
    let role = Write::new(
        "INSERT INTO aqueduct_setting(name, value) VALUES ('role.aqueduct', ?)",
        [password::verifier("a password").into()],
    );
    instance.engine.catalog.store().write(&[role]).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let shutdown = tokio_util::sync::CancellationToken::new();
    let serving = tokio::spawn(wire::serve(instance.engine.clone(), listener, shutdown.clone()));
    let script = repository().join("tests/python/transactions.py");
    let target = format!("host=127.0.0.1 port={port} user=aqueduct dbname=aqueduct password='a password'");
    let driver = tokio::task::spawn_blocking(move || Command::new(python()).arg(script).arg(target).output().unwrap());
    let answer = driver.await.unwrap();
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    shutdown.cancel();
    serving.await.unwrap().unwrap();
    assert_eq!(files(&instance.data.join("temporary")), BTreeSet::new(), "temporary tables go with their session");
    instance.verify().await;
}
