//! A model's function as plans hold it: known for one, and its errors are ours.

use crate::query::models::error_of;
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use std::any::Any;
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Scored {
    inner: Arc<ScalarUDF>,
}

/// The function, marked as a model's.
pub fn function(inner: ScalarUDF) -> ScalarUDF {
    ScalarUDF::from(Scored { inner: Arc::new(inner) })
}

/// Whether an expression calls a model at its top.
pub fn is_call(expr: &Expr) -> bool {
    match expr {
        Expr::ScalarFunction(function) => {
            let inner: &dyn Any = function.func.inner().as_ref();
            inner.downcast_ref::<Scored>().is_some()
        }
        _ => false,
    }
}

impl ScalarUDFImpl for Scored {
    fn name(&self) -> &str {
        self.inner.name()
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
        self.inner.invoke_with_args(args).map_err(error_of)
    }
}
