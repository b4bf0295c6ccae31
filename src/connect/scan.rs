//! The leaf of a plan that reads rows from somewhere outside.

use crate::base::Error;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::coop::make_cooperative;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::StreamExt;
use futures::stream::BoxStream;
use std::fmt;
use std::sync::Arc;

/// Batches on their way in. Dropping the stream stops the other side.
pub(super) type Batches = BoxStream<'static, Result<RecordBatch, Error>>;

/// One partition of what is read: already projected, in batches of about `batch_rows`.
pub(super) trait Part: fmt::Debug + Send + Sync {
    fn open(&self, batch_rows: usize) -> Batches;
}

/// Reads its parts, one partition each.
#[derive(Debug)]
pub(super) struct ScanExec {
    name: &'static str,
    /// What `EXPLAIN` shows after the name.
    label: String,
    schema: SchemaRef,
    parts: Vec<Arc<dyn Part>>,
    rows: Option<usize>,
    metrics: ExecutionPlanMetricsSet,
    properties: Arc<PlanProperties>,
}

impl ScanExec {
    /// `rows` is an estimate of how many there are.
    pub fn new(
        name: &'static str,
        label: String,
        schema: SchemaRef,
        parts: Vec<Arc<dyn Part>>,
        rows: Option<usize>,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(parts.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        let metrics = ExecutionPlanMetricsSet::new();
        ScanExec { name, label, schema, parts, rows, metrics, properties: Arc::new(properties) }
    }
}

impl DisplayAs for ScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.label)
    }
}

impl ExecutionPlan for ScanExec {
    fn name(&self) -> &str {
        self.name
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let part = self.parts.get(partition).ok_or_else(|| Error::internal("a partition of a scan must exist"))?;
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let batches = part.open(context.session_config().batch_size()).map(move |batch| {
            let batch = batch?;
            metrics.record_output(batch.num_rows());
            Ok(batch)
        });
        Ok(make_cooperative(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches))))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(&self, _: &[Arc<Statistics>], _: &StatisticsArgs) -> Result<Arc<Statistics>> {
        Ok(Arc::new(estimate(&self.schema, self.rows)))
    }
}

/// Statistics that know at most about how many rows there are.
pub(super) fn estimate(schema: &SchemaRef, rows: Option<usize>) -> Statistics {
    let num_rows = rows.map_or(Precision::Absent, Precision::Inexact);
    Statistics { num_rows, ..Statistics::new_unknown(schema) }
}
