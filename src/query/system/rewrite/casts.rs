//! Casts to types that only Postgres has.
//!
//! `regclass` and its like are a number that prints as a name. Here a cast to one is the number, except where
//! somebody reads it: as a column of the answer, cast to text, or in a concatenation.

use super::{call, take, text};
use crate::query::system::functions::{IDENTITY, SHOWN};
use datafusion::sql::sqlparser::ast::{ArrayElemTypeDef, BinaryOperator, DataType, Expr, ObjectName};

const REFERENCES: &[&str] =
    &["regclass", "regtype", "regproc", "regprocedure", "regnamespace", "regrole", "regoperator"];

/// Types that are held as text.
const TEXTS: &[&str] =
    &["aclitem", "character_data", "cstring", "pg_node_tree", "sql_identifier", "unknown", "yes_or_no"];

/// Makes a column of an answer print as a name when it is a cast to `regclass` or its like.
pub fn show(expr: &mut Expr) -> bool {
    shown(expr, |kind| format!("aqueduct_{kind}"))
}

/// The same as a text.
fn spell(expr: &mut Expr) -> bool {
    shown(expr, |_| SHOWN.to_string())
}

fn shown(expr: &mut Expr, function: impl Fn(&str) -> String) -> bool {
    match expr {
        Expr::Nested(inner) => shown(inner, function),
        Expr::Cast { expr: inner, data_type, .. } => match reference(data_type) {
            Some(kind) => {
                let inner = take(inner);
                *expr = call(&function(kind), [text(kind), inner]);
                true
            }
            None => false,
        },
        _ => false,
    }
}

/// Rewrites one cast, or what reads one.
pub fn cast(expr: &mut Expr) {
    match expr {
        Expr::Cast { expr: inner, data_type, .. } => {
            if let Some(kind) = reference(data_type) {
                let inner = take(inner);
                *expr = call(IDENTITY, [text(kind), inner]);
                return;
            }
            if let Some(plain) = plain(data_type) {
                *data_type = plain;
            }
            // As a text it is the same call as in the answer's columns, so that ORDER BY finds it there.
            let named = is_text(data_type) && show(inner);
            if !named && data_type.to_string().eq_ignore_ascii_case("oid") {
                number(inner);
            }
        }
        Expr::BinaryOp { left, op: BinaryOperator::Eq | BinaryOperator::NotEq, right } => {
            number(left);
            number(right);
        }
        Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right } => {
            spell(left);
            spell(right);
        }
        Expr::TypedString(typed) => {
            if let Some(plain) = plain(&typed.data_type) {
                typed.data_type = plain;
            }
        }
        _ => {}
    }
}

/// Makes the answer of `to_regclass` or its like, a name, the number that it stands for.
fn number(expr: &mut Expr) {
    let Expr::Function(function) = &*expr else { return };
    let kind = unqualified(&function.name).and_then(|name| {
        let kind = name.strip_prefix("to_")?;
        REFERENCES.iter().copied().find(|known| *known == kind)
    });
    if let Some(kind) = kind {
        let name = take(expr);
        *expr = call(IDENTITY, [text(kind), name]);
    }
}

/// The name of the type when it is one that prints as a name.
fn reference(ty: &DataType) -> Option<&'static str> {
    match ty {
        DataType::Regclass => Some("regclass"),
        DataType::Custom(name, _) => {
            let name = unqualified(name)?;
            REFERENCES.iter().copied().find(|known| *known == name)
        }
        _ => None,
    }
}

/// The last part of a type's name when it is Postgres' own.
fn unqualified(name: &ObjectName) -> Option<String> {
    let parts: Vec<_> =
        name.0.iter().filter_map(|part| part.as_ident()).map(|ident| ident.value.to_lowercase()).collect();
    match parts.as_slice() {
        [name] => Some(name.clone()),
        [schema, name] if schema == "pg_catalog" || schema == "information_schema" => Some(name.clone()),
        _ => None,
    }
}

/// Text, for a type that only Postgres' own tables have.
fn plain(ty: &DataType) -> Option<DataType> {
    match ty {
        DataType::Custom(name, _) => {
            let name = unqualified(name)?;
            match name.as_str() {
                "cardinal_number" => Some(DataType::Int4(None)),
                name if TEXTS.contains(&name) => Some(DataType::Text),
                _ => None,
            }
        }
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, size)) => {
            let element = plain(element)?;
            Some(DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(element), *size)))
        }
        _ => None,
    }
}

fn is_text(ty: &DataType) -> bool {
    use crate::base::Type;
    matches!(Type::parse(&ty.to_string()), Some(Type::Text | Type::Varchar(_) | Type::Name))
}
