//! Staged rows as one file: always the same bytes for the same rows.

use super::options::FileFormat;
use super::text::{Texts, Writer};
use crate::base::value::converted;
use crate::base::{Result, Type};
use crate::connect::spool::batches;
use crate::connect::{Marker, Spool};
use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, IntervalUnit, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde_json::Value;
use std::io::{BufWriter, Write};
use std::sync::Arc;

/// Under this key a Parquet file says which publication it is.
pub(super) const MARKER_KEY: &str = "aqueduct.marker";

/// Writes all rows. Blocks.
pub(super) fn write(format: &FileFormat, spool: &Spool, marker: &Marker, out: impl Write + Send) -> Result<()> {
    match format.name {
        "parquet" => parquet(spool, marker, out),
        "csv" => csv(spool, out),
        _ => json(spool, out),
    }
}

fn parquet(spool: &Spool, marker: &Marker, out: impl Write + Send) -> Result<()> {
    let schema = storable(&spool.schema);
    let marker = serde_json::to_string(marker).map_err(std::io::Error::from)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_key_value_metadata(Some(vec![KeyValue::new(MARKER_KEY.to_string(), marker)]))
        .build();
    let mut writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties))?;
    for batch in batches(spool) {
        let batch = batch?;
        let columns = batch.columns().iter().zip(schema.fields());
        let columns: Vec<ArrayRef> =
            columns.map(|(column, field)| converted(column, field.data_type())).collect::<Result<_>>()?;
        writer.write(&RecordBatch::try_new(Arc::clone(&schema), columns)?)?;
    }
    writer.close()?;
    Ok(())
}

/// The columns as Parquet can hold them: it has no interval, which goes as text and stays one by its metadata.
fn storable(schema: &SchemaRef) -> SchemaRef {
    let text = |ty: &DataType| match ty {
        DataType::Interval(IntervalUnit::MonthDayNano) => Some(DataType::Utf8),
        DataType::List(item) if matches!(item.data_type(), DataType::Interval(IntervalUnit::MonthDayNano)) => {
            Some(DataType::new_list(DataType::Utf8, true))
        }
        _ => None,
    };
    let fields = schema.fields().iter().map(|field| match text(field.data_type()) {
        None => Arc::clone(field),
        Some(ty) => {
            let metadata = [(crate::base::types::METADATA_KEY.to_string(), Type::of(field).to_string())];
            Arc::new(Field::new(field.name(), ty, field.is_nullable()).with_metadata(metadata.into()))
        }
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Calls `row` for each row with the writers of its columns.
fn each_row(spool: &Spool, mut row: impl FnMut(&[(Type, Writer<'_>)], usize) -> Result<()>) -> Result<()> {
    for batch in batches(spool) {
        let batch = batch?;
        let columns = batch.columns().iter().zip(spool.schema.fields());
        let texts: Vec<_> = columns.map(|(column, field)| Texts::new(field, column)).collect::<Result<_>>()?;
        let writers: Vec<_> =
            texts.iter().map(|texts| Ok((texts.ty.clone(), texts.writer()?))).collect::<Result<_>>()?;
        for at in 0..batch.num_rows() {
            row(&writers, at)?;
        }
    }
    Ok(())
}

/// Text that is written to a file at a time.
const BUFFER_BYTES: usize = 64 << 10;

fn csv(spool: &Spool, out: impl Write) -> Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, out);
    let mut line = String::new();
    for (at, field) in spool.schema.fields().iter().enumerate() {
        csv_field(&mut line, at, Some(field.name()));
    }
    line.push('\n');
    out.write_all(line.as_bytes())?;
    line.clear();
    let mut text = String::new();
    each_row(spool, |columns, row| {
        for (at, (_, column)) in columns.iter().enumerate() {
            text.clear();
            let value = column(row, &mut text)?.then_some(text.as_str());
            csv_field(&mut line, at, value);
        }
        line.push('\n');
        out.write_all(line.as_bytes())?;
        line.clear();
        Ok(())
    })?;
    out.flush()?;
    Ok(())
}

/// NULL is nothing, and no text is two quotes.
fn csv_field(line: &mut String, at: usize, value: Option<&str>) {
    if at > 0 {
        line.push(',');
    }
    let Some(value) = value else { return };
    if !value.is_empty() && value != "\\." && !value.contains([',', '"', '\n', '\r']) {
        line.push_str(value);
        return;
    }
    line.push('"');
    line.push_str(&value.replace('"', "\"\""));
    line.push('"');
}

fn json(spool: &Spool, out: impl Write) -> Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, out);
    let keys: Vec<_> =
        spool.schema.fields().iter().map(|field| Value::String(field.name().clone()).to_string()).collect();
    let mut line = String::new();
    let mut text = String::new();
    each_row(spool, |columns, row| {
        line.push('{');
        for (at, ((ty, column), key)) in columns.iter().zip(&keys).enumerate() {
            if at > 0 {
                line.push(',');
            }
            text.clear();
            let value = column(row, &mut text)?.then_some(text.as_str());
            line.push_str(key);
            line.push(':');
            json_value(&mut line, ty, value);
        }
        line.push_str("}\n");
        out.write_all(line.as_bytes())?;
        line.clear();
        Ok(())
    })?;
    out.flush()?;
    Ok(())
}

/// Numbers and booleans as such, JSON as itself on one line, arrays as their text, the rest as strings.
fn json_value(line: &mut String, ty: &Type, value: Option<&str>) {
    let Some(value) = value else { return line.push_str("null") };
    let number = || !value.starts_with('+') && value.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    match ty {
        Type::Bool => line.push_str(value),
        Type::Int2 | Type::Int4 | Type::Int8 | Type::Oid | Type::Numeric(_) => line.push_str(value),
        // NaN and infinity are no numbers in JSON.
        Type::Float4 | Type::Float8 if number() && !value.contains("inf") => line.push_str(value),
        Type::Json | Type::Jsonb => match serde_json::from_str::<Value>(value) {
            Ok(json) => line.push_str(&json.to_string()),
            Err(_) => line.push_str(&Value::from(value).to_string()),
        },
        _ => line.push_str(&Value::from(value).to_string()),
    }
}
