//! One representation for every format: named inputs, then steps over columns, each with its exact numeric rule.
//!
//! A [`Graph`] is a straight-line program. Value `i` is a group of columns: first the inputs, one column each, then
//! what every step makes of earlier values. Nothing here knows a file format, Arrow or how a step is computed.
mod shape;
mod trees;

pub use trees::{Aggregate, Compare, Node, OnNan, Trees, TreesBuilder, Vote};

/// The widest group of columns; a file that asks for more is refused.
pub const WIDTH_MAX: usize = 1 << 16;

/// What the columns of a value hold. Missing is NaN in floats and NULL in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    F32,
    F64,
    I64,
    Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    pub kind: Kind,
    pub width: usize,
}

/// Index of a value: inputs first, then steps.
pub type ValueId = usize;

#[derive(Debug, Clone)]
pub struct Step {
    pub op: Op,
    pub from: Vec<ValueId>,
    pub shape: Shape,
}

/// The values of a constant or of a look-up table.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    Text(Vec<String>),
    Ints(Vec<i64>),
    Floats(Vec<f64>),
}

impl Values {
    pub fn len(&self) -> usize {
        match self {
            Self::Text(v) => v.len(),
            Self::Ints(v) => v.len(),
            Self::Floats(v) => v.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The kind of a column made of these; floats are ONNX tables, and those are f32.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Ints(_) => Kind::I64,
            Self::Floats(_) => Kind::F32,
        }
    }
}

/// What a category that the table does not hold becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unseen {
    /// Missing, as pandas' codes do (LightGBM).
    Missing,
    /// An error, as XGBoost's re-coder does.
    Refuse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    Relu,
    LeakyRelu {
        slope: f64,
    },
    Elu {
        alpha: f64,
    },
    /// 1 / (1 + exp(-x)), computed on the side where exp cannot overflow.
    Sigmoid,
    Tanh,
    Exp,
    Log,
    Sqrt,
    Neg,
    Abs,
    Clip {
        low: f64,
        high: f64,
    },
    Softplus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Norm {
    Max,
    L1,
    L2,
}

/// From a margin to an answer, with the arithmetic of the library named.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Link {
    /// XGBoost in f32: 1 / (exp(min(-x, 88.7)) + 1 + 1e-16).
    XgbLogistic,
    /// XGBoost in f32, summed in f64.
    XgbSoftmax,
    /// XGBoost `binary:hinge`: 1 above 0, else 0.
    XgbHinge,
    /// exp in the precision of the margin.
    Exp,
    /// LightGBM in f64: 1 / (1 + exp(-slope · x)), each output by itself.
    LgbLogistic {
        slope: f64,
    },
    LgbSoftmax,
    /// LightGBM `reg_sqrt`: sign(x) · x².
    SignedSquare,
    /// LightGBM `cross_entropy_lambda`: log1p(exp(x)).
    Log1pExp,
    /// ONNX `post_transform`.
    OnnxLogistic,
    OnnxSoftmax,
    /// ONNX SOFTMAX_ZERO: scores that are 0 stay 0.
    OnnxSoftmaxZero,
    OnnxProbit,
}

/// How ONNX runtimes make the second class' score when the file holds only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondClass {
    /// [1 - s, s]
    Complement,
    /// [-s, s]
    Negation,
}

/// What a step does. Unless said otherwise columns are treated one by one, in the precision of the first value.
#[derive(Debug, Clone)]
pub enum Op {
    Concat,
    /// The columns at these places.
    Select(Vec<usize>),
    /// The only value given, with the columns in another type; to I64 truncates.
    Cast(Kind),
    /// A category's place in the table, as F64. `input` is the name for the error.
    Codes {
        table: Values,
        unseen: Unseen,
        input: String,
    },
    /// One column for each category of each column, as F32. `zeros` answers an unseen one with zeros; else it is refused.
    OneHot {
        table: Values,
        zeros: bool,
    },
    /// `keys[i]` becomes `values[i]`, anything else `default` (one value).
    Map {
        keys: Values,
        values: Values,
        default: Values,
    },
    /// The constant at a column's index.
    Pick(Values),
    /// NaN, or what equals `replaced`, becomes the column's `fill`.
    Impute {
        fill: Vec<f64>,
        replaced: f64,
    },
    /// (x - offset) · scale, a pair per column.
    Scale {
        offset: Vec<f64>,
        scale: Vec<f64>,
    },
    /// Divides a row by its norm.
    Normalise(Norm),
    /// 1 above the threshold, else 0.
    Binarise(f64),
    /// With a constant per column, on the left when `flipped`.
    Constant {
        op: Arithmetic,
        with: Vec<f64>,
        flipped: bool,
    },
    /// Between two values of the same width, or a width of one against any.
    Arithmetic(Arithmetic),
    Activate(Activation),
    /// Across the row, with the row's maximum taken off.
    Softmax,
    /// The first column with the largest value, as I64.
    ArgMax,
    /// Sum across the row, as one column.
    RowSum,
    /// Head: a matrix product.
    Dense(Dense),
    /// Head: a tree ensemble.
    Trees(Box<Trees>),
    Link(Link),
    Second(SecondClass),
    /// 1 where the last column is above the bound, else 0, as I64.
    Above(f64),
}

/// Head: `outputs` sums of `inputs` products. `weights[input * outputs + output]`.
#[derive(Debug, Clone)]
pub struct Dense {
    pub inputs: usize,
    pub outputs: usize,
    pub weights: Vec<f64>,
    /// One per output, or none.
    pub bias: Vec<f64>,
    /// XGBoost's gblinear: the sum starts from the bias, and a missing input adds nothing.
    pub missing_is_absent: bool,
}

/// How the label follows from the scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Label {
    /// Index of the largest score; for one score, 1 when it is above 0.5.
    Best,
    /// LightGBM's wrapper compares p with 1 - p.
    MoreThanRest,
    /// The file computes it: a value of class indices, whose names are the graph's classes.
    Value(ValueId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Task {
    Regression,
    Binary,
    Multiclass {
        classes: usize,
    },
    /// A score to order by; no unit.
    Ranking,
    MultiOutput {
        outputs: usize,
    },
}

/// A model as a program.
#[derive(Debug, Clone)]
pub struct Graph {
    pub inputs: Vec<Kind>,
    pub steps: Vec<Step>,
    /// The library's answer: a value, or one probability per class (binary: one or two columns, the last counts).
    pub scores: ValueId,
    /// The margin, where the model has one.
    pub raw: Option<ValueId>,
    pub label: Option<Label>,
    pub task: Task,
    /// Names of the classes, where the file has them.
    pub classes: Option<Values>,
}

impl Graph {
    pub fn new(inputs: Vec<Kind>) -> Self {
        Self { inputs, steps: vec![], scores: 0, raw: None, label: None, task: Task::Regression, classes: None }
    }

    /// Adds a step; refused when the op cannot take these values.
    pub fn push(&mut self, op: Op, from: Vec<ValueId>) -> Result<ValueId, String> {
        let shapes = from
            .iter()
            .map(|&id| self.shape(id))
            .collect::<Option<Vec<_>>>()
            .ok_or("a step reads a value that does not exist yet")?;
        let shape = shape::of(&op, &shapes)?;
        if shape.width > WIDTH_MAX {
            return Err(format!("{} columns in one step, at most {WIDTH_MAX} are read", shape.width));
        }
        self.steps.push(Step { op, from, shape });
        Ok(self.inputs.len() + self.steps.len() - 1)
    }

    pub fn shape(&self, id: ValueId) -> Option<Shape> {
        match self.inputs.get(id) {
            Some(kind) => Some(Shape { kind: *kind, width: 1 }),
            None => self.steps.get(id - self.inputs.len()).map(|step| step.shape),
        }
    }

    /// The values that the answers are made of.
    pub fn answers(&self) -> Vec<ValueId> {
        let label = match self.label {
            Some(Label::Value(id)) => Some(id),
            _ => None,
        };
        [Some(self.scores), self.raw, label].into_iter().flatten().collect()
    }

    /// For each input, whether any answer depends on it.
    pub fn used_inputs(&self) -> Vec<bool> {
        let mut needed: Vec<Vec<bool>> = (0..self.inputs.len() + self.steps.len())
            .map(|id| vec![false; self.shape(id).map_or(0, |s| s.width)])
            .collect();
        for id in self.answers() {
            needed[id].fill(true);
        }
        for (index, step) in self.steps.iter().enumerate().rev() {
            let columns = std::mem::take(&mut needed[self.inputs.len() + index]);
            if columns.contains(&true) {
                shape::mark_needed(step, &columns, &mut needed);
            }
        }
        needed.iter().take(self.inputs.len()).map(|columns| columns.contains(&true)).collect()
    }

    /// The steps that these values are made by, in order.
    pub fn steps_for(&self, answers: &[ValueId]) -> Vec<usize> {
        let first = self.inputs.len();
        let mut needed = vec![false; self.steps.len()];
        for &id in answers.iter().filter(|id| **id >= first) {
            needed[id - first] = true;
        }
        for index in (0..self.steps.len()).rev().collect::<Vec<_>>() {
            if needed[index] {
                for &id in self.steps[index].from.iter().filter(|id| **id >= first) {
                    needed[id - first] = true;
                }
            }
        }
        (0..needed.len()).filter(|index| needed[*index]).collect()
    }
}
