//! Logarithms and roots, which Postgres refuses where they have no value.

use crate::base::{Error, Kind};
use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::{DataType, FieldRef, Float64Type};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use std::sync::Arc;

/// DataFusion's function, of numbers that have a logarithm or root.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Domain {
    inner: Arc<ScalarUDF>,
    root: bool,
}

pub(super) fn functions(all: &[Arc<ScalarUDF>]) -> Vec<ScalarUDF> {
    let limited = all.iter().filter(|function| matches!(function.name(), "ln" | "log" | "log2" | "log10" | "sqrt"));
    limited.map(|inner| ScalarUDF::from(Domain { inner: inner.clone(), root: inner.name() == "sqrt" })).collect()
}

impl ScalarUDFImpl for Domain {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        self.inner.return_type(given)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(given)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        for arg in &args.args {
            let rows = if matches!(arg, ColumnarValue::Scalar(_)) { 1 } else { args.number_rows };
            let numbers = arg.cast_to(&DataType::Float64, None)?.to_array(rows)?;
            for number in numbers.as_primitive::<Float64Type>().iter().flatten() {
                self.check(number)?;
            }
        }
        self.inner.invoke_with_args(args)
    }
}

impl Domain {
    fn check(&self, number: f64) -> Result<()> {
        let message = match self.root {
            true if number < 0.0 => "cannot take square root of a negative number",
            false if number < 0.0 => "cannot take logarithm of a negative number",
            false if number == 0.0 => "cannot take logarithm of zero",
            _ => return Ok(()),
        };
        Err(Error::new(Kind::InvalidParameterValue, message).into())
    }
}
