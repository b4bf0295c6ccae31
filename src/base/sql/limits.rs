//! Limits on a statement's shape, checked on its tokens before anything recurses over it.
//!
//! A chain of operators becomes a tree as deep as the chain is long, and whoever walks
//! such a tree, or only drops it, uses stack for every level.

use super::{Kinds, Token};
use crate::base::{Error, Kind, Result};
use datafusion::sql::sqlparser::keywords::Keyword;

/// Parentheses and brackets inside each other.
const NESTING_MAX: usize = 200;
/// Operators in one expression, at one level of parentheses.
const OPERATORS_MAX: usize = 2_000;
/// Queries put together with UNION, INTERSECT and EXCEPT.
const SET_OPERATIONS_MAX: usize = 500;

pub(super) fn check(tokens: &[Token]) -> Result<()> {
    let mut levels = vec![Level::default()];
    for token in tokens {
        match &token.token {
            Kinds::LParen | Kinds::LBracket | Kinds::LBrace => {
                levels.push(Level::default());
                if levels.len() > NESTING_MAX {
                    return Err(too_deep(NESTING_MAX).at(token.start));
                }
            }
            Kinds::Word(word) if word.keyword == Keyword::CASE && word.quote_style.is_none() => {
                levels.push(Level { case: true, ..Level::default() });
            }
            Kinds::Word(word) if word.keyword == Keyword::END && levels.last().is_some_and(|level| level.case) => {
                levels.pop();
            }
            Kinds::RParen | Kinds::RBracket | Kinds::RBrace if levels.len() > 1 => drop(levels.pop()),
            Kinds::SemiColon => levels = vec![Level::default()],
            other => {
                let Some(level) = levels.last_mut() else { continue };
                level.count(other);
                if level.operators > OPERATORS_MAX || level.set_operations > SET_OPERATIONS_MAX {
                    return Err(too_long().at(token.start));
                }
            }
        }
    }
    Ok(())
}

pub(super) fn too_deep(limit: usize) -> Error {
    Error::new(Kind::TooComplex, "statement is nested too deeply").detail(format!("the limit is {limit} levels"))
}

fn too_long() -> Error {
    Error::new(Kind::TooComplex, "expression is too long")
        .detail(format!("the limits are {OPERATORS_MAX} operators and {SET_OPERATIONS_MAX} UNIONs"))
        .hint("use IN (…), = ANY (ARRAY[…]) or a join with VALUES instead".to_string())
}

/// What one level of parentheses, or one CASE, has so far.
#[derive(Default)]
struct Level {
    case: bool,
    operators: usize,
    set_operations: usize,
}

impl Level {
    fn count(&mut self, token: &Kinds) {
        match token {
            Kinds::Comma => self.operators = 0,
            Kinds::Word(word) if word.quote_style.is_none() => match word.keyword {
                Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT => self.set_operations += 1,
                Keyword::SELECT | Keyword::WHERE | Keyword::HAVING | Keyword::ON => self.operators = 0,
                Keyword::WHEN | Keyword::THEN | Keyword::ELSE if self.case => self.operators = 0,
                Keyword::AND | Keyword::OR | Keyword::NOT | Keyword::IS | Keyword::LIKE | Keyword::JOIN => {
                    self.operators += 1
                }
                Keyword::IN | Keyword::BETWEEN | Keyword::ILIKE | Keyword::COLLATE | Keyword::AT => self.operators += 1,
                _ => {}
            },
            Kinds::Word(_)
            | Kinds::Number(..)
            | Kinds::SingleQuotedString(_)
            | Kinds::Whitespace(_)
            | Kinds::Placeholder(_) => {}
            _ => self.operators += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_statement;
    use crate::base::Kind;

    fn check(text: &str, kind: Option<Kind>) {
        let found = parse_statement(text).err().map(|error| error.kind);
        assert_eq!(found, kind, "{}", &text[..text.len().min(60)]);
    }

    #[test]
    fn what_would_use_up_the_stack_is_refused_first() {
        let terms = |n: usize, by: &str| format!("SELECT {}", vec!["1"; n].join(by));
        check(&terms(1_500, " + "), None);
        check(&terms(20_000, " + "), Some(Kind::TooComplex));
        check(&terms(20_000, " OR "), Some(Kind::TooComplex));
        check(&terms(10_000, " UNION SELECT "), Some(Kind::TooComplex));
        check(&format!("SELECT {}1", "- ".repeat(3_000)), Some(Kind::TooComplex));
        check(&format!("SELECT 1{}", "::int".repeat(3_000)), Some(Kind::TooComplex));
        check(&format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000)), Some(Kind::TooComplex));
        check(&format!("SELECT {}1{}", "(".repeat(100), ")".repeat(100)), None);
        check(&format!("SELECT 1 IN ({})", vec!["-1"; 50_000].join(", ")), None);
        check(&format!("INSERT INTO t VALUES {}", vec!["(1, -2)"; 20_000].join(", ")), None);
    }
}
