//! `->` and `->>`: a field or item of a JSON value.

use crate::base::{Error, Kind, Type};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use serde_json::Value;
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Get {
    /// `->>`
    as_text: bool,
    signature: Signature,
}

/// The function of `->`, or of `->>` when the answer is wanted as text.
pub fn get(as_text: bool) -> ScalarUDF {
    ScalarUDF::from(Get { as_text, signature: Signature::user_defined(Volatility::Immutable) })
}

impl ScalarUDFImpl for Get {
    fn name(&self) -> &str {
        if self.as_text { "json get text" } else { "json get" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [_, key] if key.is_integer() => Ok(vec![DataType::Utf8, DataType::Int64]),
            [_, _] => Ok(vec![DataType::Utf8, DataType::Utf8]),
            _ => plan_err!("-> takes a value and a key"),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let json = args.arg_fields.first().map_or(Type::Json, |field| match Type::of(field) {
            Type::Jsonb => Type::Jsonb,
            _ => Type::Json,
        });
        Ok(Arc::new(if self.as_text { Type::Text } else { json }.field(self.name(), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { args.number_rows };
        let values = cast(&args.args[0].to_array(rows)?, &DataType::Utf8)?;
        let keys = args.args[1].to_array(rows)?;
        let found = self.rows(values.as_string::<i32>(), &keys)?;
        match scalar {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&found, 0)?)),
            false => Ok(ColumnarValue::Array(Arc::new(found))),
        }
    }
}

impl Get {
    fn rows(&self, values: &StringArray, keys: &ArrayRef) -> Result<StringArray> {
        let row = |row: usize| -> Result<Option<String>> {
            if values.is_null(row) || keys.is_null(row) {
                return Ok(None);
            }
            let value: Value = serde_json::from_str(values.value(row)).map_err(|_| {
                Error::new(Kind::InvalidText, format!("invalid input syntax for type json: \"{}\"", values.value(row)))
            })?;
            let found = match keys.data_type() {
                DataType::Int64 => item(&value, keys.as_primitive::<Int64Type>().value(row)),
                _ => value.get(keys.as_string::<i32>().value(row)),
            };
            Ok(found.and_then(|found| self.shown(found)))
        };
        (0..values.len()).map(row).collect()
    }

    fn shown(&self, value: &Value) -> Option<String> {
        match value {
            Value::Null if self.as_text => None,
            Value::String(text) if self.as_text => Some(text.clone()),
            other => Some(super::text::json(other)),
        }
    }
}

/// An item counted from the start, or from the end when negative.
fn item(value: &Value, at: i64) -> Option<&Value> {
    let items = value.as_array()?;
    let at = if at < 0 { at + items.len() as i64 } else { at };
    items.get(usize::try_from(at).ok()?)
}
