//! Which conditions a PostgreSQL server may decide, and how they are said there.
//!
//! An allow-list: what is not here is decided by us. A condition is in it only when the server is
//! sure to keep the same rows, whatever its settings, collations and search path are. Functions,
//! ours above all, are never sent.

use super::column::{Column, quoted};
use super::literal::{Class, canonical_uuid, literal};
use super::shape::Shape;
use crate::base::Type;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{Between, InList, Like};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

/// Deeper conditions are decided here: their text would be a burden for the server's stack too.
const DEPTH_MAX: usize = 64;

/// The condition in the server's SQL; `None` when it must be decided here.
pub(super) fn translate(condition: &Expr, shape: &Shape) -> Option<String> {
    Translator { shape }.condition(condition, 0)
}

struct Translator<'a> {
    shape: &'a Shape,
}

/// One side of a comparison.
struct Operand {
    class: Class,
    sql: String,
    literal: bool,
}

impl Translator<'_> {
    fn condition(&self, expr: &Expr, depth: usize) -> Option<String> {
        if depth > DEPTH_MAX {
            return None;
        }
        let inner = |expr: &Expr| self.condition(expr, depth + 1);
        match expr {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                Some(format!("({} AND {})", inner(left)?, inner(right)?))
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
                Some(format!("({} OR {})", inner(left)?, inner(right)?))
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                self.comparison(self.operand(left)?, comparator(*op)?, self.operand(right)?)
            }
            Expr::Not(inside) => Some(format!("(NOT {})", inner(inside)?)),
            Expr::IsNull(inside) => Some(format!("({} IS NULL)", self.any_column(inside)?)),
            Expr::IsNotNull(inside) => Some(format!("({} IS NOT NULL)", self.any_column(inside)?)),
            Expr::IsTrue(inside) => Some(format!("({} IS TRUE)", inner(inside)?)),
            Expr::IsFalse(inside) => Some(format!("({} IS FALSE)", inner(inside)?)),
            Expr::IsUnknown(inside) => Some(format!("({} IS UNKNOWN)", inner(inside)?)),
            Expr::IsNotTrue(inside) => Some(format!("({} IS NOT TRUE)", inner(inside)?)),
            Expr::IsNotFalse(inside) => Some(format!("({} IS NOT FALSE)", inner(inside)?)),
            Expr::IsNotUnknown(inside) => Some(format!("({} IS NOT UNKNOWN)", inner(inside)?)),
            Expr::Between(Between { expr, negated, low, high }) => {
                let low = self.comparison(self.operand(expr)?, ">=", self.operand(low)?)?;
                let high = self.comparison(self.operand(expr)?, "<=", self.operand(high)?)?;
                Some(if *negated { format!("(NOT ({low} AND {high}))") } else { format!("({low} AND {high})") })
            }
            Expr::InList(list) => self.in_list(list),
            Expr::Like(like) => self.like(like),
            Expr::Column(_) | Expr::Literal(ScalarValue::Boolean(_), _) => {
                self.operand(expr).filter(|operand| operand.class == Class::Bool).map(|operand| operand.sql)
            }
            _ => None,
        }
    }

    fn comparison(&self, left: Operand, comparator: &str, right: Operand) -> Option<String> {
        let (left, right) = uuids(left, right)?;
        let equality = matches!(comparator, "=" | "<>");
        let comparable = match (left.class, right.class) {
            (Class::Int | Class::Numeric, Class::Int | Class::Numeric) => true,
            // Two columns may hold zeros and NaNs of different bits, or text of different collations.
            (Class::Float, Class::Float) => left.literal != right.literal,
            (Class::Text, Class::Text) => equality && left.literal != right.literal,
            (Class::Bool | Class::Uuid, _) => equality && left.class == right.class,
            (left, right) => left == right,
        };
        comparable.then(|| format!("({} OPERATOR(pg_catalog.{comparator}) {})", left.sql, right.sql))
    }

    fn in_list(&self, InList { expr, list, negated }: &InList) -> Option<String> {
        let (comparator, joint) = if *negated { ("<>", " AND ") } else { ("=", " OR ") };
        let one = |value: &Expr| {
            let value = self.operand(value).filter(|value| value.literal)?;
            self.comparison(self.operand(expr)?, comparator, value)
        };
        let all: Vec<_> = list.iter().map(one).collect::<Option<_>>()?;
        (!all.is_empty()).then(|| format!("({})", all.join(joint)))
    }

    /// Patterns in which no character is escaped: there the two dialects are one.
    fn like(&self, like: &Like) -> Option<String> {
        let Expr::Literal(pattern, _) = like.pattern.as_ref() else { return None };
        let pattern_text = pattern.try_as_str()??;
        if like.case_insensitive || like.escape_char.is_some() || pattern_text.contains('\\') {
            return None;
        }
        let subject = self.operand(&like.expr).filter(|subject| subject.class == Class::Text && !subject.literal)?;
        let (_, pattern) = literal(pattern, self.shape.utf8)?;
        let operator = if like.negated { "!~~" } else { "~~" };
        Some(format!("({} OPERATOR(pg_catalog.{operator}) {pattern})", subject.sql))
    }

    fn operand(&self, expr: &Expr) -> Option<Operand> {
        match expr {
            Expr::Column(column) => self.column(&column.name).and_then(comparable),
            Expr::Literal(value, _) => {
                literal(value, self.shape.utf8).map(|(class, sql)| Operand { class, sql, literal: true })
            }
            Expr::Cast(cast) => self.widened(&cast.expr, cast.field.data_type()),
            Expr::TryCast(cast) => self.widened(&cast.expr, cast.field.data_type()),
            _ => None,
        }
    }

    /// A column cast to a type that holds each of its values exactly.
    fn widened(&self, expr: &Expr, to: &DataType) -> Option<Operand> {
        let Expr::Column(column) = expr else { return None };
        let column = self.column(&column.name)?;
        let operand = comparable(column)?;
        let kept = match (&column.ty, to) {
            (Type::Int2, DataType::Int32 | DataType::Int64) | (Type::Int4, DataType::Int64) => true,
            (Type::Text | Type::Varchar(_), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => true,
            (Type::Int2, DataType::Decimal128(p, s)) => i16::from(*p) - i16::from(*s) >= 5 && *s >= 0,
            (Type::Int4, DataType::Decimal128(p, s)) => i16::from(*p) - i16::from(*s) >= 10 && *s >= 0,
            (Type::Int8, DataType::Decimal128(p, s)) => i16::from(*p) - i16::from(*s) >= 19 && *s >= 0,
            (Type::Numeric(Some((p, s))), DataType::Decimal128(to_p, to_s)) => {
                to_s >= s && i16::from(*to_p) - i16::from(*to_s) >= i16::from(*p) - i16::from(*s)
            }
            (Type::Float4, DataType::Float64) => {
                return Some(Operand { sql: format!("({}::pg_catalog.float8)", operand.sql), ..operand });
            }
            _ => false,
        };
        kept.then_some(operand)
    }

    fn any_column(&self, expr: &Expr) -> Option<String> {
        let Expr::Column(column) = expr else { return None };
        // As it is selected: a row of NULLs is NULL to the server, and its text is not.
        Some(format!("({})", self.column(&column.name)?.selected()))
    }

    fn column(&self, name: &str) -> Option<&Column> {
        self.shape.columns.iter().find(|column| column.name == name)
    }
}

/// A column whose values compare on the server as they do here.
fn comparable(column: &Column) -> Option<Operand> {
    let name = quoted(&column.name);
    let (class, sql) = match &column.ty {
        Type::Bool => (Class::Bool, name),
        Type::Int2 | Type::Int4 | Type::Int8 => (Class::Int, name),
        Type::Float4 | Type::Float8 => (Class::Float, name),
        Type::Numeric(Some(_)) => (Class::Numeric, name),
        // Here it is rounded to what we hold, so it is compared rounded there.
        Type::Numeric(None) => (Class::Numeric, format!("({name}::pg_catalog.numeric(38, 10))")),
        Type::Text if column.as_text => (Class::Text, format!("({})", column.selected())),
        Type::Text | Type::Varchar(_) if column.deterministic => (Class::Text, name),
        Type::Date => (Class::Date, name),
        Type::Time => (Class::Time, name),
        Type::Timestamp => (Class::Timestamp, name),
        Type::Timestamptz => (Class::Timestamptz, name),
        Type::Uuid => (Class::Uuid, name),
        // `character(n)` ignores blanks there and keeps them here; json has no equality; …
        _ => return None,
    };
    Some(Operand { class, sql, literal: false })
}

/// Lets a text literal stand for a uuid when it is written as uuids are read.
fn uuids(left: Operand, right: Operand) -> Option<(Operand, Operand)> {
    let cast = |operand: Operand| {
        let text = operand.sql.trim_matches('\'');
        let sql = format!("{}::pg_catalog.uuid", operand.sql);
        (operand.literal && canonical_uuid(text)).then_some(Operand { class: Class::Uuid, sql, literal: true })
    };
    match (left.class, right.class) {
        (Class::Uuid, Class::Text) => Some((left, cast(right)?)),
        (Class::Text, Class::Uuid) => Some((cast(left)?, right)),
        _ => Some((left, right)),
    }
}

fn comparator(operator: Operator) -> Option<&'static str> {
    Some(match operator {
        Operator::Eq => "=",
        Operator::NotEq => "<>",
        Operator::Lt => "<",
        Operator::LtEq => "<=",
        Operator::Gt => ">",
        Operator::GtEq => ">=",
        _ => return None,
    })
}

#[cfg(test)]
#[path = "filter_test.rs"]
mod tests;
