//! Functions of arrays of any type.

use datafusion::arrow::array::{Array, AsArray, Int32Array, ListArray, Scalar, StructArray};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::is_not_null;
use datafusion::arrow::compute::kernels::zip::zip;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// What is left of `ARRAY(SELECT …)`: no rows are an empty array, not NULL.
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

/// `aqueduct_pairs({a,b})` is `{(a,1),(b,2)}`: the rows of `information_schema._pg_expandarray`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Pairs {
    signature: Signature,
}

impl Default for Pairs {
    fn default() -> Self {
        Pairs { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Pairs {
    fn name(&self) -> &str {
        "aqueduct_pairs"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [DataType::List(item)] => {
                let pair = DataType::Struct(pair(item));
                Ok(DataType::List(Arc::new(Field::new("item", pair, true))))
            }
            _ => plan_err!("_pg_expandarray takes an array"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [lists] = args.args.as_slice() else { return plan_err!("_pg_expandarray takes an array") };
        let lists = lists.to_array(args.number_rows)?;
        let lists = lists.as_list_opt::<i32>();
        let Some(lists) = lists else { return plan_err!("_pg_expandarray takes an array") };
        let DataType::List(item) = lists.data_type() else { return plan_err!("_pg_expandarray takes an array") };
        let offsets = lists.offsets();
        let numbers = Int32Array::from_iter_values(offsets.windows(2).flat_map(|pair| 1..=pair[1] - pair[0]));
        let first = offsets.first().copied().unwrap_or(0) as usize;
        let values = lists.values().slice(first, numbers.len());
        let pairs = StructArray::new(pair(item), vec![values, Arc::new(numbers)], None);
        let field = Arc::new(Field::new("item", pairs.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths(offsets.lengths());
        let lists = ListArray::new(field, offsets, Arc::new(pairs), lists.nulls().cloned());
        Ok(ColumnarValue::Array(Arc::new(lists)))
    }
}

fn pair(item: &FieldRef) -> Fields {
    let x = Field::new("x", item.data_type().clone(), true).with_metadata(item.metadata().clone());
    Fields::from(vec![x, Field::new("n", DataType::Int32, true)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::ArrayRef;
    use datafusion::arrow::datatypes::Int16Type;
    use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
    use datafusion::config::ConfigOptions;

    fn check(function: &dyn ScalarUDFImpl, expected: &[&str]) {
        let rows = vec![Some(vec![Some(7), Some(9)]), None, Some(vec![])];
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int16Type, _, _>(rows));
        let ty = function.return_type(&[lists.data_type().clone()]).unwrap();
        let arguments = ScalarFunctionArgs {
            args: vec![ColumnarValue::Array(lists)],
            arg_fields: vec![],
            number_rows: 3,
            return_field: Arc::new(Field::new("f", ty, true)),
            config_options: Arc::new(ConfigOptions::default()),
        };
        let answer = function.invoke_with_args(arguments).unwrap().into_array(3).unwrap();
        let options = FormatOptions::default().with_null("NULL");
        let shown = ArrayFormatter::try_new(&answer, &options).unwrap();
        assert_eq!((0..3).map(|row| shown.value(row).to_string()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn no_rows_are_an_empty_array() {
        check(&ArrayOrEmpty::default(), &["[7, 9]", "[]", "[]"]);
    }

    #[test]
    fn items_are_numbered() {
        check(&Pairs::default(), &["[{x: 7, n: 1}, {x: 9, n: 2}]", "NULL", "[]"]);
    }
}
