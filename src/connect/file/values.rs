//! Text into typed columns, and which row it was when one is no value of its type.

use crate::base::{Error, Kind, Result, Type};
use datafusion::arrow::array::{Array, ArrayRef, BinaryBuilder, ListArray, StringArray, StringBuilder};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::Field;
use std::sync::Arc;

/// The texts as values of the type; an error comes with the row it is in.
pub(super) fn values(ty: &Type, texts: &StringArray) -> Result<ArrayRef, (usize, Error)> {
    match ty {
        Type::Text | Type::Json | Type::Jsonb | Type::Varchar(_) | Type::Char(_) | Type::Uuid => strings(ty, texts),
        Type::Name | Type::InternalChar | Type::Textual(_) => Ok(Arc::new(texts.clone())),
        Type::Bytea => bytes(texts),
        Type::Array(element) => lists(element, texts),
        Type::Regclass | Type::Regtype | Type::Regproc | Type::Record | Type::Int2Vector | Type::OidVector => {
            Err((0, Error::unsupported(format!("a column of type {ty} cannot be read from a file"))))
        }
        Type::Bool
        | Type::Int2
        | Type::Int4
        | Type::Int8
        | Type::Float4
        | Type::Float8
        | Type::Numeric(_)
        | Type::Date
        | Type::Time
        | Type::Timestamp
        | Type::Timestamptz
        | Type::Interval
        | Type::Oid => cast(ty, texts),
    }
}

/// All at once, and one by one when that fails: to find the row, and since blanks around a value are allowed.
fn cast(ty: &Type, texts: &StringArray) -> Result<ArrayRef, (usize, Error)> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let to = ty.arrow();
    if let Ok(values) = cast_with_options(texts, &to, &strict) {
        return Ok(values);
    }
    let trimmed: StringArray = texts.iter().map(|text| text.map(str::trim)).collect();
    cast_with_options(&trimmed, &to, &strict).map_err(|error| {
        let lenient = CastOptions { safe: true, ..CastOptions::default() };
        let row = cast_with_options(&trimmed, &to, &lenient)
            .ok()
            .and_then(|values| (0..trimmed.len()).find(|row| trimmed.is_valid(*row) && values.is_null(*row)));
        match row {
            Some(row) => (row, invalid(ty, trimmed.value(row))),
            None => (0, Error::from(error)),
        }
    })
}

fn invalid(ty: &Type, text: &str) -> Error {
    let in_range = |text: &str| text.trim_start_matches(['+', '-']).chars().all(|letter| letter.is_ascii_digit());
    match ty {
        Type::Int2 | Type::Int4 | Type::Int8 | Type::Oid if !text.is_empty() && in_range(text) => {
            Error::new(Kind::NumericOutOfRange, format!("value \"{text}\" is out of range for type {ty}"))
        }
        Type::Date | Type::Time | Type::Timestamp | Type::Timestamptz => {
            Error::new(Kind::InvalidDatetime, format!("invalid input syntax for type {ty}: \"{text}\""))
        }
        _ => Error::new(Kind::InvalidText, format!("invalid input syntax for type {ty}: \"{text}\"")),
    }
}

fn strings(ty: &Type, texts: &StringArray) -> Result<ArrayRef, (usize, Error)> {
    if *ty == Type::Text {
        return Ok(Arc::new(texts.clone()));
    }
    let mut out = StringBuilder::with_capacity(texts.len(), texts.value_data().len());
    for (row, text) in texts.iter().enumerate() {
        match text {
            None => out.append_null(),
            Some(text) => out.append_value(string(ty, text).map_err(|error| (row, error))?),
        }
    }
    Ok(Arc::new(out.finish()))
}

/// A text as its type wants it: cut to length where only blanks go, filled up, in the one form of a uuid.
fn string(ty: &Type, text: &str) -> Result<String> {
    match ty {
        Type::Uuid => match uuid::Uuid::try_parse(text.trim()) {
            Ok(uuid) => Ok(uuid.hyphenated().to_string()),
            Err(_) => Err(invalid(ty, text)),
        },
        Type::Json | Type::Jsonb => match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) => Ok(text.to_string()),
            Err(error) => Err(invalid(ty, text).detail(error.to_string())),
        },
        Type::Varchar(Some(length)) | Type::Char(Some(length)) => {
            let length = *length as usize;
            let end = text.char_indices().nth(length).map_or(text.len(), |(at, _)| at);
            if !text[end..].chars().all(|letter| letter == ' ') {
                return Err(Error::new(Kind::StringTooLong, format!("value too long for type {ty}: \"{text}\"")));
            }
            let kept = &text[..end];
            let width = if matches!(ty, Type::Char(_)) { length } else { 0 };
            Ok(format!("{kept:<width$}"))
        }
        _ => Ok(text.to_string()),
    }
}

fn bytes(texts: &StringArray) -> Result<ArrayRef, (usize, Error)> {
    let mut out = BinaryBuilder::new();
    for (row, text) in texts.iter().enumerate() {
        match text.map(|text| (text, text.strip_prefix("\\x"))) {
            None => out.append_null(),
            Some((text, None)) => out.append_value(text.as_bytes()),
            Some((text, Some(hex))) => {
                out.append_value(from_hex(hex).ok_or_else(|| (row, invalid(&Type::Bytea, text)))?);
            }
        }
    }
    Ok(Arc::new(out.finish()))
}

fn from_hex(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// Postgres' array text, `{1,NULL,"a b"}`, of one dimension.
fn lists(element: &Type, texts: &StringArray) -> Result<ArrayRef, (usize, Error)> {
    let mut lengths = Vec::with_capacity(texts.len());
    let mut rows = vec![];
    let mut elements = StringBuilder::new();
    for (row, text) in texts.iter().enumerate() {
        let items = match text {
            None => vec![],
            Some(text) => items(text).ok_or_else(|| (row, malformed(text)))?,
        };
        lengths.push(items.len());
        rows.resize(rows.len() + items.len(), row);
        items.into_iter().for_each(|item| elements.append_option(item));
    }
    let elements = values(element, &elements.finish())
        .map_err(|(at, error)| (rows.get(at).copied().unwrap_or_default(), error))?;
    let nulls: Option<NullBuffer> = texts.nulls().cloned();
    let field = Arc::new(Field::new("item", element.arrow(), true));
    let lists = ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), elements, nulls);
    lists.map(|lists| Arc::new(lists) as ArrayRef).map_err(|error| (0, Error::from(error)))
}

fn malformed(text: &str) -> Error {
    Error::new(Kind::InvalidText, format!("malformed array literal: \"{text}\""))
}

/// The items of an array's text; `None` when it is none.
fn items(text: &str) -> Option<Vec<Option<String>>> {
    let inside = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut items = vec![];
    if inside.trim().is_empty() {
        return Some(items);
    }
    let mut letters = inside.chars().peekable();
    loop {
        let mut item = String::new();
        let mut quoted = false;
        while let Some(letter) = letters.next_if(|letter| *letter != ',') {
            match letter {
                // Blanks around quotes are not part of the item.
                '"' => {
                    if !quoted {
                        item = item.trim_start().to_string();
                    }
                    quoted = true;
                    loop {
                        match letters.next()? {
                            '"' => break,
                            '\\' => item.push(letters.next()?),
                            letter => item.push(letter),
                        }
                    }
                }
                '\\' => item.push(letters.next()?),
                '{' | '}' => return None,
                letter if quoted && letter.is_whitespace() => {}
                letter => item.push(letter),
            }
        }
        let bare = item.trim();
        items.push(match quoted {
            true => Some(item),
            false if bare.is_empty() => return None,
            false if bare.eq_ignore_ascii_case("null") => None,
            false => Some(bare.to_string()),
        });
        if letters.next().is_none() {
            return Some(items);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::util::display::array_value_to_string;

    fn check(ty: &str, text: &str, expect: Result<&str, (&str, &str)>) {
        let texts = StringArray::from(vec![None, Some(text)]);
        let found = values(&Type::parse(ty).unwrap(), &texts);
        let found = found.as_ref().map(|array| array_value_to_string(array, 1).unwrap());
        match (found, expect) {
            (Ok(found), Ok(expect)) => assert_eq!(found, expect, "{ty} {text}"),
            (Err((row, error)), Err((state, message))) => {
                assert_eq!((*row, error.sqlstate(), error.message.as_str()), (1, state, message));
            }
            (found, expect) => panic!("{ty} {text}: {found:?} is not {expect:?}"),
        }
    }

    #[test]
    fn texts_are_values_of_their_type() {
        check("int", " 42 ", Ok("42"));
        check("bool", "t", Ok("true"));
        check("float8", "1e3", Ok("1000.0"));
        check("numeric(6,2)", "-1.239", Ok("-1.24"));
        check("date", "2026-02-28", Ok("2026-02-28"));
        check("timestamp", "2026-01-02 03:04:05.5", Ok("2026-01-02T03:04:05.500"));
        check("timestamptz", "2026-01-02T03:04:05+02:00", Ok("2026-01-02T01:04:05Z"));
        check("timestamptz", "2026-01-02 03:04:05+02", Ok("2026-01-02T01:04:05Z"));
        check("time", "03:04:05", Ok("03:04:05"));
        check("uuid", "6ECD8C994036403DBF84CF8400F67836", Ok("6ecd8c99-4036-403d-bf84-cf8400f67836"));
        check("char(3)", "a", Ok("a  "));
        check("varchar(2)", "žl  ", Ok("žl"));
        check("bytea", "\\x00fF", Ok("00ff"));
        check("text[]", "{a, \"b,\\\"c\", NULL, \"NULL\"}", Ok("[a, b,\"c, , NULL]"));
        check("int[]", "{}", Ok("[]"));
        check("json", "{\"a\": 1}", Ok("{\"a\": 1}"));
    }

    #[test]
    fn what_is_no_value_is_said_as_postgres_says_it() {
        check("int", "4x", Err(("22P02", "invalid input syntax for type integer: \"4x\"")));
        check("smallint", "40000", Err(("22003", "value \"40000\" is out of range for type smallint")));
        check("date", "2026-02-30", Err(("22007", "invalid input syntax for type date: \"2026-02-30\"")));
        check("uuid", "x", Err(("22P02", "invalid input syntax for type uuid: \"x\"")));
        check("json", "{", Err(("22P02", "invalid input syntax for type json: \"{\"")));
        check("varchar(2)", "abc", Err(("22001", "value too long for type character varying(2): \"abc\"")));
        check("int[]", "{1,x}", Err(("22P02", "invalid input syntax for type integer: \"x\"")));
        check("int[]", "{{1}}", Err(("22P02", "malformed array literal: \"{{1}}\"")));
        check("bytea", "\\x0", Err(("22P02", "invalid input syntax for type bytea: \"\\x0\"")));
    }
}
