//! Arrays out of their text form: `{1,NULL,"a b"}`.

use super::Style;
use super::read_text::{null, read_text};
use crate::base::{Error, Kind, Result, Type};
use datafusion::arrow::array::{ArrayRef, ListArray, new_empty_array};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::Field;
use datafusion::common::ScalarValue;
use std::sync::Arc;

pub(super) fn read_array(text: &str, element: &Type, style: &Style) -> Result<ScalarValue> {
    let items = Items::new(text).all()?;
    let values = items.into_iter().map(|item| match item {
        Some(item) => read_text(&item, element, style),
        None => null(element),
    });
    list(values.collect::<Result<_>>()?, element)
}

/// The items of `1 2`.
pub(super) fn read_vector(text: &str, element: &Type) -> Result<ScalarValue> {
    let values = text.split_ascii_whitespace().map(|item| read_text(item, element, &Style::default()));
    list(values.collect::<Result<_>>()?, element)
}

/// A list of values of one type, its field remembering that type.
pub(super) fn list(values: Vec<ScalarValue>, element: &Type) -> Result<ScalarValue> {
    let length = values.len();
    let array: ArrayRef = match values.is_empty() {
        true => new_empty_array(&element.arrow()),
        false => ScalarValue::iter_to_array(values)?,
    };
    let field = Arc::new(Field::new("item", element.arrow(), true));
    let list = ListArray::try_new(field, OffsetBuffer::from_lengths([length]), array, None);
    let list = list.map_err(|error| Error::internal(format!("a list must hold its elements: {error}")))?;
    Ok(ScalarValue::List(Arc::new(list)))
}

/// The elements of an array's text; `None` is NULL.
struct Items<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Items<'a> {
    fn new(text: &'a str) -> Self {
        Items { text, at: 0 }
    }

    fn all(mut self) -> Result<Vec<Option<String>>> {
        self.skip_bounds();
        self.expect('{')?;
        let mut items = vec![];
        self.skip_blanks();
        if !self.eat('}') {
            loop {
                items.push(self.item()?);
                self.skip_blanks();
                if self.eat('}') {
                    break;
                }
                self.expect(',')?;
            }
        }
        self.skip_blanks();
        if self.at < self.text.len() { Err(self.malformed("junk after closing right brace")) } else { Ok(items) }
    }

    /// `[1:3]=` before the elements; arrays here begin at 1 whatever it says.
    fn skip_bounds(&mut self) {
        self.skip_blanks();
        if self.peek() == Some('[')
            && let Some(end) = self.text[self.at..].find('=')
        {
            self.at += end + 1;
        }
    }

    fn item(&mut self) -> Result<Option<String>> {
        self.skip_blanks();
        match self.peek() {
            Some('{') => Err(Error::unsupported("a multidimensional array cannot be read here")),
            Some('"') => self.quoted().map(Some),
            _ => self.bare(),
        }
    }

    fn quoted(&mut self) -> Result<String> {
        self.next();
        let mut item = String::new();
        loop {
            match self.next() {
                None => return Err(self.malformed("unexpected end of input")),
                Some('"') => return Ok(item),
                Some('\\') => item.push(self.next().ok_or_else(|| self.malformed("unexpected end of input"))?),
                Some(c) => item.push(c),
            }
        }
    }

    fn bare(&mut self) -> Result<Option<String>> {
        let mut item = String::new();
        let mut escaped = false;
        while let Some(c) = self.peek().filter(|c| !matches!(c, ',' | '}')) {
            match c {
                '{' | '"' => return Err(self.malformed("unexpected array element")),
                '\\' => {
                    self.next();
                    escaped = true;
                    item.push(self.next().ok_or_else(|| self.malformed("unexpected end of input"))?);
                }
                c => {
                    self.next();
                    item.push(c);
                }
            }
        }
        let item = item.trim_end();
        if item.is_empty() {
            return Err(self.malformed("unexpected \",\" or \"}\" character"));
        }
        Ok((escaped || !item.eq_ignore_ascii_case("null")).then(|| item.to_string()))
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.at += expected.len_utf8();
        }
        found
    }

    fn expect(&mut self, expected: char) -> Result<()> {
        if self.eat(expected) { Ok(()) } else { Err(self.malformed(&format!("\"{expected}\" expected"))) }
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|c| c.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn malformed(&self, detail: &str) -> Error {
        Error::new(Kind::InvalidText, format!("malformed array literal: \"{}\"", self.text)).detail(detail)
    }
}

#[cfg(test)]
mod tests {
    use super::super::text_of;
    use super::*;

    #[test]
    fn arrays_read_from_text_show_as_in_postgres() {
        for (element, text, expect) in [
            (Type::Int4, "{}", "{}"),
            (Type::Int4, " { 1 , NULL,3 } ", "{1,NULL,3}"),
            (Type::Int4, "[0:1]={1,2}", "{1,2}"),
            (Type::Text, r#"{a b,"c,d","","null",NULL,\{}"#, r#"{"a b","c,d","","null",NULL,"{"}"#),
            (Type::Text, r#"{"a\"b\\"}"#, r#"{"a\"b\\"}"#),
            (Type::Timestamp, "{2024-01-01}", r#"{"2024-01-01 00:00:00"}"#),
        ] {
            let ty = Type::Array(Box::new(element.clone()));
            let value = read_array(text, &element, &Style::default()).unwrap();
            assert_eq!(text_of(&value, &ty, &Style::default()).unwrap().as_deref(), Some(expect));
        }
        for text in ["", "1", "{1", "{1,}", "{1}x", "{a\"b}", "{\"a"] {
            assert_eq!(read_array(text, &Type::Text, &Style::default()).unwrap_err().kind, Kind::InvalidText, "{text}");
        }
    }
}
