//! `numeric` divided by `numeric`: sixteen digits after the point, or as many as fit beside the whole ones;
//! and products of such quotients, which keep as many.

use crate::base::{Error, Kind};
use datafusion::arrow::array::{ArrayRef, AsArray, Decimal128Array};
use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, i256};
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, cast,
};
use std::sync::Arc;

/// Digits after the point of a quotient.
const SCALE: i8 = 16;
/// Digits after the point with which a product is still left to Arrow.
const PRODUCT_SCALE_MAX: i8 = 20;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Function {
    divides: bool,
    /// Scales of the operands and of the result.
    left: i8,
    right: i8,
    scale: i8,
    signature: Signature,
}

/// The quotient; `None` when neither is `numeric` or one of them is no exact number.
pub fn divide(left: &Expr, left_type: &DataType, right: &Expr, right_type: &DataType) -> Option<Expr> {
    if !left_type.is_decimal() && !right_type.is_decimal() {
        return None;
    }
    let (left_digits, right_digits) = (digits(left_type)?, digits(right_type)?);
    // A `numeric` without declared digits has 38 that it seldom needs.
    let room = match left_digits {
        (DECIMAL128_MAX_PRECISION, _) => SCALE,
        (precision, scale) => (DECIMAL128_MAX_PRECISION as i8).saturating_sub(precision as i8 - scale),
    };
    let scale = SCALE.min(room).max(left_digits.1).max(right_digits.1);
    let types = [left_digits, right_digits].map(|(precision, scale)| DataType::Decimal128(precision, scale));
    let signature = Signature::exact(types.to_vec(), Volatility::Immutable);
    let [left_type, right_type] = types;
    let function =
        ScalarUDF::from(Function { divides: true, left: left_digits.1, right: right_digits.1, scale, signature });
    Some(function.call(vec![cast(left.clone(), left_type), cast(right.clone(), right_type)]))
}

/// The product, when it would have more digits after the point than can be kept.
pub fn multiply(left: &Expr, left_type: &DataType, right: &Expr, right_type: &DataType) -> Option<Expr> {
    let (left_scale, right_scale) = (digits(left_type)?.1, digits(right_type)?.1);
    if left_scale.saturating_add(right_scale) <= PRODUCT_SCALE_MAX {
        return None;
    }
    let scale = SCALE.max(left_scale).max(right_scale);
    let signature = Signature::exact(vec![left_type.clone(), right_type.clone()], Volatility::Immutable);
    let function = Function { divides: false, left: left_scale, right: right_scale, scale, signature };
    Some(ScalarUDF::from(function).call(vec![left.clone(), right.clone()]))
}

fn digits(ty: &DataType) -> Option<(u8, i8)> {
    match ty {
        DataType::Int16 => Some((5, 0)),
        DataType::Int32 => Some((10, 0)),
        DataType::Int64 => Some((20, 0)),
        DataType::Decimal128(precision, scale) if *scale >= 0 => Some((*precision, *scale)),
        _ => None,
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        if self.divides { "divide" } else { "multiply" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Decimal128(DECIMAL128_MAX_PRECISION, self.scale))
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = args.args.as_slice() else { return plan_err!("an operator takes two numbers") };
        let scalar = matches!((left, right), (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { args.number_rows };
        let results = self.results(&left.to_array(rows)?, &right.to_array(rows)?)?;
        Ok(match scalar {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&results, 0)?),
            false => ColumnarValue::Array(results),
        })
    }
}

impl Function {
    fn results(&self, left: &ArrayRef, right: &ArrayRef) -> Result<ArrayRef> {
        let (left, right) = (left.as_primitive::<Decimal128Type>(), right.as_primitive::<Decimal128Type>());
        let moved = match self.divides {
            true => self.scale - self.left + self.right,
            false => self.left + self.right - self.scale,
        };
        let moved = i256::from_i128(10).wrapping_pow(u32::from(moved.unsigned_abs()));
        let row = |(left, right): (Option<i128>, Option<i128>)| {
            let (Some(left), Some(right)) = (left, right) else { return Ok(None) };
            let (left, right) = (i256::from_i128(left), i256::from_i128(right));
            let result = match self.divides {
                true if right == i256::ZERO => {
                    return Err(Error::new(Kind::DivisionByZero, "division by zero").into());
                }
                true => left.checked_mul(moved).and_then(|left| quotient(left, right)),
                false => left.checked_mul(right).and_then(|product| quotient(product, moved)),
            };
            result.map(Some).ok_or_else(|| Error::new(Kind::NumericOutOfRange, "numeric field overflow").into())
        };
        let results = left.iter().zip(right.iter()).map(row).collect::<Result<Decimal128Array>>()?;
        Ok(Arc::new(results.with_precision_and_scale(DECIMAL128_MAX_PRECISION, self.scale)?))
    }
}

/// The nearest number, halves away from zero; `None` when it has more than 38 digits.
fn quotient(left: i256, right: i256) -> Option<i128> {
    let (whole, rest) = (left.checked_div(right)?, left.checked_rem(right)?);
    let away = match rest.wrapping_abs().checked_mul(i256::from_i128(2))? >= right.wrapping_abs() {
        true if left.is_negative() == right.is_negative() => i256::ONE,
        true => i256::MINUS_ONE,
        false => i256::ZERO,
    };
    let nearest = whole.checked_add(away)?.to_i128()?;
    (nearest.unsigned_abs() < 10u128.pow(38)).then_some(nearest)
}
