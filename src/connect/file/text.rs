//! Values as text that reads back as the same value, here and in PostgreSQL.

use crate::base::value::converted;
use crate::base::{Error, Result, Type};
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::Field;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use std::fmt::Write;

const FORMAT: FormatOptions<'static> = FormatOptions::new()
    .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
    .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f+00"));

/// A column of values that can be written as text.
pub(super) struct Texts {
    pub ty: Type,
    array: ArrayRef,
}

impl Texts {
    pub fn new(field: &Field, array: &ArrayRef) -> Result<Texts> {
        let ty = check(field)?;
        let array = converted(array, &ty.arrow())?;
        Ok(Texts { ty, array })
    }

    pub fn writer(&self) -> Result<Writer<'_>> {
        writer(&self.ty, self.array.as_ref())
    }
}

/// The type of a column whose values have a text; a record has none.
pub(super) fn check(field: &Field) -> Result<Type> {
    match Type::of(field) {
        ty if ty == Type::Record || ty == Type::Array(Box::new(Type::Record)) => {
            Err(Error::unsupported(format!("column \"{}\" is a record, which has no text", field.name()))
                .hint("write a Parquet file, or select the record's parts".to_string()))
        }
        ty => Ok(ty),
    }
}

/// Writes the text of the value of a row that has one.
type Append<'a> = Box<dyn Fn(usize, &mut String) -> Result<()> + 'a>;

/// Writes the text of one value; `false` when it is NULL.
pub(super) type Writer<'a> = Box<dyn Fn(usize, &mut String) -> Result<bool> + 'a>;

fn writer<'a>(ty: &Type, array: &'a dyn Array) -> Result<Writer<'a>> {
    let value: Append<'a> = match ty {
        Type::Array(element) => list(element, array)?,
        Type::Bytea => {
            let values = array.as_binary::<i32>();
            Box::new(move |row, out| {
                out.push_str("\\x");
                for byte in values.value(row) {
                    write!(out, "{byte:02x}").map_err(unwritten)?;
                }
                Ok(())
            })
        }
        _ if array.as_string_opt::<i32>().is_some() => {
            let values = array.as_string::<i32>();
            Box::new(move |row, out| {
                out.push_str(values.value(row));
                Ok(())
            })
        }
        _ => {
            let values = ArrayFormatter::try_new(array, &FORMAT)?;
            Box::new(move |row, out| write!(out, "{}", values.value(row)).map_err(unwritten))
        }
    };
    Ok(Box::new(move |row, out| {
        if array.is_null(row) {
            return Ok(false);
        }
        value(row, out)?;
        Ok(true)
    }))
}

fn unwritten(_: std::fmt::Error) -> Error {
    Error::internal("a value must have a text")
}

/// `{1,NULL,"a b"}`
fn list<'a>(element: &Type, array: &'a dyn Array) -> Result<Append<'a>> {
    let lists = array.as_list::<i32>();
    let elements = writer(element, lists.values().as_ref())?;
    Ok(Box::new(move |row, out| {
        let range = lists.value_offsets()[row] as usize..lists.value_offsets()[row + 1] as usize;
        out.push('{');
        for at in range.clone() {
            if at > range.start {
                out.push(',');
            }
            let mut item = String::new();
            match elements(at, &mut item)? {
                false => out.push_str("NULL"),
                true if is_plain(&item) => out.push_str(&item),
                true => {
                    out.push('"');
                    out.push_str(&item.replace('\\', "\\\\").replace('"', "\\\""));
                    out.push('"');
                }
            }
        }
        out.push('}');
        Ok(())
    }))
}

/// Whether an item means itself without quotes.
fn is_plain(item: &str) -> bool {
    let special = |letter: char| letter.is_whitespace() || matches!(letter, ',' | '{' | '}' | '"' | '\\');
    !item.is_empty() && !item.eq_ignore_ascii_case("null") && !item.contains(special)
}
