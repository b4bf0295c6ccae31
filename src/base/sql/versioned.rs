//! `FOR VERSION AS OF x` and `FOR TIMESTAMP AS OF x` behind a table.
//!
//! The parser knows only `FOR SYSTEM_TIME AS OF x`, and only in dialects that take
//! the alias `at` for something else, so the dialect is changed only for a statement
//! that has these words, and the words are changed into the ones it knows.

use super::{Kinds, Token, words};
use datafusion::sql::sqlparser::ast::Expr;
use datafusion::sql::sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use datafusion::sql::sqlparser::keywords::{Keyword, RESERVED_FOR_COLUMN_ALIAS};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{TokenWithSpan, Word};

/// The tokens as the parser wants them, and whether they need [`VersionedDialect`].
///
/// A version becomes `FOR SYSTEM_TIME AS OF @ x`; the `@` marks it until the tree is there.
pub(super) fn spans(tokens: &[Token]) -> (Vec<TokenWithSpan>, bool) {
    let mut spans = Vec::with_capacity(tokens.len());
    let mut mark_after = None;
    let mut versioned = false;
    for (at, token) in tokens.iter().enumerate() {
        versioned |= words::is_word(&token.token) || words::is_typed(&tokens[at..]) || is_conflict(&tokens[at..]);
        let mut kind = token.token.clone();
        if let Some(clause) = clause(&tokens[at..])
            && preceded_by_for(&tokens[..at])
        {
            kind = Kinds::Word(Word { value: "SYSTEM_TIME".into(), quote_style: None, keyword: Keyword::SYSTEM_TIME });
            versioned = true;
            mark_after = (clause == Keyword::VERSION).then(|| at + of(&tokens[at..]));
        }
        // `->-1` is `-> -1`: a sign at the end of an operator without special characters is the operand's.
        if let Some((operator, sign)) = words::signed(&kind) {
            spans.push(TokenWithSpan { token: operator, span: token.span });
            kind = sign;
        }
        spans.push(TokenWithSpan { token: kind, span: token.span });
        if mark_after == Some(at) {
            spans.push(TokenWithSpan { token: Kinds::AtSign, span: token.span });
        }
    }
    (spans, versioned)
}

/// `ON CONFLICT`, where the parser may take ON for the name of a column.
fn is_conflict(tokens: &[Token]) -> bool {
    let mut words = tokens.iter().filter(|token| token.is_significant()).map(keyword);
    words.next() == Some(Some(Keyword::ON)) && words.next() == Some(Some(Keyword::CONFLICT))
}

/// The first word, when the tokens begin with `VERSION | TIMESTAMP | SYSTEM_TIME AS OF`.
fn clause(tokens: &[Token]) -> Option<Keyword> {
    let first = keyword(tokens.first()?)?;
    if !matches!(first, Keyword::VERSION | Keyword::TIMESTAMP | Keyword::SYSTEM_TIME) {
        return None;
    }
    let mut rest = tokens.iter().skip(1).filter(|token| token.is_significant());
    let as_of =
        rest.next().and_then(keyword) == Some(Keyword::AS) && rest.next().and_then(keyword) == Some(Keyword::OF);
    as_of.then_some(first)
}

/// How many tokens after the first the word OF stands.
fn of(tokens: &[Token]) -> usize {
    tokens.iter().position(|token| keyword(token) == Some(Keyword::OF)).unwrap_or_default()
}

fn preceded_by_for(tokens: &[Token]) -> bool {
    let before = tokens.iter().rev().find(|token| token.is_significant());
    before.and_then(keyword) == Some(Keyword::FOR)
}

fn keyword(token: &Token) -> Option<Keyword> {
    match &token.token {
        Kinds::Word(word) if word.quote_style.is_none() => Some(word.keyword),
        _ => None,
    }
}

macro_rules! same_as_postgres {
    ($($name:ident),* $(,)?) => { $(fn $name(&self) -> bool { PostgreSqlDialect {}.$name() })* };
}

/// PostgreSQL with versions of tables, and with words that the parser lacks.
#[derive(Debug)]
pub(super) struct VersionedDialect;

impl Dialect for VersionedDialect {
    fn supports_table_versioning(&self) -> bool {
        true
    }

    fn dialect(&self) -> std::any::TypeId {
        PostgreSqlDialect {}.dialect()
    }

    fn is_column_alias(&self, keyword: &Keyword, _: &mut Parser) -> bool {
        *keyword != Keyword::ON && !RESERVED_FOR_COLUMN_ALIAS.contains(keyword)
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        PostgreSqlDialect {}.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        PostgreSqlDialect {}.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        PostgreSqlDialect {}.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        PostgreSqlDialect {}.is_identifier_part(ch)
    }

    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        PostgreSqlDialect {}.is_reserved_for_identifier(keyword)
    }

    fn is_custom_operator_part(&self, ch: char) -> bool {
        PostgreSqlDialect {}.is_custom_operator_part(ch)
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        match words::is_null(parser) {
            true => Some(Ok(self.prec_value(Precedence::Is))),
            false => PostgreSqlDialect {}.get_next_precedence(parser),
        }
    }

    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        words::prefix(parser)
    }

    fn parse_infix(&self, parser: &mut Parser, expr: &Expr, _: u8) -> Option<Result<Expr, ParserError>> {
        words::infix(parser, expr, self.prec_value(Precedence::Between))
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        PostgreSqlDialect {}.prec_value(precedence)
    }

    same_as_postgres!(
        supports_unicode_string_literal,
        supports_filter_during_aggregation,
        supports_group_by_expr,
        allow_extract_custom,
        allow_extract_single_quotes,
        supports_create_index_with_clause,
        supports_explain_with_utility_options,
        supports_listen_notify,
        supports_factorial_operator,
        supports_bitwise_shift_operators,
        supports_comment_on,
        supports_load_extension,
        supports_named_fn_args_with_colon_operator,
        supports_named_fn_args_with_expr_name,
        supports_empty_projections,
        supports_nested_comments,
        supports_string_escape_constant,
        supports_numeric_literal_underscores,
        supports_array_typedef_with_brackets,
        supports_geometric_types,
        supports_set_names,
        supports_alter_column_type_using,
        supports_notnull_operator,
        supports_interval_options,
        supports_insert_table_alias,
        supports_create_table_like_parenthesized,
        supports_select_wildcard_with_alias,
        supports_comma_separated_trim,
        supports_xml_expressions,
        supports_comment_optimizer_hint,
    );
}
