//! Postgres' functions about the catalog.

use super::{Context, System};
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

pub(super) fn functions(_system: &Arc<System>, _context: &Arc<Context>) -> Vec<Arc<ScalarUDF>> {
    vec![]
}
