//! A table with other columns or rules, its rows where they are.

use super::{Column, Relation, Rule, Rules, Snapshot, Subject, Table};
use crate::base::{Error, Kind, Name, Result};
use std::sync::Arc;

impl Snapshot {
    /// Columns without an id are new ones.
    pub(super) fn set_columns(&mut self, name: &Name, columns: &[Column]) -> Result<()> {
        let mut table = (**self.table(name)?).clone();
        table.columns = columns.to_vec();
        for column in table.columns.iter_mut().filter(|column| column.id == 0) {
            column.id = table.next_column_id;
            table.next_column_id += column.ids();
        }
        let last = table.columns.iter().map(|column| column.id + column.ids());
        table.next_column_id = last.fold(table.next_column_id, i64::max);
        let before = self.table(name)?.columns.clone();
        let after = table.columns.clone();
        self.relations.insert(name.clone(), Relation::Table(Arc::new(table)));
        self.follow(|subject| match subject {
            Subject::Column(of, column) if of == name => {
                let old = before.iter().find(|old| old.name == *column)?;
                let new = after.iter().find(|new| new.id == old.id).filter(|new| new.name != *column)?;
                Some(Subject::Column(of.clone(), new.name.clone()))
            }
            _ => None,
        });
        Ok(())
    }

    pub(super) fn set_rules(&mut self, name: &Name, rules: &Rules) -> Result<()> {
        let mut table = (**self.table(name)?).clone();
        table.rules = rules.clone();
        for constraint in &mut table.rules.constraints {
            if let Rule::ForeignKey { table: other @ 0, .. } = &mut constraint.rule {
                *other = table.id;
            }
        }
        self.relations.insert(name.clone(), Relation::Table(Arc::new(table)));
        Ok(())
    }

    /// Tables whose rows refer to those of a table, itself left out, with the constraints that say so.
    pub fn referring(&self, id: i64) -> impl Iterator<Item = (&Arc<Table>, &str)> {
        let tables = self.relations.values().filter_map(move |relation| match relation {
            Relation::Table(table) if table.id != id => Some(table),
            _ => None,
        });
        tables.flat_map(move |table| {
            table.rules.foreign_keys().filter(move |(_, _, other, _)| *other == id).map(move |(name, ..)| (table, name))
        })
    }

    /// Refuses to take a table away to which another refers.
    pub(super) fn check_unreferenced(&self, table: &Table) -> Result<()> {
        let Some((other, constraint)) = self.referring(table.id).next() else { return Ok(()) };
        let message = format!("cannot drop table {} because other objects depend on it", table.name.name);
        let detail =
            format!("constraint {constraint} on table {} depends on table {}", other.name.name, table.name.name);
        Err(Error::new(Kind::DependentObjects, message)
            .detail(detail)
            .hint("use DROP … CASCADE to drop the dependent objects too".to_string()))
    }
}
