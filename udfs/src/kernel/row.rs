//! Steps that look across a row: norms, softmax, the best column.
use datafusion::arrow::buffer::ScalarBuffer;

use super::{Columns, Kernel, number, number::Number};
use crate::error::PredictError;
use crate::ir::{Kind, Norm, Op};

#[derive(Debug)]
pub(super) struct AcrossRow(pub Op);

impl Kernel for AcrossRow {
    fn name(&self) -> &'static str {
        "steps"
    }

    fn score(&self, from: &[&Columns], rows: usize) -> Result<Columns, PredictError> {
        match from {
            [columns @ Columns::F32(_)] => across::<f32>(&self.0, number::of(columns)?, rows),
            [columns @ Columns::F64(_)] => across::<f64>(&self.0, number::of(columns)?, rows),
            [columns @ Columns::I64(_)] => {
                let answer = across::<f64>(&self.0, number::of(&columns.cast(Kind::F64)?)?, rows)?;
                answer.cast(Kind::I64)
            }
            _ => Err(PredictError::internal("a row of text must not be summed")),
        }
    }
}

fn across<T: Number>(op: &Op, columns: &[ScalarBuffer<T>], rows: usize) -> Result<Columns, PredictError> {
    match op {
        Op::Normalise(norm) => Ok(by_row(columns, rows, |row| normalise(*norm, row))),
        Op::Softmax => Ok(by_row(columns, rows, softmax)),
        Op::ArgMax => Ok(Columns::I64(vec![best(columns, rows).into()])),
        Op::RowSum => Ok(T::wrap(vec![
            (0..rows).map(|row| columns.iter().fold(T::ZERO, |sum, column| sum + column[row])).collect(),
        ])),
        Op::Above(bound) => match columns.last() {
            Some(last) => Ok(Columns::I64(vec![last.iter().map(|v| i64::from(v.wide() > *bound)).collect()])),
            None => Err(PredictError::internal("a bound must have a column")),
        },
        _ => Err(PredictError::internal("a step must be one that works across the row")),
    }
}

/// Rewrites row by row, in one buffer.
pub(super) fn by_row<T: Number>(
    columns: &[ScalarBuffer<T>],
    rows: usize,
    mut rewrite: impl FnMut(&mut [T]),
) -> Columns {
    let mut out = vec![Vec::with_capacity(rows); columns.len()];
    let mut row = vec![T::ZERO; columns.len()];
    for at in 0..rows {
        row.iter_mut().zip(columns).for_each(|(value, column)| *value = column[at]);
        rewrite(&mut row);
        out.iter_mut().zip(&row).for_each(|(column, value)| column.push(*value));
    }
    T::wrap(out)
}

/// Index of the first of the largest; a NaN in front stays the best, as with `>` everywhere.
pub(crate) fn best<T: Number>(columns: &[ScalarBuffer<T>], rows: usize) -> Vec<i64> {
    let mut best = vec![0i64; rows];
    for (index, column) in columns.iter().enumerate().skip(1) {
        for (row, best) in best.iter_mut().enumerate() {
            if column[row] > columns[*best as usize][row] {
                *best = index as i64;
            }
        }
    }
    best
}

fn normalise<T: Number>(norm: Norm, row: &mut [T]) {
    let size = match norm {
        Norm::Max => {
            row.iter().skip(1).fold(row.first().copied().unwrap_or(T::ZERO), |max, v| if *v > max { *v } else { max })
        }
        Norm::L1 => row.iter().fold(T::ZERO, |sum, v| sum + v.abs()),
        Norm::L2 => row.iter().fold(T::ZERO, |sum, v| sum + *v * *v).sqrt(),
    };
    if size != T::ZERO {
        row.iter_mut().for_each(|v| *v = *v / size);
    }
}

pub(super) fn softmax<T: Number>(row: &mut [T]) {
    let max =
        row.iter().skip(1).fold(row.first().copied().unwrap_or(T::ZERO), |max, v| if *v > max { *v } else { max });
    row.iter_mut().for_each(|v| *v = (*v - max).exp());
    let sum = row.iter().fold(T::ZERO, |sum, v| sum + *v);
    row.iter_mut().for_each(|v| *v = *v / sum);
}
