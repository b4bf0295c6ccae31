//! `ceil`, `floor` and `trunc` of a `numeric`, which have no more digits after the point than are asked for.

use datafusion::arrow::array::{AsArray, Decimal128Array};
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// DataFusion's function of all other numbers.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Whole {
    inner: Arc<ScalarUDF>,
    signature: Signature,
}

pub(super) fn functions(all: &[Arc<ScalarUDF>]) -> Vec<ScalarUDF> {
    let known = all.iter().filter(|function| matches!(function.name(), "ceil" | "floor" | "trunc"));
    known
        .map(|inner| {
            let signature = Signature::user_defined(Volatility::Immutable);
            ScalarUDF::from(Whole { inner: inner.clone(), signature })
        })
        .collect()
}

impl ScalarUDFImpl for Whole {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        if let [DataType::Decimal128(..), rest @ ..] = given
            && rest.iter().all(DataType::is_integer)
        {
            return Ok(given.to_vec());
        }
        let fields: Vec<FieldRef> = given.iter().map(|ty| Arc::new(Field::new("argument", ty.clone(), true))).collect();
        let fields = datafusion::logical_expr::type_coercion::functions::fields_with_udf(&fields, self.inner.as_ref())?;
        Ok(fields.iter().map(|field| field.data_type().clone()).collect())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("the type of {} is told by its arguments", self.name())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let DataType::Decimal128(precision, scale) = args.arg_fields[0].data_type() else {
            return self.inner.return_field_from_args(args);
        };
        let kept = match args.scalar_arguments.get(1) {
            Some(Some(digits)) => match digits.cast_to(&DataType::Int64)? {
                ScalarValue::Int64(Some(digits)) => i8::try_from(digits.clamp(0, i64::from(*scale))).unwrap_or(*scale),
                _ => *scale,
            },
            // How many is only known when it runs.
            Some(None) => *scale,
            None => 0,
        };
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        let precision = precision.saturating_sub((*scale - kept).unsigned_abs()).saturating_add(1).min(38);
        Ok(Arc::new(Field::new(self.name(), DataType::Decimal128(precision, kept), nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (DataType::Decimal128(_, scale), DataType::Decimal128(precision, kept)) =
            (args.arg_fields[0].data_type(), args.return_field.data_type())
        else {
            return self.inner.invoke_with_args(args);
        };
        let (scale, precision, kept) = (*scale, *precision, *kept);
        let scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { args.number_rows };
        let numbers = args.args[0].to_array(rows)?;
        let digits = match args.args.get(1) {
            Some(digits) => Some(digits.cast_to(&DataType::Int32, None)?.to_array(rows)?),
            None => None,
        };
        let power = |by: i32| 10i128.checked_pow(by.max(0).unsigned_abs()).unwrap_or(i128::MAX);
        let row = |(row, number): (usize, Option<i128>)| {
            let number = number?;
            let wanted = match &digits {
                Some(digits) => ScalarValue::try_from_array(digits, row).ok().and_then(|digits| match digits {
                    ScalarValue::Int32(digits) => digits,
                    _ => None,
                })?,
                None => 0,
            };
            let unit = power(i32::from(scale) - wanted);
            let rest = number.checked_rem(unit)?;
            let cut = match self.name() {
                "ceil" if rest > 0 => number - rest + unit,
                "floor" if rest < 0 => number - rest - unit,
                _ => number - rest,
            };
            Some(cut / power(i32::from(scale - kept)))
        };
        let results: Decimal128Array = numbers.as_primitive::<Decimal128Type>().iter().enumerate().map(row).collect();
        let results = results.with_precision_and_scale(precision, kept)?;
        Ok(match scalar {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&results, 0)?),
            false => ColumnarValue::Array(Arc::new(results)),
        })
    }
}
