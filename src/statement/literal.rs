//! Expressions without a type of their own, which take that of the column they are for.

use super::target::folded;
use crate::base::{Error, Result, Textual, Type, sql};
use crate::catalog::Column;
use datafusion::sql::sqlparser::ast::{CastKind, DataType, Expr, Value, Visit, Visitor};
use std::ops::ControlFlow;

/// Gives the column's type to a literal or parameter, and the column's default to the word DEFAULT.
pub fn typed(expr: &mut Expr, column: &Column) -> Result<()> {
    if is_default(expr) {
        *expr = default(column)?;
        return Ok(());
    }
    let untyped = match expr {
        Expr::Value(value) => untyped(&value.value, column),
        Expr::Nested(inner) => return typed(inner, column),
        _ => false,
    };
    if untyped {
        let inner = std::mem::replace(expr, null());
        *expr = cast(inner, data_type(&uncut(&column.ty))?);
    }
    Ok(())
}

/// Whether it is the word DEFAULT.
pub fn is_default(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(ident) if ident.quote_style.is_none() && folded(ident) == "default")
}

fn untyped(value: &Value, column: &Column) -> bool {
    match value {
        Value::Placeholder(_) => true,
        // Text is what they are without more ado.
        Value::SingleQuotedString(_)
        | Value::DollarQuotedString(_)
        | Value::EscapedStringLiteral(_)
        | Value::UnicodeStringLiteral(_)
        | Value::NationalStringLiteral(_) => !matches!(column.ty, Type::Text | Type::Varchar(_) | Type::Char(_)),
        Value::SingleQuotedByteStringLiteral(_) | Value::HexStringLiteral(_) => {
            matches!(&column.ty, Type::Textual(ty) if ty.is_bits())
        }
        Value::Null => true,
        _ => false,
    }
}

/// A cast would cut bits to their length, of which the column makes an error.
fn uncut(ty: &Type) -> Type {
    match ty {
        Type::Textual(ty) if ty.is_bits() => Type::Textual(Textual::Varbit(None)),
        ty => ty.clone(),
    }
}

/// What a column has when nothing is said.
pub fn default(column: &Column) -> Result<Expr> {
    let Some(text) = &column.default else { return Ok(cast(null(), data_type(&uncut(&column.ty))?)) };
    let mut expr = sql::parse_expression(text)?;
    typed(&mut expr, &Column { default: None, ..column.clone() })?;
    Ok(expr)
}

fn null() -> Expr {
    Expr::value(Value::Null)
}

fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(expr), data_type, array: false, format: None }
}

/// A type as the parser has it, without a length: a cast to one would cut.
pub fn data_type(ty: &Type) -> Result<DataType> {
    let ty = match ty {
        Type::Varchar(_) | Type::Char(_) => &Type::Text,
        ty => ty,
    };
    match sql::parse_expression(&format!("CAST(NULL AS {ty})"))? {
        Expr::Cast { data_type, .. } => Ok(data_type),
        _ => Err(Error::internal("a cast must read as a cast")),
    }
}

/// Whether the expression gives each row a value of its own.
pub fn volatile(expr: &Expr) -> bool {
    expr.visit(&mut Volatile).is_break()
}

struct Volatile;

impl Visitor for Volatile {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        const NAMES: &[&str] = &["random", "gen_random_uuid", "uuid", "clock_timestamp", "nextval"];
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        let name = function.name.0.last().and_then(|part| part.as_ident()).map(folded).unwrap_or_default();
        if NAMES.contains(&name.as_str()) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_type_takes_the_columns() {
        let column = |ty: &str, default: Option<&str>| Column {
            default: default.map(str::to_string),
            ..Column::new("c", Type::parse(ty).unwrap(), true)
        };
        for (text, ty, default, expected) in [
            ("'1'", "int4", None, "CAST('1' AS INTEGER)"),
            ("'1'", "varchar(3)", None, "'1'"),
            ("$1", "varchar(3)", None, "CAST($1 AS TEXT)"),
            ("(NULL)", "int4[]", None, "(CAST(NULL AS INTEGER[]))"),
            ("5", "int8", None, "5"),
            ("DEFAULT", "int8", None, "CAST(NULL AS BIGINT)"),
            ("default", "date", Some("'2020-01-01'"), "CAST('2020-01-01' AS DATE)"),
            ("\"default\"", "date", None, "\"default\""),
            ("'{1}'", "timestamptz", None, "CAST('{1}' AS TIMESTAMP WITH TIME ZONE)"),
        ] {
            let mut expr = sql::parse_expression(text).unwrap();
            typed(&mut expr, &column(ty, default)).unwrap();
            assert_eq!(expr.to_string(), expected);
        }
    }
}
