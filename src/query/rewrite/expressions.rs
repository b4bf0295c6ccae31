//! One expression, its parts already rewritten.

use super::choices::{self, Choosing};
use super::{Rewriter, call, calls, folded, operators, parts};
use crate::base::{Error, Kind, Result, Type};
use crate::query::functions::date_part::date_part;
use crate::query::rewrite::Operation;
use datafusion::sql::sqlparser::ast::{self, BinaryOperator, Expr, Spanned, Value, ValueWithSpan};

impl Rewriter<'_> {
    pub(super) fn expression(&mut self, expr: &mut Expr) -> Result<()> {
        match expr {
            Expr::Value(ValueWithSpan { value: Value::Number(number, _), .. }) => {
                if let Some(constant) = self.exponent(&number.clone()) {
                    *expr = constant;
                    return Ok(());
                }
                let ty = integer_type(number);
                if let (false, Some(ty)) = (self.kept.contains(&std::ptr::from_ref(expr)), ty) {
                    let value = std::mem::replace(expr, Expr::value(Value::Null));
                    *expr = Expr::Cast {
                        kind: ast::CastKind::Cast,
                        expr: Box::new(value),
                        data_type: ty,
                        array: false,
                        format: None,
                    };
                }
                Ok(())
            }
            Expr::Value(ValueWithSpan {
                value: Value::SingleQuotedByteStringLiteral(_) | Value::HexStringLiteral(_),
                ..
            }) => self.bits(expr),
            Expr::Value(ValueWithSpan { value: value @ Value::UnicodeStringLiteral(_), .. }) => {
                if let Value::UnicodeStringLiteral(text) = value {
                    *value = Value::SingleQuotedString(std::mem::take(text));
                }
                Ok(())
            }
            Expr::BinaryOp { left, op, right } => {
                let number = self.rewritten.operations.len();
                if let BinaryOperator::PGCustomBinaryOperator(names) = op {
                    match operators::known(names) {
                        Some(known) => *op = known,
                        None if names.first().is_some_and(|name| name == calls::MARK) => return Ok(()),
                        None => {
                            let name = names.last().map_or("", String::as_str);
                            return Err(Error::new(
                                Kind::UndefinedFunction,
                                format!("operator does not exist: {name}"),
                            )
                            .at(self.places.offset(right.span().start)));
                        }
                    }
                }
                let operation = Operation::of(self.places, &self.rewritten.operations, left, op, right);
                self.rewritten.operations.push(operation);
                *op = operators::numbered(number);
                Ok(())
            }
            // Reserved in Postgres: no column has the name.
            Expr::Identifier(name)
                if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("current_schema") =>
            {
                *expr = call("current_schema", vec![]);
                self.function(expr)
            }
            Expr::SimilarTo { .. } => self.similar(expr),
            Expr::Extract { field, expr: time, .. } => {
                let field = Expr::value(Value::SingleQuotedString(field.to_string().to_lowercase()));
                let time = std::mem::replace(time.as_mut(), Expr::value(Value::Null));
                let extract = date_part(true, self.context.time_zone());
                *expr = self.own_call(extract, vec![field, time]);
                Ok(())
            }
            Expr::Interval(_) if self.kept.contains(&std::ptr::from_ref(expr)) => Ok(()),
            Expr::Interval(_) => self.interval(expr),
            Expr::Substring { .. } => {
                self.substring(expr);
                Ok(())
            }
            Expr::Cast { .. } | Expr::TypedString(_) | Expr::AtTimeZone { .. } | Expr::Collate { .. } => {
                self.conversion(expr)
            }
            Expr::Case { .. }
            | Expr::InList { .. }
            | Expr::Between { .. }
            | Expr::AnyOp { .. }
            | Expr::AllOp { .. }
            | Expr::UnaryOp { op: ast::UnaryOperator::Not, .. } => {
                self.choice(expr);
                Ok(())
            }
            Expr::IsTrue(inner) | Expr::IsNotTrue(inner) => {
                self.condition("IS TRUE", inner);
                Ok(())
            }
            Expr::IsFalse(inner) | Expr::IsNotFalse(inner) => {
                self.condition("IS FALSE", inner);
                Ok(())
            }
            Expr::IsUnknown(inner) | Expr::IsNotUnknown(inner) => {
                self.condition("IS UNKNOWN", inner);
                Ok(())
            }
            Expr::Function(function) if choices::is_choice(function) => {
                self.choice(expr);
                Ok(())
            }
            Expr::Identifier(name) if self.aliases.last().is_some_and(|known| known.contains(&folded(name))) => {
                *expr = self.chosen(Choosing::Row(folded(name)), vec![]);
                Ok(())
            }
            Expr::Function(function) => {
                if let Some(filter) = &mut function.filter {
                    self.condition("FILTER", filter);
                }
                if folded_name(function).as_deref() == Some("unnest")
                    && let ast::FunctionArguments::List(list) = &mut function.args
                {
                    for arg in &mut list.args {
                        if let ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(arg)) = arg {
                            let taken = std::mem::replace(arg, Expr::value(Value::Null));
                            *arg = self.own_call(crate::query::functions::flat::flat(), vec![taken]);
                        }
                    }
                }
                self.function(expr)?;
                if let Some(ty) = counts_rows(expr) {
                    let count = std::mem::replace(expr, Expr::value(Value::Null));
                    *expr = self.cast(&ty, count);
                }
                Ok(())
            }
            Expr::UnaryOp { op, expr: inner } => {
                let taken = |inner: &mut Expr| std::mem::replace(inner, Expr::value(Value::Null));
                let name = match op {
                    ast::UnaryOperator::PGAbs => "abs",
                    ast::UnaryOperator::PGSquareRoot => "sqrt",
                    ast::UnaryOperator::PGCubeRoot => "cbrt",
                    ast::UnaryOperator::BitwiseNot => {
                        let minus = self.cast(&Type::Int4, Expr::value(Value::Number("-1".into(), false)));
                        let inner = taken(inner);
                        *expr = self.operation(inner, BinaryOperator::PGBitwiseXor, minus);
                        return Ok(());
                    }
                    _ => return Ok(()),
                };
                *expr = call(name, vec![taken(inner)]);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn folded_name(function: &ast::Function) -> Option<String> {
    parts(&function.name).pop()
}

/// The type of a function that counts, where DataFusion's is another.
fn counts_rows(expr: &Expr) -> Option<Type> {
    let Expr::Function(function) = expr else { return None };
    let name = parts(&function.name).pop()?;
    match (function.over.is_some(), name.as_str()) {
        (true, "row_number" | "rank" | "dense_rank") | (false, "regr_count") => Some(Type::Int8),
        (true, "ntile") | (false, "regexp_count" | "regexp_instr" | "levenshtein") => Some(Type::Int4),
        _ => None,
    }
}

/// `integer` when the number fits it; larger ones are `bigint` or `numeric` by themselves.
fn integer_type(number: &str) -> Option<ast::DataType> {
    number.replace('_', "").parse::<i32>().ok().map(|_| ast::DataType::Int4(None))
}
