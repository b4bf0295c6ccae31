//! Definitions: accepted when everything in them is known to work, versioned, dropped, paused.

use super::run::Status;
use super::{Workflows, record};
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::{Change, Commit, Relation, Snapshot, Workflow};
use crate::schedule::spec::Spec;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

impl Workflows {
    /// What `CREATE [OR REPLACE] WORKFLOW` and `CREATE MATERIALIZED VIEW` commit; `None` when the definition is
    /// there and is left alone. Refuses what cannot run, with offsets in the statement's text.
    pub async fn define(
        &self,
        snapshot: &Arc<Snapshot>,
        mut workflow: Workflow,
        or_replace: bool,
        if_not_exists: bool,
    ) -> Result<Option<Commit>> {
        snapshot.schema(&workflow.name.schema)?;
        let kind = workflow.kind();
        let replaces = snapshot.workflows.get(&workflow.name).map(|existing| existing.version);
        if let Some(existing) = snapshot.workflows.get(&workflow.name) {
            if if_not_exists {
                return Ok(None);
            }
            if !or_replace || existing.materialized_view != workflow.materialized_view {
                return Err(Error::new(
                    Kind::DuplicateObject,
                    format!("{kind} \"{}\" already exists", workflow.name.name),
                )
                .hint(format!("use CREATE OR REPLACE, or drop the {kind} first")));
            }
        } else if workflow.materialized_view && snapshot.relation(&workflow.name).is_some() {
            if if_not_exists {
                return Ok(None);
            }
            return Err(Error::new(
                Kind::DuplicateTable,
                format!("relation \"{}\" already exists", workflow.name.name),
            ));
        }
        Spec::new(&workflow.schedule.when)?;
        let now = self.clock.now();
        let bound = self.bind(snapshot, &workflow, now).await?;
        for (step, bound) in workflow.steps.iter_mut().zip(&bound.steps) {
            step.reads = bound.reads.iter().cloned().collect();
            step.sources = bound.sources.iter().cloned().collect();
            step.materialized = bound.materialized;
        }
        let models: BTreeSet<_> = bound.models.iter().map(|model| model.name.clone()).collect();
        workflow.models = models.into_iter().collect();
        let detail = if replaces.is_some() { "replaced" } else { "created" };
        Ok(Some(Commit {
            writes: vec![record::object_event(&workflow.name.to_string(), None, detail, "", now)],
            author: workflow.owner.clone(),
            changes: vec![Change::PutWorkflow { workflow: Box::new(workflow), replaces }],
            message: format!("CREATE {}", kind.to_uppercase()),
        }))
    }

    /// Gives a materialized view that was just defined its first rows; `new` ones are gone when that fails.
    pub async fn fill(self: &Arc<Self>, view: &Name, new: bool, user: &str, cancel: CancellationToken) -> Result<()> {
        let filled = self.refresh(view, user, cancel).await;
        if filled.is_err() && new {
            self.catalog.commit(self.undefine(&self.catalog.snapshot(), view, user)?).await?;
            self.redefined();
        }
        filled.map(drop)
    }

    /// What `DROP WORKFLOW` and `DROP MATERIALIZED VIEW` commit. A workflow's history stays; so do its targets, but
    /// for a view's own table.
    pub fn undefine(&self, snapshot: &Snapshot, name: &Name, user: &str) -> Result<Commit> {
        let workflow = snapshot.workflow(name)?;
        if self.running(name) > 0 {
            return Err(Error::new(Kind::ObjectInUse, format!("workflow \"{name}\" has a run that has not ended"))
                .hint("CANCEL RUN, or wait for it".to_string()));
        }
        let mut changes = vec![Change::DropWorkflow { name: name.clone() }];
        if workflow.materialized_view
            && let Some(table) = workflow.own_table()
            && matches!(snapshot.relation(table), Some(Relation::Table(_)))
        {
            changes.push(Change::DropTable { name: table.clone() });
        }
        let writes = vec![
            record::object_event(&name.to_string(), None, "dropped", "", self.clock.now()),
            crate::store::Write::new("DELETE FROM aqueduct_schedule WHERE workflow = ?", [name.to_string().into()]),
        ];
        Ok(Commit { changes, writes, author: user.into(), message: "DROP WORKFLOW".into() })
    }

    /// What `PAUSE WORKFLOW` and `RESUME WORKFLOW` commit: no run, or runs again, by schedule. Ticks while paused are
    /// not caught up.
    pub fn pause(&self, name: &Name, paused: bool, user: &str) -> Commit {
        let word = if paused { "paused" } else { "resumed" };
        Commit {
            changes: vec![Change::PauseWorkflow { name: name.clone(), paused }],
            writes: vec![record::object_event(&name.to_string(), None, word, "", self.clock.now())],
            author: user.into(),
            message: format!("{} WORKFLOW", if paused { "PAUSE" } else { "RESUME" }),
        }
    }

    /// Whether the scheduler must hear of a change once it is committed.
    pub fn concerns(change: &Change) -> bool {
        matches!(change, Change::PutWorkflow { .. } | Change::PauseWorkflow { .. } | Change::DropWorkflow { .. })
    }

    /// Tells the scheduler that a definition has changed.
    pub fn redefined(&self) {
        self.changed.notify_one();
    }

    /// Pauses a workflow whose last runs since it was defined or resumed all failed.
    pub(super) async fn suspend_if_failing(&self, workflow: &Workflow) -> Result<()> {
        let limit = i64::from(workflow.run.suspend_after.unwrap_or(SUSPEND_AFTER));
        let name = workflow.name.to_string();
        let rows = self.catalog.store().query(
            "SELECT status FROM aqueduct_run WHERE workflow = ? AND trigger_kind = 'schedule' AND finished_at IS NOT NULL
               AND status NOT IN ('missed', 'skipped_overlap') AND queued_at > coalesce((SELECT max(at) FROM aqueduct_event
                 WHERE object = ? AND run_id IS NULL AND kind IN ('created', 'replaced', 'resumed')), '')
               ORDER BY scheduled_at DESC LIMIT ?",
            &[name.clone().into(), name.clone().into(), limit.into()],
        ).await?;
        let failed = |status: &str| [Status::Failed, Status::TimedOut].iter().any(|bad| bad.as_str() == status);
        let all_failed = rows.iter().all(|row| row.text("status").is_ok_and(failed));
        if rows.len() as i64 == limit && all_failed && !workflow.paused {
            self.catalog.commit(self.pause(&workflow.name, true, &workflow.owner)).await?;
            self.redefined();
            let why = format!("suspended after {limit} failed runs; RESUME WORKFLOW {name} when it is mended");
            self.write(vec![record::object_event(&name, None, "suspended", &why, self.clock.now())]).await?;
        }
        Ok(())
    }
}

/// Scheduled runs that may fail in a row before a workflow is paused, when it does not say.
const SUSPEND_AFTER: u32 = 10;
