//! `aqueduct verify`: the invariants of a data folder.

use crate::base::clock::SystemClock;
use crate::base::{Config, Error, Kind, Result};
use crate::engine::{Engine, Lock};
use crate::statement;
use std::process::ExitCode;
use std::sync::Arc;

/// Prints what is not as it must be; fails when there is such a thing.
pub async fn verify(config: Config) -> Result<ExitCode> {
    if !config.data.is_dir() {
        return Err(Error::new(
            Kind::UndefinedFile,
            format!("data folder \"{}\" does not exist", config.data.display()),
        )
        .hint("--data FOLDER names another".to_string()));
    }
    let _lock = Lock::take(&config.data)?;
    let engine = Engine::open(config, Arc::new(SystemClock), statement::runner).await?;
    let problems = engine.verify().await;
    engine.close().await;
    let problems = problems?;
    for problem in &problems {
        println!("{problem}");
    }
    match problems.len() {
        0 => println!("no problems found"),
        n => println!("{n} problem{} found", if n == 1 { "" } else { "s" }),
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
