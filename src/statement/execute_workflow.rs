//! `EXECUTE WORKFLOW`

use super::clause::options::Opt;
use super::clause::step::checked_expression;
use super::clause::{Clauses, Once, later};
use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, interval, rooms};
use crate::base::sql::Kinds;
use crate::base::{Error, Kind, Name, Result, quote_identifier, quote_literal};
use crate::catalog::workflow::Fragment;
use crate::session::{Description, Effect};
use crate::workflow::Execute;
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub const FORM: Form = Form {
    manual: Manual {
        title: "EXECUTE WORKFLOW",
        synopsis: "EXECUTE WORKFLOW name [USING (parameter = expression, …)] [WAIT [interval]]",
        about: "Starts a run now, whatever the schedule says, and answers with one row: run_id, status, reason. With \
WAIT it answers when the run has ended, or after the interval; a run that fails or is blocked is an answer, not an \
error. A paused workflow can be executed.",
        example: "EXECUTE WORKFLOW ml.flight_delays USING (late_minutes = 20) WAIT '5 min';",
    },
    leads: &["EXECUTE WORKFLOW _"],
    read,
};

#[derive(Debug)]
struct ExecuteWorkflow {
    name: Name,
    clauses: Draft,
    offset: usize,
}

#[derive(Debug, Default)]
struct Draft {
    using: Vec<(String, Fragment)>,
    /// Milliseconds, when a limit is given.
    wait: Option<Option<u64>>,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("EXECUTE WORKFLOW")?;
    let offset = cursor.offset();
    let name = cursor.name()?;
    let mut clauses = Draft::default();
    clauses.clauses(cursor, &mut Once::default())?;
    Ok(Arc::new(ExecuteWorkflow { name, clauses, offset }))
}

impl Clauses for Draft {
    const WORDS: &'static [&'static str] = &["USING", "WAIT"];

    fn clause(&mut self, cursor: &mut Cursor, once: &mut Once) -> Result<bool> {
        let at = cursor.offset();
        if cursor.eat("USING") {
            once.note("USING", at)?;
            self.using = using(cursor)?;
        } else if cursor.eat("WAIT") {
            once.note("WAIT", at)?;
            let bare = cursor.at_end() || cursor.sees("USING") || cursor.sees("WITH");
            self.wait = Some(if bare { None } else { Some(cursor.interval()?) });
        } else if cursor.sees("RETRY LAST") {
            return Err(later("RETRY LAST", at));
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// `WITH (wait = on)` waits without limit.
    fn option(&mut self, words: &str, option: &Opt, once: &mut Once) -> Result<()> {
        if words == "WAIT" && ["on", "true"].contains(&option.value.as_str()) {
            once.note("WAIT", option.offset)?;
            self.wait = Some(None);
            return Ok(());
        }
        super::clause::option(self, words, option, once)
    }
}

/// `(parameter = expression, …)`, each parameter once.
pub fn using(cursor: &mut Cursor) -> Result<Vec<(String, Fragment)>> {
    let mut seen = vec![];
    cursor.list(|cursor| {
        let at = cursor.offset();
        let name = cursor.identifier()?;
        if seen.contains(&name) {
            return Err(Error::new(Kind::Syntax, format!("parameter \"{name}\" is given more than once")).at(at));
        }
        seen.push(name.clone());
        if !cursor.eat_token(&Kinds::RArrow) {
            cursor.expect_token(&Kinds::Eq)?;
        }
        Ok((name, checked_expression(cursor.until(|_| false)?)?))
    })
}

/// ` USING (…)`, with a space in front.
pub fn print_using(f: &mut fmt::Formatter<'_>, using: &[(String, Fragment)]) -> fmt::Result {
    if using.is_empty() {
        return Ok(());
    }
    let values: Vec<_> =
        using.iter().map(|(name, value)| format!("{} = {}", quote_identifier(name), value.text)).collect();
    write!(f, " USING ({})", values.join(", "))
}

impl fmt::Display for ExecuteWorkflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EXECUTE WORKFLOW {}", self.name)?;
        print_using(f, &self.clauses.using)?;
        match self.clauses.wait {
            None => Ok(()),
            Some(None) => f.write_str(" WAIT"),
            Some(Some(ms)) => write!(f, " WAIT {}", quote_literal(&interval::print(ms))),
        }
    }
}

impl Statement for ExecuteWorkflow {
    fn effect(&self) -> Effect {
        Effect::Act
    }

    async fn describe(&self, _: &Session, _: &[Option<crate::base::Type>]) -> Result<Description> {
        Ok(rooms::texts(&["run_id", "status", "reason"]))
    }

    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let execute = Execute {
            name: self.name.clone(),
            using: self.clauses.using.clone(),
            wait: self.clauses.wait.map(|limit| limit.map(Duration::from_millis)),
            user: session.user.clone(),
        };
        let rows = session
            .engine
            .workflows
            .execute(execute, session.cancel.clone())
            .await
            .map_err(|error| error.at(self.offset))?;
        Ok(Response::Rows { rows, tag: "EXECUTE WORKFLOW" })
    }
}
