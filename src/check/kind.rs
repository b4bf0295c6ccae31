//! The kinds of assertion: their SQL, and what they need of the columns that they are on.

use crate::base::error::did_you_mean;
use crate::base::{Error, Kind, Result, Type};
use crate::catalog::workflow::{Assertion, Check};
use datafusion::arrow::datatypes::SchemaRef;

/// The file of an assertion.
pub fn file(assertion: &Assertion) -> &'static str {
    match assertion {
        Assertion::NotNull => include_str!("../../sql/checks/not_null.sql"),
        Assertion::Unique => include_str!("../../sql/checks/unique.sql"),
        Assertion::In(_) => include_str!("../../sql/checks/in.sql"),
        Assertion::Matches(_) => include_str!("../../sql/checks/matches.sql"),
        Assertion::Between(..) => include_str!("../../sql/checks/between.sql"),
        Assertion::References { .. } => include_str!("../../sql/checks/references.sql"),
        Assertion::RowCount { .. } => include_str!("../../sql/checks/row_count.sql"),
        Assertion::Expect(_) => include_str!("../../sql/checks/expect.sql"),
        Assertion::Query(_) => include_str!("../../sql/checks/query.sql"),
    }
}

/// A part of a file: what follows the line `-- name`, up to the next such line.
pub fn section<'a>(file: &'a str, name: &str) -> Option<&'a str> {
    let start = file.find(&format!("\n-- {name}\n"))?;
    let rest = &file[start + name.len() + 5..];
    Some(rest.split("\n-- ").next().unwrap_or(rest).trim())
}

/// Refuses a check that cannot be asked of these columns.
pub fn admit(check: &Check, schema: &SchemaRef) -> Result<()> {
    for column in &check.columns {
        let Ok(field) = schema.field_with_name(column) else {
            let known = schema.fields().iter().map(|field| field.name().as_str());
            let message = format!("column \"{column}\" does not exist in \"{}\"", check.on.text.replace('"', ""));
            return Err(Error::new(Kind::UndefinedColumn, message)
                .hint(did_you_mean(column, known))
                .at(check.on.offset));
        };
        if let Assertion::Matches(_) = check.assertion {
            is_text(column, &Type::of(field)).map_err(|error| error.at(check.on.offset))?;
        }
    }
    let needed = match &check.assertion {
        Assertion::NotNull | Assertion::Unique | Assertion::In(_) | Assertion::Between(..) => 1..=usize::MAX,
        Assertion::Matches(pattern) => {
            regex::Regex::new(pattern).map_err(|error| bad_pattern(pattern, &error).at(check.offset))?;
            1..=usize::MAX
        }
        Assertion::References { .. } => 1..=1,
        Assertion::RowCount { .. } | Assertion::Expect(_) | Assertion::Query(_) => 0..=usize::MAX,
    };
    if needed.contains(&check.columns.len()) {
        return Ok(());
    }
    let message = match check.columns.len() {
        0 => format!("check \"{}\" needs a column", check.name),
        _ => format!("check \"{}\" can have only one column", check.name),
    };
    Err(Error::new(Kind::Syntax, message)
        .hint(format!("CHECK {} ON {} (column) …", check.name, check.on.text))
        .at(check.on.offset))
}

fn is_text(column: &str, ty: &Type) -> Result<()> {
    match ty {
        Type::Text | Type::Varchar(_) | Type::Char(_) | Type::Name => Ok(()),
        other => {
            Err(Error::new(Kind::DatatypeMismatch, format!("MATCHES needs text, and column \"{column}\" is {other}"))
                .hint(format!("EXPECT ({column}::text ~ '…') takes any expression")))
        }
    }
}

fn bad_pattern(pattern: &str, error: &regex::Error) -> Error {
    let reason = error.to_string();
    let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_string();
    Error::new(Kind::InvalidParameterValue, format!("invalid regular expression '{pattern}'")).detail(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_by_its_sections() {
        let file = "-- IN: about it\n\n-- good\na\n  b\n\n-- sample\nc\n";
        assert_eq!(section(file, "good"), Some("a\n  b"));
        assert_eq!(section(file, "sample"), Some("c"));
        assert_eq!(section(file, "summary"), None);
    }
}
