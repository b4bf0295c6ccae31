//! A function that does not exist, so that the error can say with which types it was called.

use crate::base::error::did_you_mean;
use crate::base::{Error, Kind, Type};
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Missing {
    name: String,
    hint: String,
    signature: Signature,
}

impl Missing {
    pub fn function<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> ScalarUDF {
        let known = known.filter(|known| known.starts_with(|c: char| c.is_ascii_alphabetic()) && !known.contains(' '));
        let hint = did_you_mean(name, known).unwrap_or_else(|| {
            "No function matches the given name and argument types. You might need to add explicit type casts.".into()
        });
        ScalarUDF::from(Missing {
            name: name.to_string(),
            hint,
            signature: Signature::one_of(
                vec![TypeSignature::Nullary, TypeSignature::VariadicAny],
                Volatility::Volatile,
            ),
        })
    }

    fn error(&self, types: &[DataType]) -> Error {
        let types: Vec<_> = types.iter().map(argument_type).collect();
        Error::new(Kind::UndefinedFunction, format!("function {}({}) does not exist", self.name, types.join(", ")))
            .hint(self.hint.clone())
    }
}

/// The type of an argument in a message: literals without a type of their own are unknown.
pub fn argument_type(ty: &DataType) -> String {
    match ty {
        DataType::Null => "unknown".into(),
        ty => crate::query::operators::name_of(&Type::from_arrow(ty)),
    }
}

impl ScalarUDFImpl for Missing {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        Err(self.error(given).into())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<_> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        Err(self.error(&types).into())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(self.error(&[]).into())
    }
}
