//! Literals without a type of their own, beside something that has one.

use super::class::{Class, is_comparison, is_text_literal};
use crate::base::{Error, Kind, Type};
use crate::query::functions::cast::Cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use datafusion::sql::sqlparser::ast::BinaryOperator;

/// A literal without a type of its own takes that of the other operand.
pub fn adapted(
    expr: Expr,
    ty: DataType,
    other: &DataType,
    other_expr: &Expr,
    op: &BinaryOperator,
    zone: &str,
) -> Result<(Expr, DataType), Error> {
    let Expr::Literal(ScalarValue::Utf8(Some(text)), _) = &expr else { return Ok((expr, ty)) };
    let class = Class::of(other);
    let arithmetic = matches!(
        op,
        BinaryOperator::Plus
            | BinaryOperator::Minus
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
            | BinaryOperator::Modulo
    );
    let arrays = matches!(other, DataType::List(_))
        && matches!(
            op,
            BinaryOperator::StringConcat
                | BinaryOperator::AtArrow
                | BinaryOperator::ArrowAt
                | BinaryOperator::PGOverlap
        )
        && text.trim_start().starts_with(['{', '[']);
    if is_text_literal(other_expr) || !(is_comparison(op) || arithmetic || arrays) {
        return Ok((expr, ty));
    }
    let target = match (class, op) {
        (Class::Time, BinaryOperator::Plus) => Type::Interval,
        (Class::Time, BinaryOperator::Minus) if matches!(other, DataType::Date32) => Type::Date,
        (Class::Interval, BinaryOperator::Multiply | BinaryOperator::Divide) => Type::Float8,
        (Class::Number | Class::Bool | Class::Time | Class::Interval | Class::Bytes, _) => Type::from_arrow(other),
        (Class::Other, _) if matches!(other, DataType::List(_)) => Type::from_arrow(other),
        _ => return Ok((expr, ty)),
    };
    // A number keeps the digits that it has, whatever the precision of the column beside it.
    if matches!(target, Type::Numeric(_)) {
        let value = decimal(text).ok_or_else(|| {
            Error::new(Kind::InvalidText, format!("invalid input syntax for type numeric: \"{text}\""))
        })?;
        let ty = value.data_type();
        return Ok((Expr::Literal(value, None), ty));
    }
    let value = Cast::new(target.clone(), zone).value(&ScalarValue::Utf8(Some(text.clone())))?;
    let ty = value.data_type();
    Ok((Expr::Literal(value, None), ty))
}

/// `12.50` as a number of its own precision.
pub fn decimal(text: &str) -> Option<ScalarValue> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = i8::try_from(fraction.len()).ok()?;
    let precision = u8::try_from(digits.unsigned_abs().to_string().len().max(fraction.len())).ok()?;
    (precision <= 38).then_some(ScalarValue::Decimal128(Some(digits), precision, scale))
}
