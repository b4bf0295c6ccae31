//! The type that several expressions have in common, as in the branches of a CASE.

use super::class::{Class, name_of};
use crate::base::{Error, Kind, Type};
use crate::query::functions::cast::Cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::{Expr, ExprSchemable, cast};

/// The type of all the expressions together; text when none of them has one. `at` tells where each of them is.
pub fn common_type<'a>(
    what: &str,
    exprs: impl Iterator<Item = &'a Expr>,
    schema: &DFSchema,
    at: impl Fn(usize) -> Option<usize>,
) -> Result<Type, Error> {
    let mut common: Option<Type> = None;
    for (number, expr) in exprs.enumerate() {
        let Some(ty) = known(expr, schema)? else { continue };
        common = Some(match common {
            None => ty,
            Some(common) => merged(&common, &ty).ok_or_else(|| {
                let (common, ty) = (name_of(&common), name_of(&ty));
                Error::new(Kind::DatatypeMismatch, format!("{what} types {common} and {ty} cannot be matched"))
                    .at(at(number))
            })?,
        });
    }
    Ok(common.unwrap_or(Type::Text))
}

/// The type of an expression; `None` of a literal that has none of its own.
fn known(expr: &Expr, schema: &DFSchema) -> Result<Option<Type>, Error> {
    if let Expr::Literal(ScalarValue::Utf8(_) | ScalarValue::Null, _)
    | Expr::Placeholder(Placeholder { field: None, .. }) = expr
    {
        return Ok(None);
    }
    let (_, field) = expr.to_field(schema)?;
    Ok(Some(Type::of(&field)).filter(|_| *field.data_type() != DataType::Null))
}

/// The type that values of both can be had in; `None` when there is none.
pub fn merged(left: &Type, right: &Type) -> Option<Type> {
    use Type::*;
    Some(match (left, right) {
        (left, right) if left == right => left.clone(),
        (Numeric(_), Numeric(_)) => wider(left, right),
        (left, right) if rank(left).is_some() && rank(right).is_some() => {
            let (lower, higher) = if rank(left) <= rank(right) { (left, right) } else { (right, left) };
            match higher {
                Numeric(_) => wider(lower, higher),
                higher => higher.clone(),
            }
        }
        (Text | Varchar(_) | Char(_) | Name, Text | Varchar(_) | Char(_) | Name) => Text,
        (Date, Timestamp) | (Timestamp, Date) => Timestamp,
        (Date | Timestamp, Timestamptz) | (Timestamptz, Date | Timestamp) => Timestamptz,
        (Time, Interval) | (Interval, Time) => Interval,
        (Array(left), Array(right)) => Array(Box::new(merged(left, right)?)),
        (left, right) if Class::of(&left.arrow()) == Class::Other && left.arrow() == right.arrow() => left.clone(),
        // Types of catalogs are text with another name.
        (
            Text | Name | InternalChar | Regclass | Regtype | Regproc,
            Text | Name | InternalChar | Regclass | Regtype | Regproc,
        ) => Text,
        (Oid, Int2 | Int4 | Int8) | (Int2 | Int4 | Int8, Oid) => Int8,
        _ => return None,
    })
}

/// Numbers from narrow to wide.
fn rank(ty: &Type) -> Option<u8> {
    Some(match ty {
        Type::Int2 => 0,
        Type::Int4 => 1,
        Type::Int8 => 2,
        Type::Numeric(_) => 3,
        Type::Float4 => 4,
        Type::Float8 => 5,
        _ => return None,
    })
}

/// A `numeric` with room for both before and after the point.
fn wider(left: &Type, right: &Type) -> Type {
    let digits = |ty: &Type| match ty {
        Type::Int2 => (5, 0),
        Type::Int4 => (10, 0),
        Type::Int8 => (19, 0),
        Type::Numeric(Some((precision, scale))) => (i16::from(*precision) - i16::from(*scale), i16::from(*scale)),
        _ => (28, 10),
    };
    let ((left_whole, left_scale), (right_whole, right_scale)) = (digits(left), digits(right));
    let scale = left_scale.max(right_scale);
    let whole = left_whole.max(right_whole).min(38 - scale);
    let digits = u8::try_from(whole + scale).ok().zip(i8::try_from(scale).ok());
    Type::Numeric(digits.filter(|digits| *digits != crate::base::types::NUMERIC_DEFAULT))
}

/// The expression in a type that [`common_type`] has found.
pub fn converted(expr: Expr, ty: &Type, schema: &DFSchema, zone: &str) -> Result<Expr, Error> {
    let arrow = ty.arrow();
    match &expr {
        Expr::Literal(ScalarValue::Null, _) => return Ok(Expr::Literal(ScalarValue::try_from(&arrow)?, None)),
        Expr::Literal(ScalarValue::Utf8(_), _) if *ty == Type::Text => return Ok(expr),
        Expr::Literal(value @ ScalarValue::Utf8(_), _) => {
            let value = Cast::new(ty.clone(), zone).value(value)?;
            let literal = Expr::Literal(value, None);
            let plain = Type::from_arrow(&arrow) == *ty;
            return Ok(if plain { literal } else { Cast::new(ty.clone(), zone).function().call(vec![literal]) });
        }
        Expr::Placeholder(Placeholder { field: None, .. }) => return Ok(expr),
        _ => {}
    }
    let given = expr.get_type(schema)?;
    Ok(match (&given, &arrow) {
        (given, arrow) if given == arrow => expr,
        (DataType::Null, _) => cast(expr, arrow),
        (DataType::Date32 | DataType::Timestamp(_, None), DataType::Timestamp(_, Some(_))) => {
            Cast::new(ty.clone(), zone).function().call(vec![expr])
        }
        (DataType::List(_), DataType::List(_)) => Cast::new(ty.clone(), zone).function().call(vec![expr]),
        _ if *ty == Type::Record => expr,
        _ => cast(expr, arrow),
    })
}
