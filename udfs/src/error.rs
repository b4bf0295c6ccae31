//! What can go wrong: reading a file (`FormatError`) and scoring a row (`PredictError`).
use std::fmt;

/// A model file, or what was said about it, cannot be used.
///
/// `message` is one lowercase line for a person; `at` is the place in the file:
/// `line 12`, `byte 3071`, or a path such as
/// `learner.gradient_booster.model.trees[3].left_children`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatError {
    pub message: String,
    pub at: Option<String>,
}

impl FormatError {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), at: None }
    }

    /// Says where, unless a deeper place is known already.
    pub fn at(mut self, at: impl Into<String>) -> Self {
        self.at.get_or_insert_with(|| at.into());
        self
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            Some(at) => write!(f, "{} (at {at})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for FormatError {}

/// A row cannot be scored. Reaches the engine as `DataFusionError::External`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PredictError {
    /// An input marked NOT NULL was NULL: SQLSTATE 22004.
    NullInput { model: String, input: String },
    /// The model's own library refuses a category that it was not trained with: 22000.
    UnknownCategory { model: String, input: String, value: String },
    /// The model does arithmetic that this value has no answer in: 22000.
    BadValue { model: String, message: String },
    /// A bug of ours: the reader let something through that it must not.
    Internal(String),
}

impl PredictError {
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::Internal(message.into())
    }

    /// Kernels do not know what the user called the model; the function does.
    pub(crate) fn of_model(self, name: &str) -> Self {
        match self {
            Self::NullInput { input, .. } => Self::NullInput { model: name.into(), input },
            Self::UnknownCategory { input, value, .. } => Self::UnknownCategory { model: name.into(), input, value },
            Self::BadValue { message, .. } => Self::BadValue { model: name.into(), message },
            Self::Internal(message) => Self::Internal(message),
        }
    }
}

impl fmt::Display for PredictError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NullInput { model, input } => {
                write!(f, "input \"{input}\" of model \"{model}\" is NULL, and it is declared NOT NULL")
            }
            Self::UnknownCategory { model, input, value } => {
                write!(
                    f,
                    "input \"{input}\" of model \"{model}\" has the category \"{value}\", which the model was not trained with"
                )
            }
            Self::BadValue { model, message } => write!(f, "model \"{model}\": {message}"),
            Self::Internal(message) => write!(f, "scoring a model: {message}"),
        }
    }
}

impl std::error::Error for PredictError {}
