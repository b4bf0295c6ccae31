//! Operators of types that are held as text.

use super::Operation;
use super::class::{is_comparison, is_text_literal, type_of};
use super::json::operator;
use crate::base::{Error, Textual, Type};
use crate::query::functions::cast::Cast;
use crate::query::functions::rows;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::{Expr, binary_expr};
use datafusion::sql::sqlparser::ast::BinaryOperator;

impl Operation {
    /// The call that the operator is; `None` when neither side is of such a type.
    pub(super) fn textual(
        &self,
        left: &Expr,
        right: &Expr,
        schema: &DFSchema,
        zone: &str,
    ) -> Result<Option<Expr>, Error> {
        let (left_type, right_type) = (type_of(left, schema), type_of(right, schema));
        let reference = |ty: &Option<Type>| ty.as_ref().is_some_and(Type::is_reference);
        if reference(&left_type) || reference(&right_type) {
            if !is_comparison(&self.op) {
                return Ok(None);
            }
            // By their names.
            let name = |expr: &Expr, ty: &Option<Type>| match reference(ty) {
                true => Cast::new(Type::Text, zone).function().call(vec![expr.clone()]),
                false => expr.clone(),
            };
            return Ok(Some(binary_expr(name(left, &left_type), operator(&self.op), name(right, &right_type))));
        }
        let held = |ty: &Option<Type>| match ty {
            Some(Type::Textual(ty)) => Some(*ty),
            _ => None,
        };
        let Some(ty) = held(&left_type).or(held(&right_type)) else { return Ok(None) };
        if matches!(ty, Textual::Jsonpath) {
            return Ok(None);
        }
        match (&self.op, &left_type, &right_type) {
            (BinaryOperator::Plus, Some(Type::Date), Some(Type::Textual(Textual::Timetz))) => {
                return Ok(called("date and timetz", zone, vec![left.clone(), right.clone()]));
            }
            (BinaryOperator::Plus, Some(Type::Textual(Textual::Timetz)), Some(Type::Date)) => {
                return Ok(called("date and timetz", zone, vec![right.clone(), left.clone()]));
            }
            _ => {}
        }
        let known = held(&left_type).zip(held(&right_type));
        if !is_comparison(&self.op) && self.name(ty, known, &right_type).is_none() {
            // As a text an address has its length.
            let network = |ty: &Option<Type>| held(ty).is_some_and(Textual::is_network);
            let text = |expr: &Expr, own: &Option<Type>| match network(own) {
                true => called("inet text", zone, vec![expr.clone()]),
                false => Some(expr.clone()),
            };
            let lists =
                [&left_type, &right_type].iter().any(|ty| ty.as_ref().is_some_and(|ty| ty.as_array().is_some()));
            if self.op != BinaryOperator::StringConcat || lists || !(network(&left_type) || network(&right_type)) {
                return Ok(None);
            }
            let sides = text(left, &left_type).zip(text(right, &right_type));
            return Ok(
                sides.map(|(left, right)| binary_expr(left, datafusion::logical_expr::Operator::StringConcat, right))
            );
        }
        // A literal takes the type of the other side.
        let typed = |expr: &Expr, own: &Option<Type>, at: Option<usize>| -> Result<(Expr, Option<Type>), Error> {
            match expr {
                Expr::Literal(value @ ScalarValue::Utf8(Some(_)), _) if is_text_literal(expr) => {
                    let cast = Cast::new(Type::Textual(ty.plain()), zone);
                    cast.value(value).map_err(|error| error.at(at))?;
                    Ok((cast.function().call(vec![expr.clone()]), Some(Type::Textual(ty.plain()))))
                }
                _ => Ok((expr.clone(), own.clone())),
            }
        };
        let (left, left_type) = typed(left, &left_type, self.left_at)?;
        let (right, right_type) = typed(right, &right_type, self.right_at)?;
        let both = held(&left_type).zip(held(&right_type));
        if is_comparison(&self.op) {
            let alike = both.is_some_and(|(left, right)| {
                left.plain() == right.plain()
                    || (left.is_network() && right.is_network())
                    || (left.is_bits() && right.is_bits())
            });
            let order = |expr: Expr| rows::function("order of", zone).map(|order| order.call(vec![expr]));
            return Ok(match alike && rows::is_ordered_apart(&Type::Textual(ty)) {
                true => order(left).zip(order(right)).map(|(left, right)| binary_expr(left, operator(&self.op), right)),
                false => None,
            });
        }
        let Some(name) = self.name(ty, both, &right_type) else { return Ok(None) };
        if matches!(name.as_str(), "bit #") && is_minus_one(&right) {
            return Ok(called("bit ~", zone, vec![left]));
        }
        if matches!(name.as_str(), "inet #") {
            return Ok(is_minus_one(&right).then(|| called("inet ~", zone, vec![left])).flatten());
        }
        if name == "inet +" && held(&left_type).is_none() {
            return Ok(called(&name, zone, vec![right, left]));
        }
        Ok(called(&name, zone, vec![left, right]))
    }

    /// The name of the function that the operator is.
    fn name(&self, ty: Textual, both: Option<(Textual, Textual)>, right: &Option<Type>) -> Option<String> {
        let op = match &self.op {
            BinaryOperator::PGBitwiseShiftLeft => "<<".to_string(),
            BinaryOperator::PGBitwiseShiftRight => ">>".to_string(),
            BinaryOperator::PGBitwiseXor => "#".to_string(),
            BinaryOperator::AtArrow => "@>".to_string(),
            BinaryOperator::ArrowAt => "<@".to_string(),
            op => op.to_string(),
        };
        let known = |all: &[&str]| all.contains(&op.as_str());
        match ty {
            Textual::Inet | Textual::Cidr if op == "-" && both.is_some() => Some("inet less inet".into()),
            Textual::Inet | Textual::Cidr => {
                known(&["<<", "<<=", ">>", ">>=", "&&", "&", "|", "+", "-", "#"]).then(|| format!("inet {op}"))
            }
            Textual::Bit(_) | Textual::Varbit(_) => {
                known(&["&", "|", "#", "<<", ">>", "||"]).then(|| format!("bit {op}"))
            }
            Textual::Range(_) | Textual::Multirange(_) => {
                known(&["@>", "<@", "&&", "<<", ">>", "&<", "&>", "-|-", "+", "*", "-"]).then(|| format!("range {op}"))
            }
            Textual::Timetz => {
                (matches!(right, Some(Type::Interval)) && known(&["+", "-"])).then(|| format!("timetz {op}"))
            }
            _ => None,
        }
    }
}

/// `~x` is written as `x # -1`.
fn is_minus_one(expr: &Expr) -> bool {
    match expr {
        Expr::Cast(cast) => is_minus_one(&cast.expr),
        Expr::Negative(inner) => {
            matches!(inner.as_ref(), Expr::Literal(value, _) if *value == ScalarValue::Int64(Some(1)))
        }
        Expr::Literal(value, _) => value.to_string() == "-1",
        Expr::ScalarFunction(call) => call.args.first().is_some_and(is_minus_one),
        _ => false,
    }
}

fn called(name: &str, zone: &str, args: Vec<Expr>) -> Option<Expr> {
    Some(rows::function(name, zone)?.call(args))
}
