//! `EXPLAIN WHY`

use super::cancel_run::run_id;
use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, rooms};
use crate::base::{Result, quote_literal};
use crate::session::{Description, Effect};
use crate::workflow::Subject;
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "EXPLAIN WHY",
        synopsis: "EXPLAIN WHY name | RUN 'run_id'",
        about: "Tells why a workflow's last run, or the run of that id, ended as it did: failed, blocked, skipped. The \
rows lead from what is seen to its cause: run, step, check, SQLSTATE, message, hint.",
        example: "EXPLAIN WHY ml.flight_delays;",
    },
    leads: &["EXPLAIN WHY RUN", "EXPLAIN WHY _"],
    read,
};

#[derive(Debug)]
struct ExplainWhy {
    subject: Subject,
    offset: usize,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("EXPLAIN WHY")?;
    let offset = cursor.offset();
    // A workflow may be called run.
    let mut after = cursor.clone();
    let subject = match after.eat("RUN") && !after.at_end() && !after.sees_token(&crate::base::sql::Kinds::Period) {
        true => {
            cursor.expect("RUN")?;
            Subject::Run(run_id(cursor)?)
        }
        false => Subject::Workflow(cursor.name()?),
    };
    Ok(Arc::new(ExplainWhy { subject, offset }))
}

impl fmt::Display for ExplainWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Subject::Workflow(name) => write!(f, "EXPLAIN WHY {name}"),
            Subject::Run(id) => write!(f, "EXPLAIN WHY RUN {}", quote_literal(id)),
        }
    }
}

impl Statement for ExplainWhy {
    fn effect(&self) -> Effect {
        Effect::Read
    }

    async fn describe(&self, session: &Session, _: &[Option<crate::base::Type>]) -> Result<Description> {
        Ok(rooms::shape(&session.engine.workflows.why(&self.subject).await.map_err(|error| error.at(self.offset))?))
    }

    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let rows = session.engine.workflows.why(&self.subject).await.map_err(|error| error.at(self.offset))?;
        Ok(Response::Rows { rows, tag: "EXPLAIN" })
    }
}
