//! Rules that the rows of a managed table hold, and its indexes; columns by name.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a table has besides columns and files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    pub constraints: Vec<Constraint>,
    pub indexes: Vec<Index>,
    /// Identity columns, and whether their values are ALWAYS generated.
    #[serde(default)]
    pub identities: BTreeMap<String, bool>,
}

/// A named rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Constraint {
    pub name: String,
    pub rule: Rule,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rule {
    PrimaryKey {
        columns: Vec<String>,
    },
    Unique {
        columns: Vec<String>,
        nulls_distinct: bool,
    },
    Check {
        condition: String,
    },
    ForeignKey {
        columns: Vec<String>,
        /// Id of the table that has the key; this one's own is 0 until it exists.
        table: i64,
        references: Vec<String>,
        #[serde(default)]
        on_delete: Action,
        #[serde(default)]
        on_update: Action,
    },
}

/// What becomes of a row that refers to one that goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// It must not be there when the statement ends.
    #[default]
    NoAction,
    /// The same here, for keys are looked at once per statement.
    Restrict,
    /// It goes too.
    Cascade,
}

impl Action {
    pub fn name(self) -> &'static str {
        match self {
            Action::NoAction => "NO ACTION",
            Action::Restrict => "RESTRICT",
            Action::Cascade => "CASCADE",
        }
    }
}

/// An index: it finds nothing faster, but a unique one holds rows to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    pub name: String,
    pub method: String,
    pub unique: bool,
    pub nulls_distinct: bool,
    /// Columns, quoted where needed, or expressions, as they were typed.
    pub elements: Vec<String>,
    /// The names of its columns when it has nothing else.
    pub columns: Option<Vec<String>>,
    pub condition: Option<String>,
}

/// Columns whose values together are in one row at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// Of the constraint or index.
    pub name: &'a str,
    pub columns: &'a [String],
    pub nulls_distinct: bool,
    pub primary: bool,
    /// Made by CREATE INDEX.
    pub index: bool,
}

impl Rules {
    pub fn is_empty(&self) -> bool {
        self.constraints.is_empty() && self.indexes.is_empty() && self.identities.is_empty()
    }

    pub fn constraint(&self, name: &str) -> Option<&Constraint> {
        self.constraints.iter().find(|constraint| constraint.name == name)
    }

    /// Everything that makes rows unique, the primary key first.
    pub fn keys(&self) -> Vec<Key<'_>> {
        let constraints = self.constraints.iter().filter_map(|constraint| {
            let (columns, nulls_distinct, primary) = match &constraint.rule {
                Rule::PrimaryKey { columns } => (columns, true, true),
                Rule::Unique { columns, nulls_distinct } => (columns, *nulls_distinct, false),
                Rule::Check { .. } | Rule::ForeignKey { .. } => return None,
            };
            Some(Key { name: &constraint.name, columns, nulls_distinct, primary, index: false })
        });
        let indexes = self.indexes.iter().filter(|index| index.unique).filter_map(|index| {
            let columns = index.columns.as_ref()?;
            let nulls_distinct = index.nulls_distinct;
            Some(Key { name: &index.name, columns, nulls_distinct, primary: false, index: true })
        });
        let mut keys: Vec<_> = constraints.chain(indexes).collect();
        keys.sort_by_key(|key| !key.primary);
        keys
    }

    pub fn primary_key(&self) -> Option<&[String]> {
        self.constraints.iter().find_map(|constraint| match &constraint.rule {
            Rule::PrimaryKey { columns } => Some(columns.as_slice()),
            _ => None,
        })
    }

    /// Whether an index, or a key's, has the name.
    pub fn has_index(&self, name: &str) -> bool {
        self.indexes.iter().any(|index| index.name == name) || self.keys().iter().any(|key| key.name == name)
    }

    /// Names and conditions of CHECK.
    pub fn checks(&self) -> impl Iterator<Item = (&str, &str)> {
        self.constraints.iter().filter_map(|constraint| match &constraint.rule {
            Rule::Check { condition } => Some((constraint.name.as_str(), condition.as_str())),
            _ => None,
        })
    }

    /// What becomes of rows whose row in the other table goes.
    pub fn on_delete(&self, constraint: &str) -> Action {
        match self.constraint(constraint).map(|it| &it.rule) {
            Some(Rule::ForeignKey { on_delete, .. }) => *on_delete,
            _ => Action::NoAction,
        }
    }

    /// Own columns of a foreign key and those of the other table that they refer to.
    pub fn foreign_key(&self, constraint: &str) -> Option<(&[String], &[String])> {
        let mut keys = self.foreign_keys().filter(|(name, ..)| *name == constraint);
        keys.next().map(|(_, columns, _, references)| (columns, references))
    }

    /// Name, own columns, id of the other table, its columns.
    pub fn foreign_keys(&self) -> impl Iterator<Item = (&str, &[String], i64, &[String])> {
        self.constraints.iter().filter_map(|constraint| match &constraint.rule {
            Rule::ForeignKey { columns, table, references, .. } => {
                Some((constraint.name.as_str(), columns.as_slice(), *table, references.as_slice()))
            }
            _ => None,
        })
    }
}

impl Rule {
    /// The table's own columns that it names; those of a condition are inside its text.
    pub fn columns(&self) -> &[String] {
        match self {
            Rule::PrimaryKey { columns } | Rule::Unique { columns, .. } | Rule::ForeignKey { columns, .. } => columns,
            Rule::Check { .. } => &[],
        }
    }
}
