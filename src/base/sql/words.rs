//! `x ISNULL`, `x BETWEEN SYMMETRIC a AND b`, `inet '::1'` and signs after operators, which the parser lacks.

use super::{Kinds, Token};
use crate::base::Type;
use datafusion::sql::sqlparser::ast::{BinaryOperator, CastKind, DataType, Expr, Ident, ObjectName};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Tokenizer;

/// Whether the parser needs to know of one of these words.
pub(super) fn is_word(token: &Kinds) -> bool {
    is(token, "isnull") || is(token, "symmetric") || is(token, "asymmetric")
}

/// Whether the tokens begin with a literal of such a type.
pub(super) fn is_typed(tokens: &[Token]) -> bool {
    let mut next = tokens.iter().filter(|token| token.is_significant());
    let ty = next.next().is_some_and(|token| is_type(&token.token));
    ty && matches!(next.next().map(|token| &token.token), Some(Kinds::SingleQuotedString(_)))
}

/// Whether it is the name of a type whose literals the parser does not know: `inet '::1'`.
fn is_type(token: &Kinds) -> bool {
    let Kinds::Word(word) = token else { return false };
    word.quote_style.is_none()
        && matches!(Type::parse(&word.value), Some(Type::Textual(_) | Type::Oid | Type::Regclass))
}

/// The literal of such a type, when one comes next.
pub(super) fn prefix(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    let text = matches!(parser.peek_nth_token(1).token, Kinds::SingleQuotedString(_));
    if !text || !is_type(&parser.peek_token_ref().token) {
        return None;
    }
    let Kinds::Word(word) = parser.next_token().token else { return None };
    Some(parser.parse_value().map(|value| Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(Expr::Value(value)),
        data_type: DataType::Custom(ObjectName::from(vec![Ident::new(word.value)]), vec![]),
        array: false,
        format: None,
    }))
}

/// An operator and the sign that it ends with, which belongs to what follows.
pub(super) fn signed(token: &Kinds) -> Option<(Kinds, Kinds)> {
    let Kinds::CustomBinaryOperator(text) = token else { return None };
    let (operator, sign) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let sign = match sign {
        "-" => Kinds::Minus,
        "+" => Kinds::Plus,
        _ => return None,
    };
    if operator.contains(|c: char| "~!@#%^&|`?".contains(c)) {
        return None;
    }
    let mut tokens = Tokenizer::new(&PostgreSqlDialect {}, operator).tokenize().ok()?;
    if tokens.len() == 1 { Some((tokens.remove(0), sign)) } else { None }
}

fn is(token: &Kinds, word: &str) -> bool {
    matches!(token, Kinds::Word(found) if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
}

/// Whether `ISNULL` comes next.
pub(super) fn is_null(parser: &Parser) -> bool {
    is(&parser.peek_token_ref().token, "isnull")
}

/// What follows `expr` when it begins with one of these words.
pub(super) fn infix(parser: &mut Parser, expr: &Expr, precedence: u8) -> Option<Result<Expr, ParserError>> {
    if is_null(parser) {
        parser.next_token();
        return Some(Ok(Expr::IsNull(Box::new(expr.clone()))));
    }
    let negated = is(&parser.peek_nth_token(0).token, "not");
    let between = usize::from(negated);
    let word = parser.peek_nth_token(between + 1).token;
    let symmetric = is(&word, "symmetric");
    if !is(&parser.peek_nth_token(between).token, "between") || !(symmetric || is(&word, "asymmetric")) {
        return None;
    }
    (0..between + 2).for_each(|_| drop(parser.next_token()));
    Some(between_bounds(parser, expr, negated, symmetric, precedence))
}

fn between_bounds(
    parser: &mut Parser,
    expr: &Expr,
    negated: bool,
    symmetric: bool,
    precedence: u8,
) -> Result<Expr, ParserError> {
    let low = parser.parse_subexpr(precedence)?;
    parser.expect_keyword(Keyword::AND)?;
    let high = parser.parse_subexpr(precedence)?;
    let between = |low: &Expr, high: &Expr| Expr::Between {
        expr: Box::new(expr.clone()),
        negated,
        low: Box::new(low.clone()),
        high: Box::new(high.clone()),
    };
    if !symmetric {
        return Ok(between(&low, &high));
    }
    Ok(Expr::Nested(Box::new(Expr::BinaryOp {
        left: Box::new(between(&low, &high)),
        op: if negated { BinaryOperator::And } else { BinaryOperator::Or },
        right: Box::new(between(&high, &low)),
    })))
}
