//! The one task that sleeps until the next due instant and turns ticks into runs.

use crate::base::clock::{parse_stamp, stamp};
use crate::base::{Clock, Result};
use crate::catalog::workflow::{Overlap, When};
use crate::catalog::{Live, Workflow};
use crate::schedule::spec::{Spec, due_between, interval, next_due};
use crate::store::Write;
use crate::workflow::{Tick, Workflows};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Longest sleep: a moved clock is noticed within it.
const SLEEP_MAX: Duration = Duration::from_secs(30);

/// Watches the schedules of all workflows.
pub struct Scheduler {
    catalog: Arc<Live>,
    workflows: Arc<Workflows>,
    clock: Arc<dyn Clock>,
    /// Workflow → version and last tick that was settled.
    settled: HashMap<String, (i64, DateTime<Utc>)>,
    /// Ticks that wait for the run before them to end, oldest first.
    buffered: HashMap<String, Vec<Tick>>,
}

impl Scheduler {
    pub fn new(catalog: Arc<Live>, workflows: Arc<Workflows>, clock: Arc<dyn Clock>) -> Scheduler {
        Scheduler { catalog, workflows, clock, settled: HashMap::new(), buffered: HashMap::new() }
    }

    /// Runs until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let next = match self.settle().await {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!("the scheduler could not settle what is due: {error}");
                    None
                }
            };
            let now = self.clock.now();
            let wait = next.and_then(|next| (next - now).to_std().ok()).unwrap_or(SLEEP_MAX).min(SLEEP_MAX);
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.workflows.changed() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Gives every tick that is due its run, or the row that says why not; returns the next due instant.
    pub async fn settle(&mut self) -> Result<Option<DateTime<Utc>>> {
        let snapshot = self.catalog.snapshot();
        let mut next: Option<DateTime<Utc>> = None;
        for workflow in snapshot.workflows.values() {
            if workflow.paused || workflow.schedule.when == When::Manual {
                self.settled.remove(&workflow.name.to_string());
                continue;
            }
            let spec = Spec::new(&workflow.schedule.when)?;
            let due = self.settle_one(workflow, &spec).await?;
            next = [next, due].into_iter().flatten().min();
        }
        Ok(next)
    }

    async fn settle_one(&mut self, workflow: &Arc<Workflow>, spec: &Spec) -> Result<Option<DateTime<Utc>>> {
        let name = workflow.name.to_string();
        let now = self.clock.now();
        self.release(workflow).await?;
        let since = self.since(workflow, now).await?;
        let due = due_between(spec, since, now, workflow.schedule.catchup);
        for (at, missed) in due.run.iter().map(|at| (*at, false)).chain(due.missed.iter().map(|at| (*at, true))) {
            let tick = Tick { at, interval: interval(spec, at) };
            if missed {
                self.workflows.skip_tick(workflow, &tick, "missed", "the server was not there").await?;
            } else {
                self.start(workflow, tick).await?;
            }
        }
        if let Some(last) = due.last {
            self.settled.insert(name.clone(), (workflow.version, last));
            self.remember(&name, last).await?;
        }
        Ok(next_due(spec, now))
    }

    /// The instant after which ticks are not settled yet.
    async fn since(&mut self, workflow: &Workflow, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
        let name = workflow.name.to_string();
        if let Some((version, last)) = self.settled.get(&name)
            && *version == workflow.version
        {
            return Ok(*last);
        }
        let store = self.catalog.store();
        let rows = store
            .query("SELECT since, last_tick FROM aqueduct_schedule WHERE workflow = ?", &[name.clone().into()])
            .await?;
        let known = rows.first().map(|row| row.text("since")).transpose()?.and_then(parse_stamp);
        // A schedule begins when it is first seen, and again when its workflow is replaced or resumed.
        let begins = match known {
            Some(known) if !self.begins_anew(workflow).await? => known,
            _ => now,
        };
        self.settled.insert(name.clone(), (workflow.version, begins));
        self.remember(&name, begins).await?;
        Ok(begins)
    }

    /// Whether the definition or its pausing is younger than the last tick that was settled.
    async fn begins_anew(&self, workflow: &Workflow) -> Result<bool> {
        let rows = self.catalog.store().query(
            "SELECT max(e.at) AS at, (SELECT since FROM aqueduct_schedule s WHERE s.workflow = ?) AS since
             FROM aqueduct_event e WHERE e.object = ? AND e.run_id IS NULL AND e.kind IN ('created', 'replaced', 'resumed')",
            &[workflow.name.to_string().into(), workflow.name.to_string().into()],
        ).await?;
        let Some(row) = rows.first() else { return Ok(false) };
        Ok(match (row.optional_text("at")?, row.optional_text("since")?) {
            (Some(changed), Some(since)) => changed > since,
            _ => false,
        })
    }

    async fn remember(&self, name: &str, since: DateTime<Utc>) -> Result<()> {
        let write = Write::new(
            "INSERT INTO aqueduct_schedule(workflow, since, last_tick, fired, missed, skipped_overlap, buffered)
             VALUES (?, ?, ?, 0, 0, 0, 0) ON CONFLICT(workflow) DO UPDATE SET since = excluded.since, last_tick = excluded.last_tick",
            [name.into(), stamp(since).into(), stamp(since).into()],
        );
        self.catalog.store().write(&[write]).await
    }

    /// A tick that is due, by the workflow's OVERLAP.
    async fn start(&mut self, workflow: &Arc<Workflow>, tick: Tick) -> Result<()> {
        let running = self.workflows.running(&workflow.name);
        let waiting = self.buffered.entry(workflow.name.to_string()).or_default();
        match workflow.schedule.overlap {
            Overlap::Allow(n) if running < n as usize => {}
            Overlap::CancelOther => self.workflows.cancel_all(&workflow.name),
            _ if running == 0 && waiting.is_empty() => {}
            Overlap::BufferAll => {
                return {
                    waiting.push(tick);
                    Ok(())
                };
            }
            Overlap::BufferOne if waiting.is_empty() => {
                return {
                    waiting.push(tick);
                    Ok(())
                };
            }
            Overlap::Skip | Overlap::BufferOne | Overlap::Allow(_) => {
                let why = "the run before it was still going";
                self.workflows.skip_tick(workflow, &tick, "skipped_overlap", why).await?;
                return Ok(());
            }
        }
        self.workflows.run_tick(workflow, &tick).await.map(|_| ())
    }

    /// A tick that waited, when the run before it has ended.
    async fn release(&mut self, workflow: &Arc<Workflow>) -> Result<()> {
        let Some(waiting) = self.buffered.get_mut(&workflow.name.to_string()) else { return Ok(()) };
        if !waiting.is_empty() && self.workflows.running(&workflow.name) == 0 {
            let tick = waiting.remove(0);
            self.workflows.run_tick(workflow, &tick).await?;
        }
        Ok(())
    }
}
