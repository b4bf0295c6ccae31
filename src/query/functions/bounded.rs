//! Functions whose results can be far larger than their arguments, with a limit on how far.

use super::growth::Growth;
use crate::base::{Error, Kind};
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Bytes that one batch of results may have.
pub(super) const BYTES_MAX: u64 = 256 << 20;

/// The functions that need a limit, with it.
pub(super) fn functions(all: &[Arc<ScalarUDF>]) -> Vec<ScalarUDF> {
    let bounded = all.iter().filter_map(|function| {
        let size = size_of(function.name())?;
        Some(ScalarUDF::from(Bounded { inner: function.clone(), size }))
    });
    bounded.collect()
}

/// How large a result is: by which argument, and by which argument's size that is multiplied.
#[derive(Clone, Copy, Debug)]
enum Size {
    /// Argument 1 times the bytes of argument 0.
    Times,
    /// At most argument 1 characters.
    Characters,
    /// As many numbers as there are between arguments 0 and 1.
    Range,
    /// Argument 1 times the bytes of argument 0, for lists.
    Items,
    /// The new length of a list.
    Length,
    /// What is put together from the arguments.
    Growth(Growth),
}

fn size_of(name: &str) -> Option<Size> {
    Some(match name {
        "repeat" => Size::Times,
        "lpad" | "rpad" => Size::Characters,
        "generate_series" | "range" => Size::Range,
        "array_repeat" => Size::Items,
        "array_resize" => Size::Length,
        "concat" => Size::Growth(Growth::Joined { separator: false }),
        "concat_ws" => Size::Growth(Growth::Joined { separator: true }),
        "replace" => Size::Growth(Growth::Replaced),
        "regexp_replace" => Size::Growth(Growth::Matched),
        "string_to_array" => Size::Growth(Growth::Split),
        "array_to_string" => Size::Growth(Growth::Items),
        _ => return None,
    })
}

#[derive(Debug)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    size: Size,
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for Bounded {}

impl Hash for Bounded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(given)
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        self.inner.return_type(given)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.args.iter().any(|arg| matches!(arg, ColumnarValue::Array(_)));
        let rows = if rows { args.number_rows } else { 1 };
        let most = most(&args.args);
        let at_most = |row| self.bytes(&args.args, row);
        let too_large = match self.size {
            Size::Growth(growth) => {
                exceeds(rows, most, at_most) && exceeds(rows, most, |row| growth.counted(&args.args, row))
            }
            _ => exceeds(rows, most, at_most),
        };
        if too_large {
            return Err(too_long(self.name()).into());
        }
        self.inner.invoke_with_args(args)
    }
}

/// Whether the results for that many rows are larger together.
fn exceeds(rows: usize, most: u64, bytes: impl Fn(usize) -> u64) -> bool {
    let mut all: u64 = 0;
    (0..rows).any(|row| {
        all = all.saturating_add(bytes(row));
        all > most
    })
}

/// The limit, or somewhat more than what is large already: a column of long texts can be changed.
fn most(args: &[ColumnarValue]) -> u64 {
    let texts = args.iter().map(|arg| match arg {
        ColumnarValue::Array(array) => match array.data_type() {
            DataType::Utf8 => array.as_string::<i32>().values().len() as u64,
            _ => 0,
        },
        ColumnarValue::Scalar(_) => 0,
    });
    let largest = texts.max().unwrap_or_default();
    BYTES_MAX.max(largest.saturating_add(largest / 4))
}

/// The error of a function whose results would be too large.
pub(super) fn too_long(name: &str) -> Error {
    Error::new(Kind::TooLarge, "requested length too large")
        .detail(format!("{name}() may give {} MB at a time", BYTES_MAX >> 20))
}

impl Bounded {
    fn bytes(&self, args: &[ColumnarValue], row: usize) -> u64 {
        let amount = |arg: usize| args.get(arg).and_then(|arg| integer(arg, row));
        match self.size {
            Size::Times => {
                amount(1).map_or(0, unsigned).saturating_mul(args.first().map_or(0, |text| length(text, row)))
            }
            Size::Characters => amount(1).map_or(0, unsigned),
            Size::Length => amount(1).map_or(0, unsigned).saturating_mul(8),
            Size::Items => {
                amount(1).map_or(0, unsigned).saturating_mul(args.first().map_or(8, |item| length(item, row).max(8)))
            }
            Size::Growth(growth) => growth.at_most(args, row),
            Size::Range => {
                let (start, end) = match (amount(0), amount(1)) {
                    (Some(start), Some(end)) => (start, end),
                    (Some(end), None) => (0, end),
                    _ => return 0,
                };
                let step = amount(2).unwrap_or(1).unsigned_abs().max(1);
                (start.abs_diff(end) / step).saturating_mul(8)
            }
        }
    }
}

fn unsigned(amount: i64) -> u64 {
    u64::try_from(amount).unwrap_or(0)
}

fn integer(arg: &ColumnarValue, row: usize) -> Option<i64> {
    match arg {
        ColumnarValue::Scalar(ScalarValue::Int64(value)) => *value,
        ColumnarValue::Scalar(other) => match other.cast_to(&DataType::Int64) {
            Ok(ScalarValue::Int64(value)) => value,
            _ => None,
        },
        ColumnarValue::Array(array) => match array.data_type() {
            DataType::Int64 => array.is_valid(row).then(|| array.as_primitive::<Int64Type>().value(row)),
            _ => match ScalarValue::try_from_array(array, row).and_then(|value| value.cast_to(&DataType::Int64)) {
                Ok(ScalarValue::Int64(value)) => value,
                _ => None,
            },
        },
    }
}

/// Bytes of a text.
pub(super) fn length(arg: &ColumnarValue, row: usize) -> u64 {
    let length = match arg {
        ColumnarValue::Scalar(value) => value.try_as_str().flatten().map_or(8, str::len),
        ColumnarValue::Array(array) => match array.data_type() {
            DataType::Utf8 => array.as_string::<i32>().value_length(row) as usize,
            DataType::LargeUtf8 => array.as_string::<i64>().value_length(row) as usize,
            DataType::Utf8View => array.as_string_view().value(row).len(),
            _ => 8,
        },
    };
    length as u64
}
