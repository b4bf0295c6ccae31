//! Walks the tokens of one statement of ours.
//!
//! Words are not reserved: the grammar asks for a word where it may stand, and
//! whatever is SQL inside a statement is taken as its text, a [`Fragment`].

mod fragment;

use crate::base::sql::{Kinds, Token};
use crate::base::{Error, Kind, Name, Result, Type};
use crate::catalog::workflow::Fragment;
use std::ops::Range;

/// Bytes of a name that count; the rest is cut off as Postgres does.
const NAME_BYTES_MAX: usize = 63;

/// A place in a statement and what can be read from there.
#[derive(Clone)]
pub struct Cursor<'a> {
    text: &'a str,
    /// Without white space and comments.
    tokens: Vec<&'a Token>,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the first of the tokens, whose places are those of `text`.
    pub fn new(text: &'a str, tokens: &'a [Token]) -> Self {
        Cursor { text, tokens: tokens.iter().filter(|token| token.is_significant()).collect(), at: 0 }
    }

    /// The statement's whole text.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Byte offset of the next token.
    pub fn offset(&self) -> usize {
        self.tokens.get(self.at).map_or(self.text.len(), |token| token.start)
    }

    /// Where the next token stands.
    pub fn span(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or(self.text.len()..self.text.len(), |token| token.start..token.end)
    }

    pub fn at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// Passes over the next token, whatever it is.
    pub fn skip(&mut self) {
        self.at += 1;
    }

    /// Refuses whatever stands here.
    pub fn unexpected(&self) -> Error {
        let near = self.tokens.get(self.at).map_or("", |token| &self.text[token.start..token.end]);
        Error::syntax(near, self.offset())
    }

    /// As [`Cursor::unexpected`], saying what could stand here.
    pub fn expected(&self, what: &str) -> Error {
        self.unexpected().hint(format!("expected {what} here"))
    }

    /// Nothing may follow.
    pub fn end(&self) -> Result<()> {
        if self.at_end() { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Whether the next token is the last.
    pub fn is_last(&self) -> bool {
        self.at + 1 == self.tokens.len()
    }

    fn token(&self, ahead: usize) -> Option<&'a Kinds> {
        self.tokens.get(self.at + ahead).map(|token| &token.token)
    }

    /// The unquoted word `ahead` tokens from here.
    pub fn word(&self, ahead: usize) -> Option<&'a str> {
        match self.token(ahead)? {
            Kinds::Word(word) if word.quote_style.is_none() => Some(&word.value),
            _ => None,
        }
    }

    /// Whether the words of `phrase` come next; `_` stands for any name.
    pub fn sees(&self, phrase: &str) -> bool {
        phrase.split(' ').enumerate().all(|(ahead, wanted)| match wanted {
            "_" => matches!(self.token(ahead), Some(Kinds::Word(_))),
            wanted => self.word(ahead).is_some_and(|word| word.eq_ignore_ascii_case(wanted)),
        })
    }

    /// Whether the word stands right before this place.
    pub fn follows(&self, word: &str) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        matches!(before.map(|token| &token.token), Some(Kinds::Word(found)) if found.value.eq_ignore_ascii_case(word))
    }

    /// Passes the words of `phrase` when they come next.
    pub fn eat(&mut self, phrase: &str) -> bool {
        let seen = self.sees(phrase);
        if seen {
            self.at += phrase.split(' ').count();
        }
        seen
    }

    pub fn expect(&mut self, phrase: &str) -> Result<()> {
        if self.eat(phrase) { Ok(()) } else { Err(self.expected(phrase)) }
    }

    /// Passes the first of the phrases that comes next, and tells which.
    pub fn one_of<T: Copy>(&mut self, choices: &[(&str, T)]) -> Result<T> {
        for (phrase, choice) in choices {
            if self.eat(phrase) {
                return Ok(*choice);
            }
        }
        let phrases: Vec<_> = choices.iter().map(|(phrase, _)| *phrase).collect();
        Err(self.expected(&phrases.join(" or ")))
    }

    pub fn sees_token(&self, token: &Kinds) -> bool {
        self.token(0) == Some(token)
    }

    pub fn eat_token(&mut self, token: &Kinds) -> bool {
        let seen = self.sees_token(token);
        self.at += usize::from(seen);
        seen
    }

    pub fn expect_token(&mut self, token: &Kinds) -> Result<()> {
        if self.eat_token(token) { Ok(()) } else { Err(self.expected(&format!("\"{token}\""))) }
    }

    /// A name of one part, folded to lower case unless it is quoted.
    pub fn identifier(&mut self) -> Result<String> {
        let Some(Kinds::Word(word)) = self.token(0) else { return Err(self.expected("a name")) };
        let name = match word.quote_style {
            Some(_) if word.value.is_empty() => {
                return Err(
                    Error::new(Kind::Syntax, "zero-length delimited identifier at or near \"\"\"\"").at(self.offset())
                );
            }
            Some(_) => word.value.clone(),
            None => word.value.to_ascii_lowercase(),
        };
        self.at += 1;
        Ok(cut(name))
    }

    /// `[schema.]name`
    pub fn name(&mut self) -> Result<Name> {
        let at = self.offset();
        match self.dotted()?.as_slice() {
            [name] => Ok(Name::public(name)),
            [schema, name] => Ok(Name::new(schema, name)),
            [database, schema, name] if database == crate::base::name::database() => Ok(Name::new(schema, name)),
            parts => Err(Error::unsupported("cross-database references are not implemented")
                .detail(format!("the name is \"{}\"", parts.join(".")))
                .at(at)),
        }
    }

    /// A name of any number of parts.
    pub fn dotted(&mut self) -> Result<Vec<String>> {
        let mut parts = vec![self.identifier()?];
        while self.eat_token(&Kinds::Period) {
            parts.push(self.identifier()?);
        }
        Ok(parts)
    }

    /// A string literal: `'…'`, `E'…'`, `$$…$$`.
    pub fn string(&mut self) -> Result<String> {
        let text = match self.token(0) {
            Some(Kinds::SingleQuotedString(text) | Kinds::EscapedStringLiteral(text)) => text.clone(),
            Some(Kinds::DollarQuotedString(dollar)) => dollar.value.clone(),
            _ => return Err(self.expected("a string literal")),
        };
        self.at += 1;
        Ok(text)
    }

    /// What stands between the dollar signs of `$$ … $$`.
    pub fn dollar_quoted(&mut self) -> Option<Fragment> {
        let token = self.tokens.get(self.at)?;
        let Kinds::DollarQuotedString(dollar) = &token.token else { return None };
        let quote = dollar.tag.as_ref().map_or(2, |tag| tag.len() + 2);
        self.at += 1;
        Some(Fragment { text: dollar.value.clone(), offset: token.start + quote })
    }

    /// A whole number without sign.
    pub fn integer(&mut self) -> Result<u64> {
        let Some(Kinds::Number(digits, _)) = self.token(0) else { return Err(self.expected("a whole number")) };
        let number = digits.parse().map_err(|_| self.expected("a whole number"))?;
        self.at += 1;
        Ok(number)
    }

    /// A number with or without sign and fraction.
    pub fn number(&mut self) -> Result<f64> {
        let start = self.at;
        let negative = self.eat_token(&Kinds::Minus);
        let _ = negative || self.eat_token(&Kinds::Plus);
        let Some(Kinds::Number(digits, _)) = self.token(0) else { return Err(self.expected("a number")) };
        match digits.replace('_', "").parse::<f64>() {
            Ok(number) if number.is_finite() => {
                self.at += 1;
                Ok(if negative { -number } else { number })
            }
            _ => {
                self.at = start;
                Err(self.expected("a number"))
            }
        }
    }

    /// `'45 min'` or `INTERVAL '45 min'`, in milliseconds.
    pub fn interval(&mut self) -> Result<u64> {
        let _ = self.eat("INTERVAL");
        let at = self.offset();
        let text = self.string()?;
        super::interval::milliseconds(&text).ok_or_else(|| super::interval::invalid(&text).at(at))
    }

    /// A type's name, with length or precision and `[]`.
    pub fn data_type(&mut self) -> Result<Type> {
        let (first, at) = (self.at, self.offset());
        self.dotted()?;
        for phrase in ["precision", "varying", "with time zone", "without time zone"] {
            self.eat(phrase);
        }
        if self.sees_token(&Kinds::LParen) {
            self.parenthesised()?;
            let _ = self.eat("with time zone") || self.eat("without time zone");
        }
        while self.eat_token(&Kinds::LBracket) {
            self.expect_token(&Kinds::RBracket)?;
        }
        let name = self.slice(first, self.at).text;
        Type::parse(&name.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")).ok_or_else(|| {
            Error::new(Kind::UndefinedObject, format!("type \"{}\" does not exist", name.to_lowercase())).at(at)
        })
    }
}

fn cut(mut name: String) -> String {
    let mut end = name.len().min(NAME_BYTES_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::sql::tokenize;

    fn on<T>(text: &str, read: impl FnOnce(&mut Cursor) -> Result<T>) -> Result<T> {
        read(&mut Cursor::new(text, &tokenize(text)?))
    }

    #[test]
    fn names_fold_and_are_cut() {
        assert_eq!(on("Ml.\"Delay\"", |cursor| cursor.name()).unwrap(), Name::new("ml", "Delay"));
        let long = "é".repeat(40);
        assert_eq!(on(&long, |cursor| cursor.identifier()).unwrap(), "é".repeat(31));
        assert_eq!(on("a.b.c.d", |cursor| cursor.name()).unwrap_err().kind, Kind::FeatureNotSupported);
        assert_eq!(on("\"\"", |cursor| cursor.identifier()).unwrap_err().kind, Kind::Syntax);
    }

    #[test]
    fn types_have_their_many_words() {
        for (text, ty) in [
            ("float8 not", Type::Float8),
            ("DOUBLE PRECISION", Type::Float8),
            ("timestamp with time zone", Type::Timestamptz),
            ("numeric ( 10, 2 )", Type::Numeric(Some((10, 2)))),
            ("character varying(3)[]", Type::Array(Box::new(Type::Varchar(Some(3))))),
        ] {
            assert_eq!(on(text, |cursor| cursor.data_type()).unwrap(), ty);
        }
        assert_eq!(on("flaot8", |cursor| cursor.data_type()).unwrap_err().message, "type \"flaot8\" does not exist");
    }
}
