//! Operators, choices and model calls, planned where the types and columns are known.

mod arithmetic;
mod choice;
mod class;
mod common;
mod json;
mod literal;
mod textual;

pub use class::{name_of, type_of};
pub use common::{common_type, converted, merged};
pub use literal::decimal;

use super::binding;
use super::functions::cast::Cast;
use super::functions::missing::argument_type;
use super::functions::rows;
use super::rewrite::{Choice, ModelCall, Operation, calls, choices, operators};
use crate::base::{Error, Kind, Type};
use class::{Class, is_comparison, is_text_literal};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::functions_nested::make_array::make_array;
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr, RawFieldAccessExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, GetFieldAccess};
use datafusion::sql::sqlparser::ast::BinaryOperator;
use literal::adapted;
use parking_lot::Mutex;
use std::sync::Arc;

/// Plans the numbered operators of one statement.
#[derive(Debug)]
pub struct Operators {
    operations: Vec<Operation>,
    choices: Vec<Choice>,
    calls: Vec<ModelCall>,
    zone: String,
    /// Types that parameters have by what they are used with.
    inference: Arc<Mutex<Vec<Option<Type>>>>,
}

impl Operators {
    pub fn new(
        operations: Vec<Operation>,
        choices: Vec<Choice>,
        calls: Vec<ModelCall>,
        inference: Arc<Mutex<Vec<Option<Type>>>>,
        zone: &str,
    ) -> Self {
        Operators { operations, choices, calls, zone: zone.to_string(), inference }
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
        if let Some(choice) = choices::number(&expr.op).and_then(|number| self.choices.get(number)) {
            return Ok(PlannerResult::Planned(self.choice(choice, expr.left, schema)?));
        }
        match operators::number(&expr.op).and_then(|number| self.operations.get(number)) {
            Some(operation) => {
                self.infer(&operation.op, &expr.left, &expr.right, schema);
                self.infer(&operation.op, &expr.right, &expr.left, schema);
                Ok(operation.plan(expr.left, expr.right, schema, &self.zone)?)
            }
            None => Ok(PlannerResult::Original(expr)),
        }
    }

    /// Items of one type; arrays of arrays alike.
    fn plan_array_literal(&self, exprs: Vec<Expr>, schema: &DFSchema) -> Result<PlannerResult<Vec<Expr>>> {
        let ty = common_type("ARRAY", exprs.iter(), schema, |_| None)?;
        let items = exprs.into_iter().map(|expr| converted(expr, &ty, schema, &self.zone));
        let array = make_array(items.collect::<Result<_, Error>>()?);
        // What is made forgets what its items are.
        Ok(PlannerResult::Planned(match Type::from_arrow(&ty.arrow()) == ty || ty.as_array().is_some() {
            true => array,
            false => Cast::new(Type::Array(Box::new(ty)), &self.zone).function().call(vec![array]),
        }))
    }

    /// `value['key']` of a `jsonb`.
    fn plan_field_access(
        &self,
        expr: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        let mut ty = type_of(&expr.expr, schema);
        let mut expr = expr;
        if let (Some(vector), GetFieldAccess::ListIndex { key }) = (&ty, &mut expr.field_access)
            && vector.is_vector()
        {
            // It counts from zero.
            *key = Box::new(std::mem::take(&mut **key) + datafusion::logical_expr::lit(1));
            ty = vector.as_array();
        }
        match (ty, &expr.field_access) {
            (Some(Type::Jsonb), GetFieldAccess::ListIndex { key }) => {
                let get = super::functions::json::get(false);
                Ok(PlannerResult::Planned(get.call(vec![expr.expr, key.as_ref().clone()])))
            }
            (Some(Type::Jsonb), GetFieldAccess::NamedStructField { name }) => {
                let get = super::functions::json::get(false);
                Ok(PlannerResult::Planned(get.call(vec![expr.expr, Expr::Literal(name.clone(), None)])))
            }
            // There is no item before the first.
            (Some(Type::Array(element)), GetFieldAccess::ListIndex { key }) => {
                let item =
                    datafusion::functions_nested::expr_fn::array_element(expr.expr.clone(), key.as_ref().clone());
                // Of an array of arrays one subscript is no item.
                let nested = expr.expr.get_type(schema)?;
                let nested = matches!(&nested, DataType::List(item) if item.data_type().is_list());
                let null = ScalarValue::try_from(element.arrow())?;
                if nested {
                    return Ok(PlannerResult::Planned(Expr::Literal(null, None)));
                }
                let mut found =
                    datafusion::logical_expr::when(key.as_ref().clone().gt(datafusion::logical_expr::lit(0)), item);
                let found = found.otherwise(datafusion::logical_expr::lit(null))?;
                Ok(PlannerResult::Planned(match Type::from_arrow(&element.arrow()) == *element {
                    true => found,
                    false => Cast::new(*element, &self.zone).function().call(vec![found]),
                }))
            }
            (Some(ty), GetFieldAccess::ListIndex { .. } | GetFieldAccess::ListRange { .. })
                if ty.as_array().is_none() && ty != Type::Record && !matches!(expr.expr, Expr::Placeholder(_)) =>
            {
                let name = name_of(&ty);
                let message = format!("cannot subscript type {name} because it does not support subscripting");
                Err(Error::new(Kind::DatatypeMismatch, message).into())
            }
            _ => Ok(PlannerResult::Original(expr)),
        }
    }
}

impl Operation {
    fn plan(
        &self,
        left: Expr,
        right: Expr,
        schema: &DFSchema,
        zone: &str,
    ) -> Result<PlannerResult<RawBinaryExpr>, Error> {
        let original = |left, right| Ok(PlannerResult::Original(RawBinaryExpr { op: self.op.clone(), left, right }));
        if let BinaryOperator::And | BinaryOperator::Or = &self.op {
            let clause = if self.op == BinaryOperator::And { "AND" } else { "OR" };
            let left = choice::condition(clause, left, schema, self.from)?;
            return original(left, choice::condition(clause, right, schema, self.to)?);
        }
        // A column that does not exist is reported better by whoever looks at the whole expression.
        let (Ok(left_type), Ok(right_type)) = (left.get_type(schema), right.get_type(schema)) else {
            return original(left, right);
        };
        if self.op == BinaryOperator::PGExp {
            return Ok(PlannerResult::Planned(super::functions::power().call(vec![left, right])));
        }
        if let Some(planned) = self.json(&left, &right, schema, zone)? {
            return Ok(PlannerResult::Planned(planned));
        }
        if let Some(planned) = self.textual(&left, &right, schema, zone)? {
            return Ok(PlannerResult::Planned(planned));
        }
        let (left, right) = unpadded(left, right, &self.op, schema);
        let (left, left_type) =
            adapted(left, left_type, &right_type, &right, &self.op, zone).map_err(|error| error.at(self.left_at))?;
        let (right, right_type) =
            adapted(right, right_type, &left_type, &left, &self.op, zone).map_err(|error| error.at(self.right_at))?;
        if !self.exists(&left_type, &right_type) {
            return Err(self.undefined(&left, &left_type, &right, &right_type));
        }
        let (left, left_type) = instant(left, left_type, &right_type, &self.op, zone);
        let (right, right_type) = instant(right, right_type, &left_type, &self.op, zone);
        match (self.arithmetic(&left, &left_type, &right, &right_type, zone), &self.op) {
            (Some(planned), _) => Ok(PlannerResult::Planned(planned)),
            (None, BinaryOperator::StringConcat) if left_type.is_binary() || right_type.is_binary() => {
                let concat = rows::function("bytes and bytes", zone)
                    .ok_or_else(|| Error::internal("an operator must have its function"))?;
                Ok(PlannerResult::Planned(concat.call(vec![left, right])))
            }
            (None, BinaryOperator::StringConcat) => original(
                concatenable(left, &left_type, &right_type, zone),
                concatenable(right, &right_type, &left_type, zone),
            ),
            (None, BinaryOperator::PGOverlap) => {
                Ok(PlannerResult::Planned(datafusion::functions_nested::expr_fn::array_has_any(left, right)))
            }
            (None, BinaryOperator::PGStartsWith) => {
                Ok(PlannerResult::Planned(datafusion::functions::string::expr_fn::starts_with(left, right)))
            }
            (None, _) => original(left, right),
        }
    }

    /// Whether Postgres has the operator for these types; what is not decided here passes.
    fn exists(&self, left: &DataType, right: &DataType) -> bool {
        let list = |ty: &DataType| matches!(ty, DataType::List(_));
        let lists = (list(left), list(right));
        let is = |ty: DataType| *left == ty || *right == ty;
        let (dates, clocks) = (is(DataType::Date32), is(Type::Time.arrow()));
        let (left, right) = (Class::of(left), Class::of(right));
        let known = left != Class::Other && right != Class::Other;
        match &self.op {
            BinaryOperator::Spaceship => false,
            _ if left == Class::Unknown || right == Class::Unknown => true,
            op if is_comparison(op) => (!known && (lists.0 == lists.1)) || left == right,
            BinaryOperator::Multiply | BinaryOperator::Divide => {
                !known
                    || (left == Class::Number && right == Class::Number)
                    || (left == Class::Interval && right == Class::Number)
                    || (left == Class::Number && right == Class::Interval && self.op == BinaryOperator::Multiply)
            }
            BinaryOperator::Modulo => !known || (left == Class::Number && right == Class::Number),
            BinaryOperator::Plus | BinaryOperator::Minus => {
                let minus = self.op == BinaryOperator::Minus;
                let found = match (left, right) {
                    (Class::Text | Class::Bool | Class::Bytes, _) | (_, Class::Text | Class::Bool | Class::Bytes) => {
                        false
                    }
                    (Class::Number, Class::Interval) | (Class::Interval, Class::Number) => false,
                    (Class::Time, Class::Time) => minus,
                    (Class::Time, Class::Number) | (Class::Number, Class::Time) => dates,
                    (Class::Interval, Class::Time) => !minus,
                    _ => true,
                };
                let number = |class| class == Class::Number;
                found
                    && !(clocks && (number(left) || number(right)))
                    && !((lists.0 || lists.1) && (number(left) || number(right)))
            }
            BinaryOperator::StringConcat => {
                !known || left == Class::Text || right == Class::Text || left == Class::Bytes
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
}

/// Text of anything that is put together with text.
fn concatenable(expr: Expr, ty: &DataType, other: &DataType, zone: &str) -> Expr {
    let text = |ty: &DataType| Class::of(ty) == Class::Text;
    if !text(ty) && text(other) && !matches!(ty, DataType::List(_) | DataType::Null) {
        return Cast::new(Type::Text, zone).function().call(vec![expr]);
    }
    expr
}

/// A date or wall clock beside an instant, as the instant that it is in the session's zone.
fn instant(expr: Expr, ty: DataType, other: &DataType, op: &BinaryOperator, zone: &str) -> (Expr, DataType) {
    let beside = matches!(other, DataType::Timestamp(_, Some(_)));
    let local = matches!(ty, DataType::Date32 | DataType::Timestamp(_, None));
    match beside && local && (is_comparison(op) || *op == BinaryOperator::Minus) {
        true => (Cast::new(Type::Timestamptz, zone).function().call(vec![expr]), Type::Timestamptz.arrow()),
        false => (expr, ty),
    }
}

/// `character(n)` without the blanks that fill it, which count in no operator.
fn unpadded(left: Expr, right: Expr, op: &BinaryOperator, schema: &DFSchema) -> (Expr, Expr) {
    let padded = |expr: &Expr| matches!(type_of(expr, schema), Some(Type::Char(_)));
    let (is_left, is_right) = (padded(&left), padded(&right));
    let strip = |expr: Expr, own: bool, other: bool| match expr {
        Expr::Literal(ScalarValue::Utf8(Some(text)), metadata) if other && is_comparison(op) => {
            Expr::Literal(ScalarValue::Utf8(Some(text.trim_end_matches(' ').to_string())), metadata)
        }
        expr if own => stripped(expr),
        expr => expr,
    };
    (strip(left, is_left, is_right), strip(right, is_right, is_left))
}

/// A text without the blanks at its end.
pub fn stripped(expr: Expr) -> Expr {
    datafusion::functions::string::expr_fn::rtrim(vec![expr, Expr::Literal(ScalarValue::from(" "), None)])
}
