//! Arithmetic that fails where Postgres' does: integers out of range, and differences of times.

use crate::base::{Error, Kind, Type};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Datum, Int64Array, IntervalMonthDayNanoArray};
use datafusion::arrow::compute::kernels::numeric;
use datafusion::arrow::datatypes::{
    DataType, Float64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, TimestampMicrosecondType,
};
use datafusion::arrow::error::ArrowError;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

/// What is done with two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arithmetic {
    /// Integers of one type.
    Add,
    Subtract,
    Multiply,
    /// Two timestamps: an interval of days and a time.
    Between,
    /// An interval by a number.
    Times,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Function {
    what: Arithmetic,
    ty: DataType,
    signature: Signature,
}

/// The function that does it for values of a type, both of which must have it.
pub fn function(what: Arithmetic, ty: &DataType) -> ScalarUDF {
    let signature = match what {
        Arithmetic::Times => Signature::exact(vec![Type::Interval.arrow(), DataType::Float64], Volatility::Immutable),
        _ => Signature::exact(vec![ty.clone(), ty.clone()], Volatility::Immutable),
    };
    ScalarUDF::from(Function { what, ty: ty.clone(), signature })
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        match self.what {
            Arithmetic::Add => "add",
            Arithmetic::Subtract => "subtract",
            Arithmetic::Multiply => "multiply",
            Arithmetic::Between => "time between",
            Arithmetic::Times => "interval times",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.what {
            Arithmetic::Between | Arithmetic::Times => Type::Interval.arrow(),
            _ => self.ty.clone(),
        })
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { args.number_rows };
        let result = match self.what {
            Arithmetic::Add => self.integers(&args.args, numeric::add)?,
            Arithmetic::Subtract => self.integers(&args.args, numeric::sub)?,
            Arithmetic::Multiply => self.integers(&args.args, numeric::mul)?,
            Arithmetic::Between => between(&args.args[0].to_array(rows)?, &args.args[1].to_array(rows)?),
            Arithmetic::Times => times(&args.args[0].to_array(rows)?, &args.args[1].to_array(rows)?)?,
        };
        if scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

impl Function {
    fn integers(
        &self,
        args: &[ColumnarValue],
        kernel: fn(&dyn Datum, &dyn Datum) -> std::result::Result<ArrayRef, ArrowError>,
    ) -> Result<ArrayRef> {
        let computed = match (&args[0], &args[1]) {
            (ColumnarValue::Array(left), ColumnarValue::Array(right)) => kernel(left, right),
            (ColumnarValue::Array(left), ColumnarValue::Scalar(right)) => kernel(left, &right.to_scalar()?),
            (ColumnarValue::Scalar(left), ColumnarValue::Array(right)) => kernel(&left.to_scalar()?, right),
            (ColumnarValue::Scalar(left), ColumnarValue::Scalar(right)) => {
                kernel(&left.to_array()?, &right.to_array()?)
            }
        };
        computed.map_err(|error| match error {
            ArrowError::ArithmeticOverflow(_) => {
                Error::new(Kind::NumericOutOfRange, format!("{} out of range", Type::from_arrow(&self.ty))).into()
            }
            other => other.into(),
        })
    }
}

fn between(left: &ArrayRef, right: &ArrayRef) -> ArrayRef {
    let (left, right) =
        (left.as_primitive::<TimestampMicrosecondType>(), right.as_primitive::<TimestampMicrosecondType>());
    let micros: Int64Array =
        left.iter().zip(right.iter()).map(|(left, right)| Some(left?.saturating_sub(right?))).collect();
    const DAY: i64 = 86_400_000_000;
    let interval = |micros: i64| IntervalMonthDayNano::new(0, (micros / DAY) as i32, micros % DAY * 1_000);
    Arc::new(micros.iter().map(|micros| micros.map(interval)).collect::<IntervalMonthDayNanoArray>())
}

fn times(left: &ArrayRef, right: &ArrayRef) -> Result<ArrayRef> {
    let (left, right) = (left.as_primitive::<IntervalMonthDayNanoType>(), right.as_primitive::<Float64Type>());
    let row = |row: usize| {
        if left.is_null(row) || right.is_null(row) {
            return Ok(None);
        }
        scaled(left.value(row), right.value(row))
            .map(Some)
            .ok_or_else(|| Error::new(Kind::DatetimeOverflow, "interval out of range").into())
    };
    Ok(Arc::new((0..left.len()).map(row).collect::<Result<IntervalMonthDayNanoArray>>()?))
}

/// Fractions of a month are days of 30, fractions of a day are time, as in Postgres.
fn scaled(value: IntervalMonthDayNano, by: f64) -> Option<IntervalMonthDayNano> {
    let months = f64::from(value.months) * by;
    let days = f64::from(value.days) * by + months.fract() * 30.0;
    let nanos = value.nanoseconds as f64 * by + days.fract() * 86_400e9;
    let fits = |value: f64| value.is_finite() && value.abs() < f64::from(i32::MAX);
    (fits(months) && fits(days) && nanos.abs() < 9.2e18).then(|| {
        IntervalMonthDayNano::new(months.trunc() as i32, days.trunc() as i32, (nanos / 1e3).round() as i64 * 1_000)
    })
}
