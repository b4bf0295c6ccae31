//! `EXPLAIN WORKFLOW`

use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, rooms};
use crate::base::{Name, Result};
use crate::session::{Description, Effect};
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "EXPLAIN WORKFLOW",
        synopsis: "EXPLAIN WORKFLOW name",
        about: "One row per step, in the order in which they run: what it reads, whether its rows are written down, \
where they go and what the target guarantees.",
        example: "EXPLAIN WORKFLOW ml.flight_delays;",
    },
    leads: &["EXPLAIN WORKFLOW _"],
    read,
};

#[derive(Debug)]
struct ExplainWorkflow {
    name: Name,
    offset: usize,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("EXPLAIN WORKFLOW")?;
    let offset = cursor.offset();
    Ok(Arc::new(ExplainWorkflow { name: cursor.name()?, offset }))
}

impl fmt::Display for ExplainWorkflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EXPLAIN WORKFLOW {}", self.name)
    }
}

impl Statement for ExplainWorkflow {
    fn effect(&self) -> Effect {
        Effect::Read
    }

    async fn describe(&self, session: &Session, _: &[Option<crate::base::Type>]) -> Result<Description> {
        Ok(rooms::shape(&session.engine.workflows.explain(&self.name).await.map_err(|error| error.at(self.offset))?))
    }

    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let rows = session.engine.workflows.explain(&self.name).await.map_err(|error| error.at(self.offset))?;
        Ok(Response::Rows { rows, tag: "EXPLAIN" })
    }
}
