//! Rows of a text file on their way into batches; an error says file, line and column.

use super::find::Found;
use super::values::values;
use crate::base::{Error, Kind, Result, Type};
use crate::connect::scan::{Batches, Part};
use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StringBuilder};
use datafusion::arrow::datatypes::SchemaRef;
use futures::{StreamExt, stream};
use std::fmt::Debug;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Bytes of a file that are read at a time.
const PIECE_BYTES: usize = 1 << 20;
/// A batch ends early when its texts take this much.
const BATCH_BYTES: usize = 16 << 20;

/// Splits the bytes of one file into rows of texts.
pub(super) trait Splitter: Send {
    /// Takes more bytes; `last` when there are no more. Each row goes to `rows`.
    fn split(&mut self, bytes: &[u8], last: bool, rows: &mut Rows) -> Result<()>;
}

/// How files of a format are split.
pub(super) trait Split: Debug + Send + Sync {
    fn splitter(&self) -> Box<dyn Splitter>;
}

/// One file of an external table, as a partition.
#[derive(Debug)]
pub(super) struct LinesPart {
    pub file: Found,
    pub split: Arc<dyn Split>,
    /// The columns that are wanted.
    pub schema: SchemaRef,
    pub limit: Option<usize>,
}

impl Part for LinesPart {
    fn open(&self, batch_rows: usize) -> Batches {
        let (file, splitter, schema) = (self.file.clone(), self.split.splitter(), Arc::clone(&self.schema));
        let limit = self.limit.unwrap_or(usize::MAX);
        stream::once(async move {
            let (send, batches) = mpsc::channel(2);
            // Files are read where waiting for the disk holds up nobody.
            tokio::task::spawn_blocking(move || {
                let mut rows = Rows::new(schema, &file.shown, batch_rows, limit, send);
                if let Err(error) = read(&file, splitter, &mut rows) {
                    rows.send(Err(error));
                }
            });
            stream::unfold(batches, |mut batches| async move { Some((batches.recv().await?, batches)) })
        })
        .flatten()
        .boxed()
    }
}

fn read(found: &Found, mut splitter: Box<dyn Splitter>, rows: &mut Rows) -> Result<()> {
    let in_file = |error: std::io::Error| {
        let error = Error::from(error);
        Error::new(error.kind, format!("file \"{}\": {}", found.shown, error.message))
    };
    let mut file = File::open(&found.path).map_err(in_file)?;
    let mut piece = vec![0; PIECE_BYTES];
    while !rows.done {
        let length = file.read(&mut piece).map_err(in_file)?;
        splitter.split(&piece[..length], length == 0, rows)?;
        if length == 0 {
            break;
        }
    }
    rows.flush()
}

/// Gathers rows of texts and sends them on as batches.
pub(super) struct Rows {
    schema: SchemaRef,
    types: Vec<Type>,
    file: String,
    texts: Vec<StringBuilder>,
    lines: Vec<u64>,
    bytes: usize,
    batch_rows: usize,
    /// Rows that are still wanted.
    wanted: usize,
    /// Whether nobody wants more.
    pub done: bool,
    send: mpsc::Sender<Result<RecordBatch>>,
}

impl Rows {
    fn new(
        schema: SchemaRef,
        file: &str,
        batch_rows: usize,
        wanted: usize,
        send: mpsc::Sender<Result<RecordBatch>>,
    ) -> Self {
        Rows {
            types: schema.fields().iter().map(|field| Type::of(field)).collect(),
            texts: schema.fields().iter().map(|_| StringBuilder::new()).collect(),
            schema,
            file: file.to_string(),
            lines: vec![],
            bytes: 0,
            batch_rows: batch_rows.max(1),
            done: wanted == 0,
            wanted,
            send,
        }
    }

    /// Adds a row: the texts of the wanted columns, in their order.
    pub fn push<'a>(&mut self, line: u64, texts: impl Iterator<Item = Option<&'a str>>) -> Result<()> {
        for (column, text) in self.texts.iter_mut().zip(texts) {
            self.bytes += text.map_or(0, str::len);
            column.append_option(text);
        }
        self.lines.push(line);
        self.wanted -= 1;
        if self.wanted == 0 {
            self.flush()?;
            self.done = true;
        } else if self.lines.len() >= self.batch_rows || self.bytes >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// An error at a line of the file.
    pub fn bad(&self, line: u64, kind: Kind, message: impl Into<String>) -> Error {
        Error::new(kind, message).detail(format!("file \"{}\", line {line}", self.file))
    }

    /// An error of the file as a whole.
    pub fn in_file(&self, error: Error) -> Error {
        let place = match &error.detail {
            Some(detail) => format!("file \"{}\", {detail}", self.file),
            None => format!("file \"{}\"", self.file),
        };
        error.detail(place)
    }

    fn flush(&mut self) -> Result<()> {
        if !self.lines.is_empty() {
            let batch = self.batch()?;
            self.send(Ok(batch));
        }
        Ok(())
    }

    fn send(&mut self, batch: Result<RecordBatch>) {
        self.done |= self.send.blocking_send(batch).is_err();
    }

    fn batch(&mut self) -> Result<RecordBatch> {
        let lines = std::mem::take(&mut self.lines);
        self.bytes = 0;
        let mut columns: Vec<ArrayRef> = vec![];
        for (at, texts) in self.texts.iter_mut().enumerate() {
            let texts = texts.finish();
            let field = self.schema.field(at);
            let place = |row: usize| {
                let line = lines.get(row).copied().unwrap_or_default();
                format!("file \"{}\", line {line}, column \"{}\"", self.file, field.name())
            };
            if let Some(row) = (0..texts.len()).find(|row| !field.is_nullable() && texts.is_null(*row)) {
                let message = format!("null value in column \"{}\", which is NOT NULL", field.name());
                return Err(Error::new(Kind::NotNullViolation, message).detail(place(row)));
            }
            columns.push(values(&self.types[at], &texts).map_err(|(row, error)| error.detail(place(row)))?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(lines.len()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}
