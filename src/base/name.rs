//! Names of things in SQL, folded and quoted the way Postgres does it.

use super::{Error, Kind, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::OnceLock;

/// The schema that a name without one means.
pub const DEFAULT_SCHEMA: &str = "public";
/// The role that is there from the first start.
pub const ROLE: &str = "aqueduct";
/// The only database, when no setting calls it something else.
pub const DEFAULT_DATABASE: &str = "aqueduct";

static DATABASE: OnceLock<String> = OnceLock::new();

/// The name of the only database: one for the process, since texts are read before anybody asks for whom.
pub fn database() -> &'static str {
    DATABASE.get().map_or(DEFAULT_DATABASE, String::as_str)
}

/// Calls the database by a name, once and for all; 22023 when it was called by another.
pub fn call_database(name: &str) -> Result<()> {
    let called = DATABASE.get_or_init(|| name.to_string());
    let invalid = |message: String| Err(Error::new(Kind::InvalidParameterValue, message));
    match called == name {
        _ if name.is_empty() || name.len() > 63 => invalid(format!("\"{name}\" cannot be the name of a database")),
        true => Ok(()),
        false => invalid(format!("this process serves the database \"{called}\"")),
    }
}

/// A schema-qualified name of a relation, model, workflow, check or metric.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Name {
    pub schema: String,
    pub name: String,
}

impl Name {
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Name { schema: schema.into(), name: name.into() }
    }

    /// A name in schema `public`.
    pub fn public(name: impl Into<String>) -> Self {
        Name::new(DEFAULT_SCHEMA, name)
    }
}

/// As a user would type it: without `public.`, quoted where needed.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.schema != DEFAULT_SCHEMA {
            write!(f, "{}.", quote_identifier(&self.schema))?;
        }
        f.write_str(&quote_identifier(&self.name))
    }
}

/// The identifier as it must be typed: bare when it is lower case and plain.
pub fn quote_identifier(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !RESERVED.contains(&name);
    if plain { name.to_string() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// The text as a string literal.
pub fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Postgres' reserved words (SQL Key Words, appendix C of its manual): they need quotes as names.
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "binary",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "natural",
    "not",
    "notnull",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "overlaps",
    "placing",
    "primary",
    "references",
    "returning",
    "right",
    "select",
    "session_user",
    "similar",
    "some",
    "symmetric",
    "table",
    "tablesample",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_print_as_they_must_be_typed() {
        assert_eq!(Name::public("flights").to_string(), "flights");
        assert_eq!(Name::new("ml", "Delay").to_string(), "ml.\"Delay\"");
        assert_eq!(quote_identifier("order"), "\"order\"");
        assert_eq!(quote_identifier("a\"b"), "\"a\"\"b\"");
    }
}
