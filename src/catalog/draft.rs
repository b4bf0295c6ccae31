//! What a transaction has done and nobody else sees: changes, and what exists with them.
//!
//! Objects and files of a draft are numbered onwards from the snapshot it is made on. Made again on a later one,
//! its own numbers move along and those of others stay: that is all that a commit after other commits needs.

use super::{
    Change, Column, DataFile, DeleteFile, NewDelete, Relation, Rule, Rules, Snapshot, Table, Temporary, temporary,
    writes,
};
use crate::base::{Error, Kind, Name, Result};
use crate::store::Write;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Changes on a snapshot, not committed. Cheap to clone, so that a savepoint is a clone.
#[derive(Clone, Debug)]
pub struct Draft {
    base: Arc<Snapshot>,
    snapshot: Arc<Snapshot>,
    changes: Vec<Arc<Change>>,
    writes: Vec<Arc<Write>>,
    /// Whether some change belongs to the lake's history.
    in_lake: bool,
    /// What its session had of its own before.
    temporary: Option<Arc<Temporary>>,
    /// Relations that must be on a later base as they are on this one.
    relied_upon: BTreeSet<Name>,
    /// Tables whose rows were looked at to see that all constraints hold; `None` when that is to be done again.
    checked: Option<BTreeSet<Name>>,
}

impl Draft {
    /// Nothing yet; `temporary` is what its session has of its own.
    pub fn on(base: Arc<Snapshot>, temporary: Option<Arc<Temporary>>) -> Draft {
        let snapshot = match &temporary {
            Some(temporary) => Arc::new(base.with_temporary(temporary)),
            None => base.clone(),
        };
        let (relied_upon, checked) = (BTreeSet::new(), Some(BTreeSet::new()));
        Draft { snapshot, base, changes: vec![], writes: vec![], in_lake: false, temporary, relied_upon, checked }
    }

    /// Lets its session have relations of its own, when it has none; their files lie below `folder`.
    pub fn allow_temporary(&mut self, folder: impl FnOnce() -> String) {
        if self.snapshot.schemas.contains_key(temporary::SCHEMA) {
            return;
        }
        let temporary = Temporary::new(folder());
        self.snapshot = Arc::new(self.snapshot.with_temporary(&temporary));
        self.temporary = Some(Arc::new(temporary));
    }

    /// What exists for the transaction.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// What existed for everybody without it.
    pub fn base(&self) -> &Arc<Snapshot> {
        &self.base
    }

    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().map(Arc::as_ref)
    }

    /// Whether nothing changes for others.
    pub fn is_private(&self) -> bool {
        self.changes().all(Change::is_temporary) && self.writes.is_empty()
    }

    pub fn in_lake(&self) -> bool {
        self.in_lake
    }

    /// Rows of other rooms, written after those that say the changes.
    pub fn writes(&self) -> impl Iterator<Item = &Write> {
        self.writes.iter().map(Arc::as_ref)
    }

    /// Applies further changes, all or none.
    pub fn add(&mut self, changes: impl IntoIterator<Item = Change>, writes: Vec<Write>) -> Result<()> {
        let (mut next, mut in_lake) = ((*self.snapshot).clone(), self.in_lake);
        let mut made = vec![];
        for change in changes {
            in_lake |= writes::in_lake(&next, &change);
            next.lake = self.base.lake + i64::from(in_lake);
            next.change(&change)?;
            if change.takes_away() {
                next.disown();
                next.forget_missing();
            }
            made.push(Arc::new(named(change, &next)));
        }
        next.schema_version = self.base.schema_version + i64::from(in_lake && shapes(&next) != shapes(&self.base));
        self.snapshot = Arc::new(next);
        self.in_lake = in_lake;
        self.changes.extend(made);
        self.writes.extend(writes.into_iter().map(Arc::new));
        Ok(())
    }

    /// Makes it depend on these relations: when one has changed, it cannot be committed.
    pub fn rely_upon(&mut self, relations: BTreeSet<Name>) {
        self.relied_upon = relations;
    }

    /// Whether all constraints are known to hold on its base, once each change of rows was followed by
    /// [`Draft::constraints_still_hold`].
    pub fn is_checked(&self) -> bool {
        self.checked.is_some()
    }

    /// All its changes together leave the constraints whole, which depends on the rows of these tables.
    pub fn constraints_hold(&mut self, tables: BTreeSet<Name>) {
        self.checked = Some(tables);
    }

    /// Its latest changes leave them whole, which depends on the rows of these tables too.
    pub fn constraints_still_hold(&mut self, tables: BTreeSet<Name>) {
        if let Some(before) = &mut self.checked {
            before.extend(tables);
        }
    }

    /// Makes the same changes on what exists now; 40001 when they cannot be made there.
    pub fn rebase(&mut self, newest: &Arc<Snapshot>) -> Result<()> {
        if Arc::ptr_eq(&self.base, newest) {
            return Ok(());
        }
        if let Some(name) = self.relied_upon.iter().find(|name| !same(self.base.relation(name), newest.relation(name)))
        {
            let message = "could not serialize access due to read/write dependencies among transactions";
            return Err(Error::new(Kind::SerializationFailure, message)
                .detail(format!("\"{name}\", which the transaction has read, was changed since")));
        }
        let moved = Moved {
            object: (self.base.next_catalog_id, newest.next_catalog_id),
            file: (self.base.next_file_id, newest.next_file_id),
        };
        let still = |tables: &BTreeSet<Name>| {
            tables.iter().all(|name| same(self.base.relation(name), newest.relation(name)))
                && same_rules(&self.base, newest)
        };
        let checked = self.checked.take().filter(still);
        let mut again = Draft::on(newest.clone(), self.temporary.clone());
        again.add(self.changes.iter().map(|change| moved.change(change)), vec![]).map_err(overtaken)?;
        again.writes = std::mem::take(&mut self.writes);
        again.relied_upon = std::mem::take(&mut self.relied_upon);
        again.checked = checked;
        *self = again;
        Ok(())
    }
}

/// The change with the names that the catalog has made up for it, which must be the same the next time.
fn named(change: Change, after: &Snapshot) -> Change {
    match change {
        Change::CreateTable { name, columns, folder: None } => {
            let folder = after.table(&name).ok().map(|table| table.folder.clone());
            Change::CreateTable { name, columns, folder }
        }
        Change::CreateSchema { name, uuid: None } => {
            let uuid = after.schemas.get(&name).map(|schema| schema.uuid.clone());
            Change::CreateSchema { name, uuid }
        }
        other => other,
    }
}

type Shape<'a> = (i64, &'a str, &'a str, &'a [Column], Option<&'a Rules>);

/// Schemas, tables and views of the lake without the tables' rows.
fn shapes(snapshot: &Snapshot) -> Vec<Shape<'_>> {
    let schemas = snapshot.schemas.values().map(|schema| (schema.id, schema.name.as_str(), "", &[][..], None));
    let relations = snapshot.relations.iter().filter_map(|(name, relation)| {
        let (schema, name) = (name.schema.as_str(), name.name.as_str());
        match relation {
            Relation::Table(table) => Some((table.id, schema, name, &table.columns[..], Some(&table.rules))),
            Relation::View(view) => Some((view.id, schema, name, &[][..], None)),
            Relation::External(_) => None,
        }
    });
    schemas.chain(relations).filter(|(id, ..)| *id >= 0).collect()
}

/// Whether a reader finds the same in both.
fn same(then: Option<&Relation>, now: Option<&Relation>) -> bool {
    match (then, now) {
        (Some(Relation::Table(then)), Some(Relation::Table(now))) => {
            Arc::ptr_eq(then, now) || (then.has_shape_of(now) && then.contents().eq(now.contents()))
        }
        (then, now) => then == now,
    }
}

/// Whether no table has other constraints.
fn same_rules(then: &Snapshot, now: &Snapshot) -> bool {
    now.relations.iter().filter_map(|(name, relation)| Some((name, relation.table()?))).all(|(name, table)| match then
        .relation(name)
        .and_then(Relation::table)
    {
        Some(before) => Arc::ptr_eq(before, table) || before.rules == table.rules,
        None => table.rules.is_empty(),
    })
}

/// Why changes that were right on one snapshot are not on a later one.
fn overtaken(error: Error) -> Error {
    match error.kind {
        Kind::SerializationFailure => error,
        _ => Error::new(Kind::SerializationFailure, "could not serialize access due to concurrent update")
            .detail(error.message),
    }
}

/// How the numbers of a draft's own objects and files change with its base: the first of them, then and now.
struct Moved {
    object: (i64, i64),
    file: (i64, i64),
}

impl Moved {
    fn change(&self, change: &Change) -> Change {
        match change {
            Change::Expect { table, rows } => Change::Expect { table: Arc::new(self.table(table)), rows: *rows },
            Change::RemoveFiles { table, files } => {
                let files = files.iter().map(|id| moved(*id, self.file)).collect();
                Change::RemoveFiles { table: table.clone(), files }
            }
            Change::DeleteRows { table, deletes } => {
                let moved = |delete: &NewDelete| NewDelete {
                    data_file: moved(delete.data_file, self.file),
                    replaces: delete.replaces.map(|id| moved(id, self.file)),
                    file: delete.file.clone(),
                };
                Change::DeleteRows { table: table.clone(), deletes: deletes.iter().map(moved).collect() }
            }
            Change::SetRules { table, rules } => Change::SetRules { table: table.clone(), rules: self.rules(rules) },
            other => other.clone(),
        }
    }

    /// Foreign keys name other tables by their ids.
    fn rules(&self, rules: &Rules) -> Rules {
        let mut rules = rules.clone();
        for constraint in &mut rules.constraints {
            if let Rule::ForeignKey { table, .. } = &mut constraint.rule {
                *table = moved(*table, self.object);
            }
        }
        rules
    }

    fn table(&self, table: &Table) -> Table {
        let file = |file: &Arc<DataFile>| {
            let deletes = file.deletes.as_ref();
            let deletes = deletes.map(|deletes| DeleteFile { id: moved(deletes.id, self.file), ..deletes.clone() });
            Arc::new(DataFile { id: moved(file.id, self.file), deletes, ..(**file).clone() })
        };
        let files = table.files.iter().map(file).collect();
        Table { id: moved(table.id, self.object), files, rules: self.rules(&table.rules), ..table.clone() }
    }
}

fn moved(id: i64, (then, now): (i64, i64)) -> i64 {
    if id >= then { id - then + now } else { id }
}
