//! Operators that Postgres lets one name by their schema, and escapes.

use super::{call, take, text};
use crate::query::rewrite::operators::known;
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Value, ValueWithSpan};

/// Rewrites one operator.
pub fn plain(expr: &mut Expr) {
    match expr {
        Expr::BinaryOp { op, left, right } => {
            if let BinaryOperator::PGCustomBinaryOperator(parts) = op
                && let Some(named) = known(parts)
            {
                *op = named;
            }
            if matches!(op, BinaryOperator::Eq | BinaryOperator::NotEq) {
                array_literal(left, right);
            }
        }
        Expr::Like { escape_char, pattern, .. } | Expr::ILike { escape_char, pattern, .. } => {
            backslash(escape_char, pattern);
        }
        _ => {}
    }
}

/// `polroles = '{0}'` as `array_to_string(polroles, ',') = '0'`, for columns of the catalog that are arrays.
fn array_literal(left: &mut Box<Expr>, right: &mut Box<Expr>) {
    let column = match &**left {
        Expr::Identifier(ident) => &ident.value,
        Expr::CompoundIdentifier(idents) => match idents.last() {
            Some(ident) => &ident.value,
            None => return,
        },
        _ => return,
    };
    let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(literal), .. }) = &**right else { return };
    let Some(items) = literal.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else { return };
    if ARRAYS.contains(&column.as_str()) {
        let items = text(items);
        **left = call("array_to_string", [take(left), text(",")]);
        **right = items;
    }
}

const ARRAYS: &[&str] = &["conkey", "confkey", "indkey", "polroles", "proargtypes", "reloptions", "stxkind"];

/// A pattern with an escape of its own as one that escapes with a backslash.
fn backslash(escape: &mut Option<ValueWithSpan>, pattern: &mut Box<Expr>) {
    let Some(ValueWithSpan { value: Value::SingleQuotedString(found), .. }) = escape else { return };
    let mut chars = found.chars();
    let (Some(character), None) = (chars.next(), chars.next()) else { return };
    if character == '\\' {
        return;
    }
    if let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(literal), .. }) = &mut **pattern {
        *literal = escaped(literal, character);
    } else {
        let doubled = call("replace", [take(pattern), text("\\"), text("\\\\")]);
        **pattern = call("replace", [doubled, text(&character.to_string()), text("\\")]);
    }
    *escape = None;
}

fn escaped(pattern: &str, character: char) -> String {
    let mut escaped = String::new();
    let mut chars = pattern.chars();
    while let Some(next) = chars.next() {
        match next {
            it if it == character => {
                escaped.push('\\');
                escaped.extend(chars.next());
            }
            '\\' => escaped.push_str("\\\\"),
            it => escaped.push(it),
        }
    }
    escaped
}
