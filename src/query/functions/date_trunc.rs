//! `date_trunc` of an instant by the clock of the session's zone.

use super::cast::{Cast, in_zone, local};
use crate::base::{Error, Kind, Type};
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, IntervalMonthDayNanoArray, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::{
    DataType, IntervalMonthDayNano, IntervalMonthDayNanoType, TimestampMicrosecondType,
};
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
            // A date is an instant of the session's zone.
            [_, DataType::Date32] => Ok(vec![DataType::Utf8, DataType::Date32]),
            [_, DataType::Interval(_) | DataType::Duration(_)] => Ok(vec![DataType::Utf8, Type::Interval.arrow()]),
            [_, DataType::Timestamp(_, None) | DataType::Utf8 | DataType::Null] => {
                Ok(vec![DataType::Utf8, Type::Timestamp.arrow()])
            }
            _ => plan_err!("date_trunc takes a field and a timestamp"),
        }
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        match given {
            [_, DataType::Date32] => Ok(Type::Timestamptz.arrow()),
            [_, time] => Ok(time.clone()),
            _ => plan_err!("date_trunc takes a field and a timestamp"),
        }
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let unit = match &args.args[0] {
            ColumnarValue::Scalar(unit) => unit.try_as_str().flatten().unwrap_or_default().to_lowercase(),
            ColumnarValue::Array(_) => String::new(),
        };
        match args.arg_fields[1].data_type() {
            DataType::Date32 => {
                let days = args.args[1].to_array(args.number_rows)?;
                let instants = Cast::new(Type::Timestamptz, self.zone.name()).array(&days)?;
                let field = args.arg_fields[1].as_ref().clone().with_data_type(Type::Timestamptz.arrow());
                args.args[1] = ColumnarValue::Array(instants);
                args.arg_fields[1] = Arc::new(field);
                return self.invoke_with_args(args);
            }
            DataType::Interval(_) => return intervals(&unit, &args.args[1].to_array(args.number_rows)?),
            _ => {}
        }
        if let Some(years) = years(&unit) {
            let times = args.args[1].to_array(args.number_rows)?;
            return self.of_years(&times, years);
        }
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

impl DateTrunc {
    /// To the first day of so many years.
    fn of_years(&self, times: &ArrayRef, years: i32) -> Result<ColumnarValue> {
        let zoned = matches!(times.data_type(), DataType::Timestamp(_, Some(_)));
        let walls = if zoned { local(times, self.zone)? } else { times.clone() };
        let first = |micros: i64| {
            let year = DateTime::from_timestamp_micros(micros)?.year();
            let year = if years == 10 { year.div_euclid(10) * 10 } else { (year - 1).div_euclid(years) * years + 1 };
            Some(NaiveDate::from_ymd_opt(year, 1, 1)?.and_time(NaiveTime::MIN).and_utc().timestamp_micros())
        };
        let walls = walls.as_primitive::<TimestampMicrosecondType>().iter();
        let firsts: ArrayRef = Arc::new(walls.map(|wall| wall.and_then(first)).collect::<TimestampMicrosecondArray>());
        Ok(ColumnarValue::Array(if zoned { in_zone(&firsts, self.zone)? } else { firsts }))
    }
}

fn years(unit: &str) -> Option<i32> {
    match unit {
        "decade" | "decades" => Some(10),
        "century" | "centuries" => Some(100),
        "millennium" | "millenniums" => Some(1_000),
        _ => None,
    }
}

fn intervals(unit: &str, values: &ArrayRef) -> Result<ColumnarValue> {
    let kept = |interval: IntervalMonthDayNano| {
        let IntervalMonthDayNano { months, days, nanoseconds } = interval;
        let of = |unit: i64| nanoseconds / unit * unit;
        Some(match unit.trim_end_matches('s') {
            "year" => IntervalMonthDayNano::new(months / 12 * 12, 0, 0),
            "quarter" => IntervalMonthDayNano::new(months / 3 * 3, 0, 0),
            "month" => IntervalMonthDayNano::new(months, 0, 0),
            "day" => IntervalMonthDayNano::new(months, days, 0),
            "hour" => IntervalMonthDayNano::new(months, days, of(3_600_000_000_000)),
            "minute" => IntervalMonthDayNano::new(months, days, of(60_000_000_000)),
            "second" => IntervalMonthDayNano::new(months, days, of(1_000_000_000)),
            "millisecond" => IntervalMonthDayNano::new(months, days, of(1_000_000)),
            "microsecond" => interval,
            _ => return None,
        })
    };
    let refused = || {
        let message = format!("unit \"{unit}\" not recognized for type interval");
        Error::new(Kind::InvalidParameterValue, message)
    };
    let values = values.as_primitive::<IntervalMonthDayNanoType>().iter();
    let kept = values.map(|value| value.map(|value| kept(value).ok_or_else(refused)).transpose());
    Ok(ColumnarValue::Array(Arc::new(kept.collect::<Result<IntervalMonthDayNanoArray, Error>>()?)))
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
