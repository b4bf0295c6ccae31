//! Operators of `json` and `jsonb`.

use super::Operation;
use super::class::{Class, is_text_literal, type_of};
use crate::base::{Error, Kind, Type};
use crate::query::functions::{json, rows};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::sql::sqlparser::ast::BinaryOperator;

impl Operation {
    /// The call that the operator is; `None` when it is none of JSON.
    pub(super) fn json(&self, left: &Expr, right: &Expr, schema: &DFSchema, zone: &str) -> Result<Option<Expr>, Error> {
        let ty = type_of(left, schema);
        let json = matches!(ty, Some(Type::Json | Type::Jsonb));
        let other = type_of(right, schema);
        let jsonb = ty == Some(Type::Jsonb) && (other == Some(Type::Jsonb) || is_text_literal(right))
            || (other == Some(Type::Jsonb) && is_text_literal(left));
        let text = left.get_type(schema).is_ok_and(|ty| Class::of(&ty) == Class::Text);
        let list = right.get_type(schema).is_ok_and(|ty| matches!(ty, DataType::List(_)));
        let name = match &self.op {
            BinaryOperator::Arrow | BinaryOperator::LongArrow if text => {
                let get = json::get(self.op == BinaryOperator::LongArrow);
                return Ok(Some(get.call(vec![left.clone(), right.clone()])));
            }
            BinaryOperator::HashArrow if json => "json get path",
            BinaryOperator::HashLongArrow if json => "json get path text",
            BinaryOperator::AtArrow if jsonb => "jsonb_contains",
            BinaryOperator::ArrowAt if jsonb => "jsonb_contained",
            BinaryOperator::Question if json => "jsonb_exists",
            BinaryOperator::QuestionPipe if json => "jsonb_exists_any",
            BinaryOperator::QuestionAnd if json => "jsonb_exists_all",
            BinaryOperator::AtQuestion if json => "jsonb @?",
            BinaryOperator::AtAt if json => "jsonb @@",
            BinaryOperator::HashMinus if json => "jsonb_delete_path",
            BinaryOperator::StringConcat if jsonb => "jsonb_concat",
            BinaryOperator::Minus if ty == Some(Type::Jsonb) && (list || other != Some(Type::Jsonb)) => "jsonb_delete",
            BinaryOperator::AtArrow | BinaryOperator::ArrowAt if ty == Some(Type::Json) => {
                let message = format!("operator does not exist: json {} unknown", self.op);
                return Err(Error::new(Kind::UndefinedFunction, message)
                    .hint("a jsonb has it: value::jsonb".to_string())
                    .at(self.at));
            }
            op if super::is_comparison(op) && ty == Some(Type::Json) && other == ty => {
                let message = format!("operator does not exist: json {} json", self.op);
                return Err(Error::new(Kind::UndefinedFunction, message)
                    .hint("a jsonb has it: value::jsonb".to_string())
                    .at(self.at));
            }
            op if super::is_comparison(op) && jsonb => {
                let cast = |expr: &Expr| match is_text_literal(expr) {
                    true => {
                        crate::query::functions::cast::Cast::new(Type::Jsonb, zone).function().call(vec![expr.clone()])
                    }
                    false => expr.clone(),
                };
                let order = |expr: Expr| rows::function("order of", zone).map(|order| order.call(vec![expr]));
                let sides = order(cast(left)).zip(order(cast(right)));
                return Ok(sides.map(|(left, right)| datafusion::logical_expr::binary_expr(left, operator(op), right)));
            }
            _ => return Ok(None),
        };
        let function =
            rows::function(name, zone).ok_or_else(|| Error::internal("an operator must have its function"))?;
        Ok(Some(function.call(vec![left.clone(), right.clone()])))
    }
}

pub(super) fn operator(op: &BinaryOperator) -> datafusion::logical_expr::Operator {
    use datafusion::logical_expr::Operator;
    match op {
        BinaryOperator::Eq => Operator::Eq,
        BinaryOperator::NotEq => Operator::NotEq,
        BinaryOperator::Lt => Operator::Lt,
        BinaryOperator::LtEq => Operator::LtEq,
        BinaryOperator::Gt => Operator::Gt,
        _ => Operator::GtEq,
    }
}
