//! Groups of columns, and the steps that treat each column by itself.
use datafusion::arrow::array::StringArray;
use datafusion::arrow::buffer::ScalarBuffer;
use datafusion::arrow::datatypes::ArrowNativeType;

use super::{Kernel, number::Number};
use crate::error::PredictError;
use crate::ir::{Activation, Arithmetic, Kind, Op};

/// The columns of one value; cheap to clone, so choosing and concatenating copy nothing.
#[derive(Debug, Clone)]
pub enum Columns {
    F32(Vec<ScalarBuffer<f32>>),
    F64(Vec<ScalarBuffer<f64>>),
    I64(Vec<ScalarBuffer<i64>>),
    Text(Vec<StringArray>),
}

impl Columns {
    pub fn width(&self) -> usize {
        match self {
            Self::F32(columns) => columns.len(),
            Self::F64(columns) => columns.len(),
            Self::I64(columns) => columns.len(),
            Self::Text(columns) => columns.len(),
        }
    }

    fn select(&self, at: &[usize]) -> Self {
        match self {
            Self::F32(columns) => Self::F32(at.iter().map(|index| columns[*index].clone()).collect()),
            Self::F64(columns) => Self::F64(at.iter().map(|index| columns[*index].clone()).collect()),
            Self::I64(columns) => Self::I64(at.iter().map(|index| columns[*index].clone()).collect()),
            Self::Text(columns) => Self::Text(at.iter().map(|index| columns[*index].clone()).collect()),
        }
    }

    fn append(&mut self, other: &Self) -> Result<(), PredictError> {
        match (self, other) {
            (Self::F32(columns), Self::F32(more)) => columns.extend_from_slice(more),
            (Self::F64(columns), Self::F64(more)) => columns.extend_from_slice(more),
            (Self::I64(columns), Self::I64(more)) => columns.extend_from_slice(more),
            (Self::Text(columns), Self::Text(more)) => columns.extend_from_slice(more),
            _ => return Err(PredictError::internal("concatenated columns must have one type")),
        }
        Ok(())
    }

    pub(crate) fn cast(&self, kind: Kind) -> Result<Self, PredictError> {
        fn each<A: ArrowNativeType, B: ArrowNativeType>(
            columns: &[ScalarBuffer<A>],
            f: impl Fn(A) -> B,
        ) -> Vec<ScalarBuffer<B>> {
            columns.iter().map(|column| column.iter().map(|value| f(*value)).collect()).collect()
        }
        Ok(match (self, kind) {
            (Self::F32(columns), Kind::F64) => Self::F64(each(columns, f64::from)),
            (Self::F32(columns), Kind::I64) => Self::I64(each(columns, |v| v as i64)),
            (Self::F64(columns), Kind::F32) => Self::F32(each(columns, |v| v as f32)),
            (Self::F64(columns), Kind::I64) => Self::I64(each(columns, |v| v as i64)),
            (Self::I64(columns), Kind::F32) => Self::F32(each(columns, |v| v as f32)),
            (Self::I64(columns), Kind::F64) => Self::F64(each(columns, |v| v as f64)),
            (Self::I64(columns), Kind::Text) => {
                Self::Text(columns.iter().map(|column| column.iter().map(|v| Some(v.to_string())).collect()).collect())
            }
            (Self::F32(_), Kind::F32)
            | (Self::F64(_), Kind::F64)
            | (Self::I64(_), Kind::I64)
            | (Self::Text(_), Kind::Text) => self.clone(),
            (Self::F32(_) | Self::F64(_), Kind::Text) | (Self::Text(_), _) => {
                return Err(PredictError::internal("this cast must have been refused"));
            }
        })
    }
}

#[derive(Debug)]
pub(super) struct ByColumn(pub Op);

impl Kernel for ByColumn {
    fn name(&self) -> &'static str {
        "steps"
    }

    fn score(&self, from: &[&Columns], rows: usize) -> Result<Columns, PredictError> {
        match (&self.0, from) {
            (Op::Concat, [first, rest @ ..]) => {
                let mut all = (*first).clone();
                rest.iter().try_for_each(|more| all.append(more))?;
                Ok(all)
            }
            (Op::Select(at), [columns]) => Ok(columns.select(at)),
            (Op::Cast(kind), [columns]) => columns.cast(*kind),
            (op, [Columns::F32(first), rest @ ..]) => Ok(f32::wrap(map(op, first, second(rest)?, rows)?)),
            (op, [Columns::F64(first), rest @ ..]) => Ok(f64::wrap(map(op, first, second(rest)?, rows)?)),
            (op, [Columns::I64(first), rest @ ..]) => integers(op, first, rest, rows),
            _ => Err(PredictError::internal("a step must be given numbers")),
        }
    }
}

fn second<T: Number>(rest: &[&Columns]) -> Result<Option<Vec<ScalarBuffer<T>>>, PredictError> {
    rest.first().map(|columns| super::number::of::<T>(columns).map(<[_]>::to_vec)).transpose()
}

/// Integers go through f64, which is exact below 2^53; only division is different.
fn integers(op: &Op, first: &[ScalarBuffer<i64>], rest: &[&Columns], rows: usize) -> Result<Columns, PredictError> {
    let wide = |columns: &Columns| columns.cast(Kind::F64);
    let first = wide(&Columns::I64(first.to_vec()))?;
    let rest = rest.first().map(|columns| wide(columns)).transpose()?;
    let rest = rest.iter().collect::<Vec<_>>();
    f64::wrap(map(op, super::number::of(&first)?, second(&rest)?, rows)?).cast(Kind::I64)
}

type Mapped<T> = Result<Vec<Vec<T>>, PredictError>;

fn map<T: Number>(op: &Op, first: &[ScalarBuffer<T>], second: Option<Vec<ScalarBuffer<T>>>, rows: usize) -> Mapped<T> {
    let each = |f: &dyn Fn(usize, T) -> T| {
        first.iter().enumerate().map(|(at, column)| column.iter().map(|v| f(at, *v)).collect()).collect()
    };
    Ok(match (op, second) {
        (Op::Impute { fill, replaced }, None) => {
            let replaced = T::of(*replaced);
            each(&|at, v| if v == replaced || (v.is_missing() && replaced.is_missing()) { T::of(fill[at]) } else { v })
        }
        (Op::Scale { offset, scale }, None) => each(&|at, v| (v - T::of(offset[at])) * T::of(scale[at])),
        (Op::Binarise(bound), None) => each(&|_, v| if v > T::of(*bound) { T::ONE } else { T::ZERO }),
        (Op::Activate(activation), None) => each(&|_, v| activate(*activation, v)),
        (Op::Constant { op, with, flipped }, None) => {
            // One column against many constants is as many columns.
            let columns = with
                .iter()
                .enumerate()
                .map(|(at, constant)| (if first.len() == 1 { &first[0] } else { &first[at] }, T::of(*constant)));
            columns
                .map(|(column, c)| {
                    column
                        .iter()
                        .map(|v| if *flipped { arithmetic(*op, c, *v) } else { arithmetic(*op, *v, c) })
                        .collect()
                })
                .collect()
        }
        (Op::Arithmetic(op), Some(second)) => {
            let pick = |columns: &[ScalarBuffer<T>], at: usize| {
                if columns.len() == 1 { columns[0].clone() } else { columns[at].clone() }
            };
            let width = first.len().max(second.len());
            (0..width)
                .map(|at| {
                    pick(first, at).iter().zip(pick(&second, at).iter()).map(|(a, b)| arithmetic(*op, *a, *b)).collect()
                })
                .collect()
        }
        _ => return Err(PredictError::internal(format!("a step over {rows} rows must be one that works by column"))),
    })
}

fn arithmetic<T: Number>(op: Arithmetic, a: T, b: T) -> T {
    match op {
        Arithmetic::Add => a + b,
        Arithmetic::Sub => a - b,
        Arithmetic::Mul => a * b,
        Arithmetic::Div => a / b,
    }
}

pub(super) fn activate<T: Number>(activation: Activation, v: T) -> T {
    match activation {
        // NaN stays NaN, as in the runtimes.
        Activation::Relu if v < T::ZERO => T::ZERO,
        Activation::Relu => v,
        Activation::LeakyRelu { slope } if v < T::ZERO => v * T::of(slope),
        Activation::LeakyRelu { .. } => v,
        Activation::Elu { alpha } if v < T::ZERO => T::of(alpha) * (v.exp() - T::ONE),
        Activation::Elu { .. } => v,
        Activation::Sigmoid => {
            let p = T::ONE / (T::ONE + (-v.abs()).exp());
            if v < T::ZERO { T::ONE - p } else { p }
        }
        Activation::Tanh => v.tanh(),
        Activation::Exp => v.exp(),
        Activation::Log => v.ln(),
        Activation::Sqrt => v.sqrt(),
        Activation::Neg => -v,
        Activation::Abs => v.abs(),
        Activation::Clip { low, .. } if v < T::of(low) => T::of(low),
        Activation::Clip { high, .. } if v > T::of(high) => T::of(high),
        Activation::Clip { .. } => v,
        Activation::Softplus => {
            let soft = (T::ONE + (-v.abs()).exp()).ln();
            if v > T::ZERO { v + soft } else { soft }
        }
    }
}
