//! The columns of an answer: names and types that clients know.

use super::rewrite::columns::{distinct, shown};
use crate::base::{Result, Type};
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::Column;
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use std::sync::Arc;

/// The plan with columns of types that have a name in SQL, and what a client sees of them.
pub fn shaped(plan: LogicalPlan) -> Result<(LogicalPlan, SchemaRef)> {
    let inner = plan.schema().clone();
    let names = distinct(inner.fields().iter().map(|field| shown(field.name())));
    let mut changed = false;
    let mut columns = vec![];
    let mut fields = vec![];
    for ((qualifier, field), name) in inner.iter().zip(names) {
        let ty = Type::of(field);
        let target = held(&ty, field.data_type());
        let seen = ty.field(shown(&name), field.is_nullable()).with_data_type(target.clone());
        let column = Expr::Column(Column::from((qualifier, field)));
        let column = if target == *field.data_type() {
            column
        } else {
            changed = true;
            let field = ty.field("cast", true).with_data_type(target);
            Expr::Cast(Cast::new_from_field(Box::new(column), Arc::new(field)))
        };
        changed |= qualifier.is_some() || name != *field.name();
        columns.push(column.alias(name));
        fields.push(seen);
    }
    let schema = Arc::new(Schema::new(fields));
    let plan = if changed { LogicalPlanBuilder::from(plan).project(columns)?.build()? } else { plan };
    Ok((plan, schema))
}

/// The Arrow type in which an answer holds a type; records stay as they are.
fn held(ty: &Type, from: &DataType) -> DataType {
    match ty {
        Type::Record => from.clone(),
        Type::Array(element) if **element == Type::Record => from.clone(),
        ty => ty.arrow(),
    }
}
