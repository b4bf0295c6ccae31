//! `date_trunc` of an instant by the clock of the session's zone.

use super::cast::{in_zone, local};
use crate::base::Type;
use chrono_tz::Tz;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::functions::datetime;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
struct DateTrunc {
    zone: Tz,
    signature: Signature,
}

pub fn date_trunc(zone: &str) -> ScalarUDF {
    let zone = zone.parse().unwrap_or(Tz::UTC);
    ScalarUDF::from(DateTrunc { zone, signature: Signature::user_defined(Volatility::Stable) })
}

impl ScalarUDFImpl for DateTrunc {
    fn name(&self) -> &str {
        "date_trunc"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [_, DataType::Timestamp(_, Some(_))] => Ok(vec![DataType::Utf8, Type::Timestamptz.arrow()]),
            [_, DataType::Timestamp(_, None) | DataType::Date32 | DataType::Utf8 | DataType::Null] => {
                Ok(vec![DataType::Utf8, Type::Timestamp.arrow()])
            }
            _ => plan_err!("date_trunc takes a field and a timestamp"),
        }
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        match given {
            [_, time] => Ok(time.clone()),
            _ => plan_err!("date_trunc takes a field and a timestamp"),
        }
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let DataType::Timestamp(_, Some(_)) = args.arg_fields[1].data_type() else {
            return datetime::date_trunc().invoke_with_args(args);
        };
        let by_day = match &args.args[0] {
            ColumnarValue::Scalar(unit) => !is_of_clock(unit.try_as_str().flatten().unwrap_or_default()),
            ColumnarValue::Array(_) => true,
        };
        let instants = args.args[1].to_array(args.number_rows)?;
        let walls = local(&instants, self.zone)?;
        args.args[1] = ColumnarValue::Array(walls.clone());
        let plain = Type::Timestamp.arrow();
        args.arg_fields[1] = Arc::new(args.arg_fields[1].as_ref().clone().with_data_type(plain.clone()));
        args.return_field = Arc::new(args.return_field.as_ref().clone().with_data_type(plain));
        let rows = args.number_rows;
        let truncated = datetime::date_trunc().invoke_with_args(args)?.to_array(rows)?;
        Ok(ColumnarValue::Array(match by_day {
            true => in_zone(&truncated, self.zone)?,
            false => earlier(&instants, &walls, &truncated)?,
        }))
    }
}

/// Units within a day are as long in every zone.
fn is_of_clock(unit: &str) -> bool {
    ["hour", "minute", "second", "millisecond", "microsecond"]
        .iter()
        .any(|known| unit.to_lowercase().trim_end_matches('s') == *known)
}

/// Instants earlier by what was cut off: a clock that is set back shows an hour twice.
fn earlier(instants: &ArrayRef, walls: &ArrayRef, truncated: &ArrayRef) -> Result<ArrayRef> {
    let [instants, walls, truncated] =
        [instants, walls, truncated].map(|times| times.as_primitive::<TimestampMicrosecondType>());
    let times = (0..instants.len())
        .map(|row| truncated.is_valid(row).then(|| instants.value(row) - (walls.value(row) - truncated.value(row))));
    Ok(Arc::new(times.collect::<TimestampMicrosecondArray>().with_timezone("UTC")))
}
