//! `COMMENT ON`

use super::target::Written;
use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, rooms};
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::{Change, Relation, Subject};
use crate::query::Context;
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "COMMENT",
        synopsis: "\
COMMENT ON {TABLE | VIEW | MATERIALIZED VIEW | COLUMN | SCHEMA | INDEX | MODEL | WORKFLOW} name IS {'text' | NULL}
COMMENT ON CONSTRAINT name ON table IS {'text' | NULL}",
        about: "Keeps a text about an object, which \\d+, obj_description and col_description tell. It follows the \
object when that is renamed, and goes with it.",
        example: "COMMENT ON COLUMN ml.scores.score IS 'between 0 and 1';",
    },
    leads: &["COMMENT ON"],
    read,
};

#[derive(Debug)]
struct Comment {
    kind: What,
    name: Vec<String>,
    /// The table of a constraint.
    table: Vec<String>,
    text: Option<String>,
    offset: usize,
    source: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Table,
    View,
    MaterializedView,
    Column,
    Schema,
    Index,
    Constraint,
    Model,
    Workflow,
    /// There is one, and what is said about it is not kept.
    Database,
}

const KINDS: &[(&str, What)] = &[
    ("TABLE", What::Table),
    ("VIEW", What::View),
    ("MATERIALIZED VIEW", What::MaterializedView),
    ("COLUMN", What::Column),
    ("SCHEMA", What::Schema),
    ("INDEX", What::Index),
    ("CONSTRAINT", What::Constraint),
    ("MODEL", What::Model),
    ("WORKFLOW", What::Workflow),
    ("DATABASE", What::Database),
];

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("COMMENT ON")?;
    let kind = cursor.one_of(KINDS)?;
    let mut offset = cursor.offset();
    let name = cursor.dotted()?;
    let mut table = vec![];
    if kind == What::Constraint {
        cursor.expect("ON")?;
        offset = cursor.offset();
        table = cursor.dotted()?;
    }
    cursor.expect("IS")?;
    let text = if cursor.eat("NULL") { None } else { Some(cursor.string()?) };
    let source = cursor.text().to_string();
    Ok(Arc::new(Comment { kind, name, table, text, offset, source }))
}

impl fmt::Display for Comment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl Comment {
    fn subject(&self, context: &Context) -> Result<Option<Subject>> {
        let relation = |parts: &[String]| -> Result<Name> {
            let written = Written::of(parts.to_vec(), self.offset);
            written.find(context)?.ok_or_else(|| written.undefined(&context.snapshot))
        };
        let snapshot = &context.snapshot;
        let (last, before) = self.name.split_last().ok_or_else(|| Error::internal("a name must have a part"))?;
        let inside = |what: &str, known: &dyn Fn(&Name) -> bool| {
            let places = Written::of(self.name.clone(), self.offset).places(context);
            places.into_iter().find(|name| known(name)).ok_or_else(|| {
                Error::new(Kind::UndefinedObject, format!("{what} \"{last}\" does not exist")).at(self.offset)
            })
        };
        Ok(Some(match self.kind {
            What::Table | What::View | What::MaterializedView => {
                let name = relation(&self.name)?;
                let materialized = snapshot.workflows.get(&name).is_some_and(|workflow| workflow.materialized_view);
                let (is, what) = match snapshot.relation(&name) {
                    Some(Relation::Table(_)) if materialized => (What::MaterializedView, "materialized view"),
                    Some(Relation::View(_)) => (What::View, "view"),
                    _ => (What::Table, "table"),
                };
                if is != self.kind {
                    let wanted = KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or("", |(word, _)| word);
                    let message = format!("\"{}\" is not a {}", name.name, wanted.to_lowercase());
                    return Err(Error::new(Kind::WrongObjectType, message)
                        .detail(format!("it is a {what}"))
                        .at(self.offset));
                }
                Subject::Relation(name)
            }
            What::Column => {
                if before.is_empty() {
                    return Err(Error::new(Kind::Syntax, "column name must be qualified").at(self.offset));
                }
                let name = relation(before)?;
                let subject = Subject::Column(name.clone(), last.clone());
                if !snapshot.has(&subject) {
                    let message = format!("column \"{last}\" of relation \"{}\" does not exist", name.name);
                    return Err(Error::new(Kind::UndefinedColumn, message).at(self.offset));
                }
                subject
            }
            What::Schema => {
                snapshot.schema(last).map_err(|error| error.at(self.offset))?;
                Subject::Schema(last.clone())
            }
            What::Index => {
                let known = |name: &Name| snapshot.has(&Subject::Index(name.clone()));
                Subject::Index(inside("index", &known)?)
            }
            What::Constraint => {
                let table = relation(&self.table)?;
                let subject = Subject::Constraint(table.clone(), last.clone());
                if !snapshot.has(&subject) {
                    let message = format!("constraint \"{last}\" for table \"{}\" does not exist", table.name);
                    return Err(Error::new(Kind::UndefinedObject, message));
                }
                subject
            }
            What::Model => Subject::Model(inside("model", &|name| snapshot.models.contains_key(name))?),
            What::Workflow => Subject::Workflow(inside("workflow", &|name| snapshot.workflows.contains_key(name))?),
            What::Database => return Ok(None),
        }))
    }
}

impl Statement for Comment {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let Some(subject) = self.subject(&session.context())? else { return Ok(rooms::done("COMMENT")) };
        // An empty text is none, as in Postgres.
        let text = self.text.clone().filter(|text| !text.is_empty());
        rooms::define(session, vec![Change::Comment { subject, text }], "COMMENT")
    }
}
