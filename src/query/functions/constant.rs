//! A value of any type as a function without arguments, which the optimizer turns into a literal.

use crate::base::Type;
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Constant {
    name: String,
    ty: Type,
    value: ScalarValue,
    signature: Signature,
}

/// A function that answers `value`. Two of the same name and value are one.
pub fn constant(name: &str, ty: &Type, value: ScalarValue) -> ScalarUDF {
    let signature = Signature::nullary(Volatility::Immutable);
    ScalarUDF::from(Constant { name: name.to_string(), ty: ty.clone(), value, signature })
}

impl Constant {
    /// An array may have more dimensions than its type tells.
    fn held(&self) -> DataType {
        match (&self.ty, self.value.data_type()) {
            (Type::Array(_), held @ DataType::List(_)) => held,
            (ty, _) => ty.arrow(),
        }
    }
}

impl ScalarUDFImpl for Constant {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.held())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(self.ty.field(&self.name, self.value.is_null()).with_data_type(self.held())))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(self.value.cast_to(&self.held())?))
    }
}
