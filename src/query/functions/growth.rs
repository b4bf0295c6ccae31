//! How large a text or an array becomes that is put together from others: at most, told from their lengths, and
//! exactly, by looking for what is replaced.

use super::bounded::{BYTES_MAX, length};
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::ColumnarValue;
use regex::Regex;

/// What is put together.
#[derive(Clone, Copy, Debug)]
pub enum Growth {
    /// All arguments, with the first between them when it is a separator.
    Joined { separator: bool },
    /// Argument 0, with argument 2 in the place of argument 1.
    Replaced,
    /// The same by a regular expression; argument 3 are its flags.
    Matched,
    /// Argument 0 as an array, split at argument 1.
    Split,
    /// The items of argument 0 with argument 1 between them.
    Items,
}

/// Bytes that an item of an array has besides its text.
const ITEM_BYTES: u64 = 8;

impl Growth {
    /// Bytes of the result for a row are no more than these.
    pub fn at_most(self, args: &[ColumnarValue], row: usize) -> u64 {
        let long = |at: usize| args.get(at).map_or(0, |arg| length(arg, row));
        match self {
            Growth::Joined { separator } => {
                let all: u64 = (0..args.len()).map(long).sum();
                let between = if separator { args.len().saturating_sub(2) as u64 } else { 0 };
                all.saturating_add(long(0).saturating_mul(between))
            }
            Growth::Replaced if long(2) <= long(1) => long(0),
            Growth::Replaced => long(0).saturating_add((long(0) / long(1).max(1)).saturating_mul(long(2))),
            Growth::Matched => {
                let matches = if is_global(args, row) { long(0) + 1 } else { 1 };
                let kept = long(0).saturating_mul(references(args, row).saturating_add(1));
                kept.saturating_add(matches.saturating_mul(long(2)))
            }
            Growth::Split => {
                let items = if text(args, 1, row).is_some() { long(0) / long(1).max(1) } else { long(0) };
                long(0).saturating_add((items + 1).saturating_mul(ITEM_BYTES))
            }
            Growth::Items => items(args, row).saturating_mul(long(1)),
        }
    }

    /// Bytes of the result for a row, counted where that is worth it.
    pub fn counted(self, args: &[ColumnarValue], row: usize) -> u64 {
        let (Some(given), Some(sought)) = (text(args, 0, row), text(args, 1, row)) else {
            return self.at_most(args, row);
        };
        let long = given.len() as u64;
        match self {
            Growth::Replaced | Growth::Split if sought.is_empty() => long,
            Growth::Replaced => {
                let new = text(args, 2, row).map_or(0, str::len) as u64;
                let times = given.matches(sought).take(enough(new)).count() as u64;
                (long - times * sought.len() as u64).saturating_add(times.saturating_mul(new))
            }
            Growth::Split => {
                long.saturating_add((given.matches(sought).take(enough(ITEM_BYTES)).count() as u64 + 1) * ITEM_BYTES)
            }
            Growth::Matched if is_global(args, row) => {
                let flags: String =
                    text(args, 3, row).unwrap_or_default().chars().filter(|flag| *flag != 'g').collect();
                let pattern = if flags.is_empty() { sought.to_string() } else { format!("(?{flags}){sought}") };
                // What is no expression is refused by the function itself.
                let Ok(pattern) = Regex::new(&pattern) else { return 0 };
                let new = text(args, 2, row).map_or(0, str::len) as u64;
                let times = pattern.find_iter(given).take(enough(new)).count() as u64;
                long.saturating_mul(references(args, row).saturating_add(1)).saturating_add(times.saturating_mul(new))
            }
            Growth::Matched | Growth::Joined { .. } | Growth::Items => self.at_most(args, row),
        }
    }
}

/// So many things of a size are too many, and need not be counted further.
fn enough(size: u64) -> usize {
    (BYTES_MAX / size.max(1)) as usize + 1
}

/// Whether all matches are replaced.
fn is_global(args: &[ColumnarValue], row: usize) -> bool {
    text(args, 3, row).is_some_and(|flags| flags.contains('g'))
}

/// How often the replacement of a regular expression may repeat what was found.
fn references(args: &[ColumnarValue], row: usize) -> u64 {
    let new = text(args, 2, row).unwrap_or_default();
    new.bytes().filter(|byte| matches!(byte, b'\\' | b'$')).count() as u64
}

fn items(args: &[ColumnarValue], row: usize) -> u64 {
    let Some(ColumnarValue::Array(lists)) = args.first() else {
        let list = args.first().and_then(|list| list.to_array(1).ok());
        return list.map_or(0, |list| items(&[ColumnarValue::Array(list)], 0));
    };
    match lists.data_type() {
        DataType::List(_) if lists.is_valid(row) => lists.as_list::<i32>().value(row).len() as u64,
        _ => 0,
    }
}

/// The text of an argument; `None` when it is NULL or no text.
fn text(args: &[ColumnarValue], at: usize, row: usize) -> Option<&str> {
    match args.get(at)? {
        ColumnarValue::Scalar(value) => value.try_as_str().flatten(),
        ColumnarValue::Array(array) if array.is_null(row) => None,
        ColumnarValue::Array(array) => match array.data_type() {
            DataType::Utf8 => Some(array.as_string::<i32>().value(row)),
            DataType::LargeUtf8 => Some(array.as_string::<i64>().value(row)),
            DataType::Utf8View => Some(array.as_string_view().value(row)),
            _ => None,
        },
    }
}
