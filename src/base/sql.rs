//! SQL text as tokens with byte offsets, and standard SQL as syntax trees.
//!
//! Every text that a user sends is read here once; what it means is not known here.

use super::{Error, Kind, Result};
use datafusion::sql::sqlparser::ast::{self, TableFactor, TableVersion, UnaryOperator, VisitMut, VisitorMut};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Location, Span, TokenWithSpan, Tokenizer};
use std::ops::ControlFlow;

pub use datafusion::sql::sqlparser::tokenizer::Token as Kinds;

mod limits;
mod nothing;
mod table;
mod versioned;
mod words;

use versioned::VersionedDialect;

/// Levels of nesting that the parser follows.
const DEPTH_MAX: usize = 256;

/// One token, white space and comments among them, and its place in the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub token: Kinds,
    span: Span,
    /// Byte offsets in the text.
    pub start: usize,
    pub end: usize,
}

impl Token {
    /// Neither white space nor a comment.
    pub fn is_significant(&self) -> bool {
        !matches!(self.token, Kinds::Whitespace(_))
    }
}

/// The tokens of a text, within the limits that keep parsing and planning bounded.
pub fn tokenize(text: &str) -> Result<Vec<Token>> {
    let mut found = vec![];
    let outcome = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize_with_location_into_buf(&mut found);
    let mut places = Places::new(text);
    let mut tokens = Vec::with_capacity(found.len());
    for TokenWithSpan { token, span } in found {
        let start = places.offset(span.start);
        tokens.push(Token { token, span, start, end: places.offset(span.end) });
    }
    if let Err(error) = outcome {
        return Err(unterminated(text, tokens.last().map_or(0, |last| last.end), &error.message));
    }
    limits::check(&tokens)?;
    Ok(tokens)
}

/// The statements of a text: runs of tokens between semicolons, from the first that means something to the last.
pub fn split(tokens: &[Token]) -> impl Iterator<Item = &[Token]> {
    tokens.split(|token| token.token == Kinds::SemiColon).filter_map(|statement| {
        let first = statement.iter().position(Token::is_significant)?;
        let last = statement.iter().rposition(Token::is_significant)?;
        Some(&statement[first..=last])
    })
}

/// Reads the tokens of one statement of `text`; places in the tree and in errors are those of `text`.
pub fn parse(text: &str, tokens: &[Token]) -> Result<ast::Statement> {
    read(
        text,
        tokens,
        |parser| parser.parse_statement(),
        |statement, versioned| {
            let _ = statement.visit(versioned);
        },
    )
}

/// Reads a text that is one statement.
pub fn parse_statement(text: &str) -> Result<ast::Statement> {
    let tokens = tokenize(text)?;
    let mut statements = split(&tokens);
    let Some(statement) = statements.next() else { return Err(Error::syntax("", text.len())) };
    if let Some(second) = statements.next().and_then(|tokens| tokens.first()) {
        return Err(
            Error::new(Kind::Syntax, "cannot insert multiple commands into a prepared statement").at(second.start)
        );
    }
    parse(text, statement)
}

/// A query that is its body and nothing else.
pub fn query_of(body: ast::SetExpr) -> ast::Query {
    ast::Query {
        with: None,
        body: Box::new(body),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: vec![],
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: vec![],
    }
}

/// Reads a text that is one expression.
pub fn parse_expression(text: &str) -> Result<ast::Expr> {
    let tokens = tokenize(text)?;
    read(
        text,
        &tokens,
        |parser| parser.parse_expr(),
        |expression, versioned| {
            let _ = expression.visit(versioned);
        },
    )
}

/// Byte offset of a place that the parser or planner names.
pub fn offset(text: &str, at: Location) -> usize {
    Places::new(text).offset(at)
}

/// Tokens as places relative to `start`: what [`tokenize`] would have found in the rest of the text alone.
pub fn rebase(tokens: &[Token]) -> Vec<Token> {
    let Some(first) = tokens.first() else { return vec![] };
    let (base, origin) = (first.start, first.span.start);
    let moved = |at: Location| match at.line == origin.line {
        true => Location::new(1, at.column - origin.column + 1),
        false => Location::new(at.line - origin.line + 1, at.column),
    };
    tokens
        .iter()
        .map(|token| Token {
            token: token.token.clone(),
            span: Span::new(moved(token.span.start), moved(token.span.end)),
            start: token.start - base,
            end: token.end - base,
        })
        .collect()
}

fn read<T>(
    text: &str,
    tokens: &[Token],
    read: impl FnOnce(&mut Parser) -> Result<T, ParserError>,
    visit: impl FnOnce(&mut T, &mut Versions),
) -> Result<T> {
    let (spans, versioned) = versioned::spans(tokens);
    let spans = table::expanded(nothing::spelled(spans));
    let dialect: &dyn datafusion::sql::sqlparser::dialect::Dialect =
        if versioned { &VersionedDialect } else { &PostgreSqlDialect {} };
    let mut parser = Parser::new(dialect).with_recursion_limit(DEPTH_MAX).with_tokens_with_locations(spans);
    let end = tokens.last().map_or(text.len(), |last| last.end);
    let mut tree = read(&mut parser).map_err(|error| refused(text, tokens, end, error))?;
    let next = parser.peek_token();
    if next.token != Kinds::EOF {
        return Err(near(text, tokens, end, offset(text, next.span.start)));
    }
    if versioned {
        visit(&mut tree, &mut Versions);
    }
    Ok(tree)
}

/// `Expected: x, found: y at Line: 1, Column: 9` in Postgres' words, with what was expected as a hint.
fn refused(text: &str, tokens: &[Token], end: usize, error: ParserError) -> Error {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
        ParserError::RecursionLimitExceeded => return limits::too_deep(DEPTH_MAX),
    };
    let (prose, place) = match message.rfind(" at Line: ") {
        Some(at) => (&message[..at], location(&message[at..])),
        None => (message.as_str(), None),
    };
    let expected = prose.strip_prefix("Expected: ").and_then(|rest| rest.rsplit_once(", found: "));
    match (expected, place) {
        (Some((expected, _)), Some(place)) => near(text, tokens, end, offset(text, place)).hint(wanted(expected)),
        (Some((expected, "EOF")), None) => Error::syntax("", end).hint(wanted(expected)),
        (_, Some(place)) => near(text, tokens, end, offset(text, place)).detail(prose.to_string()),
        (_, None) => Error::new(Kind::Syntax, "syntax error").detail(prose.to_string()),
    }
}

fn wanted(expected: &str) -> Option<String> {
    let expected = expected.trim_end_matches('.');
    (expected != "end of statement" && !expected.is_empty()).then(|| format!("expected {expected} here"))
}

/// The error at a byte offset, naming the token that stands there.
fn near(text: &str, tokens: &[Token], end: usize, at: usize) -> Error {
    let found = tokens.iter().find(|token| token.start <= at && at < token.end && token.is_significant());
    match found {
        Some(token) => Error::syntax(&text[token.start..token.end], token.start),
        None => Error::syntax("", end),
    }
}

/// ` at Line: 1, Column: 9`
fn location(text: &str) -> Option<Location> {
    let (line, column) = text.strip_prefix(" at Line: ")?.split_once(", Column: ")?;
    Some(Location::new(line.trim().parse().ok()?, column.trim().parse().ok()?))
}

/// A token that began at `start` and never ended.
fn unterminated(text: &str, start: usize, message: &str) -> Error {
    let rest = &text[start..];
    let what = match rest.chars().next() {
        None => return Error::syntax("", text.len()),
        Some('"') => "unterminated quoted identifier",
        Some('$') => "unterminated dollar-quoted string",
        Some('/') => "unterminated /* comment",
        Some(_) if rest.contains('\'') => "unterminated quoted string",
        Some(_) => return Error::new(Kind::Syntax, message.trim_end_matches('.').to_lowercase()).at(start),
    };
    let shown: String = rest.chars().take(40).collect();
    Error::new(Kind::Syntax, format!("{what} at or near \"{shown}\"")).at(start)
}

/// Lines and columns in characters, turned into byte offsets in one walk as long as they ascend.
struct Places<'a> {
    text: &'a str,
    line: u64,
    column: u64,
    at: usize,
}

impl<'a> Places<'a> {
    fn new(text: &'a str) -> Self {
        Places { text, line: 1, column: 1, at: 0 }
    }

    fn offset(&mut self, place: Location) -> usize {
        if place.line == 0 {
            return self.text.len();
        }
        if (place.line, place.column) < (self.line, self.column) {
            *self = Places::new(self.text);
        }
        let mut rest = self.text[self.at..].chars();
        while (self.line, self.column) < (place.line, place.column) {
            let Some(next) = rest.next() else { break };
            self.at += next.len_utf8();
            match next {
                '\n' => (self.line, self.column) = (self.line + 1, 1),
                _ => self.column += 1,
            }
        }
        self.at
    }
}

/// Puts versions where the parser could not: see [`versioned`].
struct Versions;

impl VisitorMut for Versions {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { version: Some(version), .. } = factor
            && let TableVersion::ForSystemTimeAsOf(ast::Expr::UnaryOp { op: UnaryOperator::PGAbs, expr }) = version
        {
            *version = TableVersion::VersionAsOf((**expr).clone());
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, message: &str, at: usize) {
        let error = parse_statement(text).unwrap_err();
        assert_eq!((error.message.as_str(), error.offset, error.kind), (message, Some(at), Kind::Syntax), "{text}");
    }

    #[test]
    fn errors_point_at_the_byte() {
        check("SELECT 1 1", "syntax error at or near \"1\"", 9);
        check("SELEC 1", "syntax error at or near \"SELEC\"", 0);
        check("SELECT 'é', 1 +", "syntax error at end of input", 16);
        check("SELECT\n  'é' FROM t )", "syntax error at or near \")\"", 21);
        check("SELECT 'abc", "unterminated quoted string at or near \"'abc\"", 7);
        check("SELECT \"abc", "unterminated quoted identifier at or near \"\"abc\"", 7);
        check("SELECT $$abc", "unterminated dollar-quoted string at or near \"$$abc\"", 7);
        check("SELECT /* abc", "unterminated /* comment at or near \"/* abc\"", 7);
        check("SELECT 1; SELECT 2", "cannot insert multiple commands into a prepared statement", 10);
        check("  ", "syntax error at end of input", 2);
    }

    #[test]
    fn the_past_of_a_table_reads_as_its_version() {
        for (text, version) in [
            ("SELECT * FROM t FOR VERSION AS OF 3 x", "VERSION AS OF 3"),
            ("SELECT * FROM s.t FOR VERSION AS OF 'a-b' WHERE true", "VERSION AS OF 'a-b'"),
            ("SELECT * FROM t FOR VERSION AS OF (SELECT max(v) FROM u) AS x", "VERSION AS OF (SELECT max(v) FROM u)"),
            ("SELECT * FROM t FOR TIMESTAMP AS OF now()", "FOR SYSTEM_TIME AS OF now()"),
        ] {
            let shown = parse_statement(text).unwrap().to_string();
            assert!(shown.contains(version), "{shown}");
        }
        assert!(parse_statement("SELECT at.a FROM t at").is_ok());
    }
}
