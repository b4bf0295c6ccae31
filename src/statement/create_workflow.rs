//! `CREATE WORKFLOW`: what runs, when, what must hold, and where the rows go.

use super::clause::item::{Shown, items, print_items};
use super::clause::run::{Run, print_run};
use super::clause::schedule::{Draft, print_schedule};
use super::clause::{Clauses, Once};
use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, rooms};
use crate::base::{Error, Kind, Result};
use crate::catalog::Workflow;
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "CREATE WORKFLOW",
        synopsis: "\
CREATE [OR REPLACE] WORKFLOW [IF NOT EXISTS] name
  [SCHEDULE EVERY interval [OFFSET interval] | CRON 'expression' | MANUAL] [TIME ZONE 'zone']
  [CATCHUP NONE | LATEST | ALL]
  [OVERLAP SKIP | BUFFER ONE | BUFFER ALL | CANCEL OTHER | ALLOW n]
  [RETRY NONE | (ATTEMPTS n, BACKOFF interval, FACTOR x, MAX interval, NOT ON SQLSTATE ('22', …))]
  [TIMEOUT interval] [SUSPEND AFTER n FAILURES]
  [WITH (clause = 'text', …)]
AS ( item, … )

item:
  PARAM name type [NOT NULL] [DEFAULT expression] [CHECK (condition)]
  STEP name [AFTER step, … [ON SUCCESS | FAILURE | ANY]] [WHEN (condition)]
    [INTO target [MODE REPLACE | APPEND | FAIL | UPSERT KEY (column, …) [DELETE MISSING]]]
    [RETRY …] [TIMEOUT interval] [WITH (snapshot = on)]
    AS ( query | INSERT … | UPDATE … | DELETE … ) | AS $$ statement; … $$
  CHECK name ON step | table [(column, …)]
    NOT NULL | UNIQUE | IN (value, …) | MATCHES 'regular expression' | BETWEEN low AND high
      | REFERENCES table (column) | ROW COUNT comparison value | EXPECT (condition) | AS (query)
    [WHERE (condition)] [WARN WHEN (condition)] [FAIL WHEN (condition)]
    [ON VIOLATION WARN | BLOCK | DROP ROWS | QUARANTINE INTO table] [KEEP FAILURES n]
  METRIC name ON step | table AS (aggregate)
    [DIMENSIONS (column, …)] [WHERE (condition)] [BOUNDS (MIN x, MAX y, CHANGE <= fraction)]
  FINALLY name [WHEN (condition)] AS ( INSERT … | UPDATE … | DELETE … ) | AS $$ statement; … $$

target: [schema.]table | connection.schema.table | FILE 'path' [FORMAT parquet | csv | json]",
        about: "\
A workflow reads like a WITH query whose parts are durable, checked and published. A step reads the \
steps before it, AFTER adds order. All of it is checked now: an unknown table, model or \
step, a cycle, a wrong type is refused here and not at the first run.

Rows of a run become visible all together, after every check: a check without ON VIOLATION blocks the run when it \
fails, and then no target changes. WARN lets it pass with a mark, DROP ROWS and QUARANTINE take the failing rows out. \
WARN WHEN and FAIL WHEN see failures, total, ratio and value.

A step of statements acts when the rows are published; AFTER s ON FAILURE lets one act when s has failed or was \
blocked, ON ANY in both cases, FINALLY after every run however it ended.

A step that nothing has to keep is folded into its reader. Expressions may call param('name'), run_id(), \
interval_start(), interval_end(), scheduled_at() and, in FINALLY, run_status().

Without SCHEDULE a workflow runs only by EXECUTE WORKFLOW. A schedule in text, WITH (schedule = '1 h') or \
WITH (schedule = '30 5 * * *'), is a length of time or a cron expression. The default catch-up is LATEST, the default \
overlap SKIP; a step is tried 3 times, 1 s apart at first, unless RETRY says otherwise.",
        example: "\
CREATE WORKFLOW ml.flight_delays
  SCHEDULE CRON '30 5 * * *' TIME ZONE 'America/New_York'
  RETRY (ATTEMPTS 4, BACKOFF '2 s') TIMEOUT '45 min'
AS (
  PARAM late_minutes float8 NOT NULL DEFAULT 30 CHECK (late_minutes > 0),
  STEP features AS (
    SELECT id, carrier, distance FROM ops.public.flights WHERE sched_dep >= interval_start()
  ),
  CHECK have_rows ON features ROW COUNT > 100,
  STEP scored INTO ops.public.delay_predictions MODE UPSERT KEY (id) AS (
    SELECT id, predict('delay', *) > param('late_minutes') AS late FROM features
  ),
  METRIC late_share ON scored AS (avg(late::int)) BOUNDS (MIN 0, MAX 0.5)
);",
    },
    leads: &["CREATE WORKFLOW _", "CREATE OR REPLACE WORKFLOW _"],
    read,
};

#[derive(Debug)]
struct CreateWorkflow {
    workflow: Workflow,
    or_replace: bool,
    if_not_exists: bool,
    /// Where the schedule and the name stand, for errors about them.
    schedule_at: Option<usize>,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("CREATE")?;
    let or_replace = cursor.eat("OR REPLACE");
    cursor.expect("WORKFLOW")?;
    let if_not_exists = if_not_exists(cursor, or_replace)?;
    let mut workflow = Workflow::blank(cursor.name()?, cursor.text());
    let mut header = Header::default();
    header.clauses(cursor, &mut Once::default())?;
    let schedule_at = header.schedule.at;
    workflow.schedule = header.schedule.finish()?;
    workflow.run = header.run.clauses;
    cursor.expect("AS")?;
    items(cursor, &mut workflow)?;
    Ok(Arc::new(CreateWorkflow { workflow, or_replace, if_not_exists, schedule_at }))
}

/// `IF NOT EXISTS`, which says the opposite of OR REPLACE.
pub fn if_not_exists(cursor: &mut Cursor, or_replace: bool) -> Result<bool> {
    let at = cursor.offset();
    let given = cursor.eat("IF NOT EXISTS");
    if given && or_replace {
        return Err(Error::new(Kind::Syntax, "OR REPLACE and IF NOT EXISTS exclude each other").at(at));
    }
    Ok(given)
}

/// What stands between the name and AS.
#[derive(Default)]
struct Header {
    schedule: Draft,
    run: Run,
}

impl Clauses for Header {
    const WORDS: &'static [&'static str] =
        &["SCHEDULE", "TIME ZONE", "OFFSET", "CATCHUP", "OVERLAP", "RETRY", "TIMEOUT", "SUSPEND AFTER"];

    fn clause(&mut self, cursor: &mut Cursor, once: &mut Once) -> Result<bool> {
        Ok(self.schedule.clause(cursor, once)? || self.run.clause(cursor, once)?)
    }
}

impl fmt::Display for CreateWorkflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_replace = if self.or_replace { "OR REPLACE " } else { "" };
        let if_not_exists = if self.if_not_exists { "IF NOT EXISTS " } else { "" };
        print(f, &self.workflow, or_replace, if_not_exists)
    }
}

fn print(f: &mut fmt::Formatter<'_>, workflow: &Workflow, or_replace: &str, if_not_exists: &str) -> fmt::Result {
    write!(f, "CREATE {or_replace}WORKFLOW {if_not_exists}{}", workflow.name)?;
    print_schedule(f, &workflow.schedule)?;
    print_run(f, &workflow.run)?;
    f.write_str("\n")?;
    print_items(f, workflow)
}

/// The statement that makes the workflow.
pub fn statement(workflow: &Workflow) -> String {
    Shown(workflow, |f, workflow| print(f, workflow, "", "")).to_string()
}

impl Statement for CreateWorkflow {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let workflow = Workflow { owner: session.user.clone(), ..self.workflow.clone() };
        let name = workflow.name.clone();
        let workflows = session.engine.workflows.clone();
        let defined =
            workflows.define(&session.snapshot().shared(), workflow, self.or_replace, self.if_not_exists).await;
        match defined.map_err(|error| if is_schedule(&error) { error.at(self.schedule_at) } else { error })? {
            Some(commit) => session.add(commit)?,
            None => session.notice(format!("workflow \"{name}\" already exists, skipping")),
        }
        Ok(rooms::done("CREATE WORKFLOW"))
    }
}

/// Errors without a place that are about a value are about the schedule: all else has its fragment.
pub fn is_schedule(error: &Error) -> bool {
    matches!(error.kind, Kind::InvalidParameterValue | Kind::Syntax) && error.offset.is_none()
}
