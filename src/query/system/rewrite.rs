//! Postgres' spellings that DataFusion's planner does not know, in those that it knows.

use super::Context;
use crate::base::Result;
use datafusion::sql::sqlparser::ast::Statement;

/// Rewrites a statement in place before it is planned. Spans of what stays are kept.
pub fn rewrite(_statement: &mut Statement, _context: &Context) -> Result<()> {
    Ok(())
}
