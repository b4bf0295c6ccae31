//! Operators with their places, so that an error in one can point at it.

use super::super::places::Places;
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Spanned, UnaryOperator, Value};

/// Begins the name of an operator that stands for one of [`Rewritten::operations`](super::Rewritten).
const MARK: &str = "\u{1}operation";

/// A binary operator where it was written.
#[derive(Clone, Debug)]
pub struct Operation {
    pub op: BinaryOperator,
    /// Byte offsets of the operator and of operands that are literals.
    pub at: Option<usize>,
    pub left_at: Option<usize>,
    pub right_at: Option<usize>,
    /// Byte offsets where the operands begin.
    pub from: Option<usize>,
    pub to: Option<usize>,
}

/// The operator that stands for the operation of a number.
pub(super) fn numbered(number: usize) -> BinaryOperator {
    BinaryOperator::PGCustomBinaryOperator(vec![MARK.into(), number.to_string()])
}

/// The number that an operator stands for.
pub fn number(op: &BinaryOperator) -> Option<usize> {
    marked(op, MARK)
}

/// The number in an operator of two names, the first of them `mark`.
pub(super) fn marked(op: &BinaryOperator, mark: &str) -> Option<usize> {
    match op {
        BinaryOperator::PGCustomBinaryOperator(names) => match names.as_slice() {
            [first, number] if first == mark => number.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// `OPERATOR(pg_catalog.~)`, which psql writes for `~`.
pub(in crate::query) fn known(names: &[String]) -> Option<BinaryOperator> {
    Some(match names {
        [schema, _] if schema != "pg_catalog" => return None,
        [.., name] => match name.as_str() {
            "=" => BinaryOperator::Eq,
            "<>" | "!=" => BinaryOperator::NotEq,
            "<" => BinaryOperator::Lt,
            "<=" => BinaryOperator::LtEq,
            ">" => BinaryOperator::Gt,
            ">=" => BinaryOperator::GtEq,
            "+" => BinaryOperator::Plus,
            "-" => BinaryOperator::Minus,
            "*" => BinaryOperator::Multiply,
            "/" => BinaryOperator::Divide,
            "%" => BinaryOperator::Modulo,
            "||" => BinaryOperator::StringConcat,
            "~" => BinaryOperator::PGRegexMatch,
            "~*" => BinaryOperator::PGRegexIMatch,
            "!~" => BinaryOperator::PGRegexNotMatch,
            "!~*" => BinaryOperator::PGRegexNotIMatch,
            "~~" => BinaryOperator::PGLikeMatch,
            "~~*" => BinaryOperator::PGILikeMatch,
            "!~~" => BinaryOperator::PGNotLikeMatch,
            "!~~*" => BinaryOperator::PGNotILikeMatch,
            "@>" => BinaryOperator::AtArrow,
            "<@" => BinaryOperator::ArrowAt,
            "&&" => BinaryOperator::PGOverlap,
            "->" => BinaryOperator::Arrow,
            "->>" => BinaryOperator::LongArrow,
            "#>" => BinaryOperator::HashArrow,
            "#>>" => BinaryOperator::HashLongArrow,
            _ => return None,
        },
        [] => return None,
    })
}

impl Operation {
    /// `known` are the operations of the operands, which know where they begin.
    pub(super) fn of(
        places: &Places<'_>,
        known: &[Operation],
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
    ) -> Operation {
        let literal = |expr: &Expr| match expr {
            Expr::Value(value) => places.offset(value.span.start),
            _ => None,
        };
        let from = end(places, left);
        let to = start(places, right);
        Operation {
            op: op.clone(),
            at: find(places.text, &op.to_string(), from, to),
            left_at: literal(left),
            right_at: literal(right),
            from: match left {
                Expr::BinaryOp { op, .. } => number(op).and_then(|number| known.get(number)).and_then(|left| left.from),
                left => start(places, left),
            },
            to,
        }
    }
}

/// The operator's first byte between the ends of its operands.
fn find(text: &str, op: &str, from: Option<usize>, to: Option<usize>) -> Option<usize> {
    let (from, to) = (from?, to?);
    let between = text.get(from..to)?;
    let op = if op == "<>" && !between.contains("<>") { "!=" } else { op };
    let word = op.starts_with(|c: char| c.is_ascii_alphabetic());
    let found = if word { between.to_uppercase().find(op) } else { between.find(op) };
    found.map(|at| from + at)
}

/// Where an expression begins.
pub(super) fn start(places: &Places<'_>, mut expr: &Expr) -> Option<usize> {
    // A chain of operators can be longer than the stack is deep.
    while let Expr::BinaryOp { left, .. } = expr {
        expr = left;
    }
    match expr {
        // What the rewriter has put around it.
        Expr::Function(function) if places.offset(expr.span().start).is_none() => {
            super::run::inner(function).first().and_then(|inner| start(places, inner))
        }
        _ => places.offset(expr.span().start),
    }
}

fn end(places: &Places<'_>, expr: &Expr) -> Option<usize> {
    match expr {
        Expr::BinaryOp { right, .. } => end(places, right),
        Expr::UnaryOp { expr, op: UnaryOperator::Minus | UnaryOperator::Plus | UnaryOperator::Not } => {
            end(places, expr)
        }
        Expr::Value(value) if matches!(value.value, Value::Placeholder(_)) => places.offset(value.span.start),
        _ => places.offset(expr.span().end),
    }
}
