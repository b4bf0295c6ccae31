//! `aqueduct run`: statements against an engine of this process's own.

use super::progress::Line;
use super::report::{notice, report};
use super::table::{Table, is_reader_gone};
use crate::base::clock::SystemClock;
use crate::base::{Config, Error, Kind, Result, sql};
use crate::engine::{Engine, Lock};
use crate::query::Rows;
use crate::session::{Cause, CopyIn, Response, Session, Stop};
use crate::statement;
use bytes::Bytes;
use parking_lot::Mutex;
use std::io::{Read, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Statements, and where they come from.
pub struct Script {
    text: String,
    /// Whether the standard input held the statements, so that COPY cannot read it.
    from_input: bool,
}

/// Bytes of the standard input that COPY takes at a time.
const COPY_CHUNK: usize = 64 << 10;

impl Script {
    /// From a file, from the standard input for `-`, or from the command line.
    pub fn read(file: Option<PathBuf>, command: Option<String>) -> Result<Script> {
        let Some(file) = file else { return Ok(Script { text: command.unwrap_or_default(), from_input: false }) };
        let from_input = file.as_os_str() == "-";
        let bytes = match from_input {
            true => {
                let mut bytes = vec![];
                std::io::stdin().read_to_end(&mut bytes)?;
                bytes
            }
            false => std::fs::read(&file).map_err(|error| {
                let error = Error::from(error);
                Error { message: format!("file \"{}\" cannot be read: {}", file.display(), error.message), ..error }
            })?,
        };
        let text = String::from_utf8(bytes)
            .map_err(|_| Error::new(Kind::InvalidText, format!("file \"{}\" is not UTF-8 text", file.display())))?;
        Ok(Script { text, from_input })
    }

    /// Where its statements stand.
    fn statements(&self) -> Result<Vec<Range<usize>>> {
        let tokens = sql::tokenize(&self.text)?;
        let place = |tokens: &[sql::Token]| Some(tokens.first()?.start..tokens.last()?.end);
        Ok(sql::split(&tokens).filter_map(place).collect())
    }
}

/// Runs a script up to its first error, which it prints.
pub async fn run(config: Config, script: &Script) -> Result<ExitCode> {
    let _lock = Lock::take(&config.data)?;
    let engine = Engine::open(config, Arc::new(SystemClock), statement::runner).await?;
    engine.recover().await?;
    let outcome = all(&engine, script).await;
    engine.close().await;
    Ok(match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_reader_gone(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("{}", report("ERROR", &error, Some(&script.text)));
            ExitCode::FAILURE
        }
    })
}

async fn all(engine: &Arc<Engine>, script: &Script) -> Result<()> {
    let mut session = Session::new(engine.clone(), "aqueduct");
    let interrupted = Interrupt::watch();
    for place in script.statements()? {
        // Each is read when its turn comes: what stands before a mistake has run.
        for parsed in statement::parse(&script.text[place.clone()]).map_err(|error| error.shifted(place.start))? {
            interrupted.arm(session.arm());
            let offset = place.start + parsed.offset;
            one(&mut session, &parsed, script).await.map_err(|error| error.shifted(offset))?;
        }
    }
    Ok(())
}

async fn one(session: &mut Session, parsed: &statement::Parsed, script: &Script) -> Result<()> {
    let stop = session.stop.clone();
    let _timer = session.settings.time("statement_timeout").map(|time| stop.after(time));
    let engine = session.engine.clone();
    let waiting = Line::watch(move || match engine.workflows.progress() {
        runs if runs.is_empty() => "running".to_string(),
        runs => runs.join("; "),
    });
    let response = statement::execute(session, parsed, &[]).await;
    drop(waiting);
    session.notices.drain(..).for_each(|told| eprint!("{}", notice(&told)));
    let answered = match response? {
        Response::Rows { rows, .. } => print(session, rows).await,
        Response::Done { tag } => Ok(writeln!(std::io::stdout(), "{tag}")?),
        Response::CopyOut { mut chunks, .. } => {
            let mut out = std::io::stdout();
            while let Some(chunk) = chunks.recv().await {
                out.write_all(&chunk?.data)?;
            }
            Ok(out.flush()?)
        }
        Response::CopyIn(_) if script.from_input => {
            Err(Error::unsupported("COPY FROM STDIN cannot read the input that the statements come from"))
        }
        Response::CopyIn(copy) => copy_in(copy).await,
        Response::Empty => Ok(()),
    };
    if answered.is_err() {
        session.fail();
    }
    answered.map_err(|error| stop.explain(error))?;
    session.settle()?;
    session.finish().await
}

async fn print(session: &Session, mut rows: Rows) -> Result<()> {
    let style = session.settings.style();
    let mut table = Table::new(std::io::BufWriter::new(std::io::stdout()), &rows.schema, &style);
    let read = rows.progress();
    let mut waiting = Some(Line::watch(move || format!("{} rows", read.rows())));
    while let Some(batch) = rows.next().await {
        table.rows(&batch?)?;
        // Rows and the line would write over each other.
        if table.begun() {
            waiting = None;
        }
    }
    drop(waiting);
    table.end()
}

/// Copies the standard input.
async fn copy_in(copy: CopyIn) -> Result<()> {
    let CopyIn { data, done, .. } = copy;
    let read = tokio::task::spawn_blocking(move || {
        let mut input = std::io::stdin().lock();
        loop {
            let mut chunk = vec![0; COPY_CHUNK];
            let chunk = match input.read(&mut chunk) {
                Ok(0) => return,
                Ok(n) => {
                    chunk.truncate(n);
                    Ok(Bytes::from(chunk))
                }
                Err(error) => Err(Error::from(error)),
            };
            // Nobody takes it any more: `done` has the error.
            if data.blocking_send(chunk).is_err() {
                return;
            }
        }
    });
    let rows = done.await.map_err(|_| Error::internal("a copy must end with its count"))??;
    read.abort();
    Ok(writeln!(std::io::stdout(), "COPY {rows}")?)
}

/// Stops the statement that runs when the user asks for it; asked twice, the program.
struct Interrupt {
    current: Arc<Mutex<Option<Stop>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Interrupt {
    fn watch() -> Interrupt {
        let current: Arc<Mutex<Option<Stop>>> = Arc::default();
        let stop = current.clone();
        let task = tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                match stop.lock().take() {
                    Some(stop) => stop.trip(Cause::Request),
                    // What is acknowledged is on the disk; the next start cleans up the rest.
                    None => std::process::exit(130),
                }
            }
        });
        Interrupt { current, task }
    }

    fn arm(&self, stop: Stop) {
        *self.current.lock() = Some(stop);
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.task.abort();
    }
}
