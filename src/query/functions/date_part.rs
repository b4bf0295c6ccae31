//! `extract`, a `numeric`, and `date_part`, a double: a field of a time in the session's zone.

use super::cast::{local, plain};
use crate::base::{Error, Kind, Type};
use chrono::{DateTime, Datelike, Timelike};
use chrono_tz::Tz;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Float64Array};
use datafusion::arrow::datatypes::{
    DataType, Field, FieldRef, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, TimestampMicrosecondType,
};
use datafusion::common::{ScalarValue, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

const SECOND: i128 = 1_000_000;
const DAY: i128 = 86_400 * SECOND;

#[derive(Debug, PartialEq, Eq, Hash)]
struct DatePart {
    zone: Tz,
    numeric: bool,
    signature: Signature,
}

/// `extract(field, time)` when `numeric`, else `date_part(field, time)`.
pub fn date_part(numeric: bool, zone: &str) -> ScalarUDF {
    let zone = zone.parse().unwrap_or(Tz::UTC);
    ScalarUDF::from(DatePart { zone, numeric, signature: Signature::user_defined(Volatility::Stable) })
}

impl ScalarUDFImpl for DatePart {
    fn name(&self) -> &str {
        if self.numeric { "extract" } else { "date_part" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let [_, time] = given else { return plan_err!("{} takes a field and a time", self.name()) };
        let time = match time {
            DataType::Timestamp(_, Some(_)) => Type::Timestamptz.arrow(),
            DataType::Timestamp(_, None) | DataType::Utf8 | DataType::Null => Type::Timestamp.arrow(),
            DataType::Date32 | DataType::Date64 => DataType::Date32,
            DataType::Time32(_) | DataType::Time64(_) => Type::Time.arrow(),
            DataType::Interval(_) | DataType::Duration(_) => Type::Interval.arrow(),
            other => {
                let given = Type::from_arrow(other);
                return Err(Error::new(
                    Kind::UndefinedFunction,
                    format!("function {}(unknown, {given}) does not exist", self.name()),
                )
                .into());
            }
        };
        Ok(vec![DataType::Utf8, time])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("the type of a field is told by its name")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let ty = match (self.numeric, args.scalar_arguments.first()) {
            (true, Some(Some(ScalarValue::Utf8(Some(field))))) => {
                DataType::Decimal128(20, scale(field, args.arg_fields[1].data_type()))
            }
            _ => DataType::Float64,
        };
        Ok(Arc::new(Field::new(self.name(), ty, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ColumnarValue::Scalar(field) = &args.args[0] else {
            return Err(
                Error::unsupported(format!("{} of a field that is no literal is not supported", self.name())).into()
            );
        };
        let field = field.try_as_str().flatten().unwrap_or_default().to_lowercase();
        let times = args.args[1].to_array(args.number_rows)?;
        let parts = self.parts(&field, &times)?;
        Ok(ColumnarValue::Array(match args.return_field.data_type() {
            DataType::Decimal128(precision, scale) => {
                let unit = 10i128.pow(6 - scale.unsigned_abs() as u32);
                let parts: Decimal128Array = parts.into_iter().map(|part| part.map(|part| part / unit)).collect();
                Arc::new(parts.with_precision_and_scale(*precision, *scale)?)
            }
            _ => Arc::new(parts.into_iter().map(|part| part.map(|part| part as f64 / 1e6)).collect::<Float64Array>()),
        }))
    }
}

/// Digits after the point that a field has.
fn scale(field: &str, of: &DataType) -> i8 {
    match field.to_lowercase().as_str() {
        "second" | "seconds" => 6,
        "epoch" if *of != DataType::Date32 => 6,
        "milliseconds" | "millisecond" => 3,
        _ => 0,
    }
}

impl DatePart {
    /// Millionths of the field.
    fn parts(&self, field: &str, times: &ArrayRef) -> Result<Vec<Option<i128>>> {
        let unknown = || {
            let ty = Type::from_arrow(times.data_type());
            Error::new(Kind::InvalidParameterValue, format!("unit \"{field}\" not recognized for type {ty}"))
        };
        if let DataType::Interval(_) = times.data_type() {
            let intervals = times.as_primitive::<IntervalMonthDayNanoType>();
            let part = |interval| of_interval(field, interval).ok_or_else(|| unknown().into());
            return intervals.iter().map(|interval| interval.map(part).transpose()).collect();
        }
        if let DataType::Time64(_) = times.data_type() {
            let micros = datafusion::arrow::compute::cast(times, &DataType::Int64)?;
            let part = |micros: i64| of_clock(field, i128::from(micros)).ok_or_else(|| unknown().into());
            return micros.as_primitive::<Int64Type>().iter().map(|micros| micros.map(part).transpose()).collect();
        }
        let zoned = matches!(times.data_type(), DataType::Timestamp(_, Some(_)));
        let instants = plain(times, &if zoned { Type::Timestamptz.arrow() } else { Type::Timestamp.arrow() })?;
        let walls = if zoned { local(&instants, self.zone)? } else { instants.clone() };
        let (instants, walls) =
            (instants.as_primitive::<TimestampMicrosecondType>(), walls.as_primitive::<TimestampMicrosecondType>());
        let row = |(instant, wall): (Option<i64>, Option<i64>)| {
            let (Some(instant), Some(wall)) = (instant, wall) else { return Ok(None) };
            let part = match field {
                "epoch" => Some(i128::from(instant)),
                "timezone" if zoned => Some(i128::from(wall - instant)),
                field => of_date(field, wall).or_else(|| of_clock(field, i128::from(wall).rem_euclid(DAY))),
            };
            part.map(Some).ok_or_else(|| unknown().into())
        };
        instants.iter().zip(walls.iter()).map(row).collect()
    }
}

fn of_date(field: &str, wall: i64) -> Option<i128> {
    let date = DateTime::from_timestamp_micros(wall)?.naive_utc();
    let year = i64::from(date.year());
    let whole = match field {
        "year" | "years" => year,
        "month" | "months" => date.month().into(),
        "day" | "days" => date.day().into(),
        "quarter" => date.month0() as i64 / 3 + 1,
        "week" | "weeks" => date.iso_week().week().into(),
        "isoyear" => date.iso_week().year().into(),
        "dow" | "dayofweek" => date.weekday().num_days_from_sunday().into(),
        "isodow" => date.weekday().number_from_monday().into(),
        "doy" | "dayofyear" => date.ordinal().into(),
        "decade" | "decades" => year.div_euclid(10),
        "century" | "centuries" => (year - 1).div_euclid(100) + 1,
        "millennium" | "millenniums" => (year - 1).div_euclid(1000) + 1,
        "hour" | "hours" => date.hour().into(),
        "julian" => i64::from(date.num_days_from_ce()) + 1_721_425,
        _ => return None,
    };
    Some(i128::from(whole) * SECOND)
}

fn of_clock(field: &str, micros: i128) -> Option<i128> {
    Some(match field {
        "hour" | "hours" => micros / (3_600 * SECOND) * SECOND,
        "minute" | "minutes" => micros / (60 * SECOND) % 60 * SECOND,
        "second" | "seconds" => micros % (60 * SECOND),
        "millisecond" | "milliseconds" => micros % (60 * SECOND) * 1_000,
        "microsecond" | "microseconds" => micros % (60 * SECOND) * SECOND,
        "epoch" => micros,
        _ => return None,
    })
}

fn of_interval(field: &str, interval: IntervalMonthDayNano) -> Option<i128> {
    let (months, days) = (i128::from(interval.months), i128::from(interval.days));
    let micros = i128::from(interval.nanoseconds / 1_000);
    Some(match field {
        "year" | "years" => months / 12 * SECOND,
        "month" | "months" => months % 12 * SECOND,
        "quarter" => (months % 12 / 3 + 1) * SECOND,
        "day" | "days" => days * SECOND,
        // A year has 365.25 days, a month 30.
        "epoch" => months / 12 * (DAY * 1_461 / 4) + months % 12 * 30 * DAY + days * DAY + micros,
        field => return of_clock(field, micros),
    })
}
