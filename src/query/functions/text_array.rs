//! Arrays out of text, of any number of dimensions.

use crate::base::{Error, Result};
use datafusion::arrow::array::{Array, ArrayRef, ListArray, StringArray};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::datatypes::Field;
use std::sync::Arc;

pub(super) enum ArrayError {
    Malformed(String),
    Element(Error),
}

/// What stands between two commas.
enum Item {
    Null,
    Text(String),
    Array(Vec<Item>),
}

/// `{1,2,"a b",NULL}`, `{{1,2},{3,4}}` as lists, whose innermost items `read` turns into values.
pub(super) fn array(texts: &StringArray, read: impl Fn(&ArrayRef) -> Result<ArrayRef>) -> Result<ArrayRef, ArrayError> {
    let mut rows = vec![];
    for text in texts {
        rows.push(match text {
            Some(text) => Some(split(text).ok_or_else(|| ArrayError::Malformed(text.to_string()))?),
            None => None,
        });
    }
    let depths: Vec<usize> =
        rows.iter().flatten().filter(|items| !items.is_empty()).map(|items| depth(items)).collect();
    let depth = depths.first().copied().unwrap_or(1);
    if depths.iter().any(|other| *other != depth) {
        let message = "arrays of different numbers of dimensions cannot stand in one column";
        return Err(ArrayError::Element(Error::unsupported(message)));
    }
    lists(rows, depth, &read).map_err(ArrayError::Element)
}

fn lists(
    rows: Vec<Option<Vec<Item>>>,
    depth: usize,
    read: &impl Fn(&ArrayRef) -> Result<ArrayRef>,
) -> Result<ArrayRef> {
    let nulls: NullBuffer = rows.iter().map(Option::is_some).collect::<Vec<_>>().into();
    let lengths: Vec<usize> = rows.iter().map(|row| row.as_ref().map_or(0, Vec::len)).collect();
    let items = rows.into_iter().flatten().flatten();
    let values = if depth > 1 {
        let inner = items.map(|item| match item {
            Item::Array(items) => Some(items),
            _ => None,
        });
        lists(inner.collect(), depth - 1, read)?
    } else {
        let texts: StringArray = items
            .map(|item| match item {
                Item::Text(text) => Some(text),
                _ => None,
            })
            .collect();
        read(&(Arc::new(texts) as ArrayRef))?
    };
    let nulls = (nulls.null_count() > 0).then_some(nulls);
    let item = Arc::new(Field::new("item", values.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(item, OffsetBuffer::from_lengths(lengths), values, nulls)?))
}

/// How many dimensions there are.
fn depth(items: &[Item]) -> usize {
    match items.first() {
        Some(Item::Array(items)) => 1 + depth(items),
        _ => 1,
    }
}

/// The items of a whole text; `None` when it is no array.
fn split(text: &str) -> Option<Vec<Item>> {
    let mut reader = Reader { rest: text.trim_ascii() };
    if reader.rest.starts_with('[') {
        // `[1:3]=` before the items; arrays here begin at 1 whatever it says.
        reader.rest = reader.rest.split_once('=')?.1;
    }
    let items = reader.array()?;
    let whole = reader.rest.trim_ascii().is_empty() && is_even(&items);
    whole.then_some(items)
}

/// Whether all parts of a dimension are as long, and all values as deep.
fn is_even(items: &[Item]) -> bool {
    let shape = |item: &Item| match item {
        Item::Array(items) => Some((items.len(), depth(items))),
        _ => None,
    };
    let first = items.first().and_then(shape);
    items.iter().all(|item| {
        shape(item) == first
            && match item {
                Item::Array(items) => is_even(items),
                _ => true,
            }
    })
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn eat(&mut self, c: char) -> bool {
        match self.rest.trim_ascii_start().strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn array(&mut self) -> Option<Vec<Item>> {
        if !self.eat('{') {
            return None;
        }
        let mut items = vec![];
        if self.eat('}') {
            return Some(items);
        }
        loop {
            items.push(self.item()?);
            if self.eat('}') {
                return Some(items);
            }
            if !self.eat(',') {
                return None;
            }
        }
    }

    fn item(&mut self) -> Option<Item> {
        self.rest = self.rest.trim_ascii_start();
        match self.rest.chars().next()? {
            '{' => self.array().map(Item::Array),
            '"' => {
                self.next();
                let mut text = String::new();
                loop {
                    match self.next()? {
                        '"' => return Some(Item::Text(text)),
                        '\\' => text.push(self.next()?),
                        c => text.push(c),
                    }
                }
            }
            _ => self.bare(),
        }
    }

    fn bare(&mut self) -> Option<Item> {
        let (mut text, mut escaped) = (String::new(), false);
        while let Some(c) = self.rest.chars().next().filter(|c| !matches!(c, ',' | '}')) {
            self.next();
            match c {
                '{' | '"' => return None,
                '\\' => {
                    escaped = true;
                    text.push(self.next()?);
                }
                c => text.push(c),
            }
        }
        let text = text.trim_ascii_end();
        match text {
            "" => None,
            text if !escaped && text.eq_ignore_ascii_case("null") => Some(Item::Null),
            text => Some(Item::Text(text.to_string())),
        }
    }
}
