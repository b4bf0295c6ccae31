//! Types among which operators are defined.

use crate::base::Type;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::sql::sqlparser::ast::BinaryOperator;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
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
    pub fn of(ty: &DataType) -> Class {
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

/// A literal without a type of its own.
pub fn is_text_literal(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(ScalarValue::Utf8(_), _))
}

/// The SQL type of an expression, when its columns are known.
pub fn type_of(expr: &Expr, schema: &DFSchema) -> Option<Type> {
    expr.to_field(schema).ok().map(|(_, field)| Type::of(&field))
}

/// The name of a type without its length or precision, as messages have it.
pub fn name_of(ty: &Type) -> String {
    match ty {
        Type::Numeric(_) => "numeric".into(),
        Type::Varchar(_) => "character varying".into(),
        Type::Char(_) => "character".into(),
        Type::Array(element) => format!("{}[]", name_of(element)),
        other => other.to_string(),
    }
}

pub fn is_comparison(op: &BinaryOperator) -> bool {
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
