//! Casts to types that only Postgres has.
//!
//! `regclass` and its like are a number that prints as a name. Here a cast to one is the number, except where
//! somebody reads it: as a column of the answer, cast to text, or in a concatenation.

use super::{call, take, text};
use crate::query::system::functions::{IDENTITY, SHOWN};
use datafusion::sql::sqlparser::ast::{ArrayElemTypeDef, BinaryOperator, DataType, Expr, ObjectName};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

const REFERENCES: &[&str] = &["regclass", "regtype", "regproc", "regprocedure", "regnamespace", "regrole"];

/// Types that are held as text.
const TEXTS: &[&str] = &[
    "aclitem",
    "bpchar",
    "char",
    "character_data",
    "cid",
    "cstring",
    "inet",
    "int2vector",
    "name",
    "oidvector",
    "pg_lsn",
    "pg_node_tree",
    "sql_identifier",
    "text",
    "tid",
    "unknown",
    "xid",
    "yes_or_no",
];

/// Makes a column of an answer print as a name when it is a cast to `regclass` or its like.
pub fn show(expr: &mut Expr) -> bool {
    match expr {
        Expr::Nested(inner) => show(inner),
        Expr::Cast { expr: inner, data_type, .. } => match reference(data_type) {
            Some(kind) => {
                let inner = take(inner);
                *expr = call(SHOWN, [text(kind), inner]);
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
            if is_text(data_type) && show(inner) {
                let inner = take(inner);
                *expr = inner;
            }
        }
        Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right } => {
            show(left);
            show(right);
        }
        Expr::TypedString(typed) => {
            if let Some(plain) = plain(&typed.data_type) {
                typed.data_type = plain;
            }
        }
        _ => {}
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

/// The type under a name that the planner knows, when it has one.
fn plain(ty: &DataType) -> Option<DataType> {
    match ty {
        DataType::Custom(name, _) => {
            let qualified = name.0.len() > 1;
            let name = unqualified(name)?;
            match name.as_str() {
                "oid" => Some(DataType::IntUnsigned(None)),
                "cardinal_number" => Some(DataType::Int4(None)),
                name if TEXTS.contains(&name) => Some(DataType::Text),
                name if qualified => standard(name),
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

fn standard(name: &str) -> Option<DataType> {
    let ty = Parser::new(&PostgreSqlDialect {}).try_with_sql(name).ok()?.parse_data_type().ok()?;
    (!matches!(ty, DataType::Custom(..))).then_some(ty)
}

fn is_text(ty: &DataType) -> bool {
    matches!(ty, DataType::Text | DataType::Varchar(_) | DataType::CharacterVarying(_) | DataType::String(_))
}
