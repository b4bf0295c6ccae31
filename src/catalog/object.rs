//! Objects that are ours alone: models, connections, secrets, external tables.

use crate::base::{Name, Type};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A model: its name and its versions, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    pub name: Name,
    pub versions: Vec<ModelVersion>,
}

/// One immutable version of a model, named by the hash of its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelVersion {
    pub version: i64,
    pub sha256: String,
    pub bytes: i64,
    pub format: String,
    /// Where the file came from, as the user wrote it.
    pub source: String,
    /// The INPUT clause.
    pub inputs: Vec<Input>,
    /// The OUTPUT (labels (…)) clause.
    pub labels: Vec<String>,
    pub created_at: String,
}

/// One entry of the INPUT clause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    pub name: String,
    pub ty: Type,
    /// `None`: as the file says.
    pub null: Option<NullRule>,
}

/// What NULL in an input means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum NullRule {
    /// The model's own missing direction.
    Missing,
    /// An error.
    Refused,
    /// This literal instead, as it would be typed.
    Constant(String),
}

/// Another system, reachable as a catalog of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    pub name: String,
    /// `postgres`.
    pub kind: String,
    /// Options as text; one that names a secret is in `secrets` instead.
    pub options: BTreeMap<String, String>,
    /// Option → name of the secret that holds its value.
    pub secrets: BTreeMap<String, String>,
}

/// A value that can be used and never be read.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Secret {
    pub name: String,
    pub source: SecretSource,
}

/// Where a secret's value is.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub enum SecretSource {
    Environment(String),
    File(String),
    /// Sealed by [`crate::base::seal`].
    Value(String),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({})", self.name)
    }
}

/// A file or folder outside the store that reads like a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct External {
    pub name: Name,
    /// `parquet`, `csv` or `json`.
    pub format: String,
    pub location: String,
    pub options: BTreeMap<String, String>,
    /// Declared or inferred at CREATE: name, type, nullable.
    pub columns: Vec<(String, Type, bool)>,
}
