//! DataFusion's state as every statement starts with it.

use super::cooperative::GiveWay;
use super::predict::{LiftPredictions, PredictPlanner};
use super::runtime::Threads;
use crate::base::Config;
use datafusion::catalog::Session;
use datafusion::common::config::Dialect;
use datafusion::error::Result;
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::{SessionState, SessionStateBuilder, SessionStateDefaults};
use datafusion::functions_aggregate::first_last::first_value_udaf;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::{Optimizer, OptimizerRule};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use datafusion::prelude::SessionConfig;
use futures::future::BoxFuture;
use std::fmt;
use std::sync::Arc;

/// DataFusion's rules after ours, which must see calls of models before anything moves them.
fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let lift: Arc<dyn OptimizerRule + Send + Sync> = Arc::new(LiftPredictions);
    std::iter::once(lift).chain(Optimizer::new().rules).collect()
}

/// DataFusion's rules, and at the end ours.
fn physical_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let last: Arc<dyn PhysicalOptimizerRule + Send + Sync> = Arc::new(GiveWay);
    PhysicalOptimizer::new().rules.into_iter().chain([last]).collect()
}

/// DataFusion's physical planner with our steps.
struct Planner(DefaultPhysicalPlanner);

impl fmt::Debug for Planner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Planner")
    }
}

impl QueryPlanner for Planner {
    // Written out, so that no future of ours holds a `LogicalPlan`: rustc proves for seconds that it may be sent.
    fn create_physical_plan<'life0, 'life1, 'life2, 'async_trait>(
        &'life0 self,
        plan: &'life1 LogicalPlan,
        session: &'life2 dyn Session,
    ) -> BoxFuture<'async_trait, Result<Arc<dyn ExecutionPlan>>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        'life2: 'async_trait,
        Self: 'async_trait,
    {
        self.0.create_physical_plan(plan, session)
    }
}

/// The template that statements are planned and run in. It has no catalog and reaches no file by itself.
pub fn template(config: &Config, threads: &Threads) -> SessionState {
    let mut session = SessionConfig::new()
        .with_target_partitions(threads.count)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(false);
    let options = session.options_mut();
    options.sql_parser.dialect = Dialect::PostgreSQL;
    options.sql_parser.parse_float_as_decimal = true;
    options.sql_parser.map_string_types_to_utf8view = false;
    options.sql_parser.collect_spans = true;
    options.execution.time_zone = Some("UTC".into());
    options.execution.parquet.schema_force_view_types = false;
    // Types of ours are in the fields' metadata, which not every node passes on.
    options.execution.skip_physical_aggregate_schema_check = true;
    // It would copy a model's call below and above a projection.
    options.optimizer.enable_leaf_expression_pushdown = false;
    // Every partition of a sort keeps this much in reserve: little of a small pool.
    let reserve = config.memory_bytes / (6 * threads.count.max(1));
    options.execution.sort_spill_reservation_bytes = reserve.clamp(64 << 10, 10 << 20);
    let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(PredictPlanner)]);
    SessionStateBuilder::new()
        .with_config(session)
        .with_runtime_env(threads.environment.clone())
        .with_expr_planners(SessionStateDefaults::default_expr_planners())
        // Names are resolved by ours alone, and each statement copies what stands here. DISTINCT ON asks for this one.
        .with_aggregate_functions(vec![first_value_udaf()])
        .with_optimizer_rules(rules())
        .with_physical_optimizer_rules(physical_rules())
        .with_query_planner(Arc::new(Planner(planner)))
        .build()
}
