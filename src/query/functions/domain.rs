//! Logarithms, roots and powers, which Postgres refuses where they have no value.

use crate::base::{Error, Kind};
use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::{DataType, FieldRef, Float64Type};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use std::sync::Arc;

/// DataFusion's function, refused where it has no value.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Guarded {
    inner: Arc<ScalarUDF>,
    rule: Rule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Rule {
    Logarithm,
    Root,
    /// Powers and exponentials, which of finite numbers must be finite.
    Power,
}

/// `power(base, exponent)`, which `^` is, too.
pub fn power() -> ScalarUDF {
    ScalarUDF::from(Guarded { inner: datafusion::functions::math::power(), rule: Rule::Power })
}

pub(super) fn functions(all: &[Arc<ScalarUDF>]) -> Vec<ScalarUDF> {
    let guarded = |inner: &Arc<ScalarUDF>| {
        let rule = match inner.name() {
            "ln" | "log" | "log2" | "log10" => Rule::Logarithm,
            "sqrt" => Rule::Root,
            "power" | "exp" => Rule::Power,
            _ => return None,
        };
        Some(ScalarUDF::from(Guarded { inner: inner.clone(), rule }))
    };
    all.iter().filter_map(guarded).collect()
}

impl ScalarUDFImpl for Guarded {
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
        // Constants are looked at once.
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let numbers = args.args.iter().map(|arg| arg.cast_to(&DataType::Float64, None)?.to_array(rows));
        let numbers = numbers.collect::<Result<Vec<_>>>()?;
        let numbers: Vec<_> = numbers.iter().map(|numbers| numbers.as_primitive::<Float64Type>()).collect();
        match (self.rule, numbers.as_slice()) {
            (Rule::Power, [bases, exponents]) => {
                let pairs = bases.iter().zip(exponents.iter()).filter_map(|(base, exponent)| base.zip(exponent));
                pairs.into_iter().try_for_each(|(base, exponent)| has_power(base, exponent))?;
            }
            (Rule::Power, _) => {}
            (Rule::Logarithm, numbers) => {
                numbers.iter().flat_map(|array| array.iter().flatten()).try_for_each(has_logarithm)?
            }
            (Rule::Root, numbers) => numbers.iter().flat_map(|array| array.iter().flatten()).try_for_each(has_root)?,
        }
        let finite = numbers.iter().all(|numbers| numbers.iter().flatten().all(f64::is_finite));
        let value = self.inner.invoke_with_args(args)?;
        if self.rule == Rule::Power && finite && value.data_type() == DataType::Float64 {
            let values = value.to_array(rows)?;
            if values.as_primitive::<Float64Type>().iter().flatten().any(f64::is_infinite) {
                return Err(Error::new(Kind::NumericOutOfRange, "value out of range: overflow").into());
            }
        }
        Ok(value)
    }
}

fn has_logarithm(number: f64) -> Result<()> {
    let message = match number {
        0.0 => "cannot take logarithm of zero",
        number if number < 0.0 => "cannot take logarithm of a negative number",
        _ => return Ok(()),
    };
    Err(Error::new(Kind::InvalidLogarithm, message).into())
}

fn has_root(number: f64) -> Result<()> {
    if number < 0.0 {
        return Err(Error::new(Kind::InvalidPower, "cannot take square root of a negative number").into());
    }
    Ok(())
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
