//! What a user can say and what it answers: every `tests/slt/**/*.slt`, over the wire, in both protocols.
//!
//! Each file has an engine of its own. An error reads `(SQLSTATE) message; DETAIL: …; HINT: …; at n`, on one line.

#[path = "slt/database.rs"]
mod database;
#[path = "slt/server.rs"]
mod server;
#[path = "slt/text.rs"]
mod text;

use database::{Column, Database, Protocol};
use libtest_mimic::{Arguments, Failed, Trial};
use server::Server;
use sqllogictest::Runner;
use std::path::{Path, PathBuf};

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("tests/slt");
    let mut trials = vec![];
    for file in scripts(&folder) {
        let name = file.strip_prefix(&folder).unwrap().with_extension("").display().to_string();
        for protocol in [Protocol::Simple, Protocol::Extended] {
            let file = file.clone();
            trials.push(Trial::test(format!("{name}::{}", protocol.name()), move || run(&file, protocol)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// Every script below a folder, in the order of their names.
fn scripts(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension() {
            _ if path.is_dir() => found.extend(scripts(&path)),
            Some(extension) if extension == "slt" => found.push(path),
            _ => {}
        }
    }
    found.sort();
    found
}

fn run(file: &Path, protocol: Protocol) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let server = Server::start().await;
        let target = server.target();
        let mut runner = Runner::new(|| Database::connect(target.clone(), protocol));
        runner.add_label(protocol.name());
        runner.set_var("FOLDER".into(), server.folder().display().to_string());
        runner.with_column_validator(same_columns);
        let outcome = runner.run_file_async(file).await;
        runner.shutdown_async().await;
        let problems = server.stop().await;
        outcome.map_err(|error| error.to_string())?;
        if problems.is_empty() { Ok(()) } else { Err(problems.join("\n").into()) }
    })
}

/// The simple protocol of this client does not tell types, so there only the extended one proves them.
#[allow(clippy::ptr_arg)] // sqllogictest's signature
fn same_columns(actual: &Vec<Column>, expected: &Vec<Column>) -> bool {
    let same = |(actual, expected): (&Column, &Column)| *actual == Column::Untold || actual == expected;
    actual.len() == expected.len() && actual.iter().zip(expected).all(same)
}
