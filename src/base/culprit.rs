//! Which table, and which column or constraint of it, refused a row: clients read it from an error by name.

use super::{Error, Name};

/// What was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Culprit {
    pub table: Name,
    pub part: Part,
}

/// Of a table, what a row can break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Column(String),
    /// A unique index is one, too.
    Constraint(String),
}

impl Error {
    /// A value that the column refuses.
    pub fn of_column(self, table: &Name, column: &str) -> Self {
        self.of(table, Part::Column(column.to_string()))
    }

    /// A row that breaks the constraint.
    pub fn of_constraint(self, table: &Name, constraint: &str) -> Self {
        self.of(table, Part::Constraint(constraint.to_string()))
    }

    fn of(self, table: &Name, part: Part) -> Self {
        Error { culprit: Some(Box::new(Culprit { table: table.clone(), part })), ..self }
    }
}
