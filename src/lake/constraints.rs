//! Keys and references that hold: what a draft makes of the tables' rows is looked at before it is committed.
//!
//! Only rows that are new or gone are looked at, and of the others those files whose statistics do not
//! exclude them.

use super::Lake;
use super::keys::{Found, Gone, Keys, Part, in_thread};
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::{self, ColumnStats, DataFile, Draft, Live, Relation, Snapshot, Table};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How often constraints are looked at again because others have committed meanwhile.
const AGAIN_MAX: usize = 20;

/// A table whose rows change.
pub(super) struct Changed {
    pub before: Option<Arc<Table>>,
    pub after: Arc<Table>,
}

impl Lake {
    /// Commits a draft that leaves all constraints whole, whatever others have committed since it was begun.
    pub async fn commit(&self, catalog: &Live, draft: &mut Draft, author: &str, message: &str) -> Result<()> {
        for _ in 0..AGAIN_MAX {
            if !draft.is_checked() {
                draft.rebase(&catalog.snapshot())?;
                let looked_at = self.check_constraints(draft.base(), draft.snapshot()).await?;
                draft.constraints_hold(looked_at);
            }
            if catalog.commit_draft(draft, author, message).await? {
                return Ok(());
            }
        }
        Err(Error::new(Kind::SerializationFailure, "could not serialize access due to concurrent update")
            .detail("other statements kept changing the rows that its constraints depend on"))
    }

    /// Refuses changes after which a row would break a constraint. Gives the tables at whose rows it looked:
    /// as long as they stay, the answer does.
    pub async fn check_constraints(&self, before: &Snapshot, after: &Snapshot) -> Result<BTreeSet<Name>> {
        let changed = changed(before, after);
        let mut looked_at = BTreeSet::new();
        for it in changed.values().filter(|it| it.gains()) {
            for key in it.after.rules.keys() {
                let table = it.after.name.clone();
                self.unique(it, key, move |keys, key, name| {
                    Error::new(
                        Kind::UniqueViolation,
                        format!("duplicate key value violates unique constraint \"{name}\""),
                    )
                    .detail(format!("Key {} already exists.", key.shown(keys)))
                    .of_constraint(&table, name)
                })
                .await?;
                looked_at.insert(it.after.name.clone());
            }
            for (name, columns, other, references) in it.after.rules.foreign_keys() {
                let Some(parent) = by_id(after, other) else { continue };
                self.refers(it, &changed, (name, columns), (parent, references)).await?;
                looked_at.insert(parent.name.clone());
            }
        }
        for it in changed.values().filter(|it| it.loses()) {
            let own = it.after.rules.foreign_keys().filter(|(_, _, other, _)| *other == it.after.id);
            let own = own.map(|(name, ..)| (&it.after, name));
            for (child, name) in after.referring(it.after.id).chain(own).collect::<Vec<_>>() {
                self.unreferenced(it, &changed, child, name).await?;
                looked_at.insert(child.name.clone());
            }
        }
        Ok(looked_at)
    }

    /// Refuses when the rows that a table has break one of the constraints or unique indexes of these names.
    /// Gives the other tables on whose rows that depends.
    pub async fn prove(&self, snapshot: &Snapshot, table: &Arc<Table>, names: &[&str]) -> Result<Vec<Arc<Table>>> {
        let it = Changed { before: None, after: table.clone() };
        for key in table.rules.keys().into_iter().filter(|key| names.contains(&key.name)) {
            let named = table.name.clone();
            self.unique(&it, key, move |keys, key, name| {
                Error::new(Kind::UniqueViolation, format!("could not create unique index \"{name}\""))
                    .detail(format!("Key {} is duplicated.", key.shown(keys)))
                    .of_constraint(&named, name)
            })
            .await?;
        }
        let mut looked_at = vec![];
        for (name, columns, other, references) in table.rules.foreign_keys().filter(|it| names.contains(&it.0)) {
            let Some(parent) = by_id(snapshot, other) else { continue };
            let parent = if parent.id == table.id { table } else { parent };
            self.refers(&it, &BTreeMap::new(), (name, columns), (parent, references)).await?;
            looked_at.push(parent.clone());
        }
        Ok(looked_at)
    }

    /// Each key once, among the new rows and together with those that stay.
    async fn unique(
        &self,
        it: &Changed,
        key: catalog::Key<'_>,
        violation: impl Fn(&Keys, &super::keys::Key<'_>, &str) -> Error + Send + 'static,
    ) -> Result<()> {
        let keys = Keys::new(&it.after, key.columns)?;
        let (stats, ids) = (it.stats(), keys.ids());
        let new = self.new_rows(it).await?;
        let others = self.rows_that_stay(it, |file| keys.may_meet(file, &stats, &ids)).await?;
        let (name, nulls_distinct) = (key.name.to_string(), key.nulls_distinct);
        in_thread(move || {
            let mut found = Found::new();
            for part in &new {
                keys.read_part(part, |key| {
                    if (key.null && nulls_distinct) || found.insert(Box::from(key.bytes)) {
                        return Ok(());
                    }
                    Err(violation(&keys, key, &name))
                })?;
            }
            if found.is_empty() {
                return Ok(());
            }
            others.iter().try_for_each(|part| {
                keys.read_part(part, |key| match found.contains(key.bytes) {
                    true => Err(violation(&keys, key, &name)),
                    false => Ok(()),
                })
            })
        })
        .await
    }

    /// Each new row refers to a row that is there.
    async fn refers(
        &self,
        it: &Changed,
        all: &BTreeMap<i64, Changed>,
        (name, columns): (&str, &[String]),
        (parent, references): (&Arc<Table>, &[String]),
    ) -> Result<()> {
        let known = Keys::new(parent, references)?;
        let keys = Keys::new(&it.after, columns)?.comparable(&known);
        let (stats, ids) = (it.stats(), keys.ids());
        let there = self.rows(all, parent, |file| known.may_meet(file, &stats, &ids)).await?;
        let rows = self.new_rows(it).await?;
        let message =
            format!("insert or update on table \"{}\" violates foreign key constraint \"{name}\"", it.after.name.name);
        let other = parent.name.name.clone();
        let violation = Error::new(Kind::ForeignKeyViolation, message).of_constraint(&it.after.name, name);
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
                    true => Err(violation
                        .clone()
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
        it: &Changed,
        all: &BTreeMap<i64, Changed>,
        child: &Arc<Table>,
        constraint: &str,
    ) -> Result<()> {
        let Some((columns, references)) = child.rules.foreign_key(constraint) else { return Ok(()) };
        let known = Keys::new(&it.after, references)?;
        let keys = Keys::new(child, columns)?.comparable(&known);
        let (gone, new) = (self.rows_that_go(it).await?, self.new_rows(it).await?);
        let there = self.rows(all, child, |_| true).await?;
        let message = format!(
            "update or delete on table \"{}\" violates foreign key constraint \"{constraint}\" on table \"{}\"",
            it.after.name.name, child.name.name
        );
        let violation = Error::new(Kind::ForeignKeyViolation, message).of_constraint(&child.name, constraint);
        let child = child.name.name.clone();
        in_thread(move || {
            let mut missing = known.read_gone(&gone)?;
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
                        Err(violation
                            .clone()
                            .detail(format!("Key {shown} is still referenced from table \"{child}\".")))
                    }
                    false => Ok(()),
                })
            })
        })
        .await
    }

    /// The rows of a table afterwards, of its older ones those in files that matter.
    async fn rows(
        &self,
        all: &BTreeMap<i64, Changed>,
        table: &Arc<Table>,
        matters: impl Fn(&DataFile) -> bool,
    ) -> Result<Vec<Part>> {
        let Some(it) = all.get(&table.id) else {
            return self.parts(table, table.files.iter().filter(|file| matters(file))).await;
        };
        let mut parts = self.rows_that_stay(it, matters).await?;
        parts.extend(self.new_rows(it).await?);
        Ok(parts)
    }

    async fn new_rows(&self, it: &Changed) -> Result<Vec<Part>> {
        self.parts(&it.after, it.new_files()).await
    }

    /// Rows that were there before and stay, in the files that matter.
    async fn rows_that_stay(&self, it: &Changed, matters: impl Fn(&DataFile) -> bool) -> Result<Vec<Part>> {
        self.parts(&it.after, it.files_that_stay().filter(|file| matters(file))).await
    }

    /// Rows that were there and go.
    pub(super) async fn rows_that_go(&self, it: &Changed) -> Result<Vec<Gone>> {
        let Some(before) = &it.before else { return Ok(vec![]) };
        let mut gone = vec![];
        for file in &before.files {
            let positions = match it.after.files.iter().find(|after| after.id == file.id) {
                None => None,
                Some(after) if after.deletes == file.deletes => continue,
                Some(after) => Some(self.deleted(&it.after, after).await?),
            };
            let part = self.parts(before, std::iter::once(file)).await?.pop();
            gone.extend(part.map(|part| Gone { part, positions }));
        }
        Ok(gone)
    }

    pub(super) async fn parts(&self, table: &Table, files: impl Iterator<Item = &Arc<DataFile>>) -> Result<Vec<Part>> {
        let mut parts = vec![];
        for file in files {
            let path = self.folder.join(&table.folder).join(&file.path);
            parts.push(Part { file: file.id, path, deleted: self.deleted(table, file).await? });
        }
        Ok(parts)
    }
}

impl Changed {
    fn was(&self, file: &DataFile) -> bool {
        self.before.as_ref().is_some_and(|before| before.files.iter().any(|old| old.id == file.id))
    }

    pub(super) fn new_files(&self) -> impl Iterator<Item = &Arc<DataFile>> {
        self.after.files.iter().filter(|file| !self.was(file))
    }

    fn files_that_stay(&self) -> impl Iterator<Item = &Arc<DataFile>> {
        self.after.files.iter().filter(|file| self.was(file))
    }

    /// What is known of the new rows.
    fn stats(&self) -> Vec<&[ColumnStats]> {
        self.new_files().map(|file| file.stats.as_slice()).collect()
    }

    fn gains(&self) -> bool {
        !self.after.rules.is_empty() && self.new_files().any(|file| file.rows > 0)
    }

    pub(super) fn loses(&self) -> bool {
        self.before.as_ref().is_some_and(|before| {
            before.files.iter().any(|file| {
                let after = self.after.files.iter().find(|after| after.id == file.id);
                after.is_none_or(|after| after.deletes != file.deletes)
            })
        })
    }
}

/// Tables that are not the same any more, by their ids.
pub(super) fn changed(before: &Snapshot, after: &Snapshot) -> BTreeMap<i64, Changed> {
    let tables = after.relations.iter().filter_map(|(name, relation)| Some((name, relation.table()?)));
    let changed = tables.filter_map(|(name, table)| {
        let old = before.relation(name).and_then(Relation::table).filter(|old| old.id == table.id);
        let old = old.or_else(|| by_id(before, table.id));
        let same = old.is_some_and(|old| Arc::ptr_eq(old, table));
        (!same).then(|| (table.id, Changed { before: old.cloned(), after: table.clone() }))
    });
    changed.collect()
}

fn by_id(snapshot: &Snapshot, id: i64) -> Option<&Arc<Table>> {
    snapshot.relations.values().filter_map(Relation::table).find(|table| table.id == id)
}
