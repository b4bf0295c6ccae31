//! All that exists at one instant, and how a change makes the next instant.

use super::table::folder;
use super::{
    Change, Column, Comment, Connection, DataFile, DeleteFile, Draft, External, Grant, Model, Role, Secret, Sequence,
    Subject, Table, Workflow, temporary,
};
use crate::base::error::did_you_mean;
use crate::base::{Error, Kind, Name, Result, quote_identifier};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What exists. Cheap to clone, never changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// DuckLake's snapshot id.
    pub lake: i64,
    /// DuckLake's version of the tables' shapes.
    pub schema_version: i64,
    /// Next unused id of a schema, table or view.
    pub next_catalog_id: i64,
    /// Next unused id of a data or delete file.
    pub next_file_id: i64,
    /// Next unused id of what one session alone has, downwards; see [`super::temporary`].
    pub next_temporary_id: i64,
    pub schemas: BTreeMap<String, Arc<Schema>>,
    pub relations: BTreeMap<Name, Relation>,
    pub secrets: BTreeMap<String, Arc<Secret>>,
    pub connections: BTreeMap<String, Arc<Connection>>,
    pub models: BTreeMap<Name, Arc<Model>>,
    pub workflows: BTreeMap<Name, Arc<Workflow>>,
    pub sequences: BTreeMap<Name, Arc<Sequence>>,
    pub comments: BTreeMap<Subject, Arc<Comment>>,
    pub roles: BTreeMap<String, Arc<Role>>,
    /// By what they are about and whom they are given to.
    pub grants: BTreeMap<(Subject, String), Arc<Grant>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    pub id: i64,
    pub uuid: String,
    pub name: String,
    /// Folder below the lake's data path, ending in `/`.
    pub path: String,
}

/// Something with rows and columns.
#[derive(Clone, Debug, PartialEq)]
pub enum Relation {
    Table(Arc<Table>),
    View(Arc<View>),
    External(Arc<External>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// 0 until the catalog has given it one.
    pub id: i64,
    pub uuid: String,
    pub name: Name,
    /// The query.
    pub sql: String,
    pub column_aliases: Vec<String>,
}

impl Snapshot {
    pub fn schema(&self, name: &str) -> Result<&Arc<Schema>> {
        self.schemas.get(name).ok_or_else(|| {
            Error::new(Kind::UndefinedSchema, format!("schema \"{name}\" does not exist"))
                .hint(did_you_mean(name, self.schemas.keys().map(String::as_str)))
        })
    }

    pub fn relation(&self, name: &Name) -> Option<&Relation> {
        self.relations.get(name)
    }

    /// The managed table of a name, or why there is none.
    pub fn table(&self, name: &Name) -> Result<&Arc<Table>> {
        match self.relations.get(name) {
            Some(Relation::Table(table)) => Ok(table),
            Some(_) => Err(Error::new(Kind::WrongObjectType, format!("\"{name}\" is not a managed table"))),
            None => Err(self.undefined_relation(name)),
        }
    }

    pub fn undefined_relation(&self, name: &Name) -> Error {
        let known: Vec<_> = self.relations.keys().map(Name::to_string).collect();
        let text = name.to_string();
        Error::new(Kind::UndefinedTable, format!("relation \"{}\" does not exist", text.replace('"', "")))
            .hint(did_you_mean(&text, known.iter().map(String::as_str)))
    }

    pub fn model(&self, name: &Name) -> Result<&Arc<Model>> {
        self.models.get(name).ok_or_else(|| undefined("model", name, self.models.keys()))
    }

    pub fn workflow(&self, name: &Name) -> Result<&Arc<Workflow>> {
        self.workflows.get(name).ok_or_else(|| undefined("workflow", name, self.workflows.keys()))
    }

    pub fn connection(&self, name: &str) -> Result<&Arc<Connection>> {
        self.connections.get(name).ok_or_else(|| {
            Error::new(Kind::UndefinedObject, format!("connection \"{name}\" does not exist"))
                .hint(did_you_mean(name, self.connections.keys().map(String::as_str)))
        })
    }

    pub fn secret(&self, name: &str) -> Result<&Arc<Secret>> {
        self.secrets.get(name).ok_or_else(|| {
            Error::new(Kind::UndefinedObject, format!("secret \"{name}\" does not exist"))
                .hint(did_you_mean(name, self.secrets.keys().map(String::as_str)))
        })
    }

    /// The snapshot after all changes of one commit.
    pub fn apply_all(&self, changes: &[Change]) -> Result<Snapshot> {
        let mut draft = Draft::on(Arc::new(self.clone()), None);
        draft.add(changes.iter().cloned(), vec![])?;
        Ok((**draft.snapshot()).clone())
    }

    /// Makes a change, or says why it cannot be.
    pub(super) fn change(&mut self, change: &Change) -> Result<()> {
        match change {
            Change::CreateSchema { name, uuid: given } => {
                if self.schemas.contains_key(name) {
                    return Err(Error::new(Kind::DuplicateSchema, format!("schema \"{name}\" already exists")));
                }
                let uuid = given.clone().unwrap_or_else(uuid);
                let path = format!("{}/", folder(name, &uuid));
                let schema = Schema { id: self.new_id(name), uuid, name: name.clone(), path };
                self.schemas.insert(name.clone(), Arc::new(schema));
            }
            Change::DropSchema { name } => {
                self.schema(name)?;
                let names = self.relations.keys().chain(self.models.keys()).chain(self.workflows.keys());
                if let Some(inside) = names.into_iter().find(|inside| inside.schema == *name) {
                    return Err(Error::new(
                        Kind::DependentObjects,
                        format!("cannot drop schema {name} because other objects depend on it"),
                    )
                    .detail(format!("{inside} is in it"))
                    .hint("drop what is in it first, or use DROP SCHEMA … CASCADE".to_string()));
                }
                self.schemas.remove(name);
            }
            Change::CreateTable { name, columns, folder } => {
                self.vacant(name)?;
                let mut table = Table::staged(self.schema(&name.schema)?, name, columns.clone());
                table.id = self.new_id(&name.schema);
                if let Some(folder) = folder {
                    table.folder = folder.clone();
                }
                self.relations.insert(name.clone(), Relation::Table(Arc::new(table)));
            }
            Change::Expect { table: read, rows } => {
                let now = self.table(&read.name).map_err(|_| conflict(&read.name))?;
                let same_rows = || now.contents().eq(read.contents());
                if !now.has_shape_of(read) || (*rows && !same_rows()) {
                    return Err(conflict(&read.name));
                }
            }
            Change::Vacant { name } => self.vacant(name)?,
            Change::DropTable { name } => {
                self.check_unreferenced(self.table(name)?)?;
                self.relations.remove(name);
            }
            Change::SetColumns { table, columns } => self.set_columns(table, columns)?,
            Change::SetRules { table, rules } => self.set_rules(table, rules)?,
            Change::RenameRelation { from, to } => {
                let relation = self.relations.get(from).ok_or_else(|| self.undefined_relation(from))?.clone();
                if from.schema != to.schema && matches!(relation, Relation::Table(_)) {
                    return Err(Error::unsupported(format!("cannot move table \"{from}\" to another schema")));
                }
                self.vacant(to)?;
                self.relations.remove(from);
                let relation = match relation {
                    Relation::Table(table) => Relation::Table(Arc::new(Table { name: to.clone(), ..(*table).clone() })),
                    Relation::View(view) => Relation::View(Arc::new(View { name: to.clone(), ..(*view).clone() })),
                    Relation::External(external) => {
                        Relation::External(Arc::new(External { name: to.clone(), ..(*external).clone() }))
                    }
                };
                self.relations.insert(to.clone(), relation);
                self.follow(|subject| match subject {
                    Subject::Relation(name) if name == from => Some(Subject::Relation(to.clone())),
                    Subject::Column(name, it) if name == from => Some(Subject::Column(to.clone(), it.clone())),
                    Subject::Constraint(name, it) if name == from => Some(Subject::Constraint(to.clone(), it.clone())),
                    _ => None,
                });
            }
            Change::AppendFiles { table, files } => {
                let mut changed = (**self.table(table)?).clone();
                for file in files {
                    let id = self.new_file_id(&table.schema);
                    let file = file.clone().named(&changed.columns, id, changed.next_row_id, self.lake);
                    changed.next_row_id += file.rows;
                    changed.files.push(Arc::new(file));
                }
                self.relations.insert(table.clone(), Relation::Table(Arc::new(changed)));
            }
            Change::RemoveFiles { table, files } => {
                let mut changed = (**self.table(table)?).clone();
                let before = changed.files.len();
                changed.files.retain(|file| !files.contains(&file.id));
                if changed.files.len() + files.len() != before {
                    return Err(conflict(table));
                }
                self.relations.insert(table.clone(), Relation::Table(Arc::new(changed)));
            }
            Change::Truncate { table } => {
                let emptied = Table { files: vec![], ..(**self.table(table)?).clone() };
                self.relations.insert(table.clone(), Relation::Table(Arc::new(emptied)));
            }
            Change::DeleteRows { table, deletes } => {
                let mut changed = (**self.table(table)?).clone();
                for delete in deletes {
                    let at = changed
                        .files
                        .iter()
                        .position(|file| file.id == delete.data_file)
                        .ok_or_else(|| conflict(table))?;
                    if changed.files[at].deletes.as_ref().map(|deletes| deletes.id) != delete.replaces {
                        return Err(conflict(table));
                    }
                    let Some(file) = &delete.file else {
                        changed.files.remove(at);
                        continue;
                    };
                    let deletes = DeleteFile {
                        id: self.new_file_id(&table.schema),
                        path: file.path.clone(),
                        rows: file.rows,
                        bytes: file.bytes,
                        footer_bytes: file.footer_bytes,
                    };
                    changed.files[at] = Arc::new(DataFile { deletes: Some(deletes), ..(*changed.files[at]).clone() });
                }
                self.relations.insert(table.clone(), Relation::Table(Arc::new(changed)));
            }
            Change::PutView(view) => {
                self.schema(&view.name.schema)?;
                let mut view = view.clone();
                match self.relations.get(&view.name) {
                    None | Some(Relation::View(_)) => {}
                    Some(_) => {
                        return Err(Error::new(Kind::WrongObjectType, format!("\"{}\" is not a view", view.name)));
                    }
                }
                view.id = self.new_id(&view.name.schema);
                view.uuid = uuid();
                self.relations.insert(view.name.clone(), Relation::View(Arc::new(view)));
            }
            Change::DropView { name } => match self.relations.get(name) {
                Some(Relation::View(_)) => drop(self.relations.remove(name)),
                Some(_) => return Err(Error::new(Kind::WrongObjectType, format!("\"{name}\" is not a view"))),
                None => return Err(self.undefined_relation(name)),
            },
            Change::PutExternal(external) => {
                self.vacant(&external.name)?;
                self.relations.insert(external.name.clone(), Relation::External(Arc::new(external.clone())));
            }
            Change::DropExternal { name } => match self.relations.get(name) {
                Some(Relation::External(_)) => drop(self.relations.remove(name)),
                Some(_) => {
                    return Err(Error::new(Kind::WrongObjectType, format!("\"{name}\" is not an external table")));
                }
                None => return Err(self.undefined_relation(name)),
            },
            Change::PutRole { role, replaces } => self.put_role(role, replaces.as_deref())?,
            Change::DropRole { name } => self.drop_role(name)?,
            Change::Grant { subject, grantee, privileges, option } => {
                self.grant(subject, grantee, privileges, *option);
            }
            Change::Revoke { subject, grantee, privileges, option_only } => {
                self.revoke(subject, grantee, privileges, *option_only);
            }
            Change::PutSequence { sequence, owned_by } => self.put_sequence(sequence, owned_by.as_ref())?,
            Change::DropSequence { name } => self.drop_sequence(name)?,
            Change::AdvanceSequence { name, uuid, last } => self.advance(name, uuid, *last),
            Change::Comment { subject, text } => self.say(subject, text.as_ref()),
            Change::PutSecret { secret, or_replace } => {
                if !or_replace && self.secrets.contains_key(&secret.name) {
                    return Err(exists("secret", &secret.name));
                }
                self.secrets.insert(secret.name.clone(), Arc::new(secret.clone()));
            }
            Change::DropSecret { name } => {
                self.secret(name)?;
                if let Some(user) = self
                    .connections
                    .values()
                    .find(|connection| connection.secrets.values().any(|secret| secret == name))
                {
                    return Err(Error::new(
                        Kind::DependentObjects,
                        format!("cannot drop secret {name} because other objects depend on it"),
                    )
                    .detail(format!("connection \"{}\" uses it", user.name)));
                }
                self.secrets.remove(name);
            }
            Change::PutConnection { connection, or_replace } => {
                if !or_replace && self.connections.contains_key(&connection.name) {
                    return Err(exists("connection", &connection.name));
                }
                for secret in connection.secrets.values() {
                    self.secret(secret)?;
                }
                self.connections.insert(connection.name.clone(), Arc::new(connection.clone()));
            }
            Change::DropConnection { name } => {
                self.connection(name)?;
                let user = self.workflows.values().find(|workflow| workflow.uses_connection(name));
                user.map_or(Ok(()), |user| Err(needed(&format!("connection {}", quote_identifier(name)), user)))?;
                self.connections.remove(name);
            }
            Change::AddModelVersion { name, version, known } => {
                self.schema(&name.schema)?;
                match known {
                    Some(false) if self.models.contains_key(name) => return Err(exists("model", &name.name)),
                    Some(true) => drop(self.model(name)?),
                    _ => {}
                }
                let mut model = self
                    .models
                    .get(name)
                    .map_or_else(|| Model { name: name.clone(), versions: vec![] }, |model| (**model).clone());
                let number = model.versions.last().map_or(1, |last| last.version + 1);
                model.versions.push(super::ModelVersion { version: number, ..version.clone() });
                self.models.insert(name.clone(), Arc::new(model));
            }
            Change::DropModel { name } => {
                self.model(name)?;
                let user = self.workflows.values().find(|workflow| workflow.models.contains(name));
                user.map_or(Ok(()), |user| Err(needed(&format!("model {name}"), user)))?;
                self.models.remove(name);
            }
            Change::PutWorkflow { workflow, replaces } => {
                self.schema(&workflow.name.schema)?;
                workflow.models.iter().try_for_each(|model| self.model(model).map(drop))?;
                let last = self.workflows.get(&workflow.name);
                match (last.map(|last| last.version), replaces) {
                    (Some(_), None) => return Err(exists(workflow.kind(), &workflow.name.name)),
                    (last, replaces) if last != *replaces => return Err(conflict(&workflow.name)),
                    _ => {}
                }
                let (version, paused) = last.map_or((1, workflow.paused), |last| (last.version + 1, last.paused));
                let workflow = Workflow { version, paused, ..(**workflow).clone() };
                self.workflows.insert(workflow.name.clone(), Arc::new(workflow));
            }
            Change::PauseWorkflow { name, paused } => {
                let workflow = Workflow { paused: *paused, ..(**self.workflow(name)?).clone() };
                self.workflows.insert(name.clone(), Arc::new(workflow));
            }
            Change::DropWorkflow { name } => {
                self.workflow(name)?;
                self.workflows.remove(name);
            }
        }
        Ok(())
    }

    fn vacant(&self, name: &Name) -> Result<()> {
        self.schema(&name.schema)?;
        if self.relations.contains_key(name) || self.sequences.contains_key(name) {
            return Err(Error::new(Kind::DuplicateTable, format!("relation \"{}\" already exists", name.name)));
        }
        Ok(())
    }

    fn new_id(&mut self, schema: &str) -> i64 {
        if schema == temporary::SCHEMA {
            return self.new_temporary_id();
        }
        self.next_catalog_id += 1;
        self.next_catalog_id - 1
    }

    fn new_temporary_id(&mut self) -> i64 {
        self.next_temporary_id -= 1;
        self.next_temporary_id + 1
    }

    fn new_file_id(&mut self, schema: &str) -> i64 {
        if schema == temporary::SCHEMA {
            return self.new_temporary_id();
        }
        self.next_file_id += 1;
        self.next_file_id - 1
    }
}

impl Relation {
    /// Names and types of the columns; a view's are known only to the planner.
    pub fn columns(&self) -> Option<Vec<Column>> {
        match self {
            Relation::Table(table) => Some(table.columns.clone()),
            Relation::External(external) => Some(
                external.columns.iter().map(|(name, ty, nullable)| Column::new(name, ty.clone(), *nullable)).collect(),
            ),
            Relation::View(_) => None,
        }
    }

    /// The managed table that it is.
    pub fn table(&self) -> Option<&Arc<Table>> {
        match self {
            Relation::Table(table) => Some(table),
            Relation::View(_) | Relation::External(_) => None,
        }
    }

    /// As in `pg_class.relkind`.
    pub fn kind(&self) -> char {
        match self {
            Relation::Table(_) => 'r',
            Relation::View(_) => 'v',
            Relation::External(_) => 'f',
        }
    }
}

fn undefined<'a>(kind: &str, name: &Name, known: impl Iterator<Item = &'a Name>) -> Error {
    let known: Vec<_> = known.map(Name::to_string).collect();
    Error::new(Kind::UndefinedObject, format!("{kind} \"{}\" does not exist", name.to_string().replace('"', "")))
        .hint(did_you_mean(&name.to_string(), known.iter().map(String::as_str)))
}

fn needed(object: &str, by: &Workflow) -> Error {
    Error::new(Kind::DependentObjects, format!("cannot drop {object} because other objects depend on it"))
        .detail(format!("workflow \"{}\" uses it", by.name))
        .hint("drop or replace the workflow first".to_string())
}

fn exists(kind: &str, name: &str) -> Error {
    Error::new(Kind::DuplicateObject, format!("{kind} \"{name}\" already exists"))
}

pub(super) fn conflict(name: impl fmt::Display) -> Error {
    Error::new(Kind::SerializationFailure, "could not serialize access due to concurrent update")
        .detail(format!("another statement changed \"{name}\" at the same time"))
}

fn uuid() -> String {
    uuid::Uuid::new_v4().to_string()
}
