//! Constraints hold whoever writes at the same time, and writers do not get into each other's way for nothing.

use super::client::Client;
use super::instance::Instance;
use aqueduct::base::culprit::{Culprit, Part};
use aqueduct::base::{Kind, Name};
use std::collections::BTreeMap;

const CLIENTS: usize = 4;
const ROUNDS: usize = 12;

/// What becomes of the messages that each client sends, one after the other: how often each SQLSTATE.
async fn outcomes(
    instance: &Instance,
    messages: impl Fn(usize, usize) -> Vec<String> + Copy + Send + 'static,
) -> BTreeMap<String, usize> {
    let clients = (0..CLIENTS).map(|number| {
        let mut client = Client::new(instance);
        tokio::spawn(async move {
            let mut seen = vec![];
            for round in 0..ROUNDS {
                let mut outcome = String::from("00000");
                for message in messages(number, round) {
                    if let Err(error) = client.send(&message).await {
                        assert!(!matches!(error.kind, Kind::Internal), "{error:?}");
                        outcome = error.sqlstate().to_string();
                        let _ = client.send("ROLLBACK").await;
                        break;
                    }
                }
                seen.push(outcome);
            }
            seen
        })
    });
    let clients: Vec<_> = clients.collect();
    let mut counts = BTreeMap::new();
    for client in clients {
        for outcome in client.await.unwrap() {
            *counts.entry(outcome).or_default() += 1;
        }
    }
    instance.verify().await;
    counts
}

fn count(outcomes: &BTreeMap<String, usize>, state: &str) -> usize {
    outcomes.get(state).copied().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_clients_that_insert_the_same_key_one_wins() {
    let instance = Instance::new().await;
    instance.ok("CREATE TABLE t (id int PRIMARY KEY, client int)").await;
    let insert = |client: usize, round: usize| vec![format!("INSERT INTO t VALUES ({round}, {client})")];
    let outcomes = outcomes(&instance, insert).await;
    assert_eq!(count(&outcomes, "00000"), ROUNDS, "{outcomes:?}");
    assert_eq!(count(&outcomes, "23505"), ROUNDS * (CLIENTS - 1), "{outcomes:?}");
    assert_eq!(instance.ok("SELECT count(*) FROM t").await.value(), ROUNDS.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_free_when_a_block_looked_is_looked_at_again_when_it_commits() {
    let instance = Instance::new().await;
    instance.ok("CREATE TABLE t (id int PRIMARY KEY, client int)").await;
    let (mut one, mut other) = (Client::new(&instance), Client::new(&instance));
    one.ok("BEGIN").await;
    one.ok("INSERT INTO t VALUES (1, 1)").await;
    other.ok("BEGIN; INSERT INTO t VALUES (1, 2), (2, 2); COMMIT").await;
    let error = one.send("COMMIT").await.unwrap_err();
    assert_eq!(error.sqlstate(), "23505", "{error:?}");
    assert_eq!(other.ok("SELECT id, client FROM t ORDER BY id").await, "1|2\n2|2");
    instance.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_of_different_keys_all_commit() {
    let instance = Instance::new().await;
    instance.ok("CREATE TABLE t (id int PRIMARY KEY, client int)").await;
    let insert = |client: usize, round: usize| {
        let id = client * ROUNDS + round;
        vec!["BEGIN".into(), format!("INSERT INTO t VALUES ({id}, {client})"), "COMMIT".into()]
    };
    let outcomes = outcomes(&instance, insert).await;
    assert_eq!(count(&outcomes, "00000"), ROUNDS * CLIENTS, "{outcomes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_addition_of_a_statement_is_lost_or_refused() {
    let instance = Instance::new().await;
    instance.ok("CREATE TABLE t (id int PRIMARY KEY, n int)").await;
    instance.ok("INSERT INTO t VALUES (1, 0)").await;
    let add = |client: usize, _: usize| match client % 2 {
        0 => vec!["UPDATE t SET n = n + 1 WHERE id = 1".to_string()],
        _ => vec!["INSERT INTO t VALUES (1, 0) ON CONFLICT (id) DO UPDATE SET n = t.n + 1".to_string()],
    };
    let outcomes = outcomes(&instance, add).await;
    assert_eq!(count(&outcomes, "00000"), ROUNDS * CLIENTS, "{outcomes:?}");
    assert_eq!(instance.ok("SELECT n FROM t").await.value(), (ROUNDS * CLIENTS).to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_refers_to_one_that_others_take_away() {
    let instance = Instance::new().await;
    instance.ok("CREATE TABLE parent (id int PRIMARY KEY)").await;
    instance.ok("CREATE TABLE child (parent int REFERENCES parent)").await;
    instance.ok("INSERT INTO parent SELECT i FROM generate_series(0, 11) AS g(i)").await;
    let fight = |client: usize, round: usize| match client % 2 {
        0 => vec![format!("INSERT INTO child VALUES ({round})")],
        _ => vec![format!("DELETE FROM parent WHERE id = {round}")],
    };
    let outcomes = outcomes(&instance, fight).await;
    assert!(count(&outcomes, "23503") > 0, "{outcomes:?}");
    let lost = "SELECT count(*) FROM child WHERE parent NOT IN (SELECT id FROM parent)";
    assert_eq!(instance.ok(lost).await.value(), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_constraint_that_is_added_meanwhile_holds_for_what_is_written_meanwhile() {
    let instance = Instance::new().await;
    instance.ok("CREATE TABLE t (id int)").await;
    let (mut writer, mut owner) = (Client::new(&instance), Client::new(&instance));
    writer.ok("BEGIN").await;
    writer.ok("INSERT INTO t VALUES (1), (1)").await;
    owner.ok("ALTER TABLE t ADD PRIMARY KEY (id)").await;
    let error = writer.send("COMMIT").await.unwrap_err();
    assert!(matches!(error.sqlstate(), "40001" | "23505"), "{error:?}");
    owner.ok("BEGIN").await;
    owner.ok("ALTER TABLE t ADD CONSTRAINT small CHECK (id < 10)").await;
    writer.ok("INSERT INTO t VALUES (20)").await;
    assert_eq!(owner.send("COMMIT").await.unwrap_err().sqlstate(), "40001");
    instance.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_a_sequence_are_given_out_once_even_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let instance = Instance::open(&data).await;
    instance.ok("CREATE SEQUENCE s").await;
    let outcomes = outcomes(&instance, |_, _| vec!["SELECT nextval('s')".to_string()]).await;
    assert_eq!(count(&outcomes, "00000"), ROUNDS * CLIENTS);
    instance.close().await;
    let instance = Instance::open(&data).await;
    let next = instance.ok("SELECT nextval('s')").await.value().parse::<usize>().unwrap();
    assert_eq!(next, ROUNDS * CLIENTS + 1);
    let mut client = Client::new(&instance);
    client.ok("BEGIN").await;
    assert_eq!(client.ok("SELECT nextval('s')").await, (next + 1).to_string());
    client.ok("ROLLBACK").await;
    assert_eq!(client.ok("SELECT nextval('s')").await, (next + 2).to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_names_the_constraint_or_column_that_a_row_breaks() {
    let instance = Instance::new().await;
    let mut client = Client::new(&instance);
    client.ok("CREATE TABLE parent (id int PRIMARY KEY)").await;
    client.ok("CREATE TABLE child (a int NOT NULL, b int CHECK (b > 0), c int REFERENCES parent)").await;
    client.ok("INSERT INTO parent VALUES (1)").await;
    client.ok("INSERT INTO child VALUES (1, 1, 1)").await;
    let constraint = |name: &str| Part::Constraint(name.to_string());
    for (text, table, part) in [
        ("INSERT INTO child VALUES (NULL, 1, 1)", "child", Part::Column("a".to_string())),
        ("UPDATE child SET a = NULL", "child", Part::Column("a".to_string())),
        ("INSERT INTO child VALUES (1, 0, 1)", "child", constraint("child_b_check")),
        ("INSERT INTO child VALUES (1, 1, 2)", "child", constraint("child_c_fkey")),
        ("DELETE FROM parent", "child", constraint("child_c_fkey")),
        ("INSERT INTO parent VALUES (1)", "parent", constraint("parent_pkey")),
        ("ALTER TABLE child ADD CONSTRAINT big CHECK (a > 5)", "child", constraint("big")),
    ] {
        let error = client.send(text).await.unwrap_err();
        assert_eq!(error.culprit, Some(Box::new(Culprit { table: Name::public(table), part })), "{text}: {error}");
    }
}
