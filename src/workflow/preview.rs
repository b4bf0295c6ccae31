//! `PREVIEW WORKFLOW`: the rows that a step would have now. Nothing is written.

use super::Workflows;
use super::params;
use super::run::Run;
use crate::base::error::did_you_mean;
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::workflow::{Body, Fragment};
use crate::query::{Context, Rows, RunContext};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Rows shown when no LIMIT is given.
const LIMIT: u64 = 10;

/// `PREVIEW WORKFLOW`
#[derive(Debug)]
pub struct Preview {
    pub name: Name,
    /// Default: the last step that is a query.
    pub step: Option<String>,
    pub limit: Option<u64>,
    pub using: Vec<(String, Fragment)>,
    pub user: String,
}

impl Workflows {
    pub async fn preview(&self, preview: &Preview, cancel: CancellationToken) -> Result<Rows> {
        let snapshot = self.catalog.snapshot();
        let workflow = snapshot.workflow(&preview.name)?;
        let now = self.clock.now();
        let mut context = Context::new(snapshot.clone(), &preview.user, now);
        context.cancel = cancel.clone();
        let mut run = RunContext {
            run_id: Run::new_id(),
            scheduled_at: now,
            interval_start: now,
            interval_end: now,
            status: None,
            params: params::unknown(workflow)?,
        };
        context.run = Some(Arc::new(run.clone()));
        run.params = params::values(&self.query, &context, workflow, &preview.using).await?;
        context.run = Some(Arc::new(run));
        let queries = workflow.steps.iter().filter_map(|step| match &step.body {
            Body::Query(body) => Some((step.name.as_str(), body)),
            Body::Statements(_) => None,
        });
        let queries: Vec<_> = queries.collect();
        let wanted = match &preview.step {
            Some(wanted) => queries.iter().position(|(name, _)| name == wanted).ok_or_else(|| {
                Error::new(
                    Kind::UndefinedObject,
                    format!("workflow \"{}\" has no step \"{wanted}\" with rows", preview.name),
                )
                .hint(did_you_mean(wanted, queries.iter().map(|(name, _)| *name)))
            })?,
            None => queries.len().checked_sub(1).ok_or_else(|| {
                Error::new(Kind::WrongState, format!("workflow \"{}\" has no step with rows", preview.name))
            })?,
        };
        for (name, body) in &queries[..wanted] {
            let plan = self.query.plan_text(&context, &body.text).await.map_err(Error::unplaced)?;
            context.relations.insert((*name).to_string(), plan.relation());
        }
        let plan = self.query.plan_text(&context, &queries[wanted].1.text).await.map_err(Error::unplaced)?;
        context.relations.insert("previewed".to_string(), plan.relation());
        let limited = format!("SELECT * FROM previewed LIMIT {}", preview.limit.unwrap_or(LIMIT));
        let plan = self.query.plan_text(&context, &limited).await.map_err(Error::unplaced)?;
        self.query.run(&plan, &[], cancel).await
    }
}
