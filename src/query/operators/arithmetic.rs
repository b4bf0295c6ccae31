//! Arithmetic that DataFusion would compute differently.

use super::Operation;
use super::class::is_comparison;
use crate::base::Type;
use crate::query::functions::arithmetic::{self, Operator};
use crate::query::functions::{numeric, rows};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, cast};
use datafusion::sql::sqlparser::ast::BinaryOperator;

impl Operation {
    /// What DataFusion would compute differently.
    pub(super) fn arithmetic(
        &self,
        left: &Expr,
        left_type: &DataType,
        right: &Expr,
        right_type: &DataType,
        zone: &str,
    ) -> Option<Expr> {
        use DataType::*;
        let days = |expr: &Expr| cast(expr.clone(), Int32);
        let timestamp = Type::Timestamp.arrow();
        match (&self.op, left_type, right_type) {
            (op, Interval(_), Interval(_)) if is_comparison(op) => {
                let length = |expr: &Expr| Some(rows::function("interval order", zone)?.call(vec![expr.clone()]));
                Some(compared(op, length(left)?, length(right)?))
            }
            // Days and months are those of the session's clock.
            (BinaryOperator::Plus, Timestamp(_, Some(_)), Interval(_)) if zone != "UTC" => {
                Some(rows::function("timestamp and interval", zone)?.call(vec![left.clone(), right.clone()]))
            }
            (BinaryOperator::Plus, Interval(_), Timestamp(_, Some(_))) if zone != "UTC" => {
                Some(rows::function("timestamp and interval", zone)?.call(vec![right.clone(), left.clone()]))
            }
            (BinaryOperator::Minus, Timestamp(_, Some(_)), Interval(_)) if zone != "UTC" => {
                Some(rows::function("timestamp less interval", zone)?.call(vec![left.clone(), right.clone()]))
            }
            (BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply, left_type, right_type)
                if left_type.is_signed_integer() && right_type.is_signed_integer() =>
            {
                let operator = match self.op {
                    BinaryOperator::Plus => Operator::Add,
                    BinaryOperator::Minus => Operator::Subtract,
                    _ => Operator::Multiply,
                };
                let ty = wider(left_type, right_type);
                let (left, right) = (typed(left.clone(), left_type, ty), typed(right.clone(), right_type, ty));
                Some(arithmetic::numbers(operator, ty, left, right))
            }
            (
                BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply | BinaryOperator::Divide,
                left_type,
                right_type,
            ) if is_double(left_type, right_type) => {
                let operator = match self.op {
                    BinaryOperator::Plus => Operator::Add,
                    BinaryOperator::Minus => Operator::Subtract,
                    BinaryOperator::Multiply => Operator::Multiply,
                    _ => Operator::Divide,
                };
                let (left, right) =
                    (typed(left.clone(), left_type, &Float64), typed(right.clone(), right_type, &Float64));
                Some(arithmetic::numbers(operator, &Float64, left, right))
            }
            (BinaryOperator::Multiply, left_type, right_type) if left_type.is_decimal() && right_type.is_decimal() => {
                numeric::multiply(left, left_type, right, right_type)
            }
            (BinaryOperator::Divide, left_type, right_type) if left_type.is_decimal() || right_type.is_decimal() => {
                numeric::divide(left, left_type, right, right_type)
            }
            (BinaryOperator::Plus, Date32, Int16 | Int32 | Int64) => {
                let sum = arithmetic::numbers(Operator::Add, &Int32, days(left), days(right));
                Some(cast(sum, Date32))
            }
            (BinaryOperator::Plus, Int16 | Int32 | Int64, Date32) => {
                let sum = arithmetic::numbers(Operator::Add, &Int32, days(left), days(right));
                Some(cast(sum, Date32))
            }
            (BinaryOperator::Minus, Date32, Int16 | Int32 | Int64) => {
                let difference = arithmetic::numbers(Operator::Subtract, &Int32, days(left), days(right));
                Some(cast(difference, Date32))
            }
            (BinaryOperator::Minus, Date32, Date32) => {
                Some(arithmetic::numbers(Operator::Subtract, &Int32, days(left), days(right)))
            }
            (BinaryOperator::Plus | BinaryOperator::Minus, Date32, Interval(_)) => {
                let operator = if self.op == BinaryOperator::Plus { std::ops::Add::add } else { std::ops::Sub::sub };
                Some(operator(cast(left.clone(), timestamp), right.clone()))
            }
            (BinaryOperator::Plus, Interval(_), Date32) => Some(cast(right.clone(), timestamp) + left.clone()),
            (BinaryOperator::Minus, Timestamp(..) | Date32, Timestamp(..) | Date32) => {
                let plain = |expr: &Expr| cast(expr.clone(), timestamp.clone());
                Some(arithmetic::between(plain(left), plain(right)))
            }
            (BinaryOperator::Multiply, Interval(_), number) if number.is_numeric() => {
                Some(times(left, cast(right.clone(), Float64)))
            }
            (BinaryOperator::Multiply, number, Interval(_)) if number.is_numeric() => {
                Some(times(right, cast(left.clone(), Float64)))
            }
            (BinaryOperator::Divide, Interval(_), number) if number.is_numeric() => {
                Some(times(left, Expr::Literal(ScalarValue::from(1.0), None) / cast(right.clone(), Float64)))
            }
            _ => None,
        }
    }
}

fn compared(op: &BinaryOperator, left: Expr, right: Expr) -> Expr {
    match op {
        BinaryOperator::Eq => left.eq(right),
        BinaryOperator::NotEq => left.not_eq(right),
        BinaryOperator::Lt => left.lt(right),
        BinaryOperator::LtEq => left.lt_eq(right),
        BinaryOperator::Gt => left.gt(right),
        _ => left.gt_eq(right),
    }
}

/// Whether the result is a double.
fn is_double(left: &DataType, right: &DataType) -> bool {
    let numbers = left.is_numeric() && right.is_numeric();
    numbers && (left.is_floating() || right.is_floating()) && !(left == right && *left == DataType::Float32)
}

fn times(interval: &Expr, number: Expr) -> Expr {
    arithmetic::times(interval.clone(), number)
}

fn typed(expr: Expr, from: &DataType, to: &DataType) -> Expr {
    if from == to { expr } else { cast(expr, to.clone()) }
}

fn wider<'a>(left: &'a DataType, right: &'a DataType) -> &'a DataType {
    if left.primitive_width() >= right.primitive_width() { left } else { right }
}
