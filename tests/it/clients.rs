//! Programs that other people wrote, on Aqueduct and on a PostgreSQL in the same run: `tests/clients/run.py`.

use super::instance::{python, repository};
use std::process::Command;

/// A client's steps are answered as PostgreSQL answers them, but for what `tests/clients/expected/` lists.
fn check(client: &str) {
    run(&["tests/clients/run.py", client]);
}

/// Runs a script of the repository, and some words to it, on this server.
fn run(script: &[&str]) {
    let output = Command::new(python())
        .arg(repository().join(script[0]))
        .args(["--binary", env!("CARGO_BIN_EXE_aqueduct")])
        .args(&script[1..])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    // Also says when a client is skipped because it is not installed, and the seed.
    println!("{said}");
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn python_drivers_are_answered_as_by_postgresql() {
    check("drivers");
}

#[test]
fn node_is_answered_as_by_postgresql() {
    check("node");
}

#[test]
fn jdbc_is_answered_as_by_postgresql() {
    check("jdbc");
}

#[test]
fn the_commands_of_psql_are_answered_as_by_postgresql() {
    check("psql");
}

#[test]
fn a_server_goes_on_whatever_its_clients_do() {
    run(&["tests/hardening/run.py"]);
}
