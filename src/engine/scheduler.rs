//! The one task that sleeps until the next due instant and turns ticks into runs.

use crate::base::clock::{parse_stamp, stamp};
use crate::base::{Clock, Result};
use crate::catalog::workflow::{Catchup, Overlap, When};
use crate::catalog::{Live, Workflow};
use crate::schedule::spec::{Spec, due_between, interval, next_due};
use crate::store::Write;
use crate::workflow::{Tick, Workflows};
use chrono::{DateTime, TimeDelta, Utc};
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
        let known = |name: &String| snapshot.workflows.keys().any(|known| known.to_string() == *name);
        self.buffered.retain(|name, _| known(name));
        let mut next: Option<DateTime<Utc>> = None;
        for workflow in snapshot.workflows.values() {
            if workflow.paused || workflow.schedule.when == When::Manual {
                self.settled.remove(&workflow.name.to_string());
                continue;
            }
            match self.settle_one(workflow).await {
                Ok(due) => next = [next, due].into_iter().flatten().min(),
                // The others' ticks are due all the same.
                Err(error) => tracing::error!("workflow {}: what is due could not be settled: {error}", workflow.name),
            }
        }
        Ok(next)
    }

    async fn settle_one(&mut self, workflow: &Arc<Workflow>) -> Result<Option<DateTime<Utc>>> {
        let spec = &Spec::new(&workflow.schedule.when)?;
        let name = workflow.name.to_string();
        let now = self.clock.now();
        let since = self.since(workflow, spec, now).await?;
        self.release(workflow).await?;
        let due = due_between(spec, since, now, workflow.schedule.catchup);
        // Many at once were missed: they run one after another, whatever OVERLAP says of ticks that come in time.
        let missed_all = due.run.len() > 1 && workflow.schedule.overlap != Overlap::CancelOther;
        for (at, missed) in due.run.iter().map(|at| (*at, false)).chain(due.missed.iter().map(|at| (*at, true))) {
            let tick = Tick { at, interval: interval(spec, at) };
            if missed {
                self.workflows.skip_tick(workflow, &tick, "missed", "the server was not there").await?;
            } else if missed_all {
                self.buffered.entry(name.clone()).or_default().push(tick);
            } else {
                self.start(workflow, tick).await?;
            }
        }
        if missed_all {
            self.release(workflow).await?;
        }
        if let Some(last) = due.last {
            self.settled.insert(name.clone(), (workflow.version, last));
        }
        if due.last.is_some() {
            self.remember(&name).await?;
        }
        Ok(next_due(spec, now))
    }

    /// The instant after which ticks are not settled yet.
    async fn since(&mut self, workflow: &Workflow, spec: &Spec, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
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
        let instant = |column: &str| -> Result<Option<DateTime<Utc>>> {
            let text = rows.first().map(|row| row.optional_text(column)).transpose()?.flatten();
            Ok(text.and_then(parse_stamp))
        };
        let (since, last) = (instant("since")?, instant("last_tick")?);
        // A schedule begins when it is first seen, and again when its workflow is replaced or resumed.
        let begins = match last {
            Some(last) if !self.begins_anew(workflow).await? => {
                let waiting = self.waiting(workflow, spec, since.unwrap_or(last), last).await?;
                self.buffered.entry(name.clone()).or_insert(waiting);
                last
            }
            _ => now,
        };
        self.settled.insert(name.clone(), (workflow.version, begins));
        self.remember(&name).await?;
        Ok(begins)
    }

    /// Ticks that waited when the process before this one ended: settled, and without a run.
    async fn waiting(
        &self,
        workflow: &Workflow,
        spec: &Spec,
        since: DateTime<Utc>,
        last: DateTime<Utc>,
    ) -> Result<Vec<Tick>> {
        let mut waiting = vec![];
        for at in due_between(spec, since, last, Catchup::All).run {
            let sql = "SELECT run_id FROM aqueduct_run WHERE workflow = ? AND tick = ?";
            let key = [workflow.name.to_string().into(), stamp(at).into()];
            if self.catalog.store().query(sql, &key).await?.is_empty() {
                waiting.push(Tick { at, interval: interval(spec, at) });
            }
        }
        Ok(waiting)
    }

    /// Whether the definition or its pausing is younger than the last tick that was settled.
    async fn begins_anew(&self, workflow: &Workflow) -> Result<bool> {
        let rows = self.catalog.store().query(
            "SELECT max(e.at) AS at, (SELECT last_tick FROM aqueduct_schedule s WHERE s.workflow = ?) AS since
             FROM aqueduct_event e WHERE e.object = ? AND e.run_id IS NULL AND e.kind IN ('created', 'replaced', 'resumed')",
            &[workflow.name.to_string().into(), workflow.name.to_string().into()],
        ).await?;
        let Some(row) = rows.first() else { return Ok(false) };
        Ok(match (row.optional_text("at")?, row.optional_text("since")?) {
            (Some(changed), Some(since)) => changed > since,
            _ => false,
        })
    }

    /// Writes down up to where ticks are settled, and from where on some of these may still wait.
    async fn remember(&self, name: &str) -> Result<()> {
        let Some((_, last)) = self.settled.get(name) else { return Ok(()) };
        let waiting = self.buffered.get(name).map_or(&[][..], Vec::as_slice);
        let since = waiting.first().map_or(*last, |tick| tick.at - TimeDelta::microseconds(1));
        let write = Write::new(
            "INSERT INTO aqueduct_schedule(workflow, since, last_tick, fired, missed, skipped_overlap, buffered)
             VALUES (?, ?, ?, 0, 0, 0, ?) ON CONFLICT(workflow) DO UPDATE SET since = excluded.since,
               last_tick = excluded.last_tick, buffered = excluded.buffered",
            [name.into(), stamp(since).into(), stamp(*last).into(), (waiting.len() as i64).into()],
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
        let name = workflow.name.to_string();
        let Some(tick) = self.buffered.get(&name).and_then(|waiting| waiting.first()).cloned() else { return Ok(()) };
        if self.workflows.running(&workflow.name) > 0 {
            return Ok(());
        }
        self.workflows.run_tick(workflow, &tick).await?;
        // Only now: a tick whose run could not be begun waits on.
        self.buffered.entry(name.clone()).or_default().remove(0);
        self.remember(&name).await
    }
}
