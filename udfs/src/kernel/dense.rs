//! Matrix products, a column at a time: each output is summed in the order of its inputs.
use std::sync::Arc;

use datafusion::arrow::buffer::ScalarBuffer;

use super::{Columns, Kernel, number, number::Number};
use crate::error::PredictError;
use crate::ir::Dense;

pub(super) fn choose(dense: &Dense) -> Arc<dyn Kernel> {
    Arc::new(ByOutput { narrow: Packed::new(dense), wide: Packed::new(dense) })
}

#[derive(Debug)]
struct ByOutput {
    narrow: Packed<f32>,
    wide: Packed<f64>,
}

impl Kernel for ByOutput {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn score(&self, from: &[&Columns], rows: usize) -> Result<Columns, PredictError> {
        match from {
            [columns @ Columns::F32(_)] => Ok(self.narrow.score(number::of(columns)?, rows)),
            [columns @ Columns::F64(_)] => Ok(self.wide.score(number::of(columns)?, rows)),
            _ => Err(PredictError::internal("a product must be given floats")),
        }
    }
}

#[derive(Debug)]
struct Packed<T> {
    outputs: usize,
    weights: Vec<T>,
    bias: Vec<T>,
    missing_is_absent: bool,
}

/// Rows that stay in the first cache while the inputs are added up.
const BLOCK: usize = 512;

impl<T: Number> Packed<T> {
    fn new(dense: &Dense) -> Self {
        Self {
            outputs: dense.outputs,
            weights: dense.weights.iter().map(|w| T::of(*w)).collect(),
            bias: dense.bias.iter().map(|b| T::of(*b)).collect(),
            missing_is_absent: dense.missing_is_absent,
        }
    }

    fn score(&self, columns: &[ScalarBuffer<T>], rows: usize) -> Columns {
        let mut out = vec![vec![T::ZERO; rows]; self.outputs];
        for start in (0..rows).step_by(BLOCK) {
            let block = start..(start + BLOCK).min(rows);
            for (output, sums) in out.iter_mut().enumerate() {
                self.score_block(columns, output, block.start, &mut sums[block.clone()]);
            }
        }
        T::wrap(out)
    }

    fn score_block(&self, columns: &[ScalarBuffer<T>], output: usize, start: usize, sums: &mut [T]) {
        let bias = self.bias.get(output).copied().unwrap_or(T::ZERO);
        if self.missing_is_absent {
            sums.fill(bias);
        }
        for (input, column) in columns.iter().enumerate() {
            let weight = self.weights[input * self.outputs + output];
            for (sum, v) in sums.iter_mut().zip(&column[start..]) {
                *sum = if self.missing_is_absent && v.is_missing() { *sum } else { *sum + *v * weight };
            }
        }
        if !self.missing_is_absent {
            sums.iter_mut().for_each(|sum| *sum = *sum + bias);
        }
    }
}
