//! Arrow into binary COPY, row by row.

use super::decode::numeric;
use super::decode::{EPOCH_DAYS, EPOCH_MICROS, SIGNATURE};
use crate::base::value::converted;
use crate::base::{Error, Kind, Result, Type};
use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    IntervalMonthDayNanoType, SchemaRef, Time64MicrosecondType, TimestampMicrosecondType, UInt32Type,
};

/// Writes rows of one schema.
pub(super) struct Encoder {
    columns: Vec<Type>,
}

impl Encoder {
    pub fn new(schema: &SchemaRef) -> Result<Self> {
        Ok(Encoder { columns: schema.fields().iter().map(|field| staged(field)).collect::<Result<_>>()? })
    }

    pub fn header(&self, out: &mut BytesMut) {
        out.put_slice(SIGNATURE);
        out.put_bytes(0, 8);
    }

    pub fn trailer(&self, out: &mut BytesMut) {
        out.put_i16(-1);
    }

    pub fn batch(&self, batch: &RecordBatch, out: &mut BytesMut) -> Result<()> {
        let arrays: Vec<_> = batch
            .columns()
            .iter()
            .zip(&self.columns)
            .map(|(array, ty)| converted(array, &ty.arrow()))
            .collect::<Result<_>>()?;
        let puts: Vec<_> = arrays.iter().zip(&self.columns).map(|(array, ty)| put(ty, array)).collect::<Result<_>>()?;
        for row in 0..batch.num_rows() {
            out.put_i16(puts.len() as i16);
            for (put, field) in puts.iter().zip(batch.schema_ref().fields()) {
                put(row, out).map_err(|error| {
                    let message = format!("column \"{}\": {}", field.name(), error.message);
                    Error { message, ..error }
                })?;
            }
        }
        Ok(())
    }
}

/// The type in which a column of ours travels. Text travels as text whatever it means; the server casts it.
pub(super) fn staged(field: &Field) -> Result<Type> {
    let unsupported = |what: &str| {
        Err(Error::unsupported(format!("column \"{}\" is {what}, which PostgreSQL cannot be given", field.name())))
    };
    Ok(match Type::of(field) {
        Type::Record => return unsupported("a record"),
        Type::Array(_) | Type::Int2Vector | Type::OidVector => match field.data_type() {
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::ListView(item)
            | DataType::LargeListView(item)
            | DataType::FixedSizeList(item, _) => match staged(item)? {
                Type::Array(_) => return unsupported("an array of arrays"),
                element => Type::Array(Box::new(element)),
            },
            other => return unsupported(&other.to_string()),
        },
        Type::Numeric(Some((precision, scale))) if precision > 38 => Type::Numeric(Some((38, scale))),
        Type::Varchar(_)
        | Type::Char(_)
        | Type::Uuid
        | Type::Json
        | Type::Jsonb
        | Type::Name
        | Type::InternalChar
        | Type::Regclass
        | Type::Regtype
        | Type::Regproc
        | Type::Textual(_) => Type::Text,
        other => other,
    })
}

/// Writes one value with its length.
type Put<'a> = Box<dyn Fn(usize, &mut BytesMut) -> Result<()> + 'a>;

fn put<'a>(ty: &Type, array: &'a ArrayRef) -> Result<Put<'a>> {
    let value = value(ty, array)?;
    if array.null_count() == 0 {
        return Ok(value);
    }
    Ok(Box::new(move |row, out| {
        if array.is_null(row) {
            out.put_i32(-1);
            return Ok(());
        }
        value(row, out)
    }))
}

/// A column whose values all have the same length.
macro_rules! fixed {
    ($array:expr, $arrow:ty, $length:literal, $put:ident) => {{
        let values = $array.as_primitive::<$arrow>();
        Box::new(move |row, out| {
            out.put_i32($length);
            out.$put(values.value(row));
            Ok(())
        })
    }};
}

fn value<'a>(ty: &Type, array: &'a ArrayRef) -> Result<Put<'a>> {
    Ok(match ty {
        Type::Bool => {
            let values = array.as_boolean();
            Box::new(move |row, out| {
                out.put_i32(1);
                out.put_u8(values.value(row).into());
                Ok(())
            })
        }
        Type::Int2 => fixed!(array, Int16Type, 2, put_i16),
        Type::Int4 => fixed!(array, Int32Type, 4, put_i32),
        Type::Int8 => fixed!(array, Int64Type, 8, put_i64),
        Type::Float4 => fixed!(array, Float32Type, 4, put_f32),
        Type::Float8 => fixed!(array, Float64Type, 8, put_f64),
        Type::Oid => fixed!(array, UInt32Type, 4, put_u32),
        Type::Time => fixed!(array, Time64MicrosecondType, 8, put_i64),
        Type::Numeric(digits) => {
            let (_, scale) = digits.unwrap_or(crate::base::types::NUMERIC_DEFAULT);
            let values = array.as_primitive::<Decimal128Type>();
            Box::new(move |row, out| {
                numeric::encode(values.value(row), scale, out);
                Ok(())
            })
        }
        Type::Text => {
            let values = array.as_string::<i32>();
            Box::new(move |row, out| bytes(values.value(row).as_bytes(), out))
        }
        Type::Bytea => {
            let values = array.as_binary::<i32>();
            Box::new(move |row, out| bytes(values.value(row), out))
        }
        Type::Date => {
            let values = array.as_primitive::<Date32Type>();
            Box::new(move |row, out| {
                out.put_i32(4);
                out.put_i32(values.value(row).checked_sub(EPOCH_DAYS).ok_or_else(no_such_day)?);
                Ok(())
            })
        }
        Type::Timestamp | Type::Timestamptz => {
            let values = array.as_primitive::<TimestampMicrosecondType>();
            Box::new(move |row, out| {
                out.put_i32(8);
                out.put_i64(values.value(row).checked_sub(EPOCH_MICROS).ok_or_else(no_such_day)?);
                Ok(())
            })
        }
        Type::Interval => {
            let values = array.as_primitive::<IntervalMonthDayNanoType>();
            Box::new(move |row, out| {
                let interval = values.value(row);
                out.put_i32(16);
                out.put_i64(interval.nanoseconds / 1_000);
                out.put_i32(interval.days);
                out.put_i32(interval.months);
                Ok(())
            })
        }
        Type::Array(element) => list(element, array)?,
        other => return Err(Error::internal(format!("a column of type {other} must travel as text"))),
    })
}

fn bytes(value: &[u8], out: &mut BytesMut) -> Result<()> {
    let length = i32::try_from(value.len())
        .map_err(|_| Error::new(Kind::TooLarge, "a value is longer than the server accepts"))?;
    out.put_i32(length);
    out.put_slice(value);
    Ok(())
}

fn list<'a>(element: &Type, array: &'a ArrayRef) -> Result<Put<'a>> {
    let lists = array.as_list::<i32>();
    let elements = put(element, lists.values())?;
    let oid = element.oid();
    Ok(Box::new(move |row, out| {
        let range = lists.value_offsets()[row] as usize..lists.value_offsets()[row + 1] as usize;
        let start = out.len();
        out.put_i32(0);
        out.put_i32(i32::from(!range.is_empty()));
        out.put_i32(1); // there may be NULLs
        out.put_u32(oid);
        if !range.is_empty() {
            out.put_i32(range.len() as i32);
            out.put_i32(1); // subscripts start here
        }
        range.into_iter().try_for_each(|at| elements(at, out))?;
        let length = i32::try_from(out.len() - start - 4)
            .map_err(|_| Error::new(Kind::TooLarge, "an array is longer than the server accepts"))?;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }))
}

fn no_such_day() -> Error {
    Error::new(Kind::DatetimeOverflow, "a date or time is outside the server's calendar")
}

#[cfg(test)]
mod tests {
    use super::super::decode::Decoder;
    use super::*;
    use datafusion::arrow::array::{
        BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int16Array, IntervalMonthDayNanoArray,
        ListArray, StringArray, TimestampMicrosecondArray, UInt32Array,
    };
    use datafusion::arrow::datatypes::{IntervalMonthDayNano, Schema};
    use std::sync::Arc;

    fn columns() -> Vec<(Type, ArrayRef)> {
        let lists = vec![Some(vec![Some(1), None]), Some(vec![]), None];
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(lists);
        vec![
            (Type::Bool, Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
            (Type::Int2, Arc::new(Int16Array::from(vec![Some(-1), None, Some(i16::MAX)]))),
            (Type::Float8, Arc::new(Float64Array::from(vec![Some(-0.0), None, Some(f64::INFINITY)]))),
            (
                Type::Numeric(Some((12, 3))),
                Arc::new(
                    Decimal128Array::from(vec![Some(-1), None, Some(10i128.pow(12) - 1)])
                        .with_precision_and_scale(12, 3)
                        .unwrap(),
                ),
            ),
            (Type::Text, Arc::new(StringArray::from(vec![Some("ü"), None, Some("")]))),
            (Type::Bytea, Arc::new(BinaryArray::from(vec![Some(b"\0\xff".as_slice()), None, Some(b"")]))),
            (Type::Date, Arc::new(Date32Array::from(vec![Some(0), None, Some(-1)]))),
            (
                Type::Timestamptz,
                Arc::new(TimestampMicrosecondArray::from(vec![Some(1), None, Some(-1)]).with_timezone("UTC")),
            ),
            (
                Type::Interval,
                Arc::new(IntervalMonthDayNanoArray::from(vec![
                    Some(IntervalMonthDayNano::new(1, -2, 3_000)),
                    None,
                    Some(IntervalMonthDayNano::new(0, 0, 0)),
                ])),
            ),
            (Type::Oid, Arc::new(UInt32Array::from(vec![Some(u32::MAX), None, Some(0)]))),
            (Type::Array(Box::new(Type::Int4)), Arc::new(lists)),
        ]
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let columns = columns();
        let fields: Vec<_> = columns.iter().map(|(ty, _)| ty.field("c", true)).collect();
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let arrays =
            columns.iter().zip(schema.fields()).map(|((_, array), field)| converted(array, field.data_type()).unwrap());
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays.collect()).unwrap();
        let encoder = Encoder::new(&schema).unwrap();
        let mut out = BytesMut::new();
        encoder.header(&mut out);
        encoder.batch(&batch, &mut out).unwrap();
        encoder.trailer(&mut out);
        let mut decoder = Decoder::new(schema, 100).unwrap();
        decoder.feed(out.freeze()).unwrap();
        assert!(decoder.ended());
        assert_eq!(decoder.rest().unwrap().unwrap(), batch);
    }

    #[test]
    fn what_the_server_cannot_hold_is_refused_by_name() {
        let pair = DataType::Struct(vec![Field::new("a", DataType::Int32, true)].into());
        let nested = DataType::new_list(DataType::new_list(DataType::Int32, true), true);
        for (ty, expect) in [
            (pair, "column \"x\" is a record, which PostgreSQL cannot be given"),
            (nested, "column \"x\" is an array of arrays, which PostgreSQL cannot be given"),
        ] {
            assert_eq!(staged(&Field::new("x", ty, true)).unwrap_err().message, expect);
        }
    }
}
