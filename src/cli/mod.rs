//! The command line: what can be asked of the program, and how it answers on a terminal.

mod progress;
mod report;
mod run;
mod serve;
mod table;
mod verify;

use crate::base::{Config, Error, Result};
use crate::statement;
use clap::{Args, Parser, Subcommand};
use std::future::Future;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Prediction infrastructure in SQL: models, workflows, checks and exactly-once publishing behind the
/// Postgres protocol.
#[derive(Debug, Parser)]
#[command(name = "aqueduct", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve Postgres clients, and let schedules fire, until stopped
    Serve {
        #[command(flatten)]
        place: Place,
        /// Address of the Postgres protocol [default: 127.0.0.1:5433]
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
        /// Address of HTTP: health and metrics [default: 127.0.0.1:8433]
        #[arg(long, value_name = "ADDRESS")]
        http: Option<SocketAddr>,
    },
    /// Run statements here, without opening a port
    Run {
        #[command(flatten)]
        place: Place,
        /// File of statements; - reads them from the standard input
        #[arg(required_unless_present = "command")]
        file: Option<PathBuf>,
        /// Statements
        #[arg(short, long, value_name = "SQL", conflicts_with = "file")]
        command: Option<String>,
    },
    /// Look for what is not as it must be in a data folder that nobody has open
    Verify {
        #[command(flatten)]
        place: Place,
    },
    /// Print the manual of all statements
    Manual,
}

#[derive(Debug, Args)]
struct Place {
    /// Folder of everything that survives a restart
    #[arg(long, value_name = "FOLDER", env = "AQUEDUCT_DATA", default_value_os_t = Config::default().data)]
    data: PathBuf,
}

/// Stack of a thread that reads statements: the longest that is allowed becomes a deep tree.
const STACK_BYTES: usize = 32 << 20;

/// Runs the program with its arguments.
pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Serve { place, listen, http } => start("info", async move {
            let mut config = Config::load(&place.data)?;
            config.listen = listen.unwrap_or(config.listen);
            config.http = http.unwrap_or(config.http);
            serve::serve(config).await
        }),
        Command::Run { place, file, command } => {
            start("warn", async move { run::run(Config::load(&place.data)?, &run::Script::read(file, command)?).await })
        }
        Command::Verify { place } => start("warn", async move { verify::verify(Config::load(&place.data)?).await }),
        Command::Manual => {
            print!("{}", statement::manual());
            ExitCode::SUCCESS
        }
    }
}

/// Sets up what the whole process shares, and waits for the command.
fn start(level: &str, command: impl Future<Output = Result<ExitCode>>) -> ExitCode {
    let filter = ["AQUEDUCT_LOG", "RUST_LOG"].iter().find_map(|name| std::env::var(name).ok());
    let filter = filter.unwrap_or_else(|| format!("warn,aqueduct={level}"));
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(EnvFilter::new(filter))
        .init();
    // Two providers are linked in, so rustls would not know which one to take.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK_BYTES)
        .build()
        .map_err(Error::from)
        .and_then(|runtime| runtime.block_on(command));
    outcome.unwrap_or_else(|error| {
        eprint!("{}", report::report("FATAL", &error, None));
        ExitCode::FAILURE
    })
}
