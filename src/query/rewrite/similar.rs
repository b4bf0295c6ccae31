//! `SIMILAR TO` as a match of a regular expression.

use super::Rewriter;
use super::casts::{Literal, literal};
use crate::base::{Error, Kind, Result};
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Value};

impl Rewriter<'_> {
    pub(super) fn similar(&mut self, expr: &mut Expr) -> Result<()> {
        let Expr::SimilarTo { negated, expr: subject, pattern, escape_char } = expr else { return Ok(()) };
        let at = self.offset(pattern);
        let refused = |what: &str| {
            Error::unsupported(format!("SIMILAR TO with {what} is not supported"))
                .hint("x ~ '^(…)$' takes a regular expression".to_string())
                .at(at)
        };
        let Some(Literal::Text(text)) = literal(pattern) else { return Err(refused("a pattern that is no literal")) };
        let escape = match escape_char.as_ref().map(|escape| &escape.value) {
            None => Some('\\'),
            Some(Value::SingleQuotedString(text)) if text.chars().count() <= 1 => text.chars().next(),
            Some(_) => return Err(refused("this ESCAPE")),
        };
        let regex = regex(text, escape).ok_or_else(|| {
            Error::new(Kind::InvalidParameterValue, "the pattern ends within an escape or class").at(at)
        })?;
        let op = if *negated { BinaryOperator::PGRegexNotMatch } else { BinaryOperator::PGRegexMatch };
        let subject = std::mem::replace(subject.as_mut(), Expr::value(Value::Null));
        let right = Box::new(Expr::value(Value::SingleQuotedString(regex)));
        *expr = Expr::BinaryOp { left: Box::new(subject), op, right };
        self.expression(expr)
    }
}

/// `None` when the pattern ends too early.
fn regex(pattern: &str, escape: Option<char>) -> Option<String> {
    let mut regex = String::from("(?s)^(?:");
    let mut class = false;
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            c if Some(c) == escape => {
                let escaped = chars.next()?;
                if !escaped.is_alphanumeric() {
                    regex.push('\\');
                }
                regex.push(escaped);
            }
            ']' if class => {
                class = false;
                regex.push(c);
            }
            '\\' | '[' | '&' | '~' if class => regex.extend(['\\', c]),
            c if class => regex.push(c),
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            '(' => regex.push_str("(?:"),
            '\\' | '.' | '^' | '$' => regex.extend(['\\', c]),
            '[' => {
                class = true;
                regex.push(c);
            }
            c => regex.push(c),
        }
    }
    regex.push_str(")$");
    (!class).then_some(regex)
}

#[cfg(test)]
mod tests {
    use super::regex;

    #[test]
    fn a_pattern_becomes_a_regular_expression_for_the_whole_text() {
        let check = |pattern, expected: Option<&str>| assert_eq!(regex(pattern, Some('\\')).as_deref(), expected);
        check("a%", Some("(?s)^(?:a.*)$"));
        check("(a|b)_.", Some("(?s)^(?:(?:a|b).\\.)$"));
        check("[^_%]+", Some("(?s)^(?:[^_%]+)$"));
        check("\\%", Some("(?s)^(?:\\%)$"));
        check("a\\", None);
        check("[a", None);
    }
}
