//! `PAUSE WORKFLOW` and `RESUME WORKFLOW`

use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, rooms};
use crate::base::{Name, Result};
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "PAUSE WORKFLOW",
        synopsis: "PAUSE WORKFLOW name\nRESUME WORKFLOW name",
        about: "A paused workflow starts no run by its schedule; a run that is going on ends as it would. RESUME starts \
the schedule again, and ends a suspension that failures have caused; CATCHUP decides what becomes of the ticks between.",
        example: "PAUSE WORKFLOW ml.flight_delays;",
    },
    leads: &["PAUSE WORKFLOW _", "RESUME WORKFLOW _"],
    read,
};

#[derive(Debug)]
struct PauseWorkflow {
    name: Name,
    paused: bool,
    offset: usize,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    let paused = cursor.one_of(&[("PAUSE WORKFLOW", true), ("RESUME WORKFLOW", false)])?;
    let offset = cursor.offset();
    Ok(Arc::new(PauseWorkflow { name: cursor.name()?, paused, offset }))
}

impl PauseWorkflow {
    fn tag(&self) -> &'static str {
        if self.paused { "PAUSE WORKFLOW" } else { "RESUME WORKFLOW" }
    }
}

impl fmt::Display for PauseWorkflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.tag(), self.name)
    }
}

impl Statement for PauseWorkflow {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let commit = session.engine.workflows.pause(&self.name, self.paused, &session.user);
        session.add(commit).map_err(|error| error.at(self.offset))?;
        Ok(rooms::done(self.tag()))
    }
}
