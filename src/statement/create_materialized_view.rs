//! `CREATE MATERIALIZED VIEW`: a workflow of one step.

use super::clause::item::Shown;
use super::clause::run::{Run, print_run};
use super::clause::schedule::{Draft, print_schedule};
use super::clause::target::{print_target, target};
use super::clause::{Clauses, Once};
use super::create_workflow::{if_not_exists, is_schedule};
use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, materialize, rooms};
use crate::base::sql;
use crate::base::{Error, Kind, Result};
use crate::catalog::Workflow;
use crate::catalog::workflow::{Body, Mode, RunClauses, Step, Target};
use crate::session::Effect;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::Statement as Tree;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "CREATE MATERIALIZED VIEW",
        synopsis: "\
CREATE [OR REPLACE] MATERIALIZED VIEW [IF NOT EXISTS] name
  [INTO target]
  [SCHEDULE EVERY interval [OFFSET interval] | CRON 'expression' | MANUAL] [TIME ZONE 'zone']
  [CATCHUP …] [OVERLAP …] [RETRY …] [TIMEOUT interval] [SUSPEND AFTER n FAILURES]
  [WITH (clause = 'text', …)]
AS query",
        about: "A workflow of one step that replaces the table of the same name, or the target, with the query's rows; \
it is filled before the statement answers. Clauses and target are those of CREATE WORKFLOW. REFRESH MATERIALIZED VIEW \
runs it, SHOW RUNS tells its past.",
        example: "\
CREATE MATERIALIZED VIEW busy_routes SCHEDULE EVERY '1 h' AS
  SELECT origin, dest, count(*) AS flights FROM flights GROUP BY origin, dest;",
    },
    leads: &["CREATE MATERIALIZED VIEW _", "CREATE OR REPLACE MATERIALIZED VIEW _"],
    read,
};

#[derive(Debug)]
struct CreateMaterializedView {
    workflow: Workflow,
    or_replace: bool,
    if_not_exists: bool,
    schedule_at: Option<usize>,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("CREATE")?;
    let or_replace = cursor.eat("OR REPLACE");
    cursor.expect("MATERIALIZED VIEW")?;
    let if_not_exists = if_not_exists(cursor, or_replace)?;
    let offset = cursor.offset();
    let name = cursor.name()?;
    if cursor.sees_token(&sql::Kinds::LParen) {
        return Err(Error::unsupported("column names of a materialized view are not supported")
            .hint("name the columns in the query".to_string())
            .at(cursor.offset()));
    }
    let mut header = Header::default();
    header.clauses(cursor, &mut Once::default())?;
    cursor.expect("AS")?;
    let query = cursor.rest(|cursor| cursor.sees("WITH DATA") || cursor.sees("WITH NO DATA"))?;
    let tree = sql::parse_statement(&query.text).map_err(|error| error.shifted(query.offset))?;
    if !matches!(tree, Tree::Query(_)) {
        return Err(Error::syntax(query.text.split_whitespace().next().unwrap_or_default(), query.offset)
            .hint("expected a query here".to_string()));
    }
    if cursor.sees("WITH NO DATA") {
        return Err(super::clause::later("WITH NO DATA", cursor.offset()));
    }
    cursor.eat("WITH DATA");
    let schedule_at = header.schedule.at;
    let step = Step {
        name: name.name.clone(),
        after: vec![],
        when: None,
        target: Some(header.target.unwrap_or_else(|| Target::Table(name.clone()))),
        mode: Mode::Replace,
        run: RunClauses::default(),
        body: Body::Query(query),
        snapshot: false,
        offset,
        reads: vec![],
        sources: vec![],
        materialized: false,
    };
    let workflow = Workflow {
        schedule: header.schedule.finish()?,
        run: header.run.clauses,
        steps: vec![step],
        materialized_view: true,
        ..Workflow::blank(name, cursor.text())
    };
    Ok(Arc::new(CreateMaterializedView { workflow, or_replace, if_not_exists, schedule_at }))
}

#[derive(Default)]
struct Header {
    schedule: Draft,
    run: Run,
    target: Option<Target>,
}

impl Clauses for Header {
    const WORDS: &'static [&'static str] =
        &["INTO", "SCHEDULE", "TIME ZONE", "OFFSET", "CATCHUP", "OVERLAP", "RETRY", "TIMEOUT", "SUSPEND AFTER"];

    fn clause(&mut self, cursor: &mut Cursor, once: &mut Once) -> Result<bool> {
        let at = cursor.offset();
        if cursor.eat("INTO") {
            once.note("INTO", at)?;
            self.target = Some(target(cursor)?);
            return Ok(true);
        }
        Ok(self.schedule.clause(cursor, once)? || self.run.clause(cursor, once)?)
    }
}

impl fmt::Display for CreateMaterializedView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_replace = if self.or_replace { "OR REPLACE " } else { "" };
        let if_not_exists = if self.if_not_exists { "IF NOT EXISTS " } else { "" };
        print(f, &self.workflow, or_replace, if_not_exists)
    }
}

fn print(f: &mut fmt::Formatter<'_>, view: &Workflow, or_replace: &str, if_not_exists: &str) -> fmt::Result {
    write!(f, "CREATE {or_replace}MATERIALIZED VIEW {if_not_exists}{}", view.name)?;
    let step = view.steps.first();
    if let Some(target) =
        step.and_then(|step| step.target.as_ref()).filter(|target| **target != Target::Table(view.name.clone()))
    {
        print_target(f, target, &Mode::Replace)?;
    }
    print_schedule(f, &view.schedule)?;
    print_run(f, &view.run)?;
    match step.map(|step| &step.body) {
        Some(Body::Query(query)) => write!(f, " AS\n{}", query.text),
        _ => Ok(()),
    }
}

/// The statement that makes the view.
pub fn statement(view: &Workflow) -> String {
    Shown(view, |f, view| print(f, view, "", "")).to_string()
}

impl Statement for CreateMaterializedView {
    fn effect(&self) -> Effect {
        materialize::effect(&self.workflow)
    }

    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let workflow = Workflow { owner: session.user.clone(), ..self.workflow.clone() };
        let name = workflow.name.clone();
        let workflows = session.engine.workflows.clone();
        let in_block = materialize::in_block(session).await?;
        let new = !session.snapshot().workflows.contains_key(&name);
        let defined =
            workflows.define(&session.snapshot().shared(), workflow, self.or_replace, self.if_not_exists).await;
        match defined.map_err(|error| if is_schedule(&error) { error.at(self.schedule_at) } else { error })? {
            Some(commit) if in_block => {
                session.add(commit)?;
                let view = session.snapshot().workflow(&name)?.clone();
                materialize::fill(session, &view, "CREATE MATERIALIZED VIEW").await?;
            }
            Some(commit) => {
                session.engine.catalog.commit(commit).await?;
                workflows.redefined();
                workflows.fill(&name, new, &session.user, session.cancel.clone()).await?;
            }
            None => session.notice(format!("relation \"{name}\" already exists, skipping")),
        }
        Ok(rooms::done("CREATE MATERIALIZED VIEW"))
    }
}

/// The materialized view of a name, or why there is none.
pub fn named(session: &Session, name: &crate::base::Name) -> Result<Arc<Workflow>> {
    let snapshot = session.snapshot();
    match snapshot.workflows.get(name) {
        Some(workflow) if workflow.materialized_view => Ok(workflow.clone()),
        _ if snapshot.relation(name).is_some() || snapshot.workflows.contains_key(name) => {
            let name = name.to_string().replace('"', "");
            Err(Error::new(Kind::WrongObjectType, format!("\"{name}\" is not a materialized view")))
        }
        _ => {
            let known: Vec<_> =
                snapshot.workflows.values().filter(|w| w.materialized_view).map(|w| w.name.to_string()).collect();
            let name = name.to_string();
            let hint = crate::base::error::did_you_mean(&name, known.iter().map(String::as_str));
            let name = name.replace('"', "");
            Err(Error::new(Kind::UndefinedTable, format!("materialized view \"{name}\" does not exist")).hint(hint))
        }
    }
}
