//! What the parser does not know: `DO NOTHING` as the action of a MERGE, `OVERRIDING SYSTEM VALUE`, `UNLOGGED`.
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
        return without(spans, &significant, &["OVERRIDING", "SYSTEM", "VALUE"]);
    }
    if matches!(first, Some(Keyword::CREATE))
        && significant.get(2).is_some_and(|at| keyword(*at) == Some(Keyword::TABLE))
    {
        return without(spans, &significant, &["UNLOGGED"]);
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

/// Without the first place where these words stand one after the other.
fn without(mut spans: Vec<TokenWithSpan>, significant: &[usize], words: &[&str]) -> Vec<TokenWithSpan> {
    let is = |at: &usize, wanted: &str| match &spans[*at].token {
        Kinds::Word(word) => word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted),
        _ => false,
    };
    let found = significant.windows(words.len()).find(|places| places.iter().zip(words).all(|(at, word)| is(at, word)));
    if let Some((first, last)) = found.and_then(|found| Some((*found.first()?, *found.last()?))) {
        spans.drain(first..=last);
    }
    spans
}
