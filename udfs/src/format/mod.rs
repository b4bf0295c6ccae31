//! Model files. A format is a file here and a line in [`READERS`]; it reads bytes into the one representation.
//!
//! Bytes come from anywhere, so readers bound sizes, depths and indices, follow no link and execute nothing.
mod lightgbm;
mod onnx;
mod xgboost;

use std::fmt;
use std::str::FromStr;

use datafusion::arrow::datatypes::DataType;

use crate::error::FormatError;
use crate::ir::{Graph, Kind, Values};

/// The largest file that is read.
pub const BYTES_MAX: usize = 2 << 30;

/// `FORMAT …` of CREATE MODEL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// LightGBM's text file, `booster.save_model('m.txt')`: versions 3 and 4.
    Lightgbm,
    /// XGBoost's JSON or UBJ file, `model.save_model('m.json')`.
    Xgboost,
    /// ONNX with the operators of `ai.onnx.ml` and small dense networks.
    Onnx,
}

struct Reader {
    format: Format,
    name: &'static str,
    looks_like: fn(&[u8]) -> bool,
    read: fn(&[u8]) -> Result<Parsed, FormatError>,
}

const READERS: &[Reader] = &[
    Reader { format: Format::Lightgbm, name: "lightgbm", looks_like: lightgbm::looks_like, read: lightgbm::read },
    Reader { format: Format::Xgboost, name: "xgboost", looks_like: xgboost::looks_like, read: xgboost::read },
    Reader { format: Format::Onnx, name: "onnx", looks_like: onnx::looks_like, read: onnx::read },
];

impl Format {
    pub fn all() -> impl Iterator<Item = Format> {
        READERS.iter().map(|reader| reader.format)
    }

    pub fn name(self) -> &'static str {
        READERS.iter().find(|reader| reader.format == self).map_or("", |reader| reader.name)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(name: &str) -> Result<Self, FormatError> {
        let known = READERS.iter().find(|reader| reader.name.eq_ignore_ascii_case(name));
        known.map(|reader| reader.format).ok_or_else(|| {
            let names: Vec<&str> = READERS.iter().map(|reader| reader.name).collect();
            FormatError::new(format!("model format \"{name}\" is not one of {}", names.join(", ")))
        })
    }
}

/// What a file looks like, if like anything we read.
pub fn sniff(bytes: &[u8]) -> Option<Format> {
    READERS.iter().find(|reader| (reader.looks_like)(bytes)).map(|reader| reader.format)
}

/// What a reader makes of a file.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub graph: Graph,
    /// One for each input of the graph.
    pub inputs: Vec<Declared>,
    /// Whether the names are the file's own, or only positions.
    pub named: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Declared {
    pub name: String,
    pub data_type: DataType,
    pub categories: Option<Values>,
    /// Whether the model has a way for a missing value; one without is NOT NULL.
    pub takes_missing: bool,
}

impl Declared {
    pub fn number(name: impl Into<String>) -> Self {
        Self { name: name.into(), data_type: DataType::Float64, categories: None, takes_missing: true }
    }

    /// An input given as one of these; numbers are compared as numbers.
    pub fn category(name: impl Into<String>, categories: Values) -> Self {
        let data_type = match &categories {
            Values::Text(_) => DataType::Utf8,
            Values::Ints(_) => DataType::Int64,
            Values::Floats(_) => DataType::Float64,
        };
        Self { name: name.into(), data_type, categories: Some(categories), takes_missing: true }
    }

    /// The column that the graph gets for it.
    pub fn kind(&self) -> Kind {
        match (&self.categories, &self.data_type) {
            (_, DataType::Utf8) => Kind::Text,
            (None, DataType::Int64) => Kind::I64,
            _ => Kind::F64,
        }
    }
}

pub(crate) fn read(format: Format, bytes: &[u8]) -> Result<Parsed, FormatError> {
    if bytes.len() > BYTES_MAX {
        return Err(FormatError::new(format!("the file has {} bytes, at most {BYTES_MAX} are read", bytes.len())));
    }
    if bytes.is_empty() {
        return Err(FormatError::new("the file is empty"));
    }
    if let Some(what) = executes(bytes) {
        return Err(FormatError::new(format!(
            "this is a {what}: it needs FORMAT sklearn, which a later version brings; export it to {format} instead"
        )));
    }
    let Some(reader) = READERS.iter().find(|reader| reader.format == format) else {
        return Err(FormatError::new(format!("model format {format} has no reader")));
    };
    match sniff(bytes) {
        Some(other) if other != format && !(reader.looks_like)(bytes) => {
            Err(FormatError::new(format!("this looks like {} file, not {format}", article(other))))
        }
        _ => (reader.read)(bytes),
    }
}

fn article(format: Format) -> &'static str {
    match format {
        Format::Lightgbm => "a lightgbm text",
        Format::Xgboost => "an xgboost",
        Format::Onnx => "an onnx",
    }
}

/// Containers of Python objects, by their first bytes.
fn executes(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        // PROTO opcode, versions 2 to 5; ONNX's second byte is never one of these after 0x80.
        [0x80, 2..=5, ..] => Some("pickle or joblib file"),
        [b'P', b'K', 3, 4, ..] => Some("zip archive (a torch, skops or keras file)"),
        [0x1f, 0x8b, ..] => Some("gzip file (a compressed joblib file?)"),
        [0x89, b'H', b'D', b'F', ..] => Some("HDF5 file"),
        _ => None,
    }
}
