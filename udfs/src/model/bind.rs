//! Arrow arrays in, columns of the graph out: types, NULL rules, and what unused inputs are filled with.
use datafusion::arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray, StringArray};
use datafusion::arrow::buffer::ScalarBuffer;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{ArrowPrimitiveType, DataType, Float64Type, Int64Type};

use super::{Input, Model, NullRule};
use crate::error::PredictError;
use crate::ir::Kind;
use crate::kernel::Columns;

impl Model {
    /// One column for each input of the graph, from the arrays of the used ones.
    pub(super) fn bind(&self, arrays: &[ArrayRef], rows: usize) -> Result<Vec<Columns>, PredictError> {
        let unused = Unused::new(rows);
        let mut arrays = arrays.iter();
        self.inputs
            .iter()
            .map(|input| match (input.used, input.used.then(|| arrays.next()).flatten()) {
                (true, Some(array)) if array.len() == rows => column(input, array),
                (true, _) => Err(PredictError::internal("an argument must be given for each used input")),
                (false, _) => Ok(unused.of(input.kind)),
            })
            .collect()
    }
}

/// Columns that nothing reads, made once.
struct Unused {
    numbers: ScalarBuffer<f64>,
    integers: ScalarBuffer<i64>,
    text: StringArray,
}

impl Unused {
    fn new(rows: usize) -> Self {
        Self { numbers: vec![0.0; rows].into(), integers: vec![0; rows].into(), text: StringArray::new_null(rows) }
    }

    fn of(&self, kind: Kind) -> Columns {
        match kind {
            Kind::F32 | Kind::F64 => Columns::F64(vec![self.numbers.clone()]),
            Kind::I64 => Columns::I64(vec![self.integers.clone()]),
            Kind::Text => Columns::Text(vec![self.text.clone()]),
        }
    }
}

fn column(input: &Input, array: &ArrayRef) -> Result<Columns, PredictError> {
    if input.null == NullRule::NotNull && array.logical_null_count() > 0 {
        return Err(PredictError::NullInput { model: String::new(), input: input.name.clone() });
    }
    let wanted = match input.kind {
        Kind::F32 | Kind::F64 => DataType::Float64,
        Kind::I64 => DataType::Int64,
        Kind::Text => DataType::Utf8,
    };
    let array = match *array.data_type() == wanted {
        true => array.clone(),
        false => cast(array, &wanted).map_err(|e| PredictError::BadValue {
            model: String::new(),
            message: format!("input \"{}\": {e}", input.name),
        })?,
    };
    Ok(match (input.kind, &input.null) {
        (Kind::Text, NullRule::Text(constant)) => {
            Columns::Text(vec![array.as_string::<i32>().iter().map(|v| Some(v.unwrap_or(constant))).collect()])
        }
        (Kind::Text, _) => Columns::Text(vec![array.as_string::<i32>().clone()]),
        (Kind::I64, rule) => Columns::I64(vec![filled(
            array.as_primitive::<Int64Type>(),
            if let NullRule::Number(v) = rule { *v as i64 } else { 0 },
        )]),
        (Kind::F32 | Kind::F64, rule) => Columns::F64(vec![filled(
            array.as_primitive::<Float64Type>(),
            if let NullRule::Number(v) = rule { *v } else { f64::NAN },
        )]),
    })
}

/// The values, shared with Arrow unless there are NULLs to fill.
fn filled<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, null: T::Native) -> ScalarBuffer<T::Native> {
    match array.null_count() {
        0 => array.values().clone(),
        _ => array.iter().map(|value| value.unwrap_or(null)).collect(),
    }
}
