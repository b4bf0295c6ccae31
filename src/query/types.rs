//! Types in a statement as the planner holds them.

use super::rewrite::casts::{sql_type, unknown};
use datafusion::arrow::datatypes::FieldRef;
use datafusion::error::Result;
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::sql::sqlparser::ast::DataType;
use std::sync::Arc;

#[derive(Debug)]
pub struct Types;

impl TypePlanner for Types {
    fn plan_type_field(&self, data_type: &DataType) -> Result<Option<FieldRef>> {
        let ty = sql_type(data_type).ok_or_else(|| unknown(data_type))?;
        // With a name the field is taken whole; without one, metadata of the value that is cast would stay.
        Ok(Some(Arc::new(ty.field("cast", true))))
    }
}
