//! Models as functions: a model file is read once into one representation, checked, and scored a batch at a time
//! inside any DataFusion plan, with the numeric rules of the library that trained it.
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`model`] | [`Model`]: read a file, declare its inputs and labels, ask what it takes and gives |
//! | [`function`] | the model as a `ScalarUDF` |
//! | [`format`] | one file per model file format |
//! | [`ir`] | what every format is read into |
//! | [`kernel`] | what computes it; chosen once per model, made to be swapped |
//! | [`error`] | what can go wrong, with the place in the file or the name of the input |
//!
//! No network, no SQL text and no state live here; the engine resolves names and versions before it asks.
pub mod error;
pub mod format;
pub mod function;
pub mod ir;
pub mod kernel;
pub mod model;

pub use error::{FormatError, PredictError};
pub use format::{Format, sniff};
pub use function::function;
pub use ir::Task;
pub use model::{Class, Input, InputOverride, Model, NullRule, Output, Summary};
