//! Files that `COPY` reads and writes.

use super::Reading;
use super::binary;
use super::load::Load;
use super::options::{Format, Options};
use super::unload::Lines;
use crate::base::value::Style;
use crate::base::{Error, Kind, Result, Type};
use crate::query::{Cast, Rows};
use crate::statement::assignment::Assignment;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Bytes of a file that are read at a time.
const PIECE_BYTES: usize = 1 << 20;

/// A batch of the table, or that there are no more.
pub type Come = Result<Option<RecordBatch>>;

/// Reads a file into batches of the table, on a thread of its own, until the receiver is dropped.
pub fn batches(path: PathBuf, load: Arc<Load>, options: Options) -> mpsc::Receiver<Come> {
    let (sender, batches) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        let send = |batch| sender.blocking_send(batch).is_ok();
        let read = match options.format {
            Format::Parquet => parquet(&path, &load, &send),
            Format::Text | Format::Csv | Format::Binary => rows(&path, load, options, &send),
        };
        send(read.map(|()| None));
    });
    batches
}

/// The batches that were read, or the error.
pub fn each(read: Result<Vec<RecordBatch>>) -> Vec<Come> {
    match read {
        Ok(batches) => batches.into_iter().map(|batch| Ok(Some(batch))).collect(),
        Err(error) => vec![Err(error)],
    }
}

type Send<'a> = &'a dyn Fn(Come) -> bool;

fn rows(path: &Path, load: Arc<Load>, options: Options, send: Send) -> Result<()> {
    let mut file = open(path, &load)?;
    let mut reader = Reading::new(load, options);
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = file.read(&mut piece)?;
        for batch in reader.read(&piece[..read], read == 0)? {
            if !send(Ok(Some(batch))) {
                return Ok(());
            }
        }
        if read == 0 {
            return Ok(());
        }
    }
}

fn open(path: &Path, load: &Load) -> Result<File> {
    let file = File::open(path).and_then(|file| file.metadata().map(|metadata| (file, metadata)));
    match file {
        Ok((_, metadata)) if metadata.is_dir() => {
            Err(Error::new(Kind::WrongObjectType, format!("{} is a folder", load.source)))
        }
        Ok((file, _)) => Ok(file),
        Err(error) => {
            let error = Error::from(error);
            Err(Error { message: format!("could not open {}: {}", load.source, error.message), ..error })
        }
    }
}

/// Columns go by name; the file must have those that are loaded and no others.
fn parquet(path: &Path, load: &Load, send: Send) -> Result<()> {
    let in_source = |error: Error| match error.kind {
        Kind::BadCopyFileFormat => Error { detail: Some(load.source.clone()), ..error },
        _ => error,
    };
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(open(path, load)?).map_err(|error| in_source(error.into()))?;
    let schema = builder.schema().clone();
    let mut positions = vec![];
    for column in &load.given {
        let position = schema.index_of(&column.name).map_err(|_| {
            Error::new(Kind::UndefinedColumn, format!("{} has no column \"{}\"", load.source, column.name))
        })?;
        positions.push(position);
    }
    if let Some(field) =
        schema.fields().iter().find(|field| !load.given.iter().any(|column| column.name == *field.name()))
    {
        let message = format!("{} has column \"{}\", which is not loaded", load.source, field.name());
        return Err(Error::new(Kind::BadCopyFileFormat, message).hint(
            "name the file's columns behind the table's name, or CREATE EXTERNAL TABLE and INSERT … SELECT".to_string(),
        ));
    }
    let given: SchemaRef = Arc::new(schema.project(&positions)?);
    // Parquet has these as text, so text is what they are read from.
    let checked = load.given.iter().zip(given.fields()).filter(|(column, field)| {
        !(matches!(column.ty, Type::Uuid | Type::Json | Type::Jsonb) && Type::of(field) == Type::Text)
    });
    let (columns, fields): (Vec<_>, Vec<_>) = checked.map(|(column, field)| (column.clone(), field.clone())).unzip();
    Assignment::new(&load.table, &columns, &Arc::new(Schema::new(fields)), &load.zone)?;
    let mut rows = 0;
    for batch in builder.build()? {
        let batch = batch.map_err(|error| in_source(error.into()))?.project(&positions)?;
        if !send(load.rows(batch.columns(), rows).map(Some)) {
            return Ok(());
        }
        rows += batch.num_rows() as u64;
    }
    Ok(())
}

/// Writes rows to a file, which appears whole or not at all.
pub async fn write(path: PathBuf, mut rows: Rows, options: Options, zone: &str) -> Result<u64> {
    let (batches, mut received) = mpsc::channel::<RecordBatch>(2);
    let (schema, zone) = (rows.schema.clone(), zone.to_string());
    let writing = tokio::task::spawn_blocking(move || -> Result<Unnamed> {
        let mut file = Unnamed::new(path)?;
        let mut output = Output::new(&mut file.file, &schema, options, &zone)?;
        while let Some(batch) = received.blocking_recv() {
            output.write(&batch)?;
        }
        output.finish()?;
        Ok(file)
    });
    let (mut count, mut failed) = (0, None);
    while let Some(batch) = rows.next().await {
        match batch {
            Ok(batch) => {
                count += batch.num_rows() as u64;
                if batches.send(batch).await.is_err() {
                    break;
                }
            }
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    drop(batches);
    let file = writing.await.map_err(|error| Error::internal(format!("writing must not panic: {error}")))??;
    match failed {
        Some(error) => Err(error),
        None => super::blocking(move || file.name()).await.map(|()| count),
    }
}

enum Output<'a> {
    Lines(&'a mut File, Lines),
    Binary(&'a mut File),
    Parquet(Box<ArrowWriter<&'a mut File>>, SchemaRef, Vec<Option<Cast>>),
}

impl<'a> Output<'a> {
    fn new(file: &'a mut File, schema: &SchemaRef, options: Options, zone: &str) -> Result<Output<'a>> {
        if options.format == Format::Binary {
            file.write_all(binary::HEADER)?;
            return Ok(Output::Binary(file));
        }
        if options.format != Format::Parquet {
            let lines = Lines::new(options, zone);
            if let Some(header) = lines.header(schema) {
                file.write_all(&header)?;
            }
            return Ok(Output::Lines(file, lines));
        }
        // What Parquet cannot hold goes as text.
        let held = |field: &Field| crate::lake::storable(field.name(), &Type::of(field)).is_ok();
        let casts = schema.fields().iter().map(|field| (!held(field)).then(|| Cast::new(Type::Text, zone)));
        let casts: Vec<_> = casts.collect();
        let fields = schema.fields().iter().zip(&casts).map(|(field, cast)| {
            let data_type = if cast.is_some() { Type::Text.arrow() } else { field.data_type().clone() };
            Field::new(field.name(), data_type, true)
        });
        let schema: SchemaRef = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let mut names = std::collections::BTreeSet::new();
        if let Some(twice) = schema.fields().iter().find(|field| !names.insert(field.name())) {
            let message = format!("column \"{}\" specified more than once", twice.name());
            return Err(Error::new(Kind::DuplicateColumn, message));
        }
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties))?;
        Ok(Output::Parquet(Box::new(writer), schema, casts))
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match self {
            Output::Lines(file, lines) => Ok(file.write_all(&lines.lines(batch)?.0)?),
            Output::Binary(file) => Ok(file.write_all(&binary::rows(&[], batch, &Style::default())?.0)?),
            Output::Parquet(writer, schema, casts) => {
                let columns = batch.columns().iter().zip(casts).map(|(column, cast)| match cast {
                    Some(cast) => cast.array(column),
                    None => Ok(column.clone()),
                });
                let batch = RecordBatch::try_new(schema.clone(), columns.collect::<Result<_>>()?)?;
                Ok(writer.write(&batch)?)
            }
        }
    }

    fn finish(self) -> Result<()> {
        match self {
            Output::Lines(..) => Ok(()),
            Output::Binary(file) => Ok(file.write_all(binary::TRAILER)?),
            Output::Parquet(writer, ..) => writer.close().map(|_| ()).map_err(Error::from),
        }
    }
}

/// A file that gets its name when it is complete; before that, nothing is left of it.
struct Unnamed {
    file: File,
    path: PathBuf,
    unnamed: PathBuf,
    named: bool,
}

impl Unnamed {
    fn new(path: PathBuf) -> Result<Unnamed> {
        let unnamed = path.with_file_name(format!(".{}.part", uuid::Uuid::new_v4()));
        if path.is_dir() {
            return Err(Error::new(Kind::WrongObjectType, format!("\"{}\" is a folder", path.display())));
        }
        Ok(Unnamed { file: File::create_new(&unnamed)?, path, unnamed, named: false })
    }

    /// Returns once the file and its name are on the disk.
    fn name(mut self) -> Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.unnamed, &self.path)?;
        self.named = true;
        match self.path.parent() {
            Some(folder) => Ok(File::open(folder)?.sync_all()?),
            None => Ok(()),
        }
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        if !self.named {
            let _ = std::fs::remove_file(&self.unnamed);
        }
    }
}
