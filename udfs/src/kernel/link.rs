//! From margins to answers, with each library's own arithmetic.
use datafusion::arrow::buffer::ScalarBuffer;

use super::columns::activate;
use super::row::{by_row, softmax};
use super::{Columns, Kernel, number, number::Number};
use crate::error::PredictError;
use crate::ir::{Activation, Link, Op, SecondClass};

#[derive(Debug)]
pub(super) struct Linked(pub Op);

impl Kernel for Linked {
    fn name(&self) -> &'static str {
        "steps"
    }

    fn score(&self, from: &[&Columns], rows: usize) -> Result<Columns, PredictError> {
        match from {
            [columns @ Columns::F32(_)] => apply::<f32>(&self.0, number::of(columns)?, rows),
            [columns @ Columns::F64(_)] => apply::<f64>(&self.0, number::of(columns)?, rows),
            _ => Err(PredictError::internal("a link must be given floats")),
        }
    }
}

fn apply<T: Number>(op: &Op, columns: &[ScalarBuffer<T>], rows: usize) -> Result<Columns, PredictError> {
    match op {
        Op::Second(second) => Ok(by_second(*second, columns)),
        Op::Link(Link::XgbSoftmax) => Ok(by_row(columns, rows, xgb_softmax)),
        Op::Link(Link::LgbSoftmax | Link::OnnxSoftmax) => Ok(by_row(columns, rows, softmax)),
        Op::Link(Link::OnnxSoftmaxZero) => Ok(by_row(columns, rows, softmax_zero)),
        Op::Link(link) => {
            Ok(T::wrap(columns.iter().map(|column| column.iter().map(|v| one(*link, *v)).collect()).collect()))
        }
        _ => Err(PredictError::internal("a step must be a link")),
    }
}

fn by_second<T: Number>(second: SecondClass, columns: &[ScalarBuffer<T>]) -> Columns {
    let score = columns.first().map_or(&[][..], |column| column);
    let other = |v: &T| match second {
        SecondClass::Complement => T::ONE - *v,
        SecondClass::Negation => -*v,
    };
    T::wrap(vec![score.iter().map(other).collect(), score.to_vec()])
}

fn one<T: Number>(link: Link, x: T) -> T {
    match link {
        Link::XgbLogistic => T::of(f64::from(xgb_logistic(x.wide() as f32))),
        Link::XgbHinge => T::of(if x > T::ZERO { 1.0 } else { 0.0 }),
        Link::Exp => x.exp(),
        Link::LgbLogistic { slope } => T::of(1.0 / (1.0 + (-slope * x.wide()).exp())),
        Link::SignedSquare => T::of(f64::from(i8::from(x > T::ZERO) - i8::from(x < T::ZERO))) * x * x,
        Link::Log1pExp => T::of(x.wide().exp().ln_1p()),
        Link::OnnxLogistic => activate(Activation::Sigmoid, x),
        Link::OnnxProbit => T::of(probit(x.wide() as f32).into()),
        Link::XgbSoftmax | Link::LgbSoftmax | Link::OnnxSoftmax | Link::OnnxSoftmaxZero => x,
    }
}

fn xgb_logistic(x: f32) -> f32 {
    let bounded = if -x > 88.7 { 88.7 } else { -x };
    1.0 / (bounded.exp() + 1.0 + 1e-16)
}

/// Exponentials in f32, their sum in f64, the quotient in f32.
fn xgb_softmax<T: Number>(row: &mut [T]) {
    let max =
        row.iter().skip(1).fold(row.first().copied().unwrap_or(T::ZERO), |max, v| if *v > max { *v } else { max });
    let mut sum = 0.0;
    for v in row.iter_mut() {
        *v = (*v - max).exp();
        sum += v.wide();
    }
    let sum = T::of(sum);
    row.iter_mut().for_each(|v| *v = *v / sum);
}

fn softmax_zero<T: Number>(row: &mut [T]) {
    let max =
        row.iter().skip(1).fold(row.first().copied().unwrap_or(T::ZERO), |max, v| if *v > max { *v } else { max });
    let tiny = T::of(1e-7);
    let scaled = (-max).exp();
    let mut sum = T::ZERO;
    for v in row.iter_mut() {
        *v = if v.abs() > tiny { (*v - max).exp() } else { *v * scaled };
        sum = sum + *v;
    }
    row.iter_mut().for_each(|v| *v = *v / sum);
}

/// √2 · erf⁻¹(2x - 1), with Winitzki's approximation of erf⁻¹ that the ONNX runtimes use.
fn probit(x: f32) -> f32 {
    let y = 2.0 * x - 1.0;
    let sign = if y < 0.0 { -1.0 } else { 1.0 };
    let log = ((1.0 - y) * (1.0 + y)).ln();
    let v = 2.0 / (std::f32::consts::PI * 0.147) + 0.5 * log;
    let v2 = 1.0 / 0.147 * log;
    std::f32::consts::SQRT_2 * sign * (-v + (v * v - v2).sqrt()).sqrt()
}
