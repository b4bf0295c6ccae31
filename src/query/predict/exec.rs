//! The step that calls models, as it runs.

use super::node::Predict;
use crate::base::Error;
use datafusion::catalog::Session;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::execution_plan::CardinalityEffect;
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};
use futures::future::BoxFuture;
use std::fmt;
use std::future::ready;
use std::sync::Arc;

/// Scores every batch of its input.
///
/// It works as a projection does, but is none to the optimizer, which would move filters
/// through it, put the call in their place, and score twice.
#[derive(Debug)]
struct PredictExec {
    projection: ProjectionExec,
}

impl PredictExec {
    fn new(exprs: Vec<(Arc<dyn PhysicalExpr>, String)>, input: Arc<dyn ExecutionPlan>) -> Result<Self> {
        Ok(PredictExec { projection: ProjectionExec::try_new(exprs, input)? })
    }

    fn calls(&self) -> impl Iterator<Item = String> + '_ {
        let columns = self.projection.input().schema().fields().len();
        self.projection.expr().iter().skip(columns).map(|projected| projected.expr.to_string())
    }
}

impl DisplayAs for PredictExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "PredictExec: {}", self.calls().collect::<Vec<_>>().join(", "))
    }
}

impl ExecutionPlan for PredictExec {
    fn name(&self) -> &str {
        "PredictExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.projection.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    /// Scoring is dear: it is worth more threads.
    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![self.projection.input()]
    }

    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.projection.apply_expressions(visit)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let exprs = self.projection.expr().iter().map(|projected| (projected.expr.clone(), projected.alias.clone()));
        Ok(Arc::new(PredictExec::new(exprs.collect(), children.swap_remove(0))?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.projection.execute(partition, context)
    }

    fn metrics(&self) -> Option<MetricsSet> {
        self.projection.metrics()
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }
}

/// Plans [`Predict`].
#[derive(Debug)]
pub struct PredictPlanner;

impl ExtensionPlanner for PredictPlanner {
    // Written out, so that no future holds a `LogicalPlan`: rustc proves for seconds that it may be sent.
    fn plan_extension<'life0, 'life1, 'life2, 'life3, 'life4, 'life5, 'life6, 'life7, 'async_trait>(
        &'life0 self,
        planner: &'life1 dyn PhysicalPlanner,
        node: &'life2 dyn UserDefinedLogicalNode,
        logical: &'life3 [&'life4 LogicalPlan],
        physical: &'life5 [Arc<dyn ExecutionPlan>],
        session: &'life6 dyn Session,
        context: &'life7 PhysicalPlanningContext,
    ) -> BoxFuture<'async_trait, Result<Option<Arc<dyn ExecutionPlan>>>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        'life2: 'async_trait,
        'life3: 'async_trait,
        'life4: 'async_trait,
        'life5: 'async_trait,
        'life6: 'async_trait,
        'life7: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(ready(planned(planner, node, logical, physical, session, context)))
    }
}

fn planned(
    planner: &dyn PhysicalPlanner,
    node: &dyn UserDefinedLogicalNode,
    logical: &[&LogicalPlan],
    physical: &[Arc<dyn ExecutionPlan>],
    session: &dyn Session,
    context: &PhysicalPlanningContext,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(predict) = node.as_any().downcast_ref::<Predict>() else { return Ok(None) };
    let ([logical], [input]) = (logical, physical) else {
        return Err(Error::internal("a prediction must have one input").into());
    };
    let schema = input.schema();
    let mut exprs: Vec<(Arc<dyn PhysicalExpr>, String)> = vec![];
    for (at, field) in schema.fields().iter().enumerate() {
        exprs.push((Arc::new(Column::new(field.name(), at)), field.name().clone()));
    }
    for (call, name) in predict.calls.iter().zip(predict.names()) {
        exprs.push((planner.create_physical_expr(call, logical.schema(), session, context)?, name.clone()));
    }
    Ok(Some(Arc::new(PredictExec::new(exprs, input.clone())?)))
}
