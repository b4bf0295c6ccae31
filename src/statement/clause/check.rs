//! `CHECK name ON rel [(col, …)] assertion [WHERE (b)] [WARN WHEN (b)] [FAIL WHEN (b)] [ON VIOLATION …] [KEEP FAILURES n]`

use super::step::{checked_expression, columns, condition};
use super::{Clauses, Once, refuse_later};
use crate::base::sql::{self, Kinds};
use crate::base::{Error, Kind, Result, quote_identifier, quote_literal};
use crate::catalog::workflow::{Assertion, Check, Fragment, Violation};
use crate::statement::cursor::Cursor;
use std::fmt;

/// Failing rows kept when KEEP FAILURES does not say.
const KEEP_DEFAULT: u32 = 10;
const KEEP_MAX: u64 = 10_000;

/// A check, after the word CHECK.
pub fn check(cursor: &mut Cursor) -> Result<Check> {
    let offset = cursor.offset();
    let name = cursor.identifier()?;
    cursor.expect("ON")?;
    let on = relation(cursor)?;
    let listed = match cursor.sees_token(&Kinds::LParen) {
        true => columns(cursor)?,
        false => vec![],
    };
    refuse_later_assertion(cursor)?;
    let at = cursor.offset();
    let assertion = assertion(cursor)?;
    if listed.is_empty() && needs_column(&assertion) {
        return Err(Error::new(Kind::Syntax, format!("check \"{name}\" needs the column it looks at"))
            .hint(format!("write CHECK {} ON {} (column) …", quote_identifier(&name), on.text))
            .at(at));
    }
    let mut check = Check {
        name,
        on,
        columns: listed,
        assertion,
        filter: None,
        warn_when: None,
        fail_when: None,
        on_violation: Violation::Block,
        keep_failures: KEEP_DEFAULT,
        offset,
    };
    check.clauses(cursor, &mut Once::default())?;
    Ok(check)
}

/// A step of the workflow or a relation, as it was typed.
pub fn relation(cursor: &mut Cursor) -> Result<Fragment> {
    let offset = cursor.offset();
    let parts = cursor.dotted()?;
    let text = parts.iter().map(|part| quote_identifier(part)).collect::<Vec<_>>().join(".");
    Ok(Fragment { text, offset })
}

fn refuse_later_assertion(cursor: &Cursor) -> Result<()> {
    if cursor.sees("EXPECT") { Ok(()) } else { refuse_later(cursor) }
}

fn needs_column(assertion: &Assertion) -> bool {
    !matches!(assertion, Assertion::RowCount { .. } | Assertion::Expect(_) | Assertion::Query(_))
}

fn assertion(cursor: &mut Cursor) -> Result<Assertion> {
    if cursor.eat("NOT NULL") {
        Ok(Assertion::NotNull)
    } else if cursor.eat("UNIQUE") {
        Ok(Assertion::Unique)
    } else if cursor.eat("IN") {
        Ok(Assertion::In(cursor.list(|cursor| checked_expression(cursor.until(|_| false)?))?))
    } else if cursor.eat("MATCHES") {
        matches(cursor)
    } else if cursor.eat("BETWEEN") {
        let low = checked_expression(cursor.until(|cursor| cursor.sees("AND"))?)?;
        cursor.expect("AND")?;
        Ok(Assertion::Between(low, checked_expression(cursor.until(starts_clause)?)?))
    } else if cursor.eat("REFERENCES") {
        let table = relation(cursor)?;
        cursor.expect_token(&Kinds::LParen)?;
        let column = cursor.identifier()?;
        cursor.expect_token(&Kinds::RParen)?;
        Ok(Assertion::References { table, column })
    } else if cursor.eat("ROW COUNT") {
        let comparison = comparison(cursor)?.to_string();
        Ok(Assertion::RowCount { comparison, value: checked_expression(cursor.until(starts_clause)?)? })
    } else if cursor.eat("EXPECT") {
        Ok(Assertion::Expect(condition(cursor)?))
    } else if cursor.eat("AS") {
        let query = cursor.parenthesised()?;
        sql::parse_statement(&query.text).map_err(|error| error.shifted(query.offset))?;
        Ok(Assertion::Query(query))
    } else {
        Err(cursor.expected(
            "NOT NULL, UNIQUE, IN (…), MATCHES '…', BETWEEN … AND …, REFERENCES t (c), ROW COUNT, EXPECT (…) or AS (query)",
        ))
    }
}

fn matches(cursor: &mut Cursor) -> Result<Assertion> {
    let at = cursor.offset();
    let pattern = cursor.string()?;
    match regex::Regex::new(&pattern) {
        Ok(_) => Ok(Assertion::Matches(pattern)),
        Err(error) => {
            Err(Error::new(Kind::InvalidParameterValue, format!("invalid regular expression: \"{pattern}\""))
                .detail(error.to_string().lines().last().unwrap_or_default().trim().to_string())
                .at(at))
        }
    }
}

fn comparison(cursor: &mut Cursor) -> Result<&'static str> {
    const SIGNS: [(Kinds, &str); 6] = [
        (Kinds::Eq, "="),
        (Kinds::Neq, "<>"),
        (Kinds::Lt, "<"),
        (Kinds::LtEq, "<="),
        (Kinds::Gt, ">"),
        (Kinds::GtEq, ">="),
    ];
    let found = SIGNS.iter().find(|(sign, _)| cursor.sees_token(sign));
    let (sign, text) = found.ok_or_else(|| cursor.expected("a comparison such as > or ="))?;
    cursor.expect_token(sign)?;
    Ok(text)
}

/// Whether a clause begins here, so that an expression before it has ended.
fn starts_clause(cursor: &Cursor) -> bool {
    ["WHERE", "WARN WHEN", "FAIL WHEN", "ON VIOLATION", "KEEP FAILURES", "WITH", "GROUP BY", "SCOPE"]
        .iter()
        .any(|words| cursor.sees(words))
}

impl Clauses for Check {
    const WORDS: &'static [&'static str] = &["WHERE", "WARN WHEN", "FAIL WHEN", "ON VIOLATION", "KEEP FAILURES"];

    fn clause(&mut self, cursor: &mut Cursor, once: &mut Once) -> Result<bool> {
        let at = cursor.offset();
        if cursor.eat("WHERE") {
            once.note("WHERE", at)?;
            self.filter = Some(condition(cursor)?);
        } else if cursor.eat("WARN WHEN") {
            once.note("WARN WHEN", at)?;
            self.warn_when = Some(condition(cursor)?);
        } else if cursor.eat("FAIL WHEN") {
            once.note("FAIL WHEN", at)?;
            self.fail_when = Some(condition(cursor)?);
        } else if cursor.eat("ON VIOLATION") {
            once.note("ON VIOLATION", at)?;
            self.on_violation = violation(cursor)?;
        } else if cursor.eat("KEEP FAILURES") {
            once.note("KEEP FAILURES", at)?;
            let at = cursor.offset();
            let rows = cursor.integer()?;
            self.keep_failures = u32::try_from(rows).ok().filter(|_| rows <= KEEP_MAX).ok_or_else(|| {
                Error::new(Kind::InvalidParameterValue, format!("KEEP FAILURES must be at most {KEEP_MAX}")).at(at)
            })?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

fn violation(cursor: &mut Cursor) -> Result<Violation> {
    if cursor.eat("QUARANTINE INTO") {
        return Ok(Violation::Quarantine(cursor.name()?));
    }
    if cursor.eat("WARN") {
        Ok(Violation::Warn)
    } else if cursor.eat("BLOCK") {
        Ok(Violation::Block)
    } else if cursor.eat("DROP ROWS") {
        Ok(Violation::DropRows)
    } else {
        Err(cursor.expected("WARN, BLOCK, DROP ROWS or QUARANTINE INTO table"))
    }
}

/// `CHECK name ON …`
pub fn print_check(f: &mut fmt::Formatter<'_>, check: &Check) -> fmt::Result {
    write!(f, "CHECK {} ON {}", quote_identifier(&check.name), check.on.text)?;
    if !check.columns.is_empty() {
        let columns: Vec<_> = check.columns.iter().map(|column| quote_identifier(column)).collect();
        write!(f, " ({})", columns.join(", "))?;
    }
    print_assertion(f, &check.assertion)?;
    let conditions = [("WHERE", &check.filter), ("WARN WHEN", &check.warn_when), ("FAIL WHEN", &check.fail_when)];
    for (words, condition) in conditions {
        if let Some(condition) = condition {
            write!(f, " {words} ({})", condition.text)?;
        }
    }
    match &check.on_violation {
        Violation::Block => {}
        Violation::Warn => f.write_str(" ON VIOLATION WARN")?,
        Violation::DropRows => f.write_str(" ON VIOLATION DROP ROWS")?,
        Violation::Quarantine(name) => write!(f, " ON VIOLATION QUARANTINE INTO {name}")?,
    }
    if check.keep_failures == KEEP_DEFAULT { Ok(()) } else { write!(f, " KEEP FAILURES {}", check.keep_failures) }
}

fn print_assertion(f: &mut fmt::Formatter<'_>, assertion: &Assertion) -> fmt::Result {
    match assertion {
        Assertion::NotNull => f.write_str(" NOT NULL"),
        Assertion::Unique => f.write_str(" UNIQUE"),
        Assertion::In(values) => {
            let values: Vec<_> = values.iter().map(|value| value.text.as_str()).collect();
            write!(f, " IN ({})", values.join(", "))
        }
        Assertion::Matches(pattern) => write!(f, " MATCHES {}", quote_literal(pattern)),
        Assertion::Between(low, high) => write!(f, " BETWEEN {} AND {}", low.text, high.text),
        Assertion::References { table, column } => {
            write!(f, " REFERENCES {} ({})", table.text, quote_identifier(column))
        }
        Assertion::RowCount { comparison, value } => write!(f, " ROW COUNT {comparison} {}", value.text),
        Assertion::Expect(condition) => write!(f, " EXPECT ({})", condition.text),
        Assertion::Query(query) => write!(f, " AS ({})", query.text),
    }
}
