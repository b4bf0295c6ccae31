//! Arrow arrays in another type.

use crate::base::Result;
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::DataType;

/// The values as another type; one that has none there is an error, where Arrow's own cast would make it NULL.
pub fn converted(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if array.data_type() == to {
        return Ok(array.clone());
    }
    Ok(cast_with_options(array, to, &CastOptions { safe: false, ..CastOptions::default() })?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{Array, Int64Array};
    use std::sync::Arc;

    #[test]
    fn a_value_that_does_not_fit_is_an_error_and_not_null() {
        let array: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
        assert_eq!(converted(&array, &DataType::Int16).unwrap().null_count(), 1);
        let large: ArrayRef = Arc::new(Int64Array::from(vec![1 << 20]));
        assert!(converted(&large, &DataType::Int16).is_err());
    }
}
