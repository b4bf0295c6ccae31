//! Order of values as DuckLake writes them as text, and what the files of a table have in common.

use super::{Column, DataFile};
use crate::base::Type;
use crate::base::types::NUMERIC_DEFAULT;
use std::cmp::Ordering;
use std::sync::Arc;

/// What is known of one column of all files of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Range {
    pub contains_null: bool,
    pub contains_nan: Option<bool>,
    /// `None` when one file does not know, or when there are no values.
    pub min: Option<String>,
    pub max: Option<String>,
}

/// The order of two values of a type; `None` for a type without order, or text that is not of the type.
pub fn compare(ty: &Type, a: &str, b: &str) -> Option<Ordering> {
    match ty {
        Type::Int2 | Type::Int4 | Type::Int8 | Type::Oid => Some(a.parse::<i64>().ok()?.cmp(&b.parse().ok()?)),
        Type::Float4 | Type::Float8 => Some(a.parse::<f64>().ok()?.total_cmp(&b.parse().ok()?)),
        Type::Numeric(digits) => {
            let scale = digits.unwrap_or(NUMERIC_DEFAULT).1;
            Some(unscaled(a, scale)?.cmp(&unscaled(b, scale)?))
        }
        Type::Array(_) | Type::Interval | Type::Record => None,
        // Fixed-width forms: their order as text is their order.
        _ => Some(a.as_bytes().cmp(b.as_bytes())),
    }
}

/// A decimal number as an integer, its point moved `scale` digits to the right.
pub fn unscaled(text: &str, scale: i8) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let scale = usize::try_from(scale).ok()?;
    if fraction.len() > scale || whole.is_empty() {
        return None;
    }
    let value: i128 = format!("{whole}{fraction:0<scale$}").parse().ok()?;
    Some(if negative { -value } else { value })
}

/// What the files have in common about a column.
pub fn range(column: &Column, files: &[Arc<DataFile>]) -> Range {
    let mut range = Range::default();
    let (mut known, mut first) = (true, true);
    for file in files {
        let Some(stats) = file.stats.iter().find(|stats| stats.column_id == column.id) else {
            // The file is older than the column, or its writer kept no record.
            range.contains_null = true;
            known = false;
            continue;
        };
        range.contains_null |= stats.nulls > 0;
        if let Some(nan) = stats.contains_nan {
            range.contains_nan = Some(nan || range.contains_nan.unwrap_or(false));
        }
        if stats.values == 0 {
            continue;
        }
        if first {
            (range.min, range.max, first) = (stats.min.clone(), stats.max.clone(), false);
        } else {
            range.min = extreme(&column.ty, range.min, stats.min.as_deref(), Ordering::Less);
            range.max = extreme(&column.ty, range.max, stats.max.as_deref(), Ordering::Greater);
        }
    }
    if !known {
        (range.min, range.max) = (None, None);
    }
    range
}

fn extreme(ty: &Type, so_far: Option<String>, next: Option<&str>, wanted: Ordering) -> Option<String> {
    let (so_far, next) = (so_far?, next?);
    if compare(ty, next, &so_far)? == wanted { Some(next.to_string()) } else { Some(so_far) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_ordered_by_their_type_and_not_as_text() {
        for (ty, small, large) in [
            (Type::Int4, "-10", "9"),
            (Type::Float8, "-1e300", "2.5"),
            (Type::Float8, "-inf", "inf"),
            (Type::Numeric(Some((10, 2))), "-10.50", "9.05"),
            (Type::Numeric(None), "2", "10.0000000001"),
            (Type::Text, "10", "9"),
            (Type::Bool, "0", "1"),
            (Type::Timestamptz, "2020-01-01 00:00:00+00", "2020-01-01 00:00:00.5+00"),
        ] {
            assert_eq!(compare(&ty, small, large), Some(Ordering::Less), "{ty}");
            assert_eq!(compare(&ty, large, small), Some(Ordering::Greater), "{ty}");
            assert_eq!(compare(&ty, large, large), Some(Ordering::Equal), "{ty}");
        }
        assert_eq!(compare(&Type::Int4, "x", "1"), None);
        assert_eq!(compare(&Type::Numeric(Some((4, 1))), "1.25", "1"), None);
    }
}
