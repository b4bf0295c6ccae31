//! Joins that let others run.
//!
//! A join can make far more rows than it reads, and compare far more than it makes. Between two
//! times that it waits for its inputs nothing could cancel it, and its thread served nobody else.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, stream};
use std::fmt;
use std::sync::Arc;

/// Rows that a nested loop compares with all rows of its other side before it lets others run.
const SLICE_ROWS: usize = 256;

/// Makes joins give way; the last rule.
#[derive(Debug)]
pub struct GiveWay;

impl PhysicalOptimizerRule for GiveWay {
    fn name(&self) -> &str {
        "give way"
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            Ok(if multiplies(&plan) { Transformed::yes(giving_way(plan)?) } else { Transformed::no(plan) })
        })
        .map(|plan| plan.data)
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether a step can make more rows than it is given.
fn multiplies(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.is::<NestedLoopJoinExec>()
        || plan.is::<CrossJoinExec>()
        || plan.is::<HashJoinExec>()
        || plan.is::<SortMergeJoinExec>()
        || plan.is::<UnnestExec>()
}

fn giving_way(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    if !plan.is::<NestedLoopJoinExec>() {
        return Ok(Arc::new(CooperativeExec::new(plan)));
    }
    let mut children: Vec<_> = plan.children().into_iter().cloned().collect();
    if let Some(probe) = children.pop() {
        children.push(Arc::new(SlicesExec { input: probe }));
    }
    Ok(Arc::new(CooperativeExec::new(replace_children_if_necessary(plan, children)?)))
}

/// Its input in small pieces, with a pause before each.
#[derive(Debug)]
struct SlicesExec {
    input: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for SlicesExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "SlicesExec: rows={SLICE_ROWS}")
    }
}

impl ExecutionPlan for SlicesExec {
    fn name(&self) -> &str {
        "SlicesExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(SlicesExec { input: children.swap_remove(0) }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let schema = input.schema();
        let slices = stream::try_unfold((input, None), |(mut input, rest)| async move {
            let batch = match rest {
                Some(batch) => batch,
                None => match input.next().await {
                    Some(batch) => batch?,
                    None => return Ok(None),
                },
            };
            tokio::task::yield_now().await;
            let rows = batch.num_rows().min(SLICE_ROWS);
            let rest = (batch.num_rows() > rows).then(|| batch.slice(rows, batch.num_rows() - rows));
            Ok(Some((batch.slice(0, rows), (input, rest))))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, slices)))
    }
}
