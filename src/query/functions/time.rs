//! `AT TIME ZONE`: the wall clock of an instant in a zone, and the instant of a wall clock.

use super::cast::{in_zone, local, plain};
use crate::base::{Error, Kind, Type};
use chrono_tz::Tz;
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::concat;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

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
    let zone: Tz = zone
        .parse()
        .map_err(|_| Error::new(Kind::InvalidParameterValue, format!("time zone \"{zone}\" not recognized")))?;
    Ok(match times.data_type() {
        DataType::Timestamp(_, None) => in_zone(times, zone)?,
        _ => local(times, zone)?,
    })
}
