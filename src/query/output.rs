//! The columns of an answer: names and types that clients know.

use super::rewrite::columns::{distinct, shown};
use crate::base::types::wholly;
use crate::base::{Result, Type};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
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
        let numbers = match &ty {
            Type::Array(element) => element.as_ref(),
            ty => ty,
        };
        let computed = matches!(numbers, Type::Numeric(Some(_))) && !declared(&plan, fields.len());
        let seen = if computed { wholly(seen) } else { seen };
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

/// Whether the digits of a column are said somewhere, and not just those that its values need.
fn declared(plan: &LogicalPlan, column: usize) -> bool {
    let in_input = |expr: &Expr, input: &LogicalPlan| said(expr, input);
    match plan {
        LogicalPlan::Projection(projection) => {
            projection.expr.get(column).is_some_and(|expr| in_input(expr, &projection.input))
        }
        LogicalPlan::Aggregate(aggregate) => {
            aggregate.group_expr.get(column).is_some_and(|expr| in_input(expr, &aggregate.input))
        }
        LogicalPlan::TableScan(_) => true,
        LogicalPlan::Union(union) => union.inputs.iter().all(|input| declared(input, column)),
        LogicalPlan::Window(window) => column < window.input.schema().fields().len() && declared(&window.input, column),
        LogicalPlan::Join(join) => {
            let left = join.left.schema().fields().len();
            if column < left { declared(&join.left, column) } else { declared(&join.right, column - left) }
        }
        other => match other.inputs().as_slice() {
            [input] if input.schema().fields().len() == other.schema().fields().len() => declared(input, column),
            _ => false,
        },
    }
}

fn said(expr: &Expr, input: &LogicalPlan) -> bool {
    match expr {
        Expr::Alias(alias) => said(&alias.expr, input),
        Expr::Column(column) => input.schema().maybe_index_of_column(column).is_some_and(|at| declared(input, at)),
        // A cast, or a literal of the type.
        Expr::ScalarFunction(call) => {
            call.func.name().starts_with("to numeric(") || call.func.name().starts_with("numeric(")
        }
        _ => false,
    }
}

/// Lists inside lists for each dimension that there is.
fn deep(element: &Type, from: &DataType) -> DataType {
    let item = match from {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _)
            if item.data_type().is_list() =>
        {
            deep(element, item.data_type())
        }
        _ => element.arrow(),
    };
    DataType::List(Arc::new(Field::new("item", item, true)))
}

/// The Arrow type in which an answer holds a type; records stay as they are.
fn held(ty: &Type, from: &DataType) -> DataType {
    match ty {
        Type::Record => from.clone(),
        Type::Array(element) if **element == Type::Record => from.clone(),
        Type::Array(element) => deep(element, from),
        ty => ty.arrow(),
    }
}
