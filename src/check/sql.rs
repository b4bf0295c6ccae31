//! SQL put together from templates and the user's own expressions, which remembers where those come from.

use crate::base::{Error, Result};
use crate::catalog::workflow::Fragment;
use std::fmt;
use std::ops::{Deref, Range};

/// A text to run; errors in the user's parts of it point into the user's statement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sql {
    text: String,
    /// Where a fragment stands in `text`, and its offset in the user's statement.
    places: Vec<(Range<usize>, usize)>,
    /// Offset of the clause that all of this is for.
    clause: usize,
}

impl Sql {
    pub(super) fn new(clause: usize) -> Sql {
        Sql { clause, ..Sql::default() }
    }

    pub(super) fn text(mut self, text: &str) -> Sql {
        self.text.push_str(text);
        self
    }

    pub(super) fn fragment(mut self, fragment: &Fragment) -> Sql {
        let start = self.text.len();
        self.text.push_str(&fragment.text);
        self.places.push((start..self.text.len(), fragment.offset));
        // A comment at its end must not swallow what we put behind it.
        if fragment.text.contains("--") {
            self.text.push('\n');
        }
        self
    }

    pub(super) fn sql(mut self, other: &Sql) -> Sql {
        let by = self.text.len();
        let moved = other.places.iter().map(|(range, offset)| (range.start + by..range.end + by, *offset));
        self.places.extend(moved);
        self.text(&other.text)
    }

    /// A template with its `{names}` filled in.
    pub(super) fn fill(self, template: &str, fill: &dyn Fn(Sql, &str) -> Result<Sql>) -> Result<Sql> {
        let mut sql = self;
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else { break };
            sql = fill(sql.text(before), name)?;
            rest = after;
        }
        Ok(sql.text(rest))
    }

    /// An error of planning or running this text, as one in the user's statement.
    pub fn placed(&self, error: Error) -> Error {
        let inside = error.offset.and_then(|at| {
            let (range, offset) = self.places.iter().find(|(range, _)| range.start <= at && at <= range.end)?;
            Some(at - range.start + offset)
        });
        Error { offset: Some(inside.unwrap_or(self.clause)), ..error }
    }
}

impl Deref for Sql {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Kind;

    #[test]
    fn a_position_in_a_fragment_is_one_in_the_statement() {
        let fragment = Fragment { text: "a > 1 -- why".into(), offset: 100 };
        let inner = Sql::new(7).text("NOT (").fragment(&fragment).text(")");
        let sql = Sql::new(7).text("SELECT ").sql(&inner);
        assert_eq!(&*sql, "SELECT NOT (a > 1 -- why\n)");
        let at = |offset: usize| sql.placed(Error::new(Kind::UndefinedColumn, "x").at(offset)).offset;
        assert_eq!((at(3), at(12), at(16), at(26)), (Some(7), Some(100), Some(104), Some(7)));
    }
}
