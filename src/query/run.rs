//! Running a plan: rows come from the query's threads through a channel that holds a few batches.

use super::planner::Planner;
use super::runtime::{Limits, Threads, guarded};
use super::{Plan, Rows, constant, errors, explain, parameters, quick};
use crate::base::value::converted;
use crate::base::{Error, Kind, Result};
use datafusion::arrow::array::RecordBatch;
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::metrics::MetricType;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::{StreamExt, stream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{Sender, channel};
use tokio_util::sync::CancellationToken;

/// Batches that may be ready before anybody has asked for them.
const READY_MAX: usize = 2;

/// Starts a plan. The physical plan is made before this returns; the rows come later.
pub async fn run(
    planner: &Arc<Planner>,
    threads: &Arc<Threads>,
    plan: &Plan,
    values: &[ScalarValue],
    cancel: CancellationToken,
) -> Result<Rows> {
    let limits = Limits { cancel, deadline: plan.context.deadline };
    let logical = parameters::filled(plan.logical.clone(), &plan.parameters, values)?;
    let (sender, receiver) = channel(READY_MAX);
    let query = Running { planner: planner.clone(), plan: plan.clone(), logical, sender };
    if let Some(row) = query.constant(threads, &limits).await? {
        return Ok(Rows::of(plan.schema.clone(), vec![row]));
    }
    let physical = query.physical(threads, &limits).await?;
    let task = threads.spawn(query.rows(physical))?;
    // The task is dropped, and so stopped, together with the stream.
    let batches = stream::unfold((receiver, limits, task, false), |(mut receiver, limits, task, ended)| async move {
        if ended {
            return None;
        }
        let next = tokio::select! {
            biased;
            stopped = limits.stopped() => Some(Err(stopped)),
            next = receiver.recv() => next,
        };
        let ended = matches!(next, Some(Err(_)));
        next.map(|next| (next, (receiver, limits, task, ended)))
    });
    Ok(Rows::new(plan.schema.clone(), batches))
}

/// How long a failed attempt's memory is waited for.
const RELEASE_WAIT: Duration = Duration::from_millis(5);
const RELEASE_WAITS: usize = 40;

struct Running {
    planner: Arc<Planner>,
    plan: Plan,
    logical: LogicalPlan,
    sender: Sender<Result<RecordBatch>>,
}

impl Running {
    /// What this statement is optimised and run in.
    fn state(&self, hash_join: bool) -> SessionState {
        let mut state = self.planner.state.as_ref().clone();
        state.execution_props_mut().query_execution_start_time = Some(self.plan.context.now);
        let options = state.config_mut().options_mut();
        options.optimizer.prefer_hash_join = hash_join;
        if quick::reads_little(&self.logical) {
            options.execution.target_partitions = 1;
        }
        state
    }

    /// The only row of a query that reads nothing. A call of a model is planned like any other.
    async fn constant(&self, threads: &Threads, limits: &Limits) -> Result<Option<RecordBatch>> {
        if self.plan.explain.is_some() || self.plan.models().next().is_some() {
            return Ok(None);
        }
        let Some(projections) = constant::projections(&self.logical) else { return Ok(None) };
        let state = self.state(true);
        if constant::are_values(&projections) {
            return self.shaped(&constant::row(&state, &projections)?).map(Some);
        }
        let row = threads.run(limits, async move { constant::row(&state, &projections) }).await?;
        self.shaped(&row).map(Some)
    }

    /// The plan as it will run: the last one's copy, when that can be run again.
    async fn physical(&self, threads: &Threads, limits: &Limits) -> Result<Arc<dyn ExecutionPlan>> {
        let last = self.plan.physical.lock().clone();
        if let Some(last) = last {
            return reset_plan_states(last).map_err(errors::running);
        }
        let (state, logical) = (self.state(true), self.logical.clone());
        let plan = threads.run(limits, async move { physical(&state, &logical).await }).await?;
        if self.plan.parameters.is_empty() && self.plan.explain.is_none() && quick::is_repeatable(&self.logical) {
            *self.plan.physical.lock() = Some(plan.clone());
        }
        Ok(plan)
    }

    async fn rows(self, plan: Arc<dyn ExecutionPlan>) {
        if let Err(error) = guarded(self.attempts(plan)).await {
            let _ = self.sender.send(Err(error)).await;
        }
    }

    /// Joins by hash need their table in memory; one by sorting does not. It is tried when nothing was sent yet.
    async fn attempts(&self, plan: Arc<dyn ExecutionPlan>) -> Result<()> {
        let mut sent = false;
        let pool = self.planner.state.runtime_env().memory_pool.clone();
        let before = pool.reserved();
        match self.attempt(plan, true, &mut sent).await {
            Err(error) if error.kind == Kind::OutOfMemory && !sent => {
                released(pool.as_ref(), before).await;
                let state = self.state(false);
                let plan = physical(&state, &self.logical).await?;
                self.attempt(plan, false, &mut sent).await
            }
            other => other,
        }
    }

    async fn attempt(&self, plan: Arc<dyn ExecutionPlan>, hash_join: bool, sent: &mut bool) -> Result<()> {
        let state = self.state(hash_join);
        if let Some(explain) = self.plan.explain
            && !explain.analyze
        {
            let text = shown(plan.as_ref(), explain.verbose, false);
            self.send(explain::rows(&self.plan, &text, None)?, sent).await;
            return Ok(());
        }
        let started = Instant::now();
        let mut batches = execute_stream(plan.clone(), state.task_ctx()).map_err(errors::running)?;
        while let Some(batch) = batches.next().await {
            let batch = batch.map_err(errors::running)?;
            if self.plan.explain.is_some() || batch.num_rows() == 0 {
                continue;
            }
            let batch = self.shaped(&batch)?;
            if !self.send(batch, sent).await {
                return Ok(());
            }
        }
        drop(batches);
        if let Some(explain) = self.plan.explain {
            let text = shown(plan.as_ref(), explain.verbose, true);
            self.send(explain::rows(&self.plan, &text, Some(started.elapsed()))?, sent).await;
        }
        Ok(())
    }

    /// The rows in the types that were announced: a parameter's value can narrow what an expression gives.
    fn shaped(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let announced = self.plan.schema.fields().iter().zip(batch.columns());
        let columns = announced.map(|(field, column)| converted(column, field.data_type())).collect::<Result<_>>()?;
        Ok(RecordBatch::try_new(self.plan.schema.clone(), columns)?)
    }

    /// Whether somebody still reads.
    async fn send(&self, batch: RecordBatch, sent: &mut bool) -> bool {
        *sent = true;
        self.sender.send(Ok(batch)).await.is_ok()
    }
}

/// Waits a little until tasks that were cut off have given their memory back.
async fn released(pool: &dyn MemoryPool, before: usize) {
    for _ in 0..RELEASE_WAITS {
        if pool.reserved() <= before {
            return;
        }
        tokio::time::sleep(RELEASE_WAIT).await;
    }
}

/// With metrics: those that say where rows and time went; VERBOSE has all.
fn shown(plan: &dyn ExecutionPlan, verbose: bool, metrics: bool) -> String {
    let display = match metrics {
        true if verbose => DisplayableExecutionPlan::with_metrics(plan),
        true => DisplayableExecutionPlan::with_metrics(plan).set_metric_types(vec![MetricType::Summary]),
        false => DisplayableExecutionPlan::new(plan),
    };
    display.indent(verbose).to_string()
}

/// The plan of an analyzed query as it will run.
pub async fn physical(state: &SessionState, logical: &LogicalPlan) -> Result<Arc<dyn ExecutionPlan>> {
    let optimized = state.optimizer().optimize(logical.clone(), state, |_, _| {}).map_err(errors::running)?;
    state.query_planner().create_physical_plan(&optimized, state).await.map_err(errors::running)
}

/// Collects a small answer on the thread that asks: for constants while planning.
pub async fn collected(state: &SessionState, logical: &LogicalPlan) -> Result<Vec<RecordBatch>> {
    let plan = physical(state, logical).await?;
    let batches: Vec<std::result::Result<RecordBatch, DataFusionError>> =
        execute_stream(plan, state.task_ctx()).map_err(errors::running)?.collect().await;
    batches.into_iter().map(|batch| batch.map_err(errors::running)).collect::<Result<_, Error>>()
}
