//! The database's name is a setting.

use std::process::Command;

#[test]
fn the_database_is_called_as_the_setting_says() {
    let folder = tempfile::tempdir().unwrap();
    let run = |statements: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_aqueduct"))
            .args(["run", "-c", statements, "--data"])
            .arg(folder.path().join("data"))
            .env("AQUEDUCT_DATABASE", "shop")
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    };
    let out = run(
        "CREATE TABLE shop.public.t AS SELECT 1 AS a; SELECT current_database(), datname FROM pg_database; SELECT a FROM shop.public.t; SELECT a FROM aqueduct.public.t",
    );
    assert!(out.contains("| shop") && out.contains("connection \"aqueduct\" does not exist"), "{out}");
}
