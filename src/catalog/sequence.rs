//! Sequences: numbers that are given out once each.

use super::{Relation, Snapshot};
use crate::base::{Error, Kind, Name, Result};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    pub name: Name,
    /// No other sequence ever has it.
    pub uuid: String,
    pub start: i64,
    pub increment: i64,
    pub min: i64,
    pub max: i64,
    pub cycle: bool,
    /// The last number that was given out, as of the last commit.
    pub last: Option<i64>,
    /// Ids of the table and column with which it goes.
    pub owner: Option<(i64, i64)>,
}

impl Sequence {
    /// From 1 on, up to the largest number of the column that it is for.
    pub fn new(name: Name, max: i64) -> Sequence {
        let uuid = uuid::Uuid::new_v4().to_string();
        Sequence { name, uuid, start: 1, increment: 1, min: 1, max, cycle: false, last: None, owner: None }
    }

    /// The number after `last`.
    pub fn next(&self, last: Option<i64>) -> Result<i64> {
        let Some(last) = last else { return Ok(self.start) };
        let next = last.checked_add(self.increment).filter(|next| (self.min..=self.max).contains(next));
        match next {
            Some(next) => Ok(next),
            None if self.cycle => Ok(if self.increment > 0 { self.min } else { self.max }),
            None => {
                let (way, limit) = if self.increment > 0 { ("maximum", self.max) } else { ("minimum", self.min) };
                let message = format!("nextval: reached {way} value of sequence \"{}\" ({limit})", self.name.name);
                Err(Error::new(Kind::SequenceLimit, message))
            }
        }
    }
}

impl Snapshot {
    pub(super) fn put_sequence(&mut self, sequence: &Sequence, owner: Option<&(Name, String)>) -> Result<()> {
        self.schema(&sequence.name.schema)?;
        if self.relations.contains_key(&sequence.name) || self.sequences.contains_key(&sequence.name) {
            let message = format!("relation \"{}\" already exists", sequence.name.name);
            return Err(Error::new(Kind::DuplicateTable, message));
        }
        let mut sequence = sequence.clone();
        if let Some((table, column)) = owner {
            let table = self.table(table)?;
            sequence.owner = table.column(column).map(|column| (table.id, column.id));
        }
        self.sequences.insert(sequence.name.clone(), Arc::new(sequence));
        Ok(())
    }

    pub(super) fn drop_sequence(&mut self, name: &Name) -> Result<()> {
        match self.sequences.remove(name) {
            Some(_) => Ok(()),
            None => Err(Error::new(Kind::UndefinedTable, format!("sequence \"{}\" does not exist", name.name))),
        }
    }

    /// Another commit may have dropped it meanwhile.
    pub(super) fn advance(&mut self, name: &Name, uuid: &str, last: Option<i64>) {
        if let Some(sequence) = self.sequences.get(name).filter(|sequence| sequence.uuid == uuid) {
            let sequence = Sequence { last, ..(**sequence).clone() };
            self.sequences.insert(name.clone(), Arc::new(sequence));
        }
    }

    /// A sequence goes with its column.
    pub(super) fn disown(&mut self) {
        if self.sequences.is_empty() {
            return;
        }
        let there = |(table, column): &(i64, i64)| {
            self.relations.values().any(|relation| match relation {
                Relation::Table(it) => it.id == *table && it.columns.iter().any(|it| it.id == *column),
                _ => false,
            })
        };
        let kept = self.sequences.iter().filter(|(_, sequence)| sequence.owner.as_ref().is_none_or(there));
        self.sequences = kept.map(|(name, sequence)| (name.clone(), sequence.clone())).collect();
    }

    /// The sequence that a column owns.
    pub fn owned(&self, table: i64, column: i64) -> Option<&Arc<Sequence>> {
        self.sequences.values().find(|sequence| sequence.owner == Some((table, column)))
    }
}
