//! Holds the arguments of a model's call until the planner binds them; never runs.

use crate::base::Error;
use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

#[derive(Debug, PartialEq, Eq, Hash)]
struct Arguments {
    signature: Signature,
}

pub fn function() -> ScalarUDF {
    ScalarUDF::from(Arguments { signature: Signature::user_defined(Volatility::Volatile) })
}

impl ScalarUDFImpl for Arguments {
    fn name(&self) -> &str {
        "arguments of a model"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        Ok(given.to_vec())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Null)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(Error::internal("a model's arguments must be bound before they are computed").into())
    }
}
