//! `SHOW WORKFLOWS`, `SHOW RUNS` and the like: the catalog's views in a word.

use super::clause::{Clauses, Once};
use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, rooms};
use crate::base::{Result, quote_literal};
use crate::session::{Description, Effect};
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "SHOW",
        synopsis: "\
SHOW WORKFLOWS | SCHEDULES | STEPS | RUNS | CHECKS | METRICS | MODELS | CONNECTIONS | SECRETS | PUBLICATIONS | EVENTS
   | TABLES | SCHEMAS
  [LIKE 'pattern'] [LIMIT n]",
        about: "Lists what there is, in brief; runs, publications and events begin with the latest. All of it is in the \
views of schema aqueduct. LIKE looks at the name; of what belongs to a workflow, at the \
workflow's; of publications, at the target's.",
        example: "SHOW RUNS LIKE 'ml.%' LIMIT 10;",
    },
    leads: &[
        "SHOW WORKFLOWS",
        "SHOW SCHEDULES",
        "SHOW STEPS",
        "SHOW RUNS",
        "SHOW CHECKS",
        "SHOW METRICS",
        "SHOW MODELS",
        "SHOW CONNECTIONS",
        "SHOW SECRETS",
        "SHOW PUBLICATIONS",
        "SHOW EVENTS",
        "SHOW TABLES",
        "SHOW SCHEMAS",
    ],
    read,
};

/// The word, what it lists, the column that LIKE looks at, and the order.
const LISTS: &[(&str, &str, &str, &str)] = &[
    (
        "WORKFLOWS",
        "SELECT workflow, version, schedule, paused, steps, checks, metrics, owner FROM aqueduct.workflows",
        "workflow",
        "workflow",
    ),
    ("SCHEDULES", "SELECT * FROM aqueduct.schedules", "workflow", "workflow"),
    ("STEPS", "SELECT * FROM aqueduct.steps", "workflow", "workflow, ordinal"),
    (
        "RUNS",
        "SELECT run_id, workflow, trigger, scheduled_at, status, reason, started_at, finished_at FROM aqueduct.runs",
        "workflow",
        "queued_at DESC",
    ),
    ("CHECKS", "SELECT * FROM aqueduct.checks", "workflow", "workflow, check_name"),
    ("METRICS", "SELECT * FROM aqueduct.metrics", "workflow", "workflow, metric"),
    (
        "MODELS",
        "SELECT model, version, versions, format, bytes, source, created_at FROM aqueduct.models",
        "model",
        "model",
    ),
    ("CONNECTIONS", "SELECT * FROM aqueduct.connections", "connection", "connection"),
    ("SECRETS", "SELECT * FROM aqueduct.secrets", "secret", "secret"),
    ("PUBLICATIONS", "SELECT * FROM aqueduct.publications", "target", "published_at DESC"),
    ("EVENTS", "SELECT * FROM aqueduct.events", "object", "seq DESC"),
    (
        "TABLES",
        "SELECT table_schema AS schema, table_name AS name, table_type AS type FROM information_schema.tables \
         WHERE table_schema NOT IN ('aqueduct', 'information_schema', 'pg_catalog')",
        "table_name",
        "table_schema, table_name",
    ),
    ("SCHEMAS", "SELECT schema_name AS name FROM information_schema.schemata", "schema_name", "schema_name"),
];

#[derive(Debug)]
struct ShowObjects {
    list: &'static (&'static str, &'static str, &'static str, &'static str),
    clauses: Draft,
}

#[derive(Debug, Default)]
struct Draft {
    like: Option<String>,
    limit: Option<u64>,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("SHOW")?;
    let lists: Vec<_> = LISTS.iter().map(|list| (list.0, list)).collect();
    let list = cursor.one_of(&lists)?;
    let mut clauses = Draft::default();
    clauses.clauses(cursor, &mut Once::default())?;
    Ok(Arc::new(ShowObjects { list, clauses }))
}

impl Clauses for Draft {
    const WORDS: &'static [&'static str] = &["LIKE", "LIMIT"];

    fn clause(&mut self, cursor: &mut Cursor, once: &mut Once) -> Result<bool> {
        let at = cursor.offset();
        if cursor.eat("LIKE") {
            once.note("LIKE", at)?;
            self.like = Some(cursor.string()?);
        } else if cursor.eat("LIMIT") {
            once.note("LIMIT", at)?;
            self.limit = Some(cursor.integer()?);
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

impl ShowObjects {
    fn query(&self) -> String {
        let (_, query, name, order) = self.list;
        let like = self.clauses.like.as_ref().map_or(String::new(), |pattern| {
            let word = if query.contains(" WHERE ") { "AND" } else { "WHERE" };
            format!(" {word} {name} LIKE {}", quote_literal(pattern))
        });
        let limit = self.clauses.limit.map_or(String::new(), |limit| format!(" LIMIT {limit}"));
        format!("{query}{like} ORDER BY {order}{limit}")
    }
}

impl fmt::Display for ShowObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHOW {}", self.list.0)?;
        if let Some(pattern) = &self.clauses.like {
            write!(f, " LIKE {}", quote_literal(pattern))?;
        }
        self.clauses.limit.map_or(Ok(()), |limit| write!(f, " LIMIT {limit}"))
    }
}

impl Statement for ShowObjects {
    fn effect(&self) -> Effect {
        Effect::Read
    }

    async fn describe(&self, session: &Session, _: &[Option<crate::base::Type>]) -> Result<Description> {
        rooms::describe(session, &self.query()).await
    }

    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        rooms::select(session, &self.query(), "SHOW").await
    }
}
