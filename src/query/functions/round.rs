//! `round` with Postgres' types: halves of a double go to the even neighbour, a `numeric` keeps
//! the digits that were asked for.

use crate::base::{Error, Kind};
use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::functions::math;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Round {
    signature: Signature,
}

pub(super) fn function() -> ScalarUDF {
    ScalarUDF::from(Round { signature: Signature::user_defined(Volatility::Immutable) })
}

impl ScalarUDFImpl for Round {
    fn name(&self) -> &str {
        "round"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn is_strict(&self) -> bool {
        true
    }

    /// The number of digits keeps its type: a literal that were cast is none, and the answer's
    /// scale could not be told from it.
    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [number] => Ok(vec![number_type(number, false).ok_or_else(|| self.missing(given))?]),
            [number, digits] if digits.is_integer() || digits.is_null() => {
                let number = number_type(number, true).ok_or_else(|| self.missing(given))?;
                Ok(vec![number, digits.clone()])
            }
            _ => Err(self.missing(given).into()),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("the type of round() is told by its arguments")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        if args.arg_fields[0].data_type().is_floating() {
            let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
            return Ok(Arc::new(Field::new(self.name(), DataType::Float64, nullable)));
        }
        math::round().return_field_from_args(args)
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let [number] = args.args.as_slice()
            && number.data_type() == DataType::Float64
        {
            return Ok(match number {
                ColumnarValue::Scalar(value) => {
                    let array = value.to_array()?;
                    let even = array.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::round_ties_even);
                    ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(&even, 0)?)
                }
                ColumnarValue::Array(array) => ColumnarValue::Array(Arc::new(
                    array.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::round_ties_even),
                )),
            });
        }
        if let Some(digits) = args.args.get_mut(1) {
            *digits = digits.cast_to(&DataType::Int32, None)?;
            args.arg_fields[1] = Arc::new(args.arg_fields[1].as_ref().clone().with_data_type(DataType::Int32));
        }
        math::round().invoke_with_args(args)
    }
}

impl Round {
    fn missing(&self, given: &[DataType]) -> Error {
        let types: Vec<_> = given.iter().map(super::missing::argument_type).collect();
        Error::new(Kind::UndefinedFunction, format!("function round({}) does not exist", types.join(", ")))
            .hint("round(number) or round(number, digits)".to_string())
    }
}

/// What a number is rounded as: integers are doubles, or `numeric` when digits are asked for.
fn number_type(given: &DataType, digits: bool) -> Option<DataType> {
    Some(match given {
        ty if ty.is_decimal() => ty.clone(),
        ty if ty.is_integer() && digits => DataType::Decimal128(20, 0),
        DataType::Null | DataType::Utf8 => DataType::Float64,
        ty if ty.is_numeric() => DataType::Float64,
        DataType::Dictionary(_, values) => return number_type(values, digits),
        _ => return None,
    })
}
