//! `DROP`: tables, views and schemas that go.

use super::sequence;
use super::target::{Written, refuse};
use super::{AnyStatement, Response, Session, Statement};
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::{Change, Relation, Rule, Snapshot, temporary};
use crate::query::Context;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{ObjectType, Statement as Tree};
use std::fmt;
use std::sync::Arc;

#[derive(Debug)]
struct Drop {
    tree: Tree,
    what: What,
    names: Vec<Written>,
    if_exists: bool,
    cascade: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Table,
    View,
    Schema,
    Index,
    Sequence,
}

pub fn read(tree: Tree, text: &str) -> Result<Arc<dyn AnyStatement>> {
    let Tree::Drop { object_type, if_exists, names, cascade, temporary: is_temporary, table, .. } = &tree else {
        return Err(Error::internal("the statement must be DROP"));
    };
    let what = match object_type {
        ObjectType::Table => What::Table,
        ObjectType::View => What::View,
        ObjectType::Schema => What::Schema,
        ObjectType::Index => What::Index,
        ObjectType::Sequence => What::Sequence,
        other => return Err(Error::unsupported(format!("DROP {other} is not supported")).at(0)),
    };
    refuse(*is_temporary || table.is_some(), "this form of DROP")?;
    let names = names.iter().map(|name| Written::new(name, text)).collect::<Result<_>>()?;
    let (if_exists, cascade) = (*if_exists, *cascade);
    Ok(Arc::new(Drop { tree, what, names, if_exists, cascade }))
}

impl fmt::Display for Drop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree.fmt(f)
    }
}

impl What {
    fn word(self) -> &'static str {
        match self {
            What::Table => "table",
            What::View => "view",
            What::Schema => "schema",
            What::Index => "index",
            What::Sequence => "sequence",
        }
    }
}

impl Drop {
    /// The changes, and what to tell the user.
    fn changes(&self, context: &Context) -> Result<(Vec<Change>, Vec<String>)> {
        let (mut changes, mut notices) = (vec![], vec![]);
        let mut context = context.clone();
        for written in &self.names {
            let change = match self.what {
                What::Schema => self.schema(&context, written, &mut changes, &mut notices)?,
                What::Table | What::View => self.relation(&context, written)?,
                What::Index => self.index(&context, written)?,
                What::Sequence => self.sequence(&context, written)?,
            };
            if let (What::Index, Some(change)) = (self.what, &change) {
                context.snapshot = Arc::new(context.snapshot.apply_all(std::slice::from_ref(change))?);
            }
            match change {
                Some(change) => changes.push(change),
                None => {
                    let (word, name) = (self.what.word(), written.last());
                    notices.push(format!("{word} \"{name}\" does not exist, skipping"));
                }
            }
        }
        let mut all = self.released(&context.snapshot, &changes, &mut notices);
        all.extend(changes);
        Ok((all, notices))
    }

    /// Takes away the foreign keys to tables that go: those of tables that go too, and with CASCADE all.
    fn released(&self, snapshot: &Snapshot, changes: &[Change], notices: &mut Vec<String>) -> Vec<Change> {
        let gone = |name: &Name| changes.iter().any(|it| matches!(it, Change::DropTable { name: it } if it == name));
        let mut released = vec![];
        for relation in snapshot.relations.values() {
            let Relation::Table(child) = relation else { continue };
            let mut rules = child.rules.clone();
            rules.constraints.retain(|constraint| {
                let Rule::ForeignKey { table, .. } = &constraint.rule else { return true };
                let parents = snapshot.relations.values().filter_map(|it| match it {
                    Relation::Table(parent) if parent.id == *table && parent.id != child.id => Some(&parent.name),
                    _ => None,
                });
                let goes = parents.into_iter().any(gone);
                if goes && self.cascade && !gone(&child.name) {
                    notices
                        .push(format!("drop cascades to constraint {} on table {}", constraint.name, child.name.name));
                }
                !(goes && (self.cascade || gone(&child.name)))
            });
            if rules != child.rules {
                released.push(Change::SetRules { table: child.name.clone(), rules });
            }
        }
        released
    }

    /// `None` when there is none and that is fine.
    fn sequence(&self, context: &Context, written: &Written) -> Result<Option<Change>> {
        let (snapshot, last) = (&context.snapshot, written.last());
        let found = written.places(context).into_iter().find_map(|name| snapshot.sequences.get(&name).cloned());
        let Some(sequence) = found else {
            let error = Error::new(Kind::UndefinedTable, format!("sequence \"{last}\" does not exist"));
            return if self.if_exists { Ok(None) } else { Err(error.at(written.offset)) };
        };
        if sequence.owner.is_some() {
            let message = format!("cannot drop sequence {last} because other objects depend on it");
            let hint = "drop its column, or the column's table".to_string();
            return Err(Error::new(Kind::DependentObjects, message).hint(hint).at(written.offset));
        }
        let default = sequence::default(&sequence.name);
        let bare = format!("nextval('{last}')");
        for relation in snapshot.relations.values() {
            let Relation::Table(table) = relation else { continue };
            let uses = |text: &String| text.contains(&default) || text.contains(&bare);
            if let Some(column) = table.columns.iter().find(|column| column.default.as_ref().is_some_and(uses)) {
                let message = format!("cannot drop sequence {last} because other objects depend on it");
                let (column, table) = (&column.name, &table.name.name);
                return Err(Error::new(Kind::DependentObjects, message)
                    .detail(format!("default value for column {column} of table {table} depends on sequence {last}"))
                    .at(written.offset));
            }
        }
        Ok(Some(Change::DropSequence { name: sequence.name.clone() }))
    }

    /// `None` when there is none and that is fine.
    fn index(&self, context: &Context, written: &Written) -> Result<Option<Change>> {
        let found = written.places(context).into_iter().find_map(|place| {
            let tables = context.snapshot.relations.values().filter_map(|relation| match relation {
                Relation::Table(table) if table.name.schema == place.schema => Some(table),
                _ => None,
            });
            tables.into_iter().find(|table| table.rules.has_index(&place.name)).cloned()
        });
        let name = written.last();
        let Some(table) = found else {
            let error = Error::new(Kind::UndefinedObject, format!("index \"{name}\" does not exist"));
            return if self.if_exists { Ok(None) } else { Err(error.at(written.offset)) };
        };
        if table.rules.constraint(name).is_some() {
            let message =
                format!("cannot drop index {name} because constraint {name} on table {} requires it", table.name.name);
            let hint = format!("you can drop constraint {name} on table {} instead", table.name.name);
            return Err(Error::new(Kind::DependentObjects, message).hint(hint).at(written.offset));
        }
        let mut rules = table.rules.clone();
        rules.indexes.retain(|index| index.name != name);
        Ok(Some(Change::SetRules { table: table.name.clone(), rules }))
    }

    /// `None` when there is none and that is fine.
    fn relation(&self, context: &Context, written: &Written) -> Result<Option<Change>> {
        let word = self.what.word();
        let Some(name) = written.find(context)? else {
            return match self.if_exists {
                true => Ok(None),
                false => {
                    let error = written.undefined(&context.snapshot);
                    Err(Error { message: format!("{word} \"{}\" does not exist", written.last()), ..error })
                }
            };
        };
        let wrong = |other: &str| {
            Error::new(Kind::WrongObjectType, format!("\"{}\" is not a {word}", name.name))
                .hint(format!("use DROP {other} to remove it"))
                .at(written.offset)
        };
        match (context.snapshot.relation(&name), self.what) {
            (Some(Relation::Table(_)), _) if is_materialized_view(&context.snapshot, &name) => {
                Err(wrong("MATERIALIZED VIEW"))
            }
            (Some(Relation::Table(_)), What::Table) => Ok(Some(Change::DropTable { name })),
            (Some(Relation::View(_)), What::View) => Ok(Some(Change::DropView { name })),
            (Some(Relation::Table(_)), _) => Err(wrong("TABLE")),
            (Some(Relation::View(_)), _) => Err(wrong("VIEW")),
            (Some(Relation::External(_)), _) => Err(wrong("EXTERNAL TABLE")),
            (None, _) => Err(written.undefined(&context.snapshot)),
        }
    }

    fn schema(
        &self,
        context: &Context,
        written: &Written,
        changes: &mut Vec<Change>,
        notices: &mut Vec<String>,
    ) -> Result<Option<Change>> {
        let (snapshot, name) = (&context.snapshot, written.last());
        if name == temporary::SCHEMA {
            let message = format!("cannot drop schema {name} because it is required by the database system");
            return Err(Error::new(Kind::DependentObjects, message)
                .hint("DISCARD TEMP drops what is in it".to_string())
                .at(written.offset));
        }
        if !snapshot.schemas.contains_key(name) {
            let missing = snapshot.schema(name).map(|_| None);
            return if self.if_exists { Ok(None) } else { missing.map_err(|error| error.at(written.offset)) };
        }
        if self.cascade {
            let inside = contents(snapshot, name);
            if let [one] = inside.as_slice() {
                notices.push(format!("drop cascades to {}", one.0));
            } else if !inside.is_empty() {
                notices.push(format!("drop cascades to {} other objects", inside.len()));
            }
            changes.extend(inside.into_iter().map(|(_, change)| change));
        }
        Ok(Some(Change::DropSchema { name: name.to_string() }))
    }
}

fn is_materialized_view(snapshot: &Snapshot, name: &Name) -> bool {
    snapshot.workflows.get(name).is_some_and(|workflow| workflow.materialized_view)
}

/// Everything in a schema, and how it goes; what others need goes last.
fn contents(snapshot: &Snapshot, schema: &str) -> Vec<(String, Change)> {
    let mut found = vec![];
    for name in snapshot.workflows.keys().filter(|name| name.schema == schema) {
        found.push((format!("workflow {name}"), Change::DropWorkflow { name: name.clone() }));
    }
    for (name, relation) in snapshot.relations.iter().filter(|(name, _)| name.schema == schema) {
        found.push(match relation {
            Relation::Table(_) => (format!("table {name}"), Change::DropTable { name: name.clone() }),
            Relation::View(_) => (format!("view {name}"), Change::DropView { name: name.clone() }),
            Relation::External(_) => (format!("external table {name}"), Change::DropExternal { name: name.clone() }),
        });
    }
    for (name, sequence) in snapshot.sequences.iter().filter(|(name, _)| name.schema == schema) {
        if sequence.owner.is_none() {
            found.push((format!("sequence {name}"), Change::DropSequence { name: name.clone() }));
        }
    }
    for name in snapshot.models.keys().filter(|name| name.schema == schema) {
        found.push((format!("model {name}"), Change::DropModel { name: name.clone() }));
    }
    found
}

impl Statement for Drop {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let tag = format!("DROP {}", self.what.word().to_uppercase());
        let (changes, notices) = self.changes(&session.context())?;
        session.change(changes, &tag)?;
        notices.into_iter().for_each(|notice| session.notice(notice));
        Ok(Response::Done { tag })
    }
}
