//! What is left of `ARRAY(SELECT …)`: no rows are an empty array, not NULL.

use datafusion::arrow::array::{Array, AsArray, ListArray, Scalar};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::is_not_null;
use datafusion::arrow::compute::kernels::zip::zip;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ArrayOrEmpty {
    signature: Signature,
}

impl Default for ArrayOrEmpty {
    fn default() -> Self {
        ArrayOrEmpty { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ArrayOrEmpty {
    fn name(&self) -> &str {
        "aqueduct_array"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types.first().cloned().unwrap_or(DataType::Null))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let ty = args.arg_fields.first().map_or(DataType::Null, |field| field.data_type().clone());
        Ok(Arc::new(Field::new(self.name(), ty, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(lists) = args.args.into_iter().next() else { return Ok(ColumnarValue::Scalar(ScalarValue::Null)) };
        let lists = lists.into_array(args.number_rows)?;
        let DataType::List(item) = lists.data_type() else { return Ok(ColumnarValue::Array(lists)) };
        if lists.null_count() == 0 {
            return Ok(ColumnarValue::Array(lists));
        }
        let values = lists.as_list::<i32>().values().slice(0, 0);
        let empty = ListArray::new(item.clone(), OffsetBuffer::from_lengths([0]), values, None);
        Ok(ColumnarValue::Array(zip(&is_not_null(&lists)?, &lists, &Scalar::new(empty))?))
    }
}
