//! A model: what it takes, what it gives, and the way from one to the other.
mod bind;
mod declare;
mod score;

use std::fmt;

use datafusion::arrow::datatypes::DataType;
use sha2::{Digest, Sha256};

use crate::error::FormatError;
use crate::format::{self, Format, Parsed};
use crate::ir::{Graph, Kind, Op, Task, ValueId, Values};
use crate::kernel::Program;

/// A model that was read and checked. Immutable; share it as `Arc<Model>`.
#[derive(Debug)]
pub struct Model {
    format: Format,
    graph: Graph,
    program: Program,
    inputs: Vec<Input>,
    /// Whether the file names its inputs, so that they are declared by name.
    named: bool,
    classes: Option<Vec<Class>>,
    summary: Summary,
    fingerprint: [u8; 32],
}

/// One input, as the file or the user's INPUT clause declares it.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    pub name: String,
    /// `Float64` for numbers, `Utf8` for text categories, `Int64` for integers, or what INPUT says.
    pub data_type: DataType,
    pub null: NullRule,
    /// The categories that the file knows, where it keeps them.
    pub categories: Option<Vec<Class>>,
    /// Whether any answer depends on it. Only used inputs are arguments of the model's functions.
    pub used: bool,
    kind: Kind,
    takes_missing: bool,
}

/// What a NULL means to an input.
#[derive(Debug, Clone, PartialEq)]
pub enum NullRule {
    /// `NOT NULL`: an error that names the input.
    NotNull,
    /// `NULL AS MISSING`, the default: the way that the model has for missing values.
    Missing,
    /// `NULL AS 0.0`
    Number(f64),
    /// `NULL AS 'none'`
    Text(String),
}

/// A class of a classifier, or a category of an input.
#[derive(Debug, Clone, PartialEq)]
pub enum Class {
    Int(i64),
    /// Categories only; no class is a fraction.
    Float(f64),
    Text(String),
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
            Self::Text(value) => f.write_str(value),
        }
    }
}

/// One line of the INPUT clause: what is `None` stays as the file says.
#[derive(Debug, Clone, PartialEq)]
pub struct InputOverride {
    pub name: String,
    pub data_type: Option<DataType>,
    pub null: Option<NullRule>,
}

/// What to ask a model for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Output {
    /// `predict`: a value, or a class.
    Value,
    /// `predict_proba`: a binary classifier's probability of its last class, or one per class.
    Probability,
    /// `predict_raw`: the margin, before link or softmax.
    Raw,
}

/// The size of a model, for DESCRIBE MODEL. Counts that a kind of model has not are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    pub trees: usize,
    pub leaves: usize,
    /// Tests on the longest way to a leaf.
    pub depth: usize,
    /// Coefficients of linear and dense steps.
    pub weights: usize,
    /// Of the file.
    pub bytes: usize,
}

impl Model {
    /// Reads a model file. Fails with the place in the file, and never panics, whatever the bytes.
    pub fn read(format: Format, bytes: &[u8]) -> Result<Model, FormatError> {
        let parsed = format::read(format, bytes)?;
        let used = parsed.graph.used_inputs();
        let Parsed { graph, inputs, named } = parsed;
        let inputs: Vec<Input> =
            inputs.into_iter().zip(used).map(|(declared, used)| Input::new(declared, used)).collect();
        if let Some(name) = declare::twice(&inputs) {
            return Err(FormatError::new(format!("two inputs are named \"{name}\"")));
        }
        Ok(Model {
            format,
            program: Program::new(&graph),
            classes: graph.classes.as_ref().map(classes),
            summary: summary(&graph, bytes.len()),
            inputs,
            named,
            graph,
            fingerprint: Sha256::digest(bytes).into(),
        })
    }

    pub fn format(&self) -> Format {
        self.format
    }

    /// All inputs, used or not, in the file's order.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// The inputs that the functions take, in the same order.
    pub fn used_inputs(&self) -> impl Iterator<Item = &Input> {
        self.inputs.iter().filter(|input| input.used)
    }

    /// Whether the file names its inputs. If not, INPUT names them by position.
    pub fn inputs_are_named(&self) -> bool {
        self.named
    }

    pub fn task(&self) -> Task {
        self.graph.task
    }

    /// Names of the classes, in the order of the probabilities. `None` when neither file nor user names them.
    pub fn classes(&self) -> Option<&[Class]> {
        self.classes.as_deref()
    }

    /// The type of an answer; an error when the model has no such answer.
    pub fn output_type(&self, what: Output) -> Result<DataType, FormatError> {
        let list = DataType::new_list(DataType::Float64, true);
        match (what, self.graph.task) {
            (Output::Value, Task::Regression | Task::Ranking) => Ok(DataType::Float64),
            (Output::Value, Task::MultiOutput { .. }) => Ok(list),
            (Output::Value, Task::Binary | Task::Multiclass { .. }) => Ok(match self.classes.as_deref() {
                Some([Class::Text(_), ..]) => DataType::Utf8,
                _ => DataType::Int64,
            }),
            (Output::Probability, Task::Binary) => Ok(DataType::Float64),
            (Output::Probability, Task::Multiclass { .. }) => Ok(list),
            (Output::Probability, Task::Regression | Task::Ranking | Task::MultiOutput { .. }) => {
                Err(FormatError::new("the model is not a classifier, so it has no probabilities"))
            }
            (Output::Raw, Task::Binary) => self.raw().map(|_| DataType::Float64),
            (Output::Raw, _) => self.raw().map(|(_, width)| if width == 1 { DataType::Float64 } else { list }),
        }
    }

    /// The kernel that does most of the work, for EXPLAIN.
    pub fn kernel(&self) -> &str {
        self.program.name()
    }

    pub fn summary(&self) -> Summary {
        self.summary
    }

    /// SHA-256 over the file and everything declared about it: equal fingerprints answer alike.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    fn raw(&self) -> Result<(ValueId, usize), FormatError> {
        let raw = self.graph.raw.and_then(|id| Some((id, self.graph.shape(id)?.width)));
        raw.ok_or_else(|| FormatError::new("the model has no margin apart from its answer"))
    }
}

pub(crate) fn classes(values: &Values) -> Vec<Class> {
    match values {
        Values::Text(v) => v.iter().cloned().map(Class::Text).collect(),
        Values::Ints(v) => v.iter().copied().map(Class::Int).collect(),
        Values::Floats(v) => v.iter().copied().map(Class::Float).collect(),
    }
}

fn summary(graph: &Graph, bytes: usize) -> Summary {
    let mut summary = Summary { bytes, ..Summary::default() };
    for step in &graph.steps {
        match &step.op {
            Op::Trees(trees) => {
                summary.trees += trees.roots.len();
                summary.leaves += trees.leaves();
                summary.depth = summary.depth.max(trees.depth());
            }
            Op::Dense(dense) => summary.weights += dense.weights.len() + dense.bias.len(),
            _ => {}
        }
    }
    summary
}
