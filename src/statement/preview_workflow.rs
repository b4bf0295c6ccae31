//! `PREVIEW WORKFLOW`

use super::clause::{Clauses, Once};
use super::execute_workflow::{print_using, using};
use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, rooms};
use crate::base::{Name, Result, quote_identifier};
use crate::catalog::workflow::Fragment;
use crate::query::Rows;
use crate::session::{Description, Effect};
use crate::workflow::Preview;
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "PREVIEW WORKFLOW",
        synopsis: "PREVIEW WORKFLOW name [STEP step] [USING (parameter = expression, …)] [LIMIT n]",
        about: "Runs a workflow up to a step, by default the last, shows that step's rows and publishes nothing. Checks \
are not run.",
        example: "PREVIEW WORKFLOW ml.flight_delays STEP scored LIMIT 20;",
    },
    leads: &["PREVIEW WORKFLOW _"],
    read,
};

#[derive(Debug)]
struct PreviewWorkflow {
    name: Name,
    clauses: Draft,
    offset: usize,
}

#[derive(Debug, Default)]
struct Draft {
    step: Option<String>,
    step_at: Option<usize>,
    using: Vec<(String, Fragment)>,
    limit: Option<u64>,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("PREVIEW WORKFLOW")?;
    let offset = cursor.offset();
    let name = cursor.name()?;
    let mut clauses = Draft::default();
    clauses.clauses(cursor, &mut Once::default())?;
    Ok(Arc::new(PreviewWorkflow { name, clauses, offset }))
}

impl Clauses for Draft {
    const WORDS: &'static [&'static str] = &["STEP", "USING", "LIMIT"];

    fn clause(&mut self, cursor: &mut Cursor, once: &mut Once) -> Result<bool> {
        let at = cursor.offset();
        if cursor.eat("STEP") {
            once.note("STEP", at)?;
            self.step_at = Some(cursor.offset());
            self.step = Some(cursor.identifier()?);
        } else if cursor.eat("USING") {
            once.note("USING", at)?;
            self.using = using(cursor)?;
        } else if cursor.eat("LIMIT") {
            once.note("LIMIT", at)?;
            self.limit = Some(cursor.integer()?);
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

impl fmt::Display for PreviewWorkflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PREVIEW WORKFLOW {}", self.name)?;
        if let Some(step) = &self.clauses.step {
            write!(f, " STEP {}", quote_identifier(step))?;
        }
        print_using(f, &self.clauses.using)?;
        self.clauses.limit.map_or(Ok(()), |limit| write!(f, " LIMIT {limit}"))
    }
}

impl Statement for PreviewWorkflow {
    fn effect(&self) -> Effect {
        Effect::Read
    }

    async fn describe(&self, session: &Session, _: &[Option<crate::base::Type>]) -> Result<Description> {
        Ok(rooms::shape(&self.rows(session, Some(0)).await?))
    }

    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let rows = self.rows(session, self.clauses.limit).await?;
        Ok(Response::Rows { rows, tag: "PREVIEW WORKFLOW" })
    }
}

impl PreviewWorkflow {
    async fn rows(&self, session: &Session, limit: Option<u64>) -> Result<Rows> {
        let Draft { step, step_at, using, .. } = &self.clauses;
        let preview = Preview {
            name: self.name.clone(),
            step: step.clone(),
            limit,
            using: using.clone(),
            user: session.user.clone(),
        };
        let rows = session.engine.workflows.preview(&preview, session.cancel.clone()).await;
        rows.map_err(|error| error.at(step_at.unwrap_or(self.offset)))
    }
}
