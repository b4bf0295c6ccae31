//! `AT TIME ZONE`: the wall clock of an instant in a zone, and the instant of a wall clock.

use super::cast::{in_zone, local, plain};
use crate::base::value::{Zone, read_interval};
use crate::base::{Error, Kind, Type};
use chrono_tz::Tz;
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::concat;
use datafusion::arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![ScalarUDF::from(Timezone { signature: Signature::user_defined(Volatility::Immutable) })]
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Timezone {
    signature: Signature,
}

impl ScalarUDFImpl for Timezone {
    fn name(&self) -> &str {
        "timezone"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [_, DataType::Timestamp(_, None)] => Ok(vec![DataType::Utf8, Type::Timestamp.arrow()]),
            [_, DataType::Timestamp(_, Some(_)) | DataType::Date32 | DataType::Utf8 | DataType::Null] => {
                Ok(vec![DataType::Utf8, Type::Timestamptz.arrow()])
            }
            // Planned as a call of another function where the types are known.
            [_, time @ DataType::Time64(_)] => Ok(vec![DataType::Utf8, time.clone()]),
            _ => plan_err!("timezone takes a zone and a timestamp"),
        }
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        Ok(match args.get(1) {
            Some(DataType::Timestamp(_, None)) => Type::Timestamptz.arrow(),
            _ => Type::Timestamp.arrow(),
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [zones, times] = args.args.as_slice() else {
            return plan_err!("timezone takes a zone and a timestamp");
        };
        let times = times.to_array(args.number_rows)?;
        let moved = match zones {
            ColumnarValue::Scalar(ScalarValue::Utf8(None)) => {
                plain(&times.slice(0, 0), &self.return_type(&[DataType::Utf8, times.data_type().clone()])?)
                    .map(|empty| datafusion::arrow::array::new_null_array(empty.data_type(), times.len()))?
            }
            ColumnarValue::Scalar(zone) => moved(&times, zone.try_as_str().flatten().unwrap_or_default())?,
            ColumnarValue::Array(zones) => by_row(zones, &times)?,
        };
        Ok(ColumnarValue::Array(moved))
    }
}

fn by_row(zones: &ArrayRef, times: &ArrayRef) -> Result<ArrayRef> {
    let zones = zones.as_string::<i32>();
    let rows = (0..times.len()).map(|row| {
        let time = times.slice(row, 1);
        match zones.is_valid(row) {
            true => moved(&time, zones.value(row)),
            false => Ok(datafusion::arrow::array::new_null_array(moved(&time, "UTC")?.data_type(), 1)),
        }
    });
    let rows = rows.collect::<Result<Vec<_>>>()?;
    let parts: Vec<&dyn Array> = rows.iter().map(|row| row.as_ref()).collect();
    match parts.is_empty() {
        true => moved(times, "UTC"),
        false => Ok(concat(&parts)?),
    }
}

fn moved(times: &ArrayRef, zone: &str) -> Result<ArrayRef> {
    let unknown = || Error::new(Kind::InvalidParameterValue, format!("time zone \"{zone}\" not recognized"));
    let east = match zone_of(zone).ok_or_else(unknown)? {
        Zone::Named(zone) if matches!(times.data_type(), DataType::Timestamp(_, None)) => {
            return Ok(in_zone(times, zone)?);
        }
        Zone::Named(zone) => return Ok(local(times, zone)?),
        Zone::Fixed(east) => i64::from(east) * 1_000_000,
    };
    let (to, by) = match times.data_type() {
        DataType::Timestamp(_, None) => (Type::Timestamptz, -east),
        _ => (Type::Timestamp, east),
    };
    let shifted = times.as_primitive::<TimestampMicrosecondType>().unary::<_, TimestampMicrosecondType>(|micros| {
        if matches!(micros, i64::MIN | i64::MAX) { micros } else { micros.saturating_add(by) }
    });
    Ok(Arc::new(shifted.with_data_type(to.arrow())))
}

/// A name; an offset with the sign that POSIX gives it; or, from an interval, how far east.
pub(super) fn zone_of(text: &str) -> Option<Zone> {
    if let Ok(zone) = text.parse::<Tz>() {
        return Some(Zone::Named(zone));
    }
    match Zone::parse(text) {
        Some(Zone::Fixed(east)) => Some(Zone::Fixed(-east)),
        Some(zone) => Some(zone),
        None => {
            let interval = read_interval(text).ok().filter(|interval| interval.months == 0 && interval.days == 0)?;
            i32::try_from(interval.micros / 1_000_000).ok().map(Zone::Fixed)
        }
    }
}
