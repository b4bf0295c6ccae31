//! Models, connections, secrets, external tables, workflows: rows of `aqueduct_object`, their history kept.

use crate::base::{Error, Name, Result};
use crate::catalog::{Relation, Snapshot, Subject};
use crate::store::Write;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Adds the rows that lead from the objects before to those after.
pub(super) fn objects(
    before: &Snapshot,
    after: &Snapshot,
    author: &str,
    at: &str,
    writes: &mut Vec<Write>,
) -> Result<()> {
    let mut rows = Rows { author, at, writes };
    for (name, _) in before.secrets.iter().filter(|(name, _)| !after.secrets.contains_key(*name)) {
        rows.end("secret", &global(name), "dropped");
        rows.forget(name);
    }
    for (name, secret) in &after.secrets {
        let old = before.secrets.get(name);
        if !same(old, secret) {
            if old.is_some() {
                rows.end("secret", &global(name), "replaced");
                rows.forget(name);
            }
            rows.begin("secret", &global(name), None, secret)?;
        }
    }
    rows.replaceable("connection", &before.connections, &after.connections, global)?;
    let external = |snapshot: &Snapshot| -> BTreeMap<Name, Arc<_>> {
        snapshot
            .relations
            .iter()
            .filter_map(|(name, relation)| match relation {
                Relation::External(external) => Some((name.clone(), external.clone())),
                Relation::Table(_) | Relation::View(_) => None,
            })
            .collect()
    };
    rows.replaceable("external", &external(before), &external(after), Name::clone)?;
    rows.replaceable("comment", &before.comments, &after.comments, Subject::key)?;
    rows.replaceable("role", &before.roles, &after.roles, global)?;
    let grant = |(subject, grantee): &(Subject, String)| {
        let of = subject.key();
        Name::new(of.schema, format!("{} to {grantee}", of.name))
    };
    rows.replaceable("grant", &before.grants, &after.grants, grant)?;
    sequences(&mut rows, before, after)?;
    models(&mut rows, before, after)?;
    workflows(&mut rows, before, after)
}

fn sequences(rows: &mut Rows, before: &Snapshot, after: &Snapshot) -> Result<()> {
    for name in before.sequences.keys().filter(|name| !after.sequences.contains_key(*name)) {
        rows.end("sequence", name, "dropped");
    }
    for (name, sequence) in &after.sequences {
        match before.sequences.get(name) {
            Some(old) if old == sequence => {}
            // Its numbers are not a history.
            Some(old) if old.uuid == sequence.uuid => rows.amend("sequence", name, sequence)?,
            old => {
                if old.is_some() {
                    rows.end("sequence", name, "replaced");
                }
                rows.begin("sequence", name, None, sequence.as_ref())?;
            }
        }
    }
    Ok(())
}

fn models(rows: &mut Rows, before: &Snapshot, after: &Snapshot) -> Result<()> {
    for name in before.models.keys().filter(|name| !after.models.contains_key(*name)) {
        rows.end("model", name, "dropped");
    }
    for (name, model) in &after.models {
        let old = before.models.get(name);
        if same(old, model) {
            continue;
        }
        // Dropped and made again in one commit: none of the versions is an old one.
        let mut kept = old.map_or(0, |old| old.versions.len());
        if old.is_some_and(|old| !model.versions.starts_with(&old.versions)) {
            rows.end("model", name, "dropped");
            kept = 0;
        }
        for version in &model.versions[kept..] {
            rows.begin("model", name, Some(version.version), version)?;
        }
    }
    Ok(())
}

fn workflows(rows: &mut Rows, before: &Snapshot, after: &Snapshot) -> Result<()> {
    for name in before.workflows.keys().filter(|name| !after.workflows.contains_key(*name)) {
        rows.end("workflow", name, "dropped");
    }
    for (name, workflow) in &after.workflows {
        match before.workflows.get(name) {
            Some(old) if Arc::ptr_eq(old, workflow) => {}
            // PAUSE and the like are not a new version.
            Some(old) if old.version == workflow.version => rows.amend("workflow", name, workflow)?,
            old => {
                if old.is_some() {
                    rows.end("workflow", name, "replaced");
                }
                rows.begin("workflow", name, Some(workflow.version), workflow)?;
            }
        }
    }
    Ok(())
}

struct Rows<'a> {
    author: &'a str,
    at: &'a str,
    writes: &'a mut Vec<Write>,
}

impl Rows<'_> {
    /// Objects without versions that a user sees: each replacement is a row of its own.
    fn replaceable<K: Ord, T: Serialize + PartialEq>(
        &mut self,
        kind: &'static str,
        before: &BTreeMap<K, Arc<T>>,
        after: &BTreeMap<K, Arc<T>>,
        name: impl Fn(&K) -> Name,
    ) -> Result<()> {
        for (key, _) in before.iter().filter(|(key, _)| !after.contains_key(key)) {
            self.end(kind, &name(key), "dropped");
        }
        for (key, object) in after {
            let old = before.get(key);
            if same(old, object) {
                continue;
            }
            if old.is_some() {
                self.end(kind, &name(key), "replaced");
            }
            self.begin(kind, &name(key), None, object)?;
        }
        Ok(())
    }

    fn begin(&mut self, kind: &'static str, name: &Name, version: Option<i64>, body: &impl Serialize) -> Result<()> {
        self.writes.push(Write::new(
            "INSERT INTO aqueduct_object(kind, schema_name, name, version, body, author, created_at) \
             SELECT ?1, ?2, ?3, coalesce(?4, max(version) + 1, 1), ?5, ?6, ?7 FROM aqueduct_object \
             WHERE kind = ?1 AND schema_name = ?2 AND name = ?3",
            [
                kind.into(),
                name.schema.as_str().into(),
                name.name.as_str().into(),
                version.into(),
                json(body)?.into(),
                self.author.into(),
                self.at.into(),
            ],
        ));
        Ok(())
    }

    fn amend(&mut self, kind: &'static str, name: &Name, body: &impl Serialize) -> Result<()> {
        self.writes.push(Write::new(
            "UPDATE aqueduct_object SET body = ? WHERE kind = ? AND schema_name = ? AND name = ? AND ended_at IS NULL",
            [json(body)?.into(), kind.into(), name.schema.as_str().into(), name.name.as_str().into()],
        ));
        Ok(())
    }

    fn end(&mut self, kind: &'static str, name: &Name, reason: &'static str) {
        self.writes.push(Write::new(
            "UPDATE aqueduct_object SET ended_at = ?, reason = ? \
             WHERE kind = ? AND schema_name = ? AND name = ? AND ended_at IS NULL",
            [self.at.into(), reason.into(), kind.into(), name.schema.as_str().into(), name.name.as_str().into()],
        ));
    }

    /// A secret's value does not outlive the secret.
    fn forget(&mut self, secret: &str) {
        self.writes.push(Write::new(
            "UPDATE aqueduct_object SET body = '{}' WHERE kind = 'secret' AND name = ? AND ended_at IS NOT NULL",
            [secret.into()],
        ));
    }
}

fn same<T: PartialEq>(old: Option<&Arc<T>>, new: &Arc<T>) -> bool {
    old.is_some_and(|old| Arc::ptr_eq(old, new) || old == new)
}

/// The name of an object that is in no schema.
fn global(name: &String) -> Name {
    Name::new("", name)
}

fn json(body: &impl Serialize) -> Result<String> {
    serde_json::to_string(body).map_err(|error| Error::internal(format!("an object must be JSON: {error}")))
}
