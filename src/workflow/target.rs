//! Targets and modes as people and the ledger name them.

use crate::base::quote_identifier;
use crate::catalog::workflow::{Mode, Target};
use std::fmt;

/// The name under which publications of a target are counted: `flights.daily`, `ops.public.t`, `file:out.csv`.
pub(super) fn name(target: &Target) -> String {
    match target {
        Target::Table(name) => name.to_string(),
        Target::Remote { connection, schema, table } => {
            [connection, schema, table].map(|part| quote_identifier(part)).join(".")
        }
        Target::File { uri, .. } => format!("file:{uri}"),
    }
}

/// The mode in the words of the language.
pub(super) struct ModeName<'a>(pub &'a Mode);

impl fmt::Display for ModeName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Mode::Replace => f.write_str("replace"),
            Mode::Append => f.write_str("append"),
            Mode::Fail => f.write_str("fail"),
            Mode::Upsert { key, delete_missing } => {
                write!(f, "upsert ({})", key.join(", "))?;
                if *delete_missing {
                    f.write_str(" delete missing")?;
                }
                Ok(())
            }
        }
    }
}
