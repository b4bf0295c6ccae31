//! `TABLE t`, PostgreSQL's short form of `SELECT * FROM t`, wherever a query may stand.

use super::Kinds;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{TokenWithSpan, Word};

/// The tokens with the long form in its place.
pub(super) fn expanded(spans: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let Some(first) = spans.iter().find(|span| !is_space(span)).map(|span| span.token.clone()) else { return spans };
    let in_with = is(&first, Keyword::WITH);
    let mut expanded = Vec::with_capacity(spans.len());
    let (mut before, mut selects): (Option<Kinds>, bool) = (None, false);
    for span in spans {
        let begins = match &before {
            None | Some(Kinds::LParen) => true,
            Some(Kinds::RParen) => in_with,
            // After an item of a SELECT it is the item's name.
            Some(token) if is(token, Keyword::AS) => !selects,
            Some(Kinds::Word(word)) if word.quote_style.is_none() => matches!(
                word.keyword,
                Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::ALL | Keyword::DISTINCT
            ),
            Some(_) => false,
        };
        if !is_space(&span) {
            before = Some(span.token.clone());
            selects |= is(&span.token, Keyword::SELECT);
        }
        if begins && is(&span.token, Keyword::TABLE) {
            let long = [word("SELECT", Keyword::SELECT), Kinds::Mul, word("FROM", Keyword::FROM)];
            expanded.extend(long.map(|token| TokenWithSpan { token, span: span.span }));
        } else {
            expanded.push(span);
        }
    }
    expanded
}

fn is_space(span: &TokenWithSpan) -> bool {
    matches!(span.token, Kinds::Whitespace(_))
}

fn is(token: &Kinds, keyword: Keyword) -> bool {
    matches!(token, Kinds::Word(word) if word.quote_style.is_none() && word.keyword == keyword)
}

fn word(value: &str, keyword: Keyword) -> Kinds {
    Kinds::Word(Word { value: value.into(), quote_style: None, keyword })
}

#[cfg(test)]
mod tests {
    use crate::base::sql::parse_statement;

    #[test]
    fn the_short_form_is_the_long_one_and_other_tables_stay() {
        for (short, long) in [
            ("TABLE t", "SELECT * FROM t"),
            ("table s.t order by 1", "SELECT * FROM s.t ORDER BY 1"),
            ("(TABLE t) UNION ALL TABLE u", "(SELECT * FROM t) UNION ALL SELECT * FROM u"),
            ("WITH q AS (TABLE t) TABLE q", "WITH q AS (SELECT * FROM t) SELECT * FROM q"),
            ("CREATE TABLE c AS TABLE t", "CREATE TABLE c AS SELECT * FROM t"),
            ("SELECT 1 FROM (TABLE t) x", "SELECT 1 FROM (SELECT * FROM t) x"),
            ("SELECT 1 AS table, 2", "SELECT 1 AS table, 2"),
            ("CREATE TABLE t (a INT)", "CREATE TABLE t (a INT)"),
            ("ALTER TABLE t RENAME TO u", "ALTER TABLE t RENAME TO u"),
            ("TRUNCATE TABLE t", "TRUNCATE TABLE t"),
            ("SELECT \"table\" FROM t", "SELECT \"table\" FROM t"),
        ] {
            assert_eq!(parse_statement(short).unwrap().to_string(), long);
        }
    }
}
