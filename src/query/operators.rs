//! Operators and model calls, planned where the types and columns are known.

use super::binding;
use super::functions::arithmetic::{self, Operator};
use super::functions::cast::Cast;
use super::functions::json;
use super::functions::missing::argument_type;
use super::functions::numeric;
use super::rewrite::{ModelCall, Operation, calls, operators};
use crate::base::{Error, Kind, Type};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, cast};
use datafusion::sql::sqlparser::ast::BinaryOperator;
use parking_lot::Mutex;
use std::sync::Arc;

/// Plans the numbered operators of one statement.
#[derive(Debug)]
pub struct Operators {
    operations: Vec<Operation>,
    calls: Vec<ModelCall>,
    /// Types that parameters have by what they are used with.
    inference: Arc<Mutex<Vec<Option<Type>>>>,
}

impl Operators {
    pub fn new(operations: Vec<Operation>, calls: Vec<ModelCall>, inference: Arc<Mutex<Vec<Option<Type>>>>) -> Self {
        Operators { operations, calls, inference }
    }

    /// Notes the type of a parameter that has none, from the other operand's.
    fn infer(&self, op: &BinaryOperator, parameter: &Expr, other: &Expr, schema: &DFSchema) {
        let Expr::Placeholder(Placeholder { id, field: None }) = parameter else { return };
        let number = id.strip_prefix('$').and_then(|id| id.parse::<usize>().ok()).and_then(|id| id.checked_sub(1));
        let (Some(number), Ok(other)) = (number, other.get_type(schema)) else { return };
        let ty = match (Class::of(&other), op) {
            (Class::Unknown, _) => return,
            (Class::Time, BinaryOperator::Plus | BinaryOperator::Minus) => Type::Interval,
            (_, BinaryOperator::StringConcat) if !matches!(other, DataType::List(_)) => Type::Text,
            _ => Type::from_arrow(&other),
        };
        let mut inference = self.inference.lock();
        if inference.len() <= number {
            inference.resize(number + 1, None);
        }
        inference[number].get_or_insert(ty);
    }
}

impl ExprPlanner for Operators {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        if let Some(call) = calls::number(&expr.op).and_then(|number| self.calls.get(number)) {
            return Ok(PlannerResult::Planned(binding::bind(call, expr.left, schema)?));
        }
        match operators::number(&expr.op).and_then(|number| self.operations.get(number)) {
            Some(operation) => {
                self.infer(&operation.op, &expr.left, &expr.right, schema);
                self.infer(&operation.op, &expr.right, &expr.left, schema);
                Ok(operation.plan(expr.left, expr.right, schema)?)
            }
            None => Ok(PlannerResult::Original(expr)),
        }
    }
}

impl Operation {
    fn plan(&self, left: Expr, right: Expr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>, Error> {
        let original = |left, right| Ok(PlannerResult::Original(RawBinaryExpr { op: self.op.clone(), left, right }));
        // A column that does not exist is reported better by whoever looks at the whole expression.
        let (Ok(left_type), Ok(right_type)) = (left.get_type(schema), right.get_type(schema)) else {
            return original(left, right);
        };
        match &self.op {
            BinaryOperator::And | BinaryOperator::Or => return original(left, right),
            BinaryOperator::Arrow if Class::of(&left_type) == Class::Text => {
                return Ok(PlannerResult::Planned(json::get(false).call(vec![left, right])));
            }
            BinaryOperator::LongArrow if Class::of(&left_type) == Class::Text => {
                return Ok(PlannerResult::Planned(json::get(true).call(vec![left, right])));
            }
            _ => {}
        }
        if self.op == BinaryOperator::StringConcat && is_jsonb(&left, schema) && is_jsonb(&right, schema) {
            return Err(Error::unsupported("jsonb || jsonb is not supported")
                .hint("put the texts together, or build the value where it is made".to_string())
                .at(self.at));
        }
        let (left, left_type) =
            adapted(left, left_type, &right_type, &right, &self.op).map_err(|error| error.at(self.left_at))?;
        let (right, right_type) =
            adapted(right, right_type, &left_type, &left, &self.op).map_err(|error| error.at(self.right_at))?;
        if !self.exists(&left_type, &right_type) {
            return Err(self.undefined(&left, &left_type, &right, &right_type));
        }
        match self.arithmetic(&left, &left_type, &right, &right_type) {
            Some(planned) => Ok(PlannerResult::Planned(planned)),
            None if matches!(self.op, BinaryOperator::StringConcat) => {
                original(concatenable(left, &left_type, &right_type), concatenable(right, &right_type, &left_type))
            }
            None => original(left, right),
        }
    }

    /// Whether Postgres has the operator for these types; what is not decided here passes.
    fn exists(&self, left: &DataType, right: &DataType) -> bool {
        let (left, right) = (Class::of(left), Class::of(right));
        let known = left != Class::Other && right != Class::Other;
        match &self.op {
            _ if left == Class::Unknown || right == Class::Unknown => true,
            op if is_comparison(op) => !known || left == right,
            BinaryOperator::Multiply | BinaryOperator::Divide => {
                !known
                    || (left == Class::Number && right == Class::Number)
                    || (left == Class::Interval && right == Class::Number)
                    || (left == Class::Number && right == Class::Interval && self.op == BinaryOperator::Multiply)
            }
            BinaryOperator::Modulo => !known || (left == Class::Number && right == Class::Number),
            BinaryOperator::Plus | BinaryOperator::Minus => {
                !known || !matches!((left, right), (Class::Text | Class::Bool, _) | (_, Class::Text | Class::Bool))
            }
            BinaryOperator::PGRegexMatch
            | BinaryOperator::PGRegexIMatch
            | BinaryOperator::PGRegexNotMatch
            | BinaryOperator::PGRegexNotIMatch
            | BinaryOperator::PGLikeMatch
            | BinaryOperator::PGILikeMatch => !known || (left == Class::Text && right == Class::Text),
            _ => true,
        }
    }

    fn undefined(&self, left: &Expr, left_type: &DataType, right: &Expr, right_type: &DataType) -> Error {
        let name = |expr: &Expr, ty: &DataType| match is_text_literal(expr) {
            true => "unknown".to_string(),
            false => argument_type(ty),
        };
        Error::new(
            Kind::UndefinedFunction,
            format!("operator does not exist: {} {} {}", name(left, left_type), self.op, name(right, right_type)),
        )
        .hint(
            "No operator matches the given name and argument types. You might need to add explicit type casts."
                .to_string(),
        )
        .at(self.at)
    }

    /// What DataFusion would compute differently.
    fn arithmetic(&self, left: &Expr, left_type: &DataType, right: &Expr, right_type: &DataType) -> Option<Expr> {
        use DataType::*;
        let days = |expr: &Expr| cast(expr.clone(), Int32);
        let timestamp = Type::Timestamp.arrow();
        match (&self.op, left_type, right_type) {
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

/// A literal without a type of its own takes that of the other operand.
fn adapted(
    expr: Expr,
    ty: DataType,
    other: &DataType,
    other_expr: &Expr,
    op: &BinaryOperator,
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
    if is_text_literal(other_expr) || !(is_comparison(op) || arithmetic) {
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
    let value = Cast::new(target.clone(), "UTC").value(&ScalarValue::Utf8(Some(text.clone())))?;
    let ty = value.data_type();
    Ok((Expr::Literal(value, None), ty))
}

/// `12.50` as a number of its own precision.
fn decimal(text: &str) -> Option<ScalarValue> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = i8::try_from(fraction.len()).ok()?;
    let precision = u8::try_from(digits.unsigned_abs().to_string().len().max(fraction.len())).ok()?;
    (precision <= 38).then_some(ScalarValue::Decimal128(Some(digits), precision, scale))
}

/// Text of anything that is put together with text.
fn concatenable(expr: Expr, ty: &DataType, other: &DataType) -> Expr {
    let text = |ty: &DataType| Class::of(ty) == Class::Text;
    if !text(ty) && text(other) && !matches!(ty, DataType::List(_) | DataType::Null) {
        return Cast::new(Type::Text, "UTC").function().call(vec![expr]);
    }
    expr
}

fn is_jsonb(expr: &Expr, schema: &DFSchema) -> bool {
    expr.to_field(schema).is_ok_and(|(_, field)| Type::of(&field) == Type::Jsonb)
}

fn is_text_literal(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(ScalarValue::Utf8(_), _))
}

fn is_comparison(op: &BinaryOperator) -> bool {
    matches!(
        op,
        BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq
    )
}

/// Types among which operators are defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Number,
    Text,
    Bool,
    /// Dates and timestamps.
    Time,
    Interval,
    Bytes,
    Unknown,
    Other,
}

impl Class {
    fn of(ty: &DataType) -> Class {
        use DataType::*;
        match ty {
            Null => Class::Unknown,
            Boolean => Class::Bool,
            Utf8 | LargeUtf8 | Utf8View => Class::Text,
            Date32 | Date64 | Timestamp(..) => Class::Time,
            Interval(_) | Duration(_) => Class::Interval,
            Binary | LargeBinary | BinaryView | FixedSizeBinary(_) => Class::Bytes,
            Dictionary(_, values) => Class::of(values),
            ty if ty.is_numeric() => Class::Number,
            _ => Class::Other,
        }
    }
}
