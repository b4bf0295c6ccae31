//! A model as a DataFusion function: arguments are the inputs that the model uses, by position.
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use crate::model::{Model, Output};

/// The model as a function.
///
/// Its arguments are exactly [`Model::used_inputs`], in order: numbers, decimals and booleans become float8, text and
/// dictionaries of text become text, and anything else is refused at planning with the input's name. Constants are
/// broadcast. DataFusion wraps what is refused in messages of its own; an engine that wants the plain one asks
/// [`Model::argument_types`] first. Two functions are equal when their models' fingerprints, their outputs and their names are.
///
/// Asking for an answer that the model does not have ([`Model::output_type`]) is an error when a query is planned.
pub fn function(model: Arc<Model>, display_name: &str, output: Output) -> ScalarUDF {
    // The version is fixed by whoever made this: within a statement equal rows get equal answers.
    let signature = Signature::user_defined(Volatility::Stable);
    ScalarUDF::from(Predict { model, name: display_name.into(), output, signature })
}

#[derive(Debug)]
struct Predict {
    model: Arc<Model>,
    name: String,
    output: Output,
    signature: Signature,
}

impl PartialEq for Predict {
    fn eq(&self, other: &Self) -> bool {
        (self.model.fingerprint(), self.output, &self.name) == (other.model.fingerprint(), other.output, &other.name)
    }
}

impl Eq for Predict {}

impl Hash for Predict {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.model.fingerprint(), self.output, &self.name).hash(state);
    }
}

impl ScalarUDFImpl for Predict {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        self.model.argument_types(&self.name, given).map_err(|e| DataFusionError::Plan(e.message))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        self.model.output_type(self.output).map_err(|e| DataFusionError::Plan(format!("model \"{}\": {e}", self.name)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = !args.args.is_empty() && args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let arrays = args.args.into_iter().map(|arg| arg.into_array(rows)).collect::<Result<Vec<ArrayRef>>>()?;
        let scored = self.model.score(self.output, &arrays, rows);
        let scored = scored.map_err(|e| DataFusionError::External(Box::new(e.of_model(&self.name))))?;
        match constant {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&scored, 0)?)),
            false => Ok(ColumnarValue::Array(scored)),
        }
    }
}

/// What a type is called in SQL.
pub(crate) fn sql_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "boolean".into(),
        DataType::Int8 | DataType::UInt8 | DataType::Int16 => "smallint".into(),
        DataType::Int32 | DataType::UInt16 => "integer".into(),
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => "bigint".into(),
        DataType::Float16 | DataType::Float32 => "float4".into(),
        DataType::Float64 => "float8".into(),
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            "numeric".into()
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".into(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "bytea".into(),
        DataType::Date32 | DataType::Date64 => "date".into(),
        DataType::Time32(_) | DataType::Time64(_) => "time".into(),
        DataType::Timestamp(_, None) => "timestamp".into(),
        DataType::Timestamp(_, Some(_)) => "timestamptz".into(),
        DataType::Interval(_) | DataType::Duration(_) => "interval".into(),
        DataType::Dictionary(_, values) => sql_name(values),
        DataType::List(item) | DataType::LargeList(item) => format!("{}[]", sql_name(item.data_type())),
        other => other.to_string().to_lowercase(),
    }
}
