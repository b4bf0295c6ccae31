//! `SHOW CREATE …`: a definition as the statement that makes it.

use super::{
    AnyStatement, Cursor, Form, Manual, Response, Session, Statement, create_connection, create_external_table,
    create_materialized_view, create_model, create_secret, create_workflow, rooms,
};
use crate::base::{Error, Kind, Name, Result, quote_identifier};
use crate::catalog::{Relation, Snapshot, Table};
use crate::session::{Description, Effect};
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "SHOW CREATE",
        synopsis: "SHOW CREATE WORKFLOW | MATERIALIZED VIEW | MODEL | CONNECTION | SECRET | TABLE | EXTERNAL TABLE | VIEW name",
        about: "One row: the name, and the statement that would define the object as it is now. A secret's value is \
never shown.",
        example: "SHOW CREATE WORKFLOW ml.flight_delays;",
    },
    leads: &["SHOW CREATE _"],
    read,
};

const OBJECTS: &[(&str, Object)] = &[
    ("WORKFLOW", Object::Workflow),
    ("MATERIALIZED VIEW", Object::MaterializedView),
    ("MODEL", Object::Model),
    ("CONNECTION", Object::Connection),
    ("SECRET", Object::Secret),
    ("TABLE", Object::Table),
    ("EXTERNAL TABLE", Object::External),
    ("VIEW", Object::View),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Object {
    Workflow,
    MaterializedView,
    Model,
    Connection,
    Secret,
    Table,
    External,
    View,
}

#[derive(Debug)]
struct ShowCreate {
    object: Object,
    name: Name,
    offset: usize,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("SHOW CREATE")?;
    let object = cursor.one_of(OBJECTS)?;
    let offset = cursor.offset();
    Ok(Arc::new(ShowCreate { object, name: cursor.name()?, offset }))
}

impl fmt::Display for ShowCreate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = super::clause::schedule::phrase(OBJECTS, self.object);
        write!(f, "SHOW CREATE {words} {}", self.name)
    }
}

impl ShowCreate {
    fn statement(&self, snapshot: &Snapshot) -> Result<String> {
        let name = &self.name;
        match self.object {
            Object::Workflow | Object::MaterializedView => {
                let workflow = snapshot.workflow(name)?;
                match (workflow.materialized_view, self.object) {
                    (true, _) => Ok(create_materialized_view::statement(workflow)),
                    (false, Object::Workflow) => Ok(create_workflow::statement(workflow)),
                    (false, _) => Err(wrong(name, "a materialized view")),
                }
            }
            Object::Model => Ok(create_model::statement(&**snapshot.model(name)?)),
            Object::Connection => Ok(create_connection::statement(&**snapshot.connection(&name.name)?)),
            Object::Secret => Ok(create_secret::statement(&**snapshot.secret(&name.name)?)),
            Object::Table | Object::External | Object::View => self.relation(snapshot),
        }
    }

    fn relation(&self, snapshot: &Snapshot) -> Result<String> {
        let name = &self.name;
        let relation = snapshot.relation(name).ok_or_else(|| snapshot.undefined_relation(name))?;
        match (relation, self.object) {
            (Relation::Table(table), Object::Table) => Ok(create_table(table)),
            (Relation::External(external), Object::Table | Object::External) => {
                Ok(create_external_table::statement(external))
            }
            (Relation::View(view), Object::Table | Object::View) => {
                let aliases: Vec<_> = view.column_aliases.iter().map(|alias| quote_identifier(alias)).collect();
                let aliases = if aliases.is_empty() { String::new() } else { format!(" ({})", aliases.join(", ")) };
                Ok(format!("CREATE VIEW {name}{aliases} AS\n{}", view.sql))
            }
            (_, Object::View) => Err(wrong(name, "a view")),
            (_, _) => Err(wrong(name, "an external table")),
        }
    }
}

fn create_table(table: &Table) -> String {
    let columns: Vec<_> = table
        .columns
        .iter()
        .map(|column| {
            let not_null = if column.nullable { "" } else { " NOT NULL" };
            let default = column.default.as_ref().map_or(String::new(), |text| format!(" DEFAULT {text}"));
            format!("\n  {} {}{not_null}{default}", quote_identifier(&column.name), column.ty)
        })
        .collect();
    format!("CREATE TABLE {} ({}\n)", table.name, columns.join(","))
}

fn wrong(name: &Name, what: &str) -> Error {
    Error::new(Kind::WrongObjectType, format!("\"{}\" is not {what}", name.to_string().replace('"', "")))
}

impl Statement for ShowCreate {
    fn effect(&self) -> Effect {
        Effect::Read
    }

    async fn describe(&self, _: &Session, _: &[Option<crate::base::Type>]) -> Result<Description> {
        Ok(rooms::texts(&["name", "statement"]))
    }

    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let statement = self.statement(&session.snapshot()).map_err(|error| error.at(self.offset))?;
        let row = vec![Some(self.name.to_string()), Some(statement)];
        rooms::table(&["name", "statement"], vec![row], "SHOW")
    }
}
