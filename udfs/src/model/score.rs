//! From arguments to an answer: run the steps that the answer needs, and put it in Arrow's form.
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array, ListArray, StringArray};
use datafusion::arrow::buffer::{OffsetBuffer, ScalarBuffer};
use datafusion::arrow::datatypes::{DataType, Field};

use super::{Class, Model, Output};
use crate::error::PredictError;
use crate::ir::{Kind, Label, Task};
use crate::kernel::{Columns, best};

impl Model {
    /// Scores a batch: `arrays` are the used inputs in order, each `rows` long.
    pub fn score(&self, what: Output, arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef, PredictError> {
        let is_classifier = matches!(self.graph.task, Task::Binary | Task::Multiclass { .. });
        match what {
            Output::Value if is_classifier => self.labels(arrays, rows),
            Output::Value | Output::Probability => self.numbers(self.graph.scores, arrays, rows),
            Output::Raw => match self.raw() {
                Ok((id, _)) => self.numbers(id, arrays, rows),
                Err(e) => Err(PredictError::internal(e.message)),
            },
        }
    }

    fn run(&self, answer: usize, arrays: &[ArrayRef], rows: usize) -> Result<Columns, PredictError> {
        let inputs = self.bind(arrays, rows)?;
        self.program.run(&self.graph.steps_for(&[answer]), answer, inputs, rows)
    }

    fn numbers(&self, answer: usize, arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef, PredictError> {
        let columns = wide(&self.run(answer, arrays, rows)?)?;
        match (columns.as_slice(), self.graph.task) {
            // A binary classifier's second column says it all.
            ([.., last], Task::Binary) | ([last], _) => Ok(Arc::new(Float64Array::new(last.clone(), None))),
            _ => Ok(Arc::new(lists(&columns, rows)?)),
        }
    }

    fn labels(&self, arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef, PredictError> {
        let index = match self.graph.label {
            Some(Label::Value(id)) => match self.run(id, arrays, rows)? {
                Columns::I64(columns) => columns.into_iter().next().unwrap_or_else(|| vec![].into()),
                _ => return Err(PredictError::internal("a label must be an index")),
            },
            Some(rule @ (Label::Best | Label::MoreThanRest)) => {
                let columns = wide(&self.run(self.graph.scores, arrays, rows)?)?;
                ScalarBuffer::from(match (columns.as_slice(), rule) {
                    ([p], Label::MoreThanRest) => p.iter().map(|p| i64::from(*p > 1.0 - *p)).collect(),
                    ([p], _) => p.iter().map(|p| i64::from(*p > 0.5)).collect(),
                    _ => best(&columns, rows),
                })
            }
            None => return Err(PredictError::internal("a classifier must have a label")),
        };
        self.name(index)
    }

    fn name(&self, index: ScalarBuffer<i64>) -> Result<ArrayRef, PredictError> {
        let Some(classes) = &self.classes else {
            return Ok(Arc::new(Int64Array::new(index, None)));
        };
        let class = |at: &i64| usize::try_from(*at).ok().and_then(|at| classes.get(at));
        let beyond = || PredictError::internal("a label must be one of the classes");
        match classes.first() {
            Some(Class::Text(_)) => {
                let text = |at| if let Some(Class::Text(text)) = class(at) { Some(text.as_str()) } else { None };
                let texts: Option<Vec<&str>> = index.iter().map(text).collect();
                Ok(Arc::new(StringArray::from(texts.ok_or_else(beyond)?)))
            }
            _ => {
                let int = |at| if let Some(Class::Int(int)) = class(at) { Some(*int) } else { None };
                let ints: Option<Vec<i64>> = index.iter().map(int).collect();
                Ok(Arc::new(Int64Array::from(ints.ok_or_else(beyond)?)))
            }
        }
    }
}

fn wide(columns: &Columns) -> Result<Vec<ScalarBuffer<f64>>, PredictError> {
    match columns.cast(Kind::F64)? {
        Columns::F64(columns) => Ok(columns),
        _ => Err(PredictError::internal("scores must be numbers")),
    }
}

/// Columns side by side as one list per row.
fn lists(columns: &[ScalarBuffer<f64>], rows: usize) -> Result<ListArray, PredictError> {
    let mut values = Vec::with_capacity(columns.len() * rows);
    for row in 0..rows {
        values.extend(columns.iter().map(|column| column[row]));
    }
    let item = Arc::new(Field::new_list_field(DataType::Float64, true));
    let offsets = OffsetBuffer::from_repeated_length(columns.len(), rows);
    ListArray::try_new(item, offsets, Arc::new(Float64Array::from(values)), None)
        .map_err(|e| PredictError::internal(e.to_string()))
}
