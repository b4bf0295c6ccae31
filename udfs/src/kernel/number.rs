//! f32 and f64 behind one name: a model's arithmetic is in one or the other, and which is part of its answer.
use datafusion::arrow::buffer::ScalarBuffer;
use datafusion::arrow::datatypes::ArrowNativeType;

use super::Columns;
use crate::error::PredictError;

pub(crate) trait Number:
    ArrowNativeType
    + PartialOrd
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
    + std::ops::Neg<Output = Self>
    + std::fmt::Debug
{
    const ZERO: Self;
    const ONE: Self;
    fn of(value: f64) -> Self;
    fn wide(self) -> f64;
    /// Truncated; saturates, and NaN is 0.
    fn truncated(self) -> i64;
    fn is_missing(self) -> bool {
        self.wide().is_nan()
    }
    fn exp(self) -> Self;
    fn tanh(self) -> Self;
    fn sqrt(self) -> Self;
    fn ln(self) -> Self;
    fn abs(self) -> Self;
    fn columns(from: &Columns) -> Option<&[ScalarBuffer<Self>]>;
    fn wrap(columns: Vec<Vec<Self>>) -> Columns;
}

macro_rules! number {
    ($type:ty, $variant:ident) => {
        impl Number for $type {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            fn of(value: f64) -> Self {
                value as $type
            }
            fn wide(self) -> f64 {
                self as f64
            }
            fn truncated(self) -> i64 {
                self as i64
            }
            fn exp(self) -> Self {
                <$type>::exp(self)
            }
            fn tanh(self) -> Self {
                <$type>::tanh(self)
            }
            fn sqrt(self) -> Self {
                <$type>::sqrt(self)
            }
            fn ln(self) -> Self {
                <$type>::ln(self)
            }
            fn abs(self) -> Self {
                <$type>::abs(self)
            }
            fn columns(from: &Columns) -> Option<&[ScalarBuffer<Self>]> {
                match from {
                    Columns::$variant(columns) => Some(columns),
                    _ => None,
                }
            }
            fn wrap(columns: Vec<Vec<Self>>) -> Columns {
                Columns::$variant(columns.into_iter().map(ScalarBuffer::from).collect())
            }
        }
    };
}
number!(f32, F32);
number!(f64, F64);

/// The columns in this precision; the shape rules promise that they are.
pub(super) fn of<T: Number>(from: &Columns) -> Result<&[ScalarBuffer<T>], PredictError> {
    T::columns(from).ok_or_else(|| PredictError::internal("a kernel must be given columns of its precision"))
}
