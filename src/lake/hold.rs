//! Keys and references that hold: what a list of changes would make of the tables' rows is looked at
//! before it is committed.
//!
//! Only rows that are new or gone are looked at, and of the others those files whose statistics
//! do not exclude them.

use super::keys::{Found, Keys, Part, in_thread};
use super::{Lake, deletes};
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::{self, Change, DataFile, NewDelete, NewFile, Relation, Snapshot, Table};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// A table, and what changes of its rows.
struct Touched<'a> {
    table: Arc<Table>,
    appended: Vec<NewFile>,
    removed: BTreeSet<i64>,
    deleted: BTreeMap<i64, &'a NewDelete>,
    /// Whether the rows that stay are looked at like new ones.
    all: bool,
}

impl Lake {
    /// Refuses changes after which a row would break a constraint. Gives what must still be so when they
    /// are committed, as no other statement may change what was looked at.
    pub async fn hold(&self, snapshot: &Snapshot, changes: &[Change]) -> Result<Vec<Change>> {
        let touched = touched(snapshot, changes);
        let mut looked_at: BTreeMap<Name, Arc<Table>> = BTreeMap::new();
        for it in touched.values() {
            for key in it.table.rules.keys() {
                if it.appended.iter().any(|file| file.rows > 0) {
                    self.unique(it, key).await?;
                    looked_at.insert(it.table.name.clone(), it.table.clone());
                }
            }
        }
        for it in touched.values() {
            for (name, columns, other, references) in it.table.rules.foreign_keys() {
                let Some(parent) = by_id(snapshot, other) else { continue };
                if it.appended.iter().any(|file| file.rows > 0) {
                    self.refers(it, &touched, (name, columns), (parent, references)).await?;
                    looked_at.insert(parent.name.clone(), parent.clone());
                }
            }
            if it.removed.is_empty() && it.deleted.is_empty() {
                continue;
            }
            let own = it.table.rules.foreign_keys().filter(|(_, _, other, _)| *other == it.table.id);
            let own = own.map(|(name, ..)| (&it.table, name));
            for (child, name) in snapshot.referring(it.table.id).chain(own).collect::<Vec<_>>() {
                self.unreferenced(it, &touched, child, name).await?;
                looked_at.insert(child.name.clone(), child.clone());
            }
        }
        Ok(looked_at.into_values().map(|table| Change::Expect { table, rows: true }).collect())
    }

    /// Refuses when the rows of a table break one of the constraints or unique indexes of these names. Gives
    /// what must still be so when it is committed that they hold.
    pub async fn prove(&self, snapshot: &Snapshot, table: &Arc<Table>, names: &[&str]) -> Result<Vec<Change>> {
        let it = Touched { all: true, ..untouched(table) };
        let mut looked_at = vec![];
        for key in table.rules.keys().into_iter().filter(|key| names.contains(&key.name)) {
            self.distinct(&it, key).await?;
        }
        let own = BTreeMap::from([(table.id, untouched(table))]);
        for (name, columns, other, references) in table.rules.foreign_keys().filter(|it| names.contains(&it.0)) {
            let Some(parent) = by_id(snapshot, other) else { continue };
            let parent = if parent.id == table.id { table } else { parent };
            self.refers(&it, &own, (name, columns), (parent, references)).await?;
            looked_at.push(Change::Expect { table: parent.clone(), rows: true });
        }
        Ok(looked_at)
    }

    /// Each key once, among the rows that are there.
    async fn distinct(&self, it: &Touched<'_>, key: catalog::Key<'_>) -> Result<()> {
        let keys = Keys::new(&it.table, key.columns)?;
        let rows = self.left(it, |_| true).await?;
        let (name, nulls_distinct) = (key.name.to_string(), key.nulls_distinct);
        in_thread(move || {
            let mut found = Found::new();
            rows.iter().try_for_each(|part| {
                keys.read_part(part, |key| {
                    if (key.null && nulls_distinct) || found.insert(Box::from(key.bytes)) {
                        return Ok(());
                    }
                    let message = format!("could not create unique index \"{name}\"");
                    let detail = format!("Key {} is duplicated.", key.shown(&keys));
                    Err(Error::new(Kind::UniqueViolation, message).detail(detail))
                })
            })
        })
        .await
    }

    /// Each key once, among the new rows and together with those that stay.
    async fn unique(&self, it: &Touched<'_>, key: catalog::Key<'_>) -> Result<()> {
        let keys = Keys::new(&it.table, key.columns)?;
        let places = keys.positions(&it.table);
        let others = self.left(it, |file| keys.may_meet(file, &it.appended, &places)).await?;
        let paths = self.paths(&it.table, &it.appended);
        let (name, nulls_distinct) = (key.name.to_string(), key.nulls_distinct);
        in_thread(move || {
            let mut found = Found::new();
            let violation = |shown: String| {
                let message = format!("duplicate key value violates unique constraint \"{name}\"");
                Error::new(Kind::UniqueViolation, message).detail(format!("Key {shown} already exists."))
            };
            for path in &paths {
                keys.read(path, |key| {
                    if (key.null && nulls_distinct) || found.insert(Box::from(key.bytes)) {
                        return Ok(());
                    }
                    Err(violation(key.shown(&keys)))
                })?;
            }
            if found.is_empty() {
                return Ok(());
            }
            others.iter().try_for_each(|part| {
                keys.read_part(part, |key| match found.contains(key.bytes) {
                    true => Err(violation(key.shown(&keys))),
                    false => Ok(()),
                })
            })
        })
        .await
    }

    /// Each new row refers to a row that is there.
    async fn refers(
        &self,
        it: &Touched<'_>,
        all: &BTreeMap<i64, Touched<'_>>,
        (name, columns): (&str, &[String]),
        (parent, references): (&Arc<Table>, &[String]),
    ) -> Result<()> {
        let known = Keys::new(parent, references)?;
        let keys = Keys::new(&it.table, columns)?.comparable(&known);
        let places = keys.positions(&it.table);
        let meets = |file: &DataFile| it.all || known.may_meet(file, &it.appended, &places);
        let mut there = match all.get(&parent.id) {
            Some(changed) => self.left(changed, meets).await?,
            None => self.left(&untouched(parent), meets).await?,
        };
        there.extend(all.get(&parent.id).into_iter().flat_map(|changed| self.new_parts(changed)));
        let rows = match it.all {
            true => self.left(it, |_| true).await?,
            false => self.new_parts(it),
        };
        let message =
            format!("insert or update on table \"{}\" violates foreign key constraint \"{name}\"", it.table.name.name);
        let other = parent.name.name.clone();
        in_thread(move || {
            let mut wanted = Found::new();
            for part in &rows {
                keys.read_part(part, |key| {
                    if !key.null && !wanted.contains(key.bytes) {
                        wanted.insert(Box::from(key.bytes));
                    }
                    Ok(())
                })?;
            }
            for part in &there {
                if wanted.is_empty() {
                    return Ok(());
                }
                known.read_part(part, |key| {
                    wanted.remove(key.bytes);
                    Ok(())
                })?;
            }
            rows.iter().try_for_each(|part| {
                keys.read_part(part, |key| match wanted.contains(key.bytes) {
                    true => Err(Error::new(Kind::ForeignKeyViolation, message.clone())
                        .detail(format!("Key {} is not present in table \"{other}\".", key.shown(&keys)))),
                    false => Ok(()),
                })
            })
        })
        .await
    }

    /// No row refers to one that goes.
    async fn unreferenced(
        &self,
        it: &Touched<'_>,
        all: &BTreeMap<i64, Touched<'_>>,
        child: &Arc<Table>,
        constraint: &str,
    ) -> Result<()> {
        let mut keys = child.rules.foreign_keys().filter(|(name, ..)| *name == constraint);
        let Some((name, columns, _, references)) = keys.next() else { return Ok(()) };
        let known = Keys::new(&it.table, references)?;
        let keys = Keys::new(child, columns)?.comparable(&known);
        let gone = self.gone(it).await?;
        let new = self.new_parts(it);
        let mut there = match all.get(&child.id) {
            Some(changed) => self.left(changed, |_| true).await?,
            None => self.left(&untouched(child), |_| true).await?,
        };
        there.extend(all.get(&child.id).into_iter().flat_map(|changed| self.new_parts(changed)));
        let message = format!(
            "update or delete on table \"{}\" violates foreign key constraint \"{name}\" on table \"{}\"",
            it.table.name.name, child.name.name
        );
        let child = child.name.name.clone();
        in_thread(move || {
            let mut missing = Found::new();
            for (part, positions) in &gone {
                known.read_part(part, |key| {
                    let goes = positions.as_ref().is_none_or(|gone| gone.binary_search(&key.position).is_ok());
                    if goes && !key.null {
                        missing.insert(Box::from(key.bytes));
                    }
                    Ok(())
                })?;
            }
            for part in &new {
                known.read_part(part, |key| {
                    missing.remove(key.bytes);
                    Ok(())
                })?;
            }
            if missing.is_empty() {
                return Ok(());
            }
            there.iter().try_for_each(|part| {
                keys.read_part(part, |key| match missing.contains(key.bytes) {
                    true => {
                        let shown = key.shown(&known);
                        Err(Error::new(Kind::ForeignKeyViolation, message.clone())
                            .detail(format!("Key {shown} is still referenced from table \"{child}\".")))
                    }
                    false => Ok(()),
                })
            })
        })
        .await
    }

    /// Rows that were there before and stay, in the files that matter.
    async fn left(&self, it: &Touched<'_>, matters: impl Fn(&DataFile) -> bool) -> Result<Vec<Part>> {
        let mut parts = vec![];
        for file in it.table.files.iter().filter(|file| !it.removed.contains(&file.id) && matters(file)) {
            let deleted = match it.deleted.get(&file.id) {
                Some(NewDelete { file: None, .. }) => continue,
                Some(NewDelete { file: Some(deletes), .. }) => self.positions(&it.table, &deletes.path).await?,
                None => self.deleted(&it.table, file).await?,
            };
            parts.push(Part { file: file.id, path: self.path(&it.table, &file.path), deleted });
        }
        Ok(parts)
    }

    /// Files with rows that were there and go: which ones, or all of them.
    async fn gone(&self, it: &Touched<'_>) -> Result<Vec<(Part, Option<Arc<[u64]>>)>> {
        let mut parts = vec![];
        for file in &it.table.files {
            let positions = match it.deleted.get(&file.id) {
                _ if it.removed.contains(&file.id) => None,
                Some(NewDelete { file: None, .. }) => None,
                Some(NewDelete { file: Some(deletes), .. }) => Some(self.positions(&it.table, &deletes.path).await?),
                None => continue,
            };
            let deleted = self.deleted(&it.table, file).await?;
            parts.push((Part { file: file.id, path: self.path(&it.table, &file.path), deleted }, positions));
        }
        Ok(parts)
    }

    fn new_parts(&self, it: &Touched<'_>) -> Vec<Part> {
        let paths = self.paths(&it.table, &it.appended).into_iter();
        paths.map(|path| Part { file: 0, path, deleted: Arc::default() }).collect()
    }

    fn path(&self, table: &Table, file: &str) -> PathBuf {
        self.folder.join(&table.folder).join(file)
    }

    /// What a delete file of a table holds.
    async fn positions(&self, table: &Table, file: &str) -> Result<Arc<[u64]>> {
        let path = self.path(table, file);
        in_thread(move || deletes::read(&path)).await
    }
}

fn touched<'a>(snapshot: &Snapshot, changes: &'a [Change]) -> BTreeMap<i64, Touched<'a>> {
    let mut all: BTreeMap<i64, Touched<'a>> = BTreeMap::new();
    for change in changes {
        let (Change::AppendFiles { table, .. } | Change::RemoveFiles { table, .. } | Change::DeleteRows { table, .. }) =
            change
        else {
            continue;
        };
        let Some(Relation::Table(table)) = snapshot.relation(table) else { continue };
        let it = all.entry(table.id).or_insert_with(|| untouched(table));
        match change {
            Change::AppendFiles { files, .. } => it.appended.extend(files.iter().cloned()),
            Change::RemoveFiles { files, .. } => it.removed.extend(files),
            Change::DeleteRows { deletes, .. } => it.deleted.extend(deletes.iter().map(|it| (it.data_file, it))),
            _ => {}
        }
    }
    all
}

fn untouched<'a>(table: &Arc<Table>) -> Touched<'a> {
    Touched { table: table.clone(), appended: vec![], removed: BTreeSet::new(), deleted: BTreeMap::new(), all: false }
}

fn by_id(snapshot: &Snapshot, id: i64) -> Option<&Arc<Table>> {
    snapshot.relations.values().find_map(|relation| match relation {
        Relation::Table(table) if table.id == id => Some(table),
        _ => None,
    })
}
