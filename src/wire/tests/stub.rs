//! Made-up statements: what a client can meet, without an engine that means anything by it.

use crate::base::{Error, Kind, Result, Type};
use crate::query::Rows;
use crate::session::{Chunk, CopyIn, Description, Effect, Response, Session};
use crate::statement::{self, Parsed, Statement};
use bytes::Bytes;
use datafusion::arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::ScalarValue;
use futures::StreamExt;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{mpsc, oneshot};

/// Statements that run without end right now.
pub static ENDLESS: AtomicUsize = AtomicUsize::new(0);
/// Rows that COPY took, and what became of them.
pub static COPIED: parking_lot::Mutex<Vec<(String, bool)>> = parking_lot::Mutex::new(vec![]);

#[derive(Debug)]
enum Stub {
    /// `rows 10`
    Rows(usize),
    /// `echo`: its parameters, as its only row.
    Echo,
    /// `endless`: rows for ever.
    Endless,
    /// `stuck`: never a row.
    Stuck,
    /// `write`
    Write,
    /// `wrong x`: an error at the x.
    Wrong,
    /// `notice`
    Notice,
    /// `panic`
    Panic,
    /// `copy out`
    CopyOut,
    /// `copy in`
    CopyIn,
}

pub fn parse(text: &str) -> Result<Vec<Parsed>> {
    let mut found = vec![];
    let mut offset = 0;
    for part in text.split_inclusive(';') {
        let begin = offset + part.len() - part.trim_start().len();
        offset += part.len();
        let text = part.trim().trim_end_matches(';').trim().to_string();
        let words: Vec<_> = text.split(' ').collect();
        let stub = match words.as_slice() {
            [""] => continue,
            ["rows", count] => Stub::Rows(count.parse().map_err(|_| Error::syntax(count, begin + 5))?),
            ["echo"] => Stub::Echo,
            ["endless"] => Stub::Endless,
            ["stuck"] => Stub::Stuck,
            ["write"] => Stub::Write,
            ["wrong", ..] => Stub::Wrong,
            ["notice"] => Stub::Notice,
            ["panic"] => Stub::Panic,
            ["copy", "out"] => Stub::CopyOut,
            ["copy", "in"] => Stub::CopyIn,
            _ => {
                let parsed = statement::parse(&text).map_err(|error| error.shifted(begin))?;
                found.extend(parsed.into_iter().map(|parsed| Parsed { offset: begin + parsed.offset, ..parsed }));
                continue;
            }
        };
        found.push(Parsed { text, offset: begin, statement: Arc::new(stub) });
    }
    Ok(found)
}

fn batch(from: usize, to: usize) -> RecordBatch {
    let numbers: ArrayRef = Arc::new(Int32Array::from_iter_values((from..to).map(|n| n as i32)));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values((from..to).map(|n| format!("row {n}"))));
    RecordBatch::try_new(columns(), vec![numbers, texts]).unwrap()
}

fn columns() -> SchemaRef {
    Arc::new(Schema::new(vec![Type::Int4.field("n", false), Type::Text.field("t", false)]))
}

/// Counts down when the query is dropped.
struct Running;

impl Drop for Running {
    fn drop(&mut self) {
        ENDLESS.fetch_sub(1, Ordering::SeqCst);
    }
}

fn endless() -> Rows {
    ENDLESS.fetch_add(1, Ordering::SeqCst);
    let running = Running;
    let batches = futures::stream::iter((0..).map(move |at| {
        let _ = &running;
        Ok(batch(at * 1000, (at + 1) * 1000))
    }));
    Rows::new(columns(), batches)
}

fn stuck() -> Rows {
    ENDLESS.fetch_add(1, Ordering::SeqCst);
    let running = Running;
    let batches = futures::stream::once(async move {
        let _running = running;
        std::future::pending().await
    });
    Rows::new(columns(), batches)
}

impl Statement for Stub {
    fn effect(&self) -> Effect {
        if matches!(self, Stub::Write | Stub::CopyIn) { Effect::Write } else { Effect::Read }
    }

    async fn describe(&self, _: &Session, hints: &[Option<Type>]) -> Result<Description> {
        let parameters: Vec<_> = hints.iter().map(|hint| hint.clone().unwrap_or(Type::Text)).collect();
        let columns = match self {
            Stub::Rows(_) | Stub::Endless | Stub::Stuck => Some(columns()),
            Stub::Echo => Some(echo_columns(&parameters)),
            _ => None,
        };
        Ok(Description { parameters, columns })
    }

    async fn run(&self, session: &mut Session, parameters: &[ScalarValue]) -> Result<Response> {
        let rows = |rows| Ok(Response::Rows { rows, tag: "SELECT" });
        match self {
            Stub::Rows(count) => {
                let parts: Vec<_> =
                    (0..*count).step_by(1000).map(|from| batch(from, (from + 1000).min(*count))).collect();
                rows(Rows::new(columns(), futures::stream::iter(parts).map(Ok)))
            }
            Stub::Echo => {
                let types: Vec<_> = parameters.iter().map(|value| Type::from_arrow(&value.data_type())).collect();
                let arrays = parameters.iter().map(|value| value.to_array_of_size(1)).collect::<Result<Vec<_>, _>>()?;
                let schema = echo_columns(&types);
                let batch = RecordBatch::try_new(schema.clone(), arrays).map_err(Error::from)?;
                rows(Rows::of(schema, vec![batch]))
            }
            Stub::Endless => rows(endless()),
            Stub::Stuck => rows(stuck()),
            Stub::Write => Ok(Response::Done { tag: "INSERT 0 1".into() }),
            Stub::Wrong => Err(Error::new(Kind::UndefinedColumn, "column \"x\" does not exist").at(6)),
            Stub::Notice => {
                session.notice("so you know");
                Ok(Response::Done { tag: "NOTICE".into() })
            }
            Stub::Panic => panic!("a bug"),
            Stub::CopyOut => Ok(copy_out()),
            Stub::CopyIn => Ok(copy_in()),
        }
    }
}

fn echo_columns(types: &[Type]) -> SchemaRef {
    let fields = types.iter().enumerate().map(|(at, ty)| ty.field(&format!("p{}", at + 1), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn copy_out() -> Response {
    let (sender, chunks) = mpsc::channel(1);
    tokio::spawn(async move {
        for at in 0..1000 {
            let first = format!("{at}\ta\n");
            let rows = format!("{first}{at}\tb\n");
            let ends = vec![first.len(), rows.len()];
            if sender.send(Ok(Chunk::rows(rows, ends))).await.is_err() {
                return;
            }
        }
    });
    Response::CopyOut { binary: false, columns: 2, chunks }
}

fn copy_in() -> Response {
    let (data, mut received) = mpsc::channel::<Result<Bytes>>(1);
    let (finish, done) = oneshot::channel();
    tokio::spawn(async move {
        let mut all = vec![];
        let mut outcome = Ok(0);
        while let Some(part) = received.recv().await {
            match part {
                Ok(bytes) if bytes.starts_with(b"bad") => {
                    outcome = Err(Error::new(Kind::InvalidText, "a bad row"));
                    break;
                }
                Ok(bytes) => all.extend_from_slice(&bytes),
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        let rows = all.iter().filter(|byte| **byte == b'\n').count() as u64;
        COPIED.lock().push((String::from_utf8_lossy(&all).into_owned(), outcome.is_ok()));
        let _ = finish.send(outcome.map(|_| rows));
    });
    Response::CopyIn(CopyIn { binary: false, columns: 1, data, done })
}

impl fmt::Display for Stub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
