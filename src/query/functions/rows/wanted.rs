//! Types in a signature, and how well a type goes in their place.

use crate::base::Type;
use datafusion::arrow::datatypes::DataType;

/// What may stand as an argument, or as the answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wanted {
    Of(Type),
    Any,
    Array,
    Element,
    /// What the first argument, a range, is of.
    Bound,
    /// The range that the first argument, a multirange, has many of.
    Range,
    /// Many of the ranges that the first argument is an array of.
    Multirange,
    /// `json` or `jsonb`, as the first argument.
    Json,
}

impl Wanted {
    pub(super) fn parse(text: &str) -> Option<Wanted> {
        Some(match text.trim() {
            "any" | "variadic any" => Wanted::Any,
            "anyarray" => Wanted::Array,
            "anyelement" => Wanted::Element,
            "bound" => Wanted::Bound,
            "range" => Wanted::Range,
            "multirange" => Wanted::Multirange,
            "sametype" => Wanted::Json,
            ty => Wanted::Of(Type::parse(ty)?),
        })
    }

    /// How well a type fits; `None` when it does not. A text may be a literal, whose type is told by its place.
    pub(super) fn fits(&self, given: &DataType) -> Option<u32> {
        let list = matches!(given, DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..));
        let ty = match (self, given) {
            (_, DataType::Null) => return Some(1),
            (Wanted::Any | Wanted::Json | Wanted::Element | Wanted::Bound | Wanted::Range | Wanted::Multirange, _) => {
                return Some(1);
            }
            (Wanted::Array, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => return Some(1),
            (Wanted::Array, _) => return list.then_some(2),
            (Wanted::Of(ty), _) => ty,
        };
        let is_text = matches!(given, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        match ty {
            ty if ty.arrow() == *given => Some(4),
            Type::Numeric(_) if given.is_decimal() => Some(4),
            Type::Array(_) if list => Some(3),
            _ if is_text => Some(1),
            Type::Int8 | Type::Int4 if given.is_integer() => Some(3),
            Type::Numeric(_) if given.is_integer() => Some(2),
            Type::Float8 if given.is_numeric() => Some(if given.is_floating() { 3 } else { 1 }),
            Type::Timestamptz if matches!(given, DataType::Date32 | DataType::Timestamp(..)) => Some(2),
            Type::Timestamp if matches!(given, DataType::Date32) => Some(1),
            _ => None,
        }
    }
}
