//! Queries that read nothing, as `SELECT 1` or `SELECT version()`: their one row needs no optimiser and no task of its own.

use super::errors;
use super::quick::asks;
use crate::base::Result;
use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::execution::SessionState;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{EmptyRelation, Expr, LogicalPlan, Projection};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use std::sync::Arc;

/// The projections of a plan that has one row and reads nothing, innermost first.
pub fn projections(plan: &LogicalPlan) -> Option<Vec<Projection>> {
    match plan {
        LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: true, .. }) => Some(vec![]),
        LogicalPlan::Projection(projection) if !projection.expr.iter().any(asks) => {
            let mut inner = projections(&projection.input)?;
            inner.push(projection.clone());
            Some(inner)
        }
        _ => None,
    }
}

/// Whether nothing but values stand in them, so that their row takes no time.
pub fn are_values(projections: &[Projection]) -> bool {
    let is_value = |expr: &Expr| matches!(expr.clone().unalias(), Expr::Literal(..) | Expr::Column(_));
    projections.iter().all(|projection| projection.expr.iter().all(is_value))
}

/// Their row.
pub fn row(state: &SessionState, projections: &[Projection]) -> Result<RecordBatch> {
    let one = RecordBatchOptions::new().with_row_count(Some(1));
    let mut row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &one)?;
    for projection in projections {
        let context = SimplifyContext::builder()
            .with_schema(projection.input.schema().clone())
            .with_config_options(state.config_options().clone())
            .with_query_execution_start_time(state.execution_props().query_execution_start_time)
            .build();
        let simplifier = ExprSimplifier::new(context);
        let value = |expr: &Expr| -> datafusion::error::Result<ArrayRef> {
            // Some functions, as coalesce, are only what they simplify to.
            match simplifier.simplify(expr.clone())?.unalias() {
                Expr::Literal(value, _) => value.to_array(),
                rest => state.create_physical_expr(rest, projection.input.schema())?.evaluate(&row)?.into_array(1),
            }
        };
        let values = projection.expr.iter().map(value).collect::<datafusion::error::Result<Vec<_>>>();
        let values = values.map_err(errors::running)?;
        let named = projection.schema.fields().iter().zip(&values);
        let fields: Vec<Field> = named
            .map(|(field, value)| field.as_ref().clone().with_data_type(value.data_type().clone()).with_nullable(true))
            .collect();
        row = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), values, &one)?;
    }
    Ok(row)
}
