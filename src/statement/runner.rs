//! Statements inside workflows: steps that are DML, and FINALLY.

use super::{Parsed, execute, parse};
use crate::base::{Error, Kind, Result};
use crate::engine::Engine;
use crate::query::Context;
use crate::session::{Response, Session};
use crate::workflow::StatementRunner;
use futures::future::BoxFuture;
use std::sync::{Arc, Weak};
use tokio_util::sync::CancellationToken;

/// What [`Engine::open`] takes as its `statements`.
pub fn runner(engine: Weak<Engine>) -> Arc<dyn StatementRunner> {
    Arc::new(Runner(engine))
}

struct Runner(Weak<Engine>);

/// Statements that may be a step: they change rows, and say how many.
const ALLOWED: &[&str] = &["insert", "update", "delete", "merge", "with", "truncate"];

impl Runner {
    fn session(&self, scope: &Context) -> Result<Session> {
        let engine = self.0.upgrade().ok_or_else(|| Error::new(Kind::Shutdown, "the server is shutting down"))?;
        Ok(Session::of_run(engine, scope))
    }
}

fn one(text: &str) -> Result<Parsed> {
    let mut statements = parse(text)?;
    let statement = statements.pop().filter(|_| statements.is_empty());
    let statement =
        statement.ok_or_else(|| Error::new(Kind::Syntax, "a step holds one statement between its brackets"))?;
    let lead = statement.text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
    if !ALLOWED.contains(&lead.as_str()) {
        return Err(Error::unsupported(format!("{} cannot be a step of a workflow", lead.to_uppercase()))
            .hint("a step is a query, or INSERT, UPDATE, DELETE".to_string())
            .at(statement.offset));
    }
    Ok(statement)
}

impl StatementRunner for Runner {
    fn check<'a>(&'a self, context: &'a Context, text: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let statement = one(text)?;
            let described = statement.statement.describe(&self.session(context)?, &[]).await;
            described.map(|_| ()).map_err(|error| error.shifted(statement.offset))
        })
    }

    fn run<'a>(&'a self, context: &'a Context, text: &'a str, cancel: CancellationToken) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move {
            let statement = one(text)?;
            let mut session = self.session(context)?;
            session.cancel = cancel;
            let response = execute(&mut session, &statement, &[]).await?;
            session.finish().await?;
            match response {
                // `INSERT 0 3`, `DELETE 3`
                Response::Done { tag } => Ok(tag.rsplit(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0)),
                Response::Rows { rows, .. } => {
                    Ok(rows.collect().await?.iter().map(|batch| batch.num_rows() as u64).sum())
                }
                Response::CopyIn(_) | Response::CopyOut { .. } | Response::Empty => Ok(0),
            }
        })
    }
}
