//! What the numbers of a check come to, and how a check reads.

use crate::base::{quote_identifier, quote_literal};
use crate::catalog::workflow::{Assertion, Check, Fragment, Violation};

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Passed,
    Warned,
    Failed,
    /// It could not be evaluated, so it has not been passed.
    Errored,
}

impl Status {
    /// As the catalog says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Passed => "passed",
            Status::Warned => "warned",
            Status::Failed => "failed",
            Status::Errored => "errored",
        }
    }
}

/// The verdict on `failures` rows; `fail` and `warn` are what FAIL WHEN and WARN WHEN came to, where they are given.
///
/// Without conditions any failure fails the check. FAIL WHEN alone decides when it does; with WARN WHEN alone it
/// never does. ON VIOLATION WARN makes a warning of a failure.
pub fn verdict(check: &Check, failures: i64, fail: Option<bool>, warn: Option<bool>) -> Status {
    let failed = match (fail, warn) {
        (Some(fail), _) => fail,
        (None, Some(_)) => false,
        (None, None) => failures > 0,
    };
    match (failed, warn) {
        (true, _) if check.on_violation == Violation::Warn => Status::Warned,
        (true, _) => Status::Failed,
        (false, Some(true)) => Status::Warned,
        (false, _) => Status::Passed,
    }
}

/// What a check requires, as it would be written: `BETWEEN -40 AND 130 WHERE (temp IS NOT NULL)`.
pub fn describe(check: &Check) -> String {
    let mut text = match &check.assertion {
        Assertion::NotNull => "NOT NULL".to_string(),
        Assertion::Unique => "UNIQUE".to_string(),
        Assertion::In(values) => format!("IN ({})", values.iter().map(line).collect::<Vec<_>>().join(", ")),
        Assertion::Matches(pattern) => format!("MATCHES {}", quote_literal(pattern)),
        Assertion::Between(low, high) => format!("BETWEEN {} AND {}", line(low), line(high)),
        Assertion::References { table, column } => {
            format!("REFERENCES {} ({})", line(table), quote_identifier(column))
        }
        Assertion::RowCount { comparison, value } => format!("ROW COUNT {comparison} {}", line(value)),
        Assertion::Expect(condition) => format!("EXPECT ({})", line(condition)),
        Assertion::Query(query) => format!("AS ({})", line(query)),
    };
    let clauses = [("WHERE", &check.filter), ("WARN WHEN", &check.warn_when), ("FAIL WHEN", &check.fail_when)];
    for (clause, condition) in clauses {
        if let Some(condition) = condition {
            text += &format!(" {clause} ({})", line(condition));
        }
    }
    text
}

fn line(fragment: &Fragment) -> String {
    fragment.text.split_whitespace().collect::<Vec<_>>().join(" ")
}
