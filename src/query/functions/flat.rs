//! Arrays of several dimensions as rows of their items.

use super::rows::{flattened, innermost};
use crate::base::Type;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Flat {
    signature: Signature,
}

/// The items of an array, whatever its dimensions, in one; other values as they are.
pub fn flat() -> ScalarUDF {
    ScalarUDF::from(Flat { signature: Signature::any(1, Volatility::Immutable) })
}

fn held(ty: &DataType) -> DataType {
    match ty {
        DataType::List(item) if item.data_type().is_list() => {
            DataType::List(Arc::new(Field::new("item", innermost(ty), true)))
        }
        other => other.clone(),
    }
}

impl ScalarUDFImpl for Flat {
    fn name(&self) -> &str {
        "flat"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        Ok(held(&given[0]))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let field = &args.arg_fields[0];
        Ok(Arc::new(Type::of(field).field(self.name(), true).with_data_type(held(field.data_type()))))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if !matches!(args.arg_fields[0].data_type(), DataType::List(item) if item.data_type().is_list()) {
            return Ok(args.args[0].clone());
        }
        let array = args.args[0].to_array(args.number_rows)?;
        Ok(ColumnarValue::Array(flattened(&array)?))
    }
}
