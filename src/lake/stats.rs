//! Column statistics between Parquet, DuckLake's text forms and DataFusion's optimiser.

use crate::base::types::NUMERIC_DEFAULT;
use crate::base::{Error, Result, Type};
use crate::catalog::{ColumnStats, DataFile, Table, stats};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float32Type, Float64Type, Schema, SchemaRef, TimeUnit};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::file::metadata::ParquetMetaData;
use std::sync::Arc;

/// Text of more bytes than this is cut in statistics: the least value still bounds, the greatest is unknown.
pub(super) const TEXT_BYTES_MAX: usize = 128;

/// What a file's own footer says of its columns, plus what it cannot say.
///
/// `column_id` is the column's position.
pub(super) fn of_file(schema: &SchemaRef, metadata: &ParquetMetaData, nan: &[bool]) -> Result<Vec<ColumnStats>> {
    let mut all = vec![];
    for (at, field) in schema.fields().iter().enumerate() {
        let ty = Type::of(field);
        if matches!(ty, Type::Array(_)) || is_spelled(field) {
            continue;
        }
        let descriptor = metadata.file_metadata().schema_descr();
        let converter = StatisticsConverter::try_new(field.name(), schema, descriptor)?;
        let groups = || metadata.row_groups().iter();
        let nulls = compute::sum(&converter.row_group_null_counts(groups())?).unwrap_or_default() as i64;
        let rows = metadata.file_metadata().num_rows();
        let min = bound(&ty, &converter.row_group_mins(groups())?, std::cmp::Ordering::Less);
        let max = bound(&ty, &converter.row_group_maxes(groups())?, std::cmp::Ordering::Greater);
        let bytes = converter
            .parquet_column_index()
            .map_or(0, |column| groups().map(|group| group.column(column).compressed_size()).sum());
        let float = matches!(ty, Type::Float4 | Type::Float8);
        all.push(ColumnStats {
            column_id: at as i64,
            bytes,
            values: rows - nulls,
            nulls,
            min,
            max: max.filter(|max| max.len() < TEXT_BYTES_MAX),
            contains_nan: float.then(|| nan.get(at).copied().unwrap_or(true)),
        });
    }
    Ok(all)
}

/// The extreme of the row groups' extremes; `None` when a group with values does not know.
pub(super) fn bound(ty: &Type, groups: &ArrayRef, wanted: std::cmp::Ordering) -> Option<String> {
    let mut found: Option<String> = None;
    for at in 0..groups.len() {
        let next = text(ty, groups, at)?;
        found = match found {
            Some(found) if stats::compare(ty, &next, &found)? != wanted => Some(found),
            _ => Some(next),
        };
    }
    found
}

/// A value as DuckLake writes it; `None` for NULL, NaN and what has no such form.
fn text(ty: &Type, values: &ArrayRef, at: usize) -> Option<String> {
    if values.is_null(at) {
        return None;
    }
    match ty {
        Type::Bool => Some(if values.as_boolean().value(at) { "1" } else { "0" }.to_string()),
        Type::Float4 => {
            let value = values.as_primitive::<Float32Type>().value(at);
            (!value.is_nan()).then(|| value.to_string())
        }
        Type::Float8 => {
            let value = values.as_primitive::<Float64Type>().value(at);
            (!value.is_nan()).then(|| value.to_string())
        }
        Type::Bytea => Some(values.as_binary::<i32>().value(at).iter().map(|byte| format!("{byte:02X}")).collect()),
        Type::Date | Type::Timestamp | Type::Timestamptz => {
            let text = formatted(values, at)?;
            let plain = text.as_bytes().first()?.is_ascii_digit() && text.as_bytes().get(4) == Some(&b'-');
            plain.then_some(text)
        }
        Type::Array(_) | Type::Interval | Type::Record => None,
        _ => formatted(values, at),
    }
}

fn formatted(values: &ArrayRef, at: usize) -> Option<String> {
    let options = FormatOptions::default()
        .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
        .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f+00"))
        .with_time_format(Some("%H:%M:%S%.f"));
    let formatter = ArrayFormatter::try_new(values, &options).ok()?;
    formatter.value(at).try_to_string().ok()
}

/// Which columns have a NaN in this batch.
pub(super) fn nan(batch: &RecordBatch, found: &mut [bool]) {
    for (column, found) in batch.columns().iter().zip(found) {
        *found = *found
            || match column.data_type() {
                DataType::Float32 => column.as_primitive::<Float32Type>().iter().flatten().any(f32::is_nan),
                DataType::Float64 => column.as_primitive::<Float64Type>().iter().flatten().any(f64::is_nan),
                _ => false,
            };
    }
}

/// A value as DuckLake keeps it for rows that are older than its column; `None` when it has no such form.
pub fn initial(ty: &Type, value: &ScalarValue) -> Result<Option<String>> {
    Ok(text(ty, &value.to_array()?, 0))
}

/// Reads a value that [`text`] or DuckDB wrote, as a value of the type's Arrow form.
pub(super) fn scalar(ty: &Type, text: &str) -> Option<ScalarValue> {
    Some(match ty {
        Type::Bool => ScalarValue::Boolean(Some(matches!(text, "1" | "true"))),
        Type::Bytea => ScalarValue::Binary(Some(hex(text)?)),
        Type::Numeric(digits) => {
            let (precision, scale) = digits.unwrap_or(NUMERIC_DEFAULT);
            ScalarValue::Decimal128(Some(stats::unscaled(text, scale)?), precision, scale)
        }
        Type::Int2 => ScalarValue::Int16(Some(text.parse().ok()?)),
        Type::Int4 => ScalarValue::Int32(Some(text.parse().ok()?)),
        Type::Int8 => ScalarValue::Int64(Some(text.parse().ok()?)),
        Type::Float4 => ScalarValue::Float32(Some(text.parse().ok()?)),
        Type::Float8 => ScalarValue::Float64(Some(text.parse().ok()?)),
        Type::Timestamptz => {
            let naive = text.split_once('+').map_or(text, |(naive, _)| naive);
            let naive = ScalarValue::try_from_string(naive.into(), &DataType::Timestamp(TimeUnit::Microsecond, None));
            let ScalarValue::TimestampMicrosecond(at, None) = naive.ok()? else { return None };
            ScalarValue::TimestampMicrosecond(at, Some("UTC".into()))
        }
        Type::Array(_) | Type::Interval | Type::Record => return None,
        ty => match ty.arrow() {
            DataType::Utf8 => ScalarValue::Utf8(Some(text.to_string())),
            arrow => ScalarValue::try_from_string(text.to_string(), &arrow).ok()?,
        },
    })
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || text.len() % 2 == 1 {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// What the optimiser may know of a file.
pub(super) struct Known {
    /// True of all rows in the file, deleted or not: for leaving files out.
    pub bounds: Statistics,
    /// True of the rows that a reader sees: for planning and for answering from statistics.
    pub visible: Statistics,
}

/// Statistics of a file in the order of the table's columns.
pub(super) fn known(table: &Table, file: &DataFile) -> Known {
    let columns: Vec<_> = table
        .columns
        .iter()
        .map(|column| {
            let stats = file.stats.iter().find(|stats| stats.column_id == column.id);
            stats.map_or_else(ColumnStatistics::new_unknown, |stats| column_statistics(&column.ty, stats))
        })
        .collect();
    let bounds = Statistics {
        num_rows: Precision::Exact(file.rows as usize),
        total_byte_size: Precision::Inexact(file.bytes as usize),
        column_statistics: columns,
    };
    let visible = match &file.deletes {
        None => Statistics {
            column_statistics: table.columns.iter().zip(&bounds.column_statistics).map(answering).collect(),
            ..bounds.clone()
        },
        Some(deletes) => {
            let rows = (file.rows - deletes.rows) as usize;
            Statistics { num_rows: Precision::Exact(rows), ..bounds.clone().to_inexact() }
        }
    };
    Known { bounds, visible }
}

fn column_statistics(ty: &Type, stats: &ColumnStats) -> ColumnStatistics {
    let value = |text: &Option<String>| {
        let value = text.as_deref().and_then(|text| scalar(ty, text));
        value.map_or(Precision::Absent, Precision::Exact)
    };
    // NaN is greater than any number, and no bound says so.
    let nan = matches!(ty, Type::Float4 | Type::Float8) && stats.contains_nan != Some(false);
    ColumnStatistics {
        null_count: Precision::Exact(stats.nulls as usize),
        min_value: value(&stats.min),
        max_value: if nan { Precision::Absent } else { value(&stats.max) },
        ..ColumnStatistics::new_unknown()
    }
}

/// The statistics from which `min()` and `max()` may be answered: cut text bounds, but is no value.
fn answering((column, stats): (&crate::catalog::Column, &ColumnStatistics)) -> ColumnStatistics {
    let cut = |value: &Precision<ScalarValue>| match value {
        Precision::Exact(ScalarValue::Utf8(Some(text))) => text.len() >= TEXT_BYTES_MAX,
        Precision::Exact(ScalarValue::Binary(Some(bytes))) => bytes.len() >= TEXT_BYTES_MAX,
        _ => false,
    };
    let mut stats = stats.clone();
    // Zero's sign is lost in Parquet's statistics, so floats only bound.
    let float = matches!(column.ty, Type::Float4 | Type::Float8);
    for value in [&mut stats.min_value, &mut stats.max_value] {
        if float || cut(value) {
            *value = std::mem::take(value).to_inexact();
        }
    }
    stats
}

/// Marks a column that is a text in files, as Parquet has no form for it.
const SPELLED_KEY: &str = "aqueduct.spelled";

/// The fields as they are in files: an interval of months, days and microseconds is spelled out.
pub(super) fn in_files(schema: &SchemaRef) -> SchemaRef {
    let spelled = |field: &FieldRef| match field.data_type() {
        DataType::Interval(_) => {
            let mut metadata = field.metadata().clone();
            metadata.insert(SPELLED_KEY.to_string(), "true".to_string());
            let field = field.as_ref().clone().with_data_type(DataType::Utf8);
            Arc::new(field.with_metadata(metadata))
        }
        _ => field.clone(),
    };
    let fields: Vec<FieldRef> = schema.fields().iter().map(spelled).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

fn is_spelled(field: &Field) -> bool {
    field.metadata().contains_key(SPELLED_KEY)
}

/// Refuses a type that Parquet files cannot hold.
pub fn storable(name: &str, ty: &Type) -> Result<()> {
    match ty {
        Type::Record | Type::Int2Vector | Type::OidVector => Err(unstorable(name, ty)),
        Type::Array(element) if **element == Type::Interval => Err(unstorable(name, ty)),
        Type::Array(element) => storable(name, element),
        Type::Numeric(Some((precision, scale)))
            if *precision == 0 || *precision > 38 || *scale < 0 || *scale > *precision as i8 =>
        {
            Err(unstorable(name, ty).hint("a managed table holds up to 38 digits".to_string()))
        }
        _ => Ok(()),
    }
}

fn unstorable(name: &str, ty: &Type) -> Error {
    Error::unsupported(format!("column \"{name}\" cannot have type {ty} in a managed table"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_reads_back_from_its_text() {
        for (ty, written) in [
            (Type::Bool, "1"),
            (Type::Int8, "-9223372036854775808"),
            (Type::Float8, "-1.5"),
            (Type::Float8, "inf"),
            (Type::Numeric(Some((10, 2))), "-0.05"),
            (Type::Numeric(None), "12345678901234567890.0123456789"),
            (Type::Text, "it's ü"),
            (Type::Bytea, "AA0062"),
            (Type::Date, "2020-02-29"),
            (Type::Time, "12:34:56.500"),
            (Type::Timestamp, "2020-01-01 01:02:03"),
            (Type::Timestamptz, "2019-12-31 23:00:00.123+00"),
        ] {
            let value = scalar(&ty, written).unwrap_or_else(|| panic!("{ty} {written}"));
            assert_eq!(value.data_type(), ty.arrow());
            assert_eq!(text(&ty, &value.to_array().unwrap(), 0).as_deref(), Some(written), "{ty}");
        }
        assert_eq!(text(&Type::Float8, &ScalarValue::from(f64::NAN).to_array().unwrap(), 0), None);
    }
}
