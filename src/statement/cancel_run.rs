//! `CANCEL RUN`

use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, rooms};
use crate::base::{Result, quote_literal};
use crate::session::Effect;
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "CANCEL RUN",
        synopsis: "CANCEL RUN 'run_id'",
        about: "Asks a run to stop. It ends as canceled and publishes nothing, unless publishing had begun: then it is \
finished first. SHOW RUNS tells the ids.",
        example: "CANCEL RUN '0190d2c8-7a5e-7c3e-9d0a-1f0f6a3e2b11';",
    },
    leads: &["CANCEL RUN"],
    read,
};

#[derive(Debug)]
struct CancelRun {
    run_id: String,
    offset: usize,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("CANCEL RUN")?;
    let offset = cursor.offset();
    Ok(Arc::new(CancelRun { run_id: run_id(cursor)?, offset }))
}

/// A run's id: text, or bare when it reads as a number or a name.
pub fn run_id(cursor: &mut Cursor) -> Result<String> {
    if let Ok(text) = cursor.string() {
        return Ok(text);
    }
    if let Ok(number) = cursor.integer() {
        return Ok(number.to_string());
    }
    cursor.identifier().map_err(|_| cursor.expected("a run's id as 'text'"))
}

impl fmt::Display for CancelRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CANCEL RUN {}", quote_literal(&self.run_id))
    }
}

impl Statement for CancelRun {
    fn effect(&self) -> Effect {
        Effect::Act
    }

    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let outcome = session.engine.workflows.cancel(&self.run_id).await;
        outcome.map_err(|error| error.at(self.offset))?;
        Ok(rooms::done("CANCEL RUN"))
    }
}
