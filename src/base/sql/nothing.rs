//! What the parser does not know: `DO NOTHING` as the action of a MERGE, `OVERRIDING SYSTEM VALUE`.
//!
//! The first becomes an UPDATE of a column that no user can type, or for rows that are not matched an INSERT of it.

use super::Kinds;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{TokenWithSpan, Word};

/// The column that is updated in its place.
const NOTHING: &str = "\u{1}nothing";

/// The tokens of a MERGE as the parser wants them.
pub(super) fn spelled(spans: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let keyword = |at: usize| match spans.get(at).map(|span| &span.token) {
        Some(Kinds::Word(word)) if word.quote_style.is_none() => Some(word.keyword),
        _ => None,
    };
    let significant: Vec<usize> =
        (0..spans.len()).filter(|at| !matches!(spans[*at].token, Kinds::Whitespace(_))).collect();
    let first = significant.first().and_then(|at| keyword(*at));
    if matches!(first, Some(Keyword::INSERT)) {
        return without_overriding(spans, &significant);
    }
    if !matches!(first, Some(Keyword::MERGE | Keyword::WITH)) {
        return spans;
    }
    let (mut nothing, mut matched) = (vec![], true);
    for window in significant.windows(3) {
        match (keyword(window[0]), keyword(window[1]), keyword(window[2])) {
            (Some(Keyword::WHEN), Some(Keyword::NOT), Some(Keyword::MATCHED)) => matched = false,
            (Some(Keyword::WHEN), Some(Keyword::MATCHED), _) => matched = true,
            (Some(Keyword::THEN), Some(Keyword::DO), Some(Keyword::NOTHING)) => {
                nothing.push((window[1], window[2], matched));
            }
            _ => {}
        }
    }
    let mut spelled = Vec::with_capacity(spans.len());
    for (at, span) in spans.into_iter().enumerate() {
        if let Some((.., matched)) = nothing.iter().find(|(act, ..)| *act == at) {
            let place = span.span;
            let word = |value: &str, quote_style, keyword| TokenWithSpan {
                token: Kinds::Word(Word { value: value.into(), quote_style, keyword }),
                span: place,
            };
            let plain = |token| TokenWithSpan { token, span: place };
            let (column, zero) = (word(NOTHING, Some('"'), Keyword::NoKeyword), Kinds::Number("0".into(), false));
            spelled.extend(match matched {
                true => vec![
                    word("UPDATE", None, Keyword::UPDATE),
                    word("SET", None, Keyword::SET),
                    column,
                    plain(Kinds::Eq),
                    plain(zero),
                ],
                false => vec![
                    word("INSERT", None, Keyword::INSERT),
                    plain(Kinds::LParen),
                    column,
                    plain(Kinds::RParen),
                    word("VALUES", None, Keyword::VALUES),
                    plain(Kinds::LParen),
                    plain(zero),
                    plain(Kinds::RParen),
                ],
            });
        } else if !nothing.iter().any(|(_, nothing, _)| *nothing == at) {
            spelled.push(span);
        }
    }
    spelled
}

/// Without `OVERRIDING SYSTEM VALUE`, which the parser does not know either.
fn without_overriding(mut spans: Vec<TokenWithSpan>, significant: &[usize]) -> Vec<TokenWithSpan> {
    let word = |at: usize, wanted: &str| match &spans[at].token {
        Kinds::Word(word) => word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted),
        _ => false,
    };
    let found =
        significant.windows(3).find(|it| word(it[0], "OVERRIDING") && word(it[1], "SYSTEM") && word(it[2], "VALUE"));
    if let Some(found) = found.map(|found| (found[0], found[2])) {
        spans.drain(found.0..=found.1);
    }
    spans
}
