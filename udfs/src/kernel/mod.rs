//! Kernels compute a step, a batch at a time. Which one serves a step is decided here, once, when a model is read;
//! a faster kernel is one more file and one more line in [`choose`].
mod columns;
mod dense;
mod link;
pub(crate) mod number;
mod row;
mod table;
mod trees;

use std::fmt::Debug;
use std::sync::Arc;

pub use columns::Columns;
pub(crate) use row::best;

use crate::error::PredictError;
use crate::ir::{Graph, Op, ValueId};

/// Computes one step for any number of rows, and says how it is called in EXPLAIN.
pub trait Kernel: Debug + Send + Sync {
    fn name(&self) -> &'static str;

    /// `from` has the step's values, each column `rows` long; the answer has the step's shape.
    fn score(&self, from: &[&Columns], rows: usize) -> Result<Columns, PredictError>;
}

fn choose(op: &Op) -> Arc<dyn Kernel> {
    match op {
        Op::Trees(trees) => trees::choose(trees),
        Op::Dense(dense) => dense::choose(dense),
        Op::Link(_) | Op::Second(_) => Arc::new(link::Linked(op.clone())),
        Op::Codes { .. } | Op::OneHot { .. } | Op::Map { .. } | Op::Pick(_) => table::choose(op),
        Op::Normalise(_) | Op::Softmax | Op::ArgMax | Op::RowSum | Op::Above(_) => Arc::new(row::AcrossRow(op.clone())),
        _ => Arc::new(columns::ByColumn(op.clone())),
    }
}

/// A graph with a kernel for each step.
#[derive(Debug)]
pub struct Program {
    inputs: usize,
    kernels: Vec<Arc<dyn Kernel>>,
    from: Vec<Vec<ValueId>>,
}

impl Program {
    pub fn new(graph: &Graph) -> Self {
        Self {
            inputs: graph.inputs.len(),
            kernels: graph.steps.iter().map(|step| choose(&step.op)).collect(),
            from: graph.steps.iter().map(|step| step.from.clone()).collect(),
        }
    }

    /// The kernel that does most of the work: the last head's, else the last step's.
    pub fn name(&self) -> &'static str {
        let heads = self.kernels.iter().rev().map(|kernel| kernel.name());
        heads.clone().find(|name| !name.starts_with("step")).or_else(|| heads.clone().next()).unwrap_or("constant")
    }

    /// Runs `steps` (of [`Graph::steps_for`]) and returns the value `answer`.
    pub fn run(
        &self,
        steps: &[usize],
        answer: ValueId,
        inputs: Vec<Columns>,
        rows: usize,
    ) -> Result<Columns, PredictError> {
        let mut values: Vec<Option<Columns>> = inputs.into_iter().map(Some).collect();
        values.resize(self.inputs + self.kernels.len(), None);
        for &step in steps {
            let from = self.from[step].iter().map(|&id| values[id].as_ref()).collect::<Option<Vec<_>>>();
            let from = from.ok_or_else(|| PredictError::internal("a step must come after what it reads"))?;
            values[self.inputs + step] = Some(self.kernels[step].score(&from, rows)?);
        }
        values.swap_remove(answer).ok_or_else(|| PredictError::internal("the answer must be among the steps"))
    }
}
