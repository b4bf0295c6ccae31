//! Why a file is no model, in words for the person who named it.

use crate::base::error::did_you_mean;
use crate::base::{Error, Kind, Result};
use aqueduct_udfs::{Format, FormatError, sniff};

/// The format that was named, or the one that the file looks like.
pub fn format(source: &str, named: Option<&str>, bytes: &[u8]) -> Result<Format> {
    let names: Vec<_> = Format::all().map(Format::name).collect();
    match named {
        Some(name) => name.parse().map_err(|_| {
            Error::unsupported(format!("model format \"{name}\" is not supported"))
                .hint(format!("the formats are {}", names.join(", ")))
                .hint(did_you_mean(name, names.iter().copied()))
        }),
        None => sniff(bytes).ok_or_else(|| {
            Error::new(Kind::InvalidModel, format!("file \"{source}\" looks like no model that can be read"))
                .hint(format!("the formats are {}", names.join(", ")))
        }),
    }
}

/// The reader's error with the place in the file, and what to try next.
pub fn refused(source: &str, format: Format, bytes: &[u8], error: FormatError) -> Error {
    let message = format!("file \"{source}\" is not a valid {format} model: {}", error.message);
    let place = error.at.map(|at| format!("at {at} of {} bytes", bytes.len()));
    let hint = match sniff(bytes) {
        Some(other) if other != format => format!("it looks like {other}: use FORMAT {other}"),
        _ if bytes.is_empty() => "the file is empty".to_string(),
        Some(_) => {
            "the file may be cut off or of a newer version; save the model again and compare the size".to_string()
        }
        None => format!("save the model as {format} does it"),
    };
    Error { detail: place, ..Error::new(Kind::InvalidModel, message) }.hint(hint)
}
