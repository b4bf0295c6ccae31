//! The value of the only row; two rows are an error.

use crate::base::{Error, Kind};
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, UInt64Type};
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};
use std::sync::{Arc, LazyLock};

pub fn single() -> Arc<AggregateUDF> {
    static SINGLE: LazyLock<Arc<AggregateUDF>> =
        LazyLock::new(|| Arc::new(AggregateUDF::from(Single { signature: Signature::any(1, Volatility::Immutable) })));
    SINGLE.clone()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Single {
    signature: Signature,
}

impl AggregateUDFImpl for Single {
    fn name(&self) -> &str {
        "only value"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        match given {
            [given] => Ok(given.clone()),
            _ => plan_err!("a value is one"),
        }
    }

    fn return_field(&self, given: &[FieldRef]) -> Result<FieldRef> {
        match given {
            [given] => Ok(Arc::new(given.as_ref().clone().with_name(self.name()).with_nullable(true))),
            _ => plan_err!("a value is one"),
        }
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Only { value: ScalarValue::try_from(args.return_field.data_type())?, rows: 0 }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let value = args.return_field.as_ref().clone().with_name("value").with_nullable(true);
        Ok(vec![Arc::new(value), Arc::new(Field::new("rows", DataType::UInt64, false))])
    }
}

#[derive(Debug)]
struct Only {
    value: ScalarValue,
    rows: u64,
}

impl Only {
    fn add(&mut self, values: &ArrayRef, rows: u64) -> Result<()> {
        self.rows += rows;
        if self.rows > 1 {
            let message = "more than one row returned by a subquery used as an expression";
            return Err(Error::new(Kind::CardinalityViolation, message).into());
        }
        if rows == 1
            && let Some(at) = (0..values.len()).next()
        {
            self.value = ScalarValue::try_from_array(values, at)?;
        }
        Ok(())
    }
}

impl Accumulator for Only {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.add(&values[0], values[0].len() as u64)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.value.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.value.clone(), ScalarValue::UInt64(Some(self.rows))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for row in 0..states[0].len() {
            self.add(&states[0].slice(row, 1), states[1].as_primitive::<UInt64Type>().value(row))?;
        }
        Ok(())
    }
}
