//! `sum` and `avg` of integers: `numeric`, as in Postgres, so that they neither overflow nor lose digits; and of
//! intervals.

use super::arithmetic::scaled;
use crate::base::{Error, Kind, Type};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Field, FieldRef, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType,
};
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, SetMonotonicity, Signature,
    Volatility,
};
use std::sync::Arc;

/// DataFusion's function over arguments that are made numbers first.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Total {
    inner: Arc<AggregateUDF>,
    signature: Signature,
}

/// `function` when it is not one of them.
pub(super) fn of(function: Arc<AggregateUDF>) -> Arc<AggregateUDF> {
    match function.name() {
        "sum" | "avg" => {
            let signature = Signature::user_defined(Volatility::Immutable);
            Arc::new(AggregateUDF::from(Total { inner: function, signature }))
        }
        _ => function,
    }
}

impl AggregateUDFImpl for Total {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let [given] = given else {
            return plan_err!("{} takes one argument", self.name());
        };
        let whole = match given {
            DataType::Dictionary(_, values) => values,
            other => other,
        };
        let averaged = self.name() == "avg";
        Ok(vec![match whole {
            // Not yet the type of their sum: whoever asks again for the types would take it for that of the argument.
            DataType::Int8 | DataType::UInt8 | DataType::Int16 | DataType::UInt16 | DataType::Int32 if !averaged => {
                DataType::Int32
            }
            DataType::Int64 | DataType::UInt32 | DataType::UInt64 if !averaged => DataType::Decimal128(20, 0),
            // Four digits more come with the division: 16, as many as Postgres shows.
            ty if ty.is_integer() => DataType::Decimal128(34, 12),
            DataType::Float16 | DataType::Float32 => DataType::Float64,
            DataType::Null => DataType::Float64,
            DataType::Decimal128(precision, scale) if averaged && *scale < 12 => {
                let more = 12 - scale.unsigned_abs();
                DataType::Decimal128(precision.saturating_add(more).min(38), 12)
            }
            ty if ty.is_numeric() => ty.clone(),
            DataType::Interval(_) | DataType::Duration(_) => Type::Interval.arrow(),
            ty => return plan_err!("No function matches the given name and argument types '{}({ty})'", self.name()),
        }])
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        match given {
            // The sum of integers of four bytes fits in eight.
            [DataType::Int32] => Ok(DataType::Int64),
            [DataType::Interval(unit)] => Ok(DataType::Interval(*unit)),
            given => self.inner.return_type(given),
        }
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if is_interval(&args) {
            return Ok(Box::new(Intervals { averaged: self.name() == "avg", ..Intervals::default() }));
        }
        let narrow = is_narrow(&args);
        let inner = self.inner.accumulator(args)?;
        Ok(if narrow { Box::new(Widened(inner)) } else { inner })
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        if matches!(args.return_field.data_type(), DataType::Interval(_)) {
            let part = |name: &str| Arc::new(Field::new(name, DataType::Int64, false));
            return Ok(["months", "days", "nanoseconds", "rows"].map(part).to_vec());
        }
        self.inner.state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !is_interval(&args) && self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        let narrow = is_narrow(&args);
        let inner = self.inner.create_groups_accumulator(args)?;
        Ok(if narrow { Box::new(Widened(inner)) } else { inner })
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if is_interval(&args) {
            return self.accumulator(args);
        }
        let narrow = is_narrow(&args);
        let inner = self.inner.create_sliding_accumulator(args)?;
        Ok(if narrow { Box::new(Widened(inner)) } else { inner })
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn set_monotonicity(&self, ty: &DataType) -> SetMonotonicity {
        self.inner.inner().set_monotonicity(ty)
    }
}

fn is_narrow(args: &AccumulatorArgs) -> bool {
    args.expr_fields.first().is_some_and(|field| *field.data_type() == DataType::Int32)
}

fn is_interval(args: &AccumulatorArgs) -> bool {
    args.expr_fields.first().is_some_and(|field| matches!(field.data_type(), DataType::Interval(_)))
}

/// The sum of intervals, part by part.
#[derive(Debug, Default)]
struct Intervals {
    averaged: bool,
    months: i64,
    days: i64,
    nanoseconds: i64,
    rows: i64,
}

impl Intervals {
    fn add(&mut self, parts: [i64; 4]) -> Result<()> {
        let out_of_range = || Error::new(Kind::DatetimeOverflow, "interval out of range");
        let sums = [&mut self.months, &mut self.days, &mut self.nanoseconds, &mut self.rows];
        for (sum, part) in sums.into_iter().zip(parts) {
            *sum = sum.checked_add(part).ok_or_else(out_of_range)?;
        }
        Ok(())
    }
}

impl Accumulator for Intervals {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = cast(&values[0], &Type::Interval.arrow())?;
        for value in values.as_primitive::<IntervalMonthDayNanoType>().iter().flatten() {
            self.add([value.months.into(), value.days.into(), value.nanoseconds, 1])?;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.rows == 0 {
            return Ok(ScalarValue::IntervalMonthDayNano(None));
        }
        let (months, days) = (i32::try_from(self.months), i32::try_from(self.days));
        let sum = match (months, days) {
            (Ok(months), Ok(days)) => IntervalMonthDayNano::new(months, days, self.nanoseconds),
            _ => return Err(Error::new(Kind::DatetimeOverflow, "interval out of range").into()),
        };
        let value = if self.averaged { scaled(sum, 1.0 / self.rows as f64) } else { Some(sum) };
        Ok(ScalarValue::IntervalMonthDayNano(value))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok([self.months, self.days, self.nanoseconds, self.rows].map(ScalarValue::from).to_vec())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for row in 0..states[0].len() {
            let part = |at: usize| states[at].as_primitive::<Int64Type>().value(row);
            self.add([part(0), part(1), part(2), part(3)])?;
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = cast(&values[0], &Type::Interval.arrow())?;
        for value in values.as_primitive::<IntervalMonthDayNanoType>().iter().flatten() {
            self.add([-i64::from(value.months), -i64::from(value.days), -value.nanoseconds, -1])?;
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }
}

/// An accumulator of `bigint` that is given `integer`.
#[derive(Debug)]
struct Widened<A>(A);

fn widened(values: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
    values.iter().map(|values| Ok(cast(values, &DataType::Int64)?)).collect()
}

impl Accumulator for Widened<Box<dyn Accumulator>> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.update_batch(&widened(values)?)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.evaluate()
    }

    fn size(&self) -> usize {
        self.0.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.0.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.0.merge_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.retract_batch(&widened(values)?)
    }

    fn supports_retract_batch(&self) -> bool {
        self.0.supports_retract_batch()
    }
}

impl GroupsAccumulator for Widened<Box<dyn GroupsAccumulator>> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        count: usize,
    ) -> Result<()> {
        self.0.update_batch(&widened(values)?, groups, filter, count)
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        self.0.evaluate(emit)
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        self.0.state(emit)
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], count: usize) -> Result<()> {
        self.0.merge_batch(states, groups, count)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        self.0.convert_to_state(&widened(values)?, filter)
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}
