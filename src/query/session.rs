//! DataFusion's state as every statement starts with it.

use super::runtime::Threads;
use crate::base::Config;
use datafusion::common::config::Dialect;
use datafusion::execution::{SessionState, SessionStateBuilder, SessionStateDefaults};
use datafusion::prelude::SessionConfig;

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
    let reserve = config.memory_bytes / (16 * threads.count.max(1));
    options.execution.sort_spill_reservation_bytes = reserve.clamp(64 << 10, 10 << 20);
    SessionStateBuilder::new()
        .with_config(session)
        .with_runtime_env(threads.environment.clone())
        .with_expr_planners(SessionStateDefaults::default_expr_planners())
        .with_scalar_functions(SessionStateDefaults::default_scalar_functions())
        .with_aggregate_functions(SessionStateDefaults::default_aggregate_functions())
        .with_window_functions(SessionStateDefaults::default_window_functions())
        .build()
}
