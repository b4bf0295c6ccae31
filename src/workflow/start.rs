//! How a run begins: by hand, by a refresh, by a tick. And how it is cancelled.

use super::run::{Ending, Run, Trigger};
use super::{Progress, Workflows, params, record};
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::Workflow;
use crate::catalog::workflow::Fragment;
use crate::query::{Context, Rows, RunContext};
use crate::schedule::spec::{Spec, previous_due};
use chrono::{DateTime, Utc};
use datafusion::arrow::array::{RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// `EXECUTE WORKFLOW`
#[derive(Debug)]
pub struct Execute {
    pub name: Name,
    /// `USING (p = e, …)`
    pub using: Vec<(String, Fragment)>,
    /// Waits for the end, at most so long when a time is given.
    pub wait: Option<Option<Duration>>,
    pub user: String,
}

/// A due instant of a schedule.
#[derive(Clone, Debug)]
pub struct Tick {
    pub at: DateTime<Utc>,
    pub interval: (DateTime<Utc>, DateTime<Utc>),
}

/// How much of a run there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leg {
    Whole,
    /// Its rows are published, or will not be: statements, FINALLY and the last word.
    Conclusion,
}

/// A run of this process.
pub(super) struct LiveRun {
    pub workflow: Name,
    pub cancel: CancellationToken,
    pub progress: Arc<Progress>,
    pub ending: watch::Receiver<Option<Ending>>,
}

impl Workflows {
    /// One row: `run_id`, `status`, `reason`. An error only when the run could not be started.
    pub async fn execute(self: &Arc<Self>, execute: Execute, cancel: CancellationToken) -> Result<Rows> {
        let workflow = self.catalog.snapshot().workflow(&execute.name)?.clone();
        let run = self.run_by_hand(&workflow, &execute.using, Trigger::Manual, &execute.user).await?;
        let id = run.id.clone();
        let mut ending = self.launch(run).await?;
        let Some(limit) = execute.wait else { return answer(&id, "queued", None) };
        let ended = tokio::select! {
            ended = wait_for(&mut ending) => ended?,
            () = elapsed(limit) => return answer(&id, "running", Some("it goes on; see aqueduct.runs")),
            // The statement was cancelled; the run is a thing of its own and goes with it because it was waited for.
            () = cancel.cancelled() => { self.cancel(&id).await?; wait_for(&mut ending).await? }
        };
        answer(&id, ended.status.as_str(), ended.reason.as_deref())
    }

    /// `REFRESH MATERIALIZED VIEW`: an error unless the refresh was published.
    pub async fn refresh(self: &Arc<Self>, name: &Name, user: &str, cancel: CancellationToken) -> Result<()> {
        let workflow = self.catalog.snapshot().workflow(name)?.clone();
        let run = self.run_by_hand(&workflow, &[], Trigger::Refresh, user).await?;
        let id = run.id.clone();
        let mut ending = self.launch(run).await?;
        let ended = tokio::select! {
            ended = wait_for(&mut ending) => ended?,
            () = cancel.cancelled() => { self.cancel(&id).await?; wait_for(&mut ending).await? }
        };
        if ended.status.is_published() {
            return Ok(());
        }
        let fallback = || Error::new(Kind::WrongState, format!("the refresh of \"{name}\" {}", ended.status.as_str()));
        Err(ended.error.clone().unwrap_or_else(fallback).hint(format!("EXPLAIN WHY RUN '{id}'")))
    }

    /// `CANCEL RUN`
    pub async fn cancel(&self, run_id: &str) -> Result<()> {
        if let Some(run) = self.live.lock().get(run_id) {
            run.cancel.cancel();
            return Ok(());
        }
        let store = self.catalog.store();
        let rows = store.query("SELECT status FROM aqueduct_run WHERE run_id = ?", &[run_id.into()]).await?;
        match rows.first() {
            Some(row) => Err(Error::new(Kind::WrongState, format!("run \"{run_id}\" has ended"))
                .detail(format!("it {}", row.text("status")?))),
            None => Err(Error::new(Kind::UndefinedObject, format!("run \"{run_id}\" does not exist"))
                .hint("SELECT run_id, workflow, status FROM aqueduct.runs".to_string())),
        }
    }

    /// A scheduled run for a tick. `false` when the tick has its run row already.
    pub async fn run_tick(self: &Arc<Self>, workflow: &Arc<Workflow>, tick: &Tick) -> Result<bool> {
        let mut run = self.new_run(workflow, Trigger::Schedule, &workflow.owner, tick.interval);
        run.tick = Some(tick.at);
        run.scheduled_at = tick.at;
        let context = self.context_of(&run)?;
        match params::values(&self.query, &context, workflow, &[]).await {
            Ok(values) => run.params = values,
            Err(error) => {
                let why = format!("its parameters have no value: {error}");
                return self.skip_tick(workflow, tick, "failed", &why).await;
            }
        }
        match self.launch(run).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind == Kind::UniqueViolation => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A row that says why a tick has no run. `false` when the tick has its row already.
    pub async fn skip_tick(
        &self,
        workflow: &Arc<Workflow>,
        tick: &Tick,
        status: &'static str,
        reason: &str,
    ) -> Result<bool> {
        let mut run = self.new_run(workflow, Trigger::Schedule, &workflow.owner, tick.interval);
        run.tick = Some(tick.at);
        run.scheduled_at = tick.at;
        match self.write(record::not_run(&run, status, reason, self.clock.now())?).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind == Kind::UniqueViolation => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Runs of a workflow in this process that have not ended.
    pub fn running(&self, name: &Name) -> usize {
        self.live.lock().values().filter(|run| run.workflow == *name).count()
    }

    /// Cancels them.
    pub fn cancel_all(&self, name: &Name) {
        self.live.lock().values().filter(|run| run.workflow == *name).for_each(|run| run.cancel.cancel());
    }

    /// One line per run at work, for whoever waits at a terminal.
    pub fn progress(&self) -> Vec<String> {
        self.live.lock().values().map(|run| format!("{}: {}", run.workflow, run.progress.line())).collect()
    }

    async fn run_by_hand(
        &self,
        workflow: &Arc<Workflow>,
        using: &[(String, Fragment)],
        trigger: Trigger,
        user: &str,
    ) -> Result<Run> {
        let now = self.clock.now();
        // By hand, the interval goes from the last tick to now.
        let start = previous_due(&Spec::new(&workflow.schedule.when)?, now).unwrap_or(now);
        let mut run = self.new_run(workflow, trigger, user, (start, now));
        let context = self.context_of(&run)?;
        run.params = params::values(&self.query, &context, workflow, using).await?;
        Ok(run)
    }

    fn new_run(
        &self,
        workflow: &Arc<Workflow>,
        trigger: Trigger,
        user: &str,
        interval: (DateTime<Utc>, DateTime<Utc>),
    ) -> Run {
        Run {
            id: Run::new_id(),
            workflow: workflow.clone(),
            trigger,
            tick: None,
            scheduled_at: self.clock.now(),
            interval,
            user: user.to_string(),
            params: Default::default(),
            epoch: 1,
            cancel: CancellationToken::new(),
        }
    }

    /// What parameters are evaluated in: the run, but for its parameters.
    fn context_of(&self, run: &Run) -> Result<Context> {
        let mut context = Context::new(self.catalog.snapshot(), &run.user, self.clock.now());
        let params = params::unknown(&run.workflow)?;
        context.run = Some(Arc::new(RunContext { params, ..(*run.context(None)).clone() }));
        Ok(context)
    }

    /// Claims the run and sets it going.
    async fn launch(self: &Arc<Self>, run: Run) -> Result<watch::Receiver<Option<Ending>>> {
        if self.tasks.lock().is_none() {
            return Err(Error::new(Kind::Shutdown, "the server is shutting down"));
        }
        self.write(record::claim(&run, self.clock.now())?).await?;
        Ok(self.go(run, Leg::Whole))
    }

    /// Sets a claimed run going.
    pub(super) fn go(self: &Arc<Self>, run: Run, leg: Leg) -> watch::Receiver<Option<Ending>> {
        let (tell, ending) = watch::channel(None);
        let progress = Arc::new(Progress::default());
        let live = LiveRun {
            workflow: run.workflow.name.clone(),
            cancel: run.cancel.clone(),
            progress: progress.clone(),
            ending: ending.clone(),
        };
        self.live.lock().insert(run.id.clone(), live);
        let workflows = self.clone();
        self.spawn(async move {
            let ended = match leg {
                Leg::Whole => workflows.drive(&run, &progress).await,
                Leg::Conclusion => workflows.finalize(&run).await,
            };
            workflows.live.lock().remove(&run.id);
            tell.send_replace(Some(ended));
            workflows.changed.notify_one();
        });
        ending
    }

    /// Waits for a run of this process to end.
    pub async fn wait(&self, run_id: &str) {
        let ending = self.live.lock().get(run_id).map(|run| run.ending.clone());
        if let Some(mut ending) = ending {
            let _ = ending.wait_for(Option::is_some).await;
        }
    }
}

async fn wait_for(ending: &mut watch::Receiver<Option<Ending>>) -> Result<Ending> {
    let ended = ending.wait_for(Option::is_some).await;
    let ended = ended.map_err(|_| Error::internal("a run must tell its ending"))?;
    ended.clone().ok_or_else(|| Error::internal("a run must tell its ending"))
}

async fn elapsed(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

fn answer(id: &str, status: &str, reason: Option<&str>) -> Result<Rows> {
    let field = |name: &str| Field::new(name, DataType::Utf8, true);
    let schema = Arc::new(Schema::new(vec![field("run_id"), field("status"), field("reason")]));
    let batch = RecordBatch::try_new(
        schema.clone(),
        vec![
            Arc::new(StringArray::from(vec![id])),
            Arc::new(StringArray::from(vec![status])),
            Arc::new(StringArray::from(vec![reason])),
        ],
    )?;
    Ok(Rows::of(schema, vec![batch]))
}
