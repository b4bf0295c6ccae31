//! `ALTER MODEL … ADD VERSION`

use super::clause::{Clauses, Once, later};
use super::create_model::{Draft, add_version, print_clauses};
use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, rooms};
use crate::base::{Name, Result, quote_literal};
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "ALTER MODEL",
        synopsis: "ALTER MODEL name ADD VERSION FROM 'path' [FORMAT …] [INPUT (…)] [OUTPUT (…)]",
        about: "Adds a version, with the clauses of CREATE MODEL. From then on predict('name', …) means the new one; \
'name@3' goes on meaning the third, and a query that runs keeps the version it was planned with. SHOW MODELS and \
aqueduct.model_versions list them.",
        example: "ALTER MODEL delay ADD VERSION FROM 'models/delay-june.txt';",
    },
    leads: &["ALTER MODEL _"],
    read,
};

#[derive(Debug)]
struct AlterModel {
    name: Name,
    source: String,
    clauses: Draft,
    offset: usize,
    source_at: usize,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("ALTER MODEL")?;
    let offset = cursor.offset();
    let name = cursor.name()?;
    for other in ["SET ALIAS", "ROLLBACK ALIAS", "DROP VERSION", "RENAME TO", "OWNER TO"] {
        if cursor.sees(other) {
            return Err(later(&format!("ALTER MODEL … {other}"), cursor.offset()));
        }
    }
    cursor.expect("ADD VERSION FROM")?;
    let source_at = cursor.offset();
    let source = cursor.string()?;
    let mut clauses = Draft::default();
    clauses.clauses(cursor, &mut Once::default())?;
    Ok(Arc::new(AlterModel { name, source, clauses, offset, source_at }))
}

impl fmt::Display for AlterModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ALTER MODEL {} ADD VERSION FROM {}", self.name, quote_literal(&self.source))?;
        print_clauses(f, self.clauses.format.as_deref(), &self.clauses.inputs, &self.clauses.labels)
    }
}

impl Statement for AlterModel {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let snapshot = session.snapshot();
        snapshot.model(&self.name).map_err(|error| error.at(self.offset))?;
        add_version(session, &self.name, Some(true), &self.source, &self.clauses, self.source_at).await?;
        Ok(rooms::done("ALTER MODEL"))
    }
}
