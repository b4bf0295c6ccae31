//! What PostgreSQL refuses is refused here, with its SQLSTATE: every statement of `mistakes.sql` asked of both.

use super::instance::{Instance, repository};
use super::postgres;

const TABLES: &str = "
CREATE TABLE t (id int, name text, v numeric(10,2), d date, arr int[], n int);
INSERT INTO t VALUES (1, 'a', 1.50, '2020-01-15', '{1,2}', 2), (2, 'b', 2.25, '2021-02-28', '{3}', 1);
CREATE TABLE l (k int, a text);
INSERT INTO l VALUES (1, 'l1'), (2, 'l2'), (3, 'l3');
CREATE TABLE r (k int, b text);
INSERT INTO r VALUES (2, 'r2'), (3, 'r3'), (4, 'r4');";

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_have_the_sqlstate_that_postgres_gives_them() {
    let server = postgres::Server::shared();
    let database = server.database().await;
    let theirs = database.client().await;
    let ours = Instance::new().await;
    theirs.batch_execute(TABLES).await.unwrap();
    ours.ok(TABLES).await;
    let statements = std::fs::read_to_string(repository().join("tests/it/mistakes.sql")).unwrap();
    let mut wrong = vec![];
    let mut refused = 0;
    let wide = |columns: usize| {
        let columns: Vec<_> = (0..columns).map(|n| format!("c{n} int")).collect();
        format!("CREATE TABLE w ({})", columns.join(", "))
    };
    let made = [wide(1_601), wide(1_600)];
    let statements = statements.lines().filter(|line| !line.is_empty() && !line.starts_with("--"));
    for statement in statements.chain(made.iter().map(String::as_str)) {
        let expected = match theirs.simple_query(statement).await {
            Ok(_) => "none".to_string(),
            Err(error) => error.code().map_or("none", |state| state.code()).to_string(),
        };
        let found = match ours.sql(statement).await {
            Ok(_) => "none".to_string(),
            Err(error) => error.sqlstate().to_string(),
        };
        refused += usize::from(expected != "none");
        if expected != found {
            wrong.push(format!("{statement}\n  PostgreSQL {expected}, here {found}"));
        }
    }
    assert!(refused > 100, "only {refused} statements are mistakes");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    ours.close().await;
}
