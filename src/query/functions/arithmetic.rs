//! Arithmetic that fails where Postgres' does: numbers out of range, and differences of times.

use crate::base::{Error, Kind, Type};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Datum, Int64Array, IntervalMonthDayNanoArray};
use datafusion::arrow::compute::kernels::numeric;
use datafusion::arrow::datatypes::{
    DataType, Float64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, TimestampMicrosecondType,
};
use datafusion::arrow::error::ArrowError;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// An operator of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    /// Of doubles alone.
    Divide,
}

/// What a function does with its arguments.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Arithmetic {
    /// Integers or doubles of one type, from left to right: `a + b - c` is one call, because a call inside a call
    /// costs the planner its length at each of its links.
    Numbers(Vec<Operator>),
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

/// An operator on integers or doubles, both of the type.
pub fn numbers(operator: Operator, ty: &DataType, left: Expr, right: Expr) -> Expr {
    let (mut operators, mut args) = match left {
        Expr::ScalarFunction(call) => match call.func.inner().downcast_ref::<Function>() {
            Some(Function { what: Arithmetic::Numbers(operators), ty: same, .. }) if same == ty => {
                (operators.clone(), call.args)
            }
            _ => (vec![], vec![Expr::ScalarFunction(call)]),
        },
        left => (vec![], vec![left]),
    };
    operators.push(operator);
    args.push(right);
    let signature = Signature::exact(vec![ty.clone(); args.len()], Volatility::Immutable);
    ScalarUDF::from(Function { what: Arithmetic::Numbers(operators), ty: ty.clone(), signature }).call(args)
}

/// The interval from one timestamp to another.
pub fn between(later: Expr, earlier: Expr) -> Expr {
    let ty = Type::Timestamp.arrow();
    let signature = Signature::exact(vec![ty.clone(), ty.clone()], Volatility::Immutable);
    ScalarUDF::from(Function { what: Arithmetic::Between, ty, signature }).call(vec![later, earlier])
}

/// An interval by a number.
pub fn times(interval: Expr, number: Expr) -> Expr {
    let ty = DataType::Float64;
    let signature = Signature::exact(vec![Type::Interval.arrow(), ty.clone()], Volatility::Immutable);
    ScalarUDF::from(Function { what: Arithmetic::Times, ty, signature }).call(vec![interval, number])
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        match &self.what {
            Arithmetic::Numbers(operators) => match operators.as_slice() {
                [Operator::Add] => "add",
                [Operator::Subtract] => "subtract",
                [Operator::Multiply] => "multiply",
                [Operator::Divide] => "divide",
                _ => "arithmetic",
            },
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
            Arithmetic::Numbers(_) => self.ty.clone(),
        })
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.written(args, |arg| arg.schema_name().to_string())
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        self.written(args, |arg| arg.to_string())
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { args.number_rows };
        let result = match &self.what {
            Arithmetic::Numbers(operators) => self.numbers(operators, &args.args)?,
            Arithmetic::Between => time_between(&args.args[0].to_array(rows)?, &args.args[1].to_array(rows)?),
            Arithmetic::Times => interval_times(&args.args[0].to_array(rows)?, &args.args[1].to_array(rows)?)?,
        };
        if scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

impl Function {
    /// Numbers as they were written, since operators of one name differ in their order.
    fn written(&self, args: &[Expr], one: impl Fn(&Expr) -> String) -> Result<String> {
        let Arithmetic::Numbers(operators) = &self.what else {
            let args: Vec<_> = args.iter().map(one).collect();
            return Ok(format!("{}({})", self.name(), args.join(", ")));
        };
        let signs = operators.iter().map(|operator| match operator {
            Operator::Add => " + ",
            Operator::Subtract => " - ",
            Operator::Multiply => " * ",
            Operator::Divide => " / ",
        });
        let links = signs.zip(args.iter().skip(1)).map(|(sign, arg)| format!("{sign}{}", one(arg)));
        Ok(format!("({}{})", args.first().map(&one).unwrap_or_default(), links.collect::<String>()))
    }

    fn numbers(&self, operators: &[Operator], args: &[ColumnarValue]) -> Result<ArrayRef> {
        let mut left = args[0].clone();
        for (operator, right) in operators.iter().zip(&args[1..]) {
            let kernel = match operator {
                Operator::Add => numeric::add,
                Operator::Subtract => numeric::sub,
                Operator::Multiply => numeric::mul,
                Operator::Divide => numeric::div,
            };
            let result = self.applied(kernel, &left, right)?;
            if self.ty == DataType::Float64 {
                check_floats(*operator, &left, right, &result)?;
            }
            left = result;
        }
        left.to_array(1)
    }

    fn applied(
        &self,
        kernel: fn(&dyn Datum, &dyn Datum) -> std::result::Result<ArrayRef, ArrowError>,
        left: &ColumnarValue,
        right: &ColumnarValue,
    ) -> Result<ColumnarValue> {
        let scalars = matches!((left, right), (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)));
        let computed = match (left, right) {
            (ColumnarValue::Array(left), ColumnarValue::Array(right)) => kernel(left, right),
            (ColumnarValue::Array(left), ColumnarValue::Scalar(right)) => kernel(left, &right.to_scalar()?),
            (ColumnarValue::Scalar(left), ColumnarValue::Array(right)) => kernel(&left.to_scalar()?, right),
            (ColumnarValue::Scalar(left), ColumnarValue::Scalar(right)) => {
                kernel(&left.to_array()?, &right.to_array()?)
            }
        };
        let array = computed.map_err(|error| match error {
            ArrowError::ArithmeticOverflow(_) => {
                Error::new(Kind::NumericOutOfRange, format!("{} out of range", Type::from_arrow(&self.ty))).into()
            }
            other => datafusion::error::DataFusionError::from(other),
        })?;
        Ok(match scalars {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?),
            false => ColumnarValue::Array(array),
        })
    }
}

/// Infinity comes only of infinity.
fn check_floats(operator: Operator, left: &ColumnarValue, right: &ColumnarValue, result: &ColumnarValue) -> Result<()> {
    let [left, right, result] = {
        let arrays = ColumnarValue::values_to_arrays(&[left.clone(), right.clone(), result.clone()])?;
        <[ArrayRef; 3]>::try_from(arrays).map_err(|_| Error::internal("three values must be three arrays"))?
    };
    let [left, right, result] = [&left, &right, &result].map(|array| array.as_primitive::<Float64Type>());
    for row in (0..result.len()).filter(|row| result.is_valid(*row)) {
        if operator == Operator::Divide && right.value(row) == 0.0 && !left.value(row).is_nan() {
            return Err(Error::new(Kind::DivisionByZero, "division by zero").into());
        }
        let finite = left.value(row).is_finite() && right.value(row).is_finite();
        if finite && result.value(row).is_infinite() {
            return Err(Error::new(Kind::NumericOutOfRange, "value out of range: overflow").into());
        }
    }
    Ok(())
}

fn time_between(left: &ArrayRef, right: &ArrayRef) -> ArrayRef {
    let (left, right) =
        (left.as_primitive::<TimestampMicrosecondType>(), right.as_primitive::<TimestampMicrosecondType>());
    let micros: Int64Array =
        left.iter().zip(right.iter()).map(|(left, right)| Some(left?.saturating_sub(right?))).collect();
    const DAY: i64 = 86_400_000_000;
    let interval = |micros: i64| IntervalMonthDayNano::new(0, (micros / DAY) as i32, micros % DAY * 1_000);
    Arc::new(micros.iter().map(|micros| micros.map(interval)).collect::<IntervalMonthDayNanoArray>())
}

fn interval_times(left: &ArrayRef, right: &ArrayRef) -> Result<ArrayRef> {
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
pub fn scaled(value: IntervalMonthDayNano, by: f64) -> Option<IntervalMonthDayNano> {
    let months = f64::from(value.months) * by;
    let days = f64::from(value.days) * by + months.fract() * 30.0;
    let nanos = value.nanoseconds as f64 * by + days.fract() * 86_400e9;
    let fits = |value: f64| value.is_finite() && value.abs() < f64::from(i32::MAX);
    (fits(months) && fits(days) && nanos.abs() < 9.2e18).then(|| {
        IntervalMonthDayNano::new(months.trunc() as i32, days.trunc() as i32, (nanos / 1e3).round() as i64 * 1_000)
    })
}
