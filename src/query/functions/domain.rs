//! Logarithms, roots and powers, which Postgres refuses where they have no value.

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

/// `power(base, exponent)`, which `^` is, too.
pub fn power() -> ScalarUDF {
    ScalarUDF::from(Raised { inner: datafusion::functions::math::power() })
}

/// DataFusion's power or exponential, refused where it has no finite value.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Raised {
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for Raised {
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
        let rows = args.number_rows;
        let numbers = args.args.iter().map(|arg| arg.cast_to(&DataType::Float64, None)?.to_array(rows));
        let numbers = numbers.collect::<Result<Vec<_>>>()?;
        let numbers: Vec<_> = numbers.iter().map(|numbers| numbers.as_primitive::<Float64Type>()).collect();
        if let [bases, exponents] = numbers.as_slice() {
            for (base, exponent) in bases.iter().zip(exponents.iter()) {
                if let (Some(base), Some(exponent)) = (base, exponent) {
                    has_power(base, exponent)?;
                }
            }
        }
        let finite = numbers.iter().all(|numbers| numbers.iter().flatten().all(f64::is_finite));
        let raised = self.inner.invoke_with_args(args)?;
        if finite && raised.data_type() == DataType::Float64 {
            let values = raised.to_array(rows)?;
            for value in values.as_primitive::<Float64Type>().iter().flatten() {
                if value.is_infinite() {
                    return Err(Error::new(Kind::NumericOutOfRange, "value out of range: overflow").into());
                }
            }
        }
        Ok(raised)
    }
}

fn has_power(base: f64, exponent: f64) -> Result<()> {
    let message = if base == 0.0 && exponent < 0.0 {
        "zero raised to a negative power is undefined"
    } else if base < 0.0 && exponent.is_finite() && exponent.fract() != 0.0 {
        "a negative number raised to a non-integer power yields a complex result"
    } else {
        return Ok(());
    };
    Err(Error::new(Kind::InvalidPower, message).into())
}

pub(super) fn functions(all: &[Arc<ScalarUDF>]) -> Vec<ScalarUDF> {
    let limited = all.iter().filter(|function| matches!(function.name(), "ln" | "log" | "log2" | "log10" | "sqrt"));
    let raised = all.iter().filter(|function| matches!(function.name(), "power" | "exp"));
    let raised = raised.map(|inner| ScalarUDF::from(Raised { inner: inner.clone() }));
    limited
        .map(|inner| ScalarUDF::from(Domain { inner: inner.clone(), root: inner.name() == "sqrt" }))
        .chain(raised)
        .collect()
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
        let (kind, message) = match self.root {
            true if number < 0.0 => (Kind::InvalidPower, "cannot take square root of a negative number"),
            false if number < 0.0 => (Kind::InvalidLogarithm, "cannot take logarithm of a negative number"),
            false if number == 0.0 => (Kind::InvalidLogarithm, "cannot take logarithm of zero"),
            _ => return Ok(()),
        };
        Err(Error::new(kind, message).into())
    }
}
