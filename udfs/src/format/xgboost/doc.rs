//! What JSON and UBJ have in common: a document, and a view of it that knows its path.
use crate::error::FormatError;

/// Values nested deeper than this are refused.
pub(super) const DEPTH_MAX: usize = 64;

/// Lists of numbers are kept flat: that is what a model consists of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Doc {
    Null,
    Bool(bool),
    Int(i64),
    Real(Real),
    Text(String),
    List(Vec<Doc>),
    Ints(Vec<i64>),
    Reals(Vec<Real>),
    Map(Vec<(String, Doc)>),
}

/// A number rounded once to each width; rounding to f32 by way of f64 may differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Real {
    pub wide: f64,
    pub narrow: f32,
}

impl From<f64> for Real {
    fn from(wide: f64) -> Self {
        Self { wide, narrow: wide as f32 }
    }
}

impl Doc {
    /// A list, flat when all are numbers of one kind.
    pub(super) fn list(items: Vec<Doc>) -> Doc {
        let ints: Option<Vec<i64>> =
            items.iter().map(|item| if let Doc::Int(v) = item { Some(*v) } else { None }).collect();
        let reals = || items.iter().map(Doc::real).collect::<Option<Vec<Real>>>();
        match ints {
            Some(ints) if !ints.is_empty() => Doc::Ints(ints),
            _ => match reals() {
                Some(reals) if !reals.is_empty() => Doc::Reals(reals),
                _ => Doc::List(items),
            },
        }
    }

    fn real(&self) -> Option<Real> {
        match self {
            Doc::Int(v) => Some(Real::from(*v as f64)),
            Doc::Real(v) => Some(*v),
            Doc::Null | Doc::Bool(_) | Doc::Text(_) | Doc::List(_) | Doc::Ints(_) | Doc::Reals(_) | Doc::Map(_) => None,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct View<'a> {
    doc: &'a Doc,
    path: String,
}

impl<'a> View<'a> {
    pub(super) fn root(doc: &'a Doc) -> Self {
        Self { doc, path: String::new() }
    }

    pub(super) fn refuse(&self, message: &str) -> FormatError {
        FormatError::new(message).at(if self.path.is_empty() { "the top level" } else { &self.path })
    }

    pub(super) fn find(&self, key: &str) -> Option<View<'a>> {
        let Doc::Map(entries) = self.doc else { return None };
        let (_, doc) = entries.iter().find(|(name, _)| name == key)?;
        let path = if self.path.is_empty() { key.to_string() } else { format!("{}.{key}", self.path) };
        Some(View { doc, path })
    }

    pub(super) fn get(&self, key: &str) -> Result<View<'a>, FormatError> {
        self.find(key).ok_or_else(|| self.refuse(&format!("\"{key}\" is missing")))
    }

    pub(super) fn items(&self) -> Result<Vec<View<'a>>, FormatError> {
        match self.doc {
            Doc::List(items) => Ok(items
                .iter()
                .enumerate()
                .map(|(index, doc)| View { doc, path: format!("{}[{index}]", self.path) })
                .collect()),
            _ => Err(self.refuse("a list is expected here")),
        }
    }

    pub(super) fn text(&self) -> Result<&'a str, FormatError> {
        match self.doc {
            Doc::Text(text) => Ok(text),
            _ => Err(self.refuse("a string is expected here")),
        }
    }

    /// XGBoost writes its parameters as strings.
    pub(super) fn parsed(&self) -> Result<usize, FormatError> {
        let read = match self.doc {
            Doc::Text(text) => text.parse().ok(),
            Doc::Int(v) => usize::try_from(*v).ok(),
            _ => None,
        };
        read.ok_or_else(|| self.refuse("a count is expected here"))
    }

    pub(super) fn texts(&self) -> Result<Vec<String>, FormatError> {
        self.items()?.iter().map(|item| item.text().map(str::to_string)).collect()
    }

    pub(super) fn ints(&self) -> Result<Vec<i64>, FormatError> {
        match self.doc {
            Doc::Ints(ints) => Ok(ints.clone()),
            Doc::List(items) => {
                let all: Option<Vec<i64>> =
                    items.iter().map(|item| if let Doc::Bool(v) = item { Some(i64::from(*v)) } else { None }).collect();
                all.ok_or_else(|| self.refuse("a list of integers is expected here"))
            }
            _ => Err(self.refuse("a list of integers is expected here")),
        }
    }

    pub(super) fn reals(&self) -> Result<Vec<Real>, FormatError> {
        match self.doc {
            Doc::Ints(ints) => Ok(ints.iter().map(|v| Real::from(*v as f64)).collect()),
            Doc::Reals(reals) => Ok(reals.clone()),
            Doc::List(items) if items.is_empty() => Ok(vec![]),
            _ => Err(self.refuse("a list of numbers is expected here")),
        }
    }

    pub(super) fn floats(&self) -> Result<Vec<f32>, FormatError> {
        Ok(self.reals()?.iter().map(|real| real.narrow).collect())
    }

    /// A list that has integers in one file and reals in another.
    pub(super) fn are_ints(&self) -> bool {
        matches!(self.doc, Doc::Ints(_))
    }
}
