//! Numbers with an exponent or many digits: `numeric` when they have at most 38, else doubles.

use super::Rewriter;
use crate::base::Type;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::Expr;

impl Rewriter<'_> {
    /// `1e15`; `None` when it has no exponent.
    pub(super) fn exponent(&mut self, number: &str) -> Option<Expr> {
        // DataFusion would take what is just too large for a bigint for a number without a sign.
        let large = number.bytes().all(|byte| byte.is_ascii_digit()) && number.parse::<i64>().is_err();
        let (mantissa, exponent) = if large { (number, "0") } else { number.split_once(['e', 'E'])? };
        let double = || number.parse().ok().filter(|value: &f64| value.is_finite()).map(ScalarValue::from);
        let value = decimal(mantissa, exponent).or_else(double)?;
        let ty = Type::from_arrow(&value.data_type());
        Some(self.constant(number, &ty, value))
    }
}

fn decimal(mantissa: &str, exponent: &str) -> Option<ScalarValue> {
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let moved = exponent.parse::<i32>().ok()? - i32::try_from(fraction.len()).ok()?;
    let digits = digits.checked_mul(10i128.checked_pow(moved.max(0).unsigned_abs())?)?;
    let scale = i8::try_from(moved.min(0).unsigned_abs()).ok().filter(|scale| *scale <= 38)?;
    let precision = digits.to_string().len().max(usize::from(scale.unsigned_abs())).max(1);
    (precision <= 38).then_some(ScalarValue::Decimal128(Some(digits), u8::try_from(precision).ok()?, scale))
}
