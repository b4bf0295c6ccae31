//! A path out of its text.

use super::{Access, Comparison, Node, Operator, Path, Predicate};
use crate::base::{Error, Kind, Result};
use serde_json::Value;

/// Levels of parentheses that a path may have.
const DEPTH_MAX: usize = 64;

/// `strict $.a[*] ? (@ > 1)`; 42601 when it is no path.
pub fn parse(text: &str) -> Result<Path> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let strict = parser.eat_word("strict");
    if !strict {
        parser.eat_word("lax");
    }
    let root = match parser.expression()? {
        Found::Node(node) => node,
        Found::Predicate(predicate) => Node::Predicate(Box::new(predicate)),
    };
    match parser.peek() {
        None => Ok(Path { strict, root }),
        Some(_) => Err(parser.unexpected()),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Number(Value),
    Variable(String),
    Sign(&'static str),
}

const SIGNS: [&str; 28] = [
    "**", "==", "<>", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "+", "-", "*", "/", "%", "(", ")", "[", "]", "{",
    "}", ",", ".", "?", "@", "$", "=",
];

fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut tokens = vec![];
    let mut rest = text.trim_start();
    while let Some(c) = rest.chars().next() {
        let word = |c: char| c.is_alphanumeric() || c == '_' || !c.is_ascii();
        let (token, length) = match c {
            '"' => quoted(rest)?,
            '$' if rest[1..].starts_with('"') => {
                let (token, length) = quoted(&rest[1..])?;
                match token {
                    Token::Text(name) => (Token::Variable(name), length + 1),
                    other => (other, length),
                }
            }
            '$' if rest[1..].starts_with(word) => {
                let end = rest[1..].find(|c| !word(c)).map_or(rest.len(), |at| at + 1);
                (Token::Variable(rest[1..end].to_string()), end)
            }
            c if c.is_ascii_digit() || (c == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) => {
                number(rest)?
            }
            c if word(c) => {
                let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
                (Token::Word(rest[..end].to_string()), end)
            }
            _ => match SIGNS.iter().find(|sign| rest.starts_with(*sign)) {
                Some(sign) => (Token::Sign(sign), sign.len()),
                None => return Err(near(&rest[..c.len_utf8()])),
            },
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn quoted(text: &str) -> Result<(Token, usize)> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                let inside = &text[..=at];
                let value: String = serde_json::from_str(inside).unwrap_or_else(|_| inside[1..at].replace('\\', ""));
                return Ok((Token::Text(value), at + 1));
            }
            _ => {}
        }
    }
    Err(Error::new(Kind::Syntax, "unterminated quoted string at end of jsonpath input"))
}

fn number(text: &str) -> Result<(Token, usize)> {
    let bytes = text.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut end = digits(0);
    // `1.type()` is a method of a number.
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let signed = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if bytes.get(end + 1 + signed).is_some_and(u8::is_ascii_digit) {
            end = digits(end + 1 + signed);
        }
    }
    let digits = if text.starts_with('.') { format!("0{}", &text[..end]) } else { text[..end].to_string() };
    let value = serde_json::from_str(&digits).map_err(|_| near(&text[..end]))?;
    Ok((Token::Number(value), end))
}

fn near(text: &str) -> Error {
    Error::new(Kind::Syntax, format!("syntax error at or near \"{text}\" of jsonpath input"))
}

/// What an expression is: items, or true or not.
enum Found {
    Node(Node),
    Predicate(Predicate),
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn eat(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(found);
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(found)) if found == word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<()> {
        if self.eat(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> Error {
        match self.peek() {
            None => Error::new(Kind::Syntax, "syntax error at end of jsonpath input"),
            Some(Token::Word(text) | Token::Text(text) | Token::Variable(text)) => near(text),
            Some(Token::Number(number)) => near(&number.to_string()),
            Some(Token::Sign(sign)) => near(sign),
        }
    }

    fn node(&self, found: Found) -> Result<Node> {
        match found {
            Found::Node(node) => Ok(node),
            Found::Predicate(_) => Err(self.unexpected()),
        }
    }

    fn predicate(&self, found: Found) -> Result<Predicate> {
        match found {
            Found::Predicate(predicate) => Ok(predicate),
            Found::Node(Node::Predicate(predicate)) => Ok(*predicate),
            Found::Node(_) => Err(self.unexpected()),
        }
    }

    fn expression(&mut self) -> Result<Found> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Error::new(Kind::TooComplex, "a jsonpath is nested too deeply"));
        }
        let mut left = self.conjunction()?;
        while self.eat("||") {
            let right = self.conjunction()?;
            let (one, other) = (self.predicate(left)?, self.predicate(right)?);
            left = Found::Predicate(Predicate::Or(Box::new(one), Box::new(other)));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Found> {
        let mut left = self.comparison()?;
        while self.eat("&&") {
            let right = self.comparison()?;
            let (one, other) = (self.predicate(left)?, self.predicate(right)?);
            left = Found::Predicate(Predicate::And(Box::new(one), Box::new(other)));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Found> {
        if self.eat("!") {
            let found = self.comparison()?;
            return Ok(Found::Predicate(Predicate::Not(Box::new(self.predicate(found)?))));
        }
        if self.eat_word("exists") {
            self.expect("(")?;
            let found = self.expression()?;
            let node = self.node(found)?;
            self.expect(")")?;
            return Ok(Found::Predicate(Predicate::Exists(node)));
        }
        let left = self.sum()?;
        if self.eat_word("is") {
            let predicate = self.predicate(left)?;
            return match self.eat_word("unknown") {
                true => Ok(Found::Predicate(Predicate::IsUnknown(Box::new(predicate)))),
                false => Err(self.unexpected()),
            };
        }
        if self.eat_word("like_regex") {
            return self.like(left);
        }
        if self.eat_word("starts") {
            if !self.eat_word("with") {
                return Err(self.unexpected());
            }
            let right = self.primary()?;
            let (left, right) = (self.node(left)?, self.node(right)?);
            return Ok(Found::Predicate(Predicate::StartsWith(left, right)));
        }
        let signs = [
            ("==", Comparison::Equal),
            ("=", Comparison::Equal),
            ("<>", Comparison::NotEqual),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        for (sign, comparison) in signs {
            if self.eat(sign) {
                let right = self.sum()?;
                let (left, right) = (self.node(left)?, self.node(right)?);
                return Ok(Found::Predicate(Predicate::Compare(comparison, left, right)));
            }
        }
        Ok(left)
    }

    fn like(&mut self, left: Found) -> Result<Found> {
        let Some(Token::Text(pattern)) = self.peek().cloned() else { return Err(self.unexpected()) };
        self.at += 1;
        let mut flags = String::new();
        if self.eat_word("flag") {
            let Some(Token::Text(given)) = self.peek().cloned() else { return Err(self.unexpected()) };
            self.at += 1;
            flags = given;
        }
        let pattern = if flags.contains('q') { regex::escape(&pattern) } else { pattern };
        let pattern = regex::RegexBuilder::new(&pattern)
            .case_insensitive(flags.contains('i'))
            .multi_line(flags.contains('m'))
            .dot_matches_new_line(flags.contains('s'))
            .ignore_whitespace(flags.contains('x'))
            .build();
        let pattern = pattern.map_err(|error| {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_string();
            Error::new(Kind::InvalidRegex, format!("invalid regular expression: {reason}"))
        })?;
        Ok(Found::Predicate(Predicate::Like(self.node(left)?, Box::new(pattern))))
    }

    fn sum(&mut self) -> Result<Found> {
        self.chain(&[("+", Operator::Add), ("-", Operator::Subtract)], Parser::product)
    }

    fn product(&mut self) -> Result<Found> {
        let signs = [("*", Operator::Multiply), ("/", Operator::Divide), ("%", Operator::Modulo)];
        self.chain(&signs, Parser::signed)
    }

    fn chain(&mut self, signs: &[(&str, Operator)], part: fn(&mut Parser) -> Result<Found>) -> Result<Found> {
        let mut left = part(self)?;
        loop {
            let Some((_, operator)) = signs.iter().find(|(sign, _)| self.eat(sign)) else { return Ok(left) };
            let right = part(self)?;
            let (one, other) = (self.node(left)?, self.node(right)?);
            left = Found::Node(Node::Arithmetic(*operator, Box::new(one), Box::new(other)));
        }
    }

    fn signed(&mut self) -> Result<Found> {
        let negative = self.eat("-");
        if !negative && !self.eat("+") {
            return self.primary();
        }
        let found = self.signed()?;
        let node = Box::new(self.node(found)?);
        Ok(Found::Node(if negative { Node::Negative(node) } else { Node::Positive(node) }))
    }

    fn primary(&mut self) -> Result<Found> {
        let token = self.peek().cloned().ok_or_else(|| self.unexpected())?;
        self.at += 1;
        let node = match token {
            Token::Sign("$") => Node::Root,
            Token::Sign("@") => Node::Current,
            Token::Variable(name) => Node::Variable(name),
            Token::Number(value) => Node::Literal(value),
            Token::Text(text) => Node::Literal(Value::String(text)),
            Token::Word(word) => match word.as_str() {
                "true" => Node::Literal(Value::Bool(true)),
                "false" => Node::Literal(Value::Bool(false)),
                "null" => Node::Literal(Value::Null),
                "last" => Node::Last,
                _ => {
                    self.at -= 1;
                    return Err(self.unexpected());
                }
            },
            Token::Sign("(") => {
                let found = self.expression()?;
                self.expect(")")?;
                match found {
                    Found::Node(node) => node,
                    Found::Predicate(predicate) if matches!(self.peek(), Some(Token::Sign("." | "[" | "?"))) => {
                        Node::Predicate(Box::new(predicate))
                    }
                    predicate => return Ok(predicate),
                }
            }
            Token::Sign(_) => {
                self.at -= 1;
                return Err(self.unexpected());
            }
        };
        self.accessors(node).map(Found::Node)
    }

    fn accessors(&mut self, mut node: Node) -> Result<Node> {
        loop {
            let access = if self.eat("?") {
                self.expect("(")?;
                let found = self.expression()?;
                let predicate = self.predicate(found)?;
                self.expect(")")?;
                Access::Filter(predicate)
            } else if self.eat("[") {
                self.items()?
            } else if self.eat(".") {
                self.member()?
            } else {
                return Ok(node);
            };
            node = Node::Access(Box::new(node), Box::new(access));
        }
    }

    fn items(&mut self) -> Result<Access> {
        if self.eat("*") {
            self.expect("]")?;
            return Ok(Access::AnyItem);
        }
        let mut items = vec![];
        loop {
            let found = self.sum()?;
            let from = self.node(found)?;
            let to = match self.eat_word("to") {
                true => {
                    let found = self.sum()?;
                    Some(self.node(found)?)
                }
                false => None,
            };
            items.push((from, to));
            if !self.eat(",") {
                break;
            }
        }
        self.expect("]")?;
        Ok(Access::Items(items))
    }

    fn member(&mut self) -> Result<Access> {
        if self.eat("**") {
            return self.levels();
        }
        if self.eat("*") {
            return Ok(Access::AnyKey);
        }
        let token = self.peek().cloned().ok_or_else(|| self.unexpected())?;
        self.at += 1;
        match token {
            Token::Text(key) => Ok(Access::Key(key)),
            Token::Word(name) if self.eat("(") => {
                let argument = match self.peek().cloned() {
                    Some(Token::Text(text)) => {
                        self.at += 1;
                        Some(text)
                    }
                    _ => None,
                };
                self.expect(")")?;
                let known =
                    ["type", "size", "double", "ceiling", "floor", "abs", "keyvalue", "datetime"].contains(&&*name);
                if known { Ok(Access::Method(name, argument)) } else { Err(near(&name)) }
            }
            Token::Word(key) => Ok(Access::Key(key)),
            _ => {
                self.at -= 1;
                Err(self.unexpected())
            }
        }
    }

    /// `{2}`, `{1 to last}` after `.**`
    fn levels(&mut self) -> Result<Access> {
        if !self.eat("{") {
            return Ok(Access::Levels(0, usize::MAX));
        }
        let from = self.level()?;
        let to = if self.eat_word("to") { self.level()? } else { from };
        self.expect("}")?;
        Ok(Access::Levels(from, to))
    }

    fn level(&mut self) -> Result<usize> {
        if self.eat_word("last") {
            return Ok(usize::MAX);
        }
        match self.peek() {
            Some(Token::Number(number)) => {
                let level = number.as_u64().and_then(|level| usize::try_from(level).ok());
                self.at += 1;
                level.ok_or_else(|| self.unexpected())
            }
            _ => Err(self.unexpected()),
        }
    }
}
