//! `DROP WORKFLOW`

use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, rooms};
use crate::base::{Kind, Name, Result};
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "DROP WORKFLOW",
        synopsis: "DROP WORKFLOW [IF EXISTS] name",
        about: "Ends the schedule and removes the definition. The tables it wrote stay, and so does the history of its \
runs. Refused while a run of it is going on.",
        example: "DROP WORKFLOW IF EXISTS ml.flight_delays;",
    },
    leads: &["DROP WORKFLOW _"],
    read,
};

#[derive(Debug)]
struct DropWorkflow {
    name: Name,
    if_exists: bool,
    offset: usize,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("DROP WORKFLOW")?;
    let if_exists = cursor.eat("IF EXISTS");
    let offset = cursor.offset();
    let name = cursor.name()?;
    super::clause::refuse_later(cursor)?;
    Ok(Arc::new(DropWorkflow { name, if_exists, offset }))
}

impl fmt::Display for DropWorkflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DROP WORKFLOW {}{}", if self.if_exists { "IF EXISTS " } else { "" }, self.name)
    }
}

impl Statement for DropWorkflow {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let undefined = session.engine.workflows.undefine(&session.snapshot(), &self.name, &session.user);
        match undefined.and_then(|commit| session.add(commit)) {
            Err(error) if self.if_exists && error.kind == Kind::UndefinedObject => {
                session.notice(format!("workflow \"{}\" does not exist, skipping", self.name));
            }
            outcome => outcome.map_err(|error| error.at(self.offset))?,
        }
        Ok(rooms::done("DROP WORKFLOW"))
    }
}
