//! Values, rows and writes: what crosses the border of the store.

use crate::base::{Error, Result};
use std::sync::Arc;

/// A value of the store.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
}

/// One statement that changes the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    pub sql: &'static str,
    pub values: Vec<Value>,
}

impl Write {
    pub fn new(sql: &'static str, values: impl Into<Vec<Value>>) -> Self {
        Write { sql, values: values.into() }
    }
}

/// One row of an answer, its columns by name.
#[derive(Clone, Debug)]
pub struct Row {
    pub(super) names: Arc<[String]>,
    pub(super) values: Vec<Value>,
}

impl Row {
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    fn value(&self, column: &str) -> Result<&Value> {
        let at = self.names.iter().position(|name| name == column);
        at.and_then(|at| self.values.get(at))
            .ok_or_else(|| Error::internal(format!("an answer of the store must have column \"{column}\"")))
    }

    pub fn int(&self, column: &str) -> Result<i64> {
        self.optional_int(column)?.ok_or_else(|| missing(column))
    }

    pub fn optional_int(&self, column: &str) -> Result<Option<i64>> {
        match self.value(column)? {
            Value::Int(value) => Ok(Some(*value)),
            Value::Real(value) => Ok(Some(*value as i64)),
            Value::Null => Ok(None),
            Value::Text(text) => text.parse().map(Some).map_err(|_| missing(column)),
        }
    }

    pub fn real(&self, column: &str) -> Result<Option<f64>> {
        match self.value(column)? {
            Value::Int(value) => Ok(Some(*value as f64)),
            Value::Real(value) => Ok(Some(*value)),
            Value::Null => Ok(None),
            Value::Text(text) => text.parse().map(Some).map_err(|_| missing(column)),
        }
    }

    pub fn text(&self, column: &str) -> Result<&str> {
        self.optional_text(column)?.ok_or_else(|| missing(column))
    }

    pub fn optional_text(&self, column: &str) -> Result<Option<&str>> {
        match self.value(column)? {
            Value::Text(text) => Ok(Some(text)),
            Value::Null => Ok(None),
            Value::Int(_) | Value::Real(_) => Err(missing(column)),
        }
    }
}

fn missing(column: &str) -> Error {
    Error::internal(format!("column \"{column}\" of the store must have a value of its type"))
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Int(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Real(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Text(value.to_string())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::Text(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}
