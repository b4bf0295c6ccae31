//! Aggregates over types whose values are equal, or in order, otherwise than the form in which they are held: an
//! interval of a month and one of 30 days are one group. And arrays that must not forget what their items are.

use super::functions::cast::Cast;
use super::functions::rows;
use super::operators::type_of;
use crate::base::Type;
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result;
use datafusion::functions::core::expr_fn::{get_field, named_struct};
use datafusion::functions_aggregate::first_last::first_value_udaf;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Aggregate, Distinct, Expr, LogicalPlan, LogicalPlanBuilder, lit, when};

/// The plan that means the same; `None` when it is as it is.
pub fn meant(plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    match plan {
        LogicalPlan::Aggregate(aggregate) => aggregated(aggregate),
        LogicalPlan::Distinct(Distinct::All(input)) => {
            let apart = |field: &Type| is_grouped_apart(field);
            if !input.schema().fields().iter().any(|field| apart(&Type::of(field))) {
                return Ok(None);
            }
            let columns: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
            let grouped = LogicalPlanBuilder::from(input.as_ref().clone()).aggregate(columns, Vec::<Expr>::new())?;
            match grouped.build()? {
                LogicalPlan::Aggregate(aggregate) => aggregated(&aggregate),
                _ => Ok(None),
            }
        }
        _ => Ok(None),
    }
}

/// Whether equal values of a type may look different.
fn is_grouped_apart(ty: &Type) -> bool {
    matches!(ty, Type::Interval | Type::Jsonb)
}

/// What stands for a value when it is compared.
fn key(ty: &Type, expr: Expr) -> Option<Expr> {
    let name = if *ty == Type::Interval { "interval order" } else { "order of" };
    Some(rows::function(name, "UTC")?.call(vec![expr]))
}

fn aggregated(aggregate: &Aggregate) -> Result<Option<LogicalPlan>> {
    let schema = aggregate.input.schema().as_ref();
    if aggregate.group_expr.iter().any(|expr| matches!(expr, Expr::GroupingSet(_))) {
        return Ok(None);
    }
    let (mut groups, mut aggregates, mut columns) = (vec![], vec![], vec![]);
    let mut firsts = vec![];
    let mut changed = false;
    let mut fields = aggregate.schema.iter();
    for (at, expr) in aggregate.group_expr.iter().enumerate() {
        let Some((qualifier, field)) = fields.next() else { return Ok(None) };
        let ty = type_of(expr, schema).filter(is_grouped_apart);
        match ty.and_then(|ty| Some((key(&ty, expr.clone().unalias())?, ty))) {
            Some((key, ty)) => {
                changed = true;
                let name = format!("\u{1}first {at}");
                groups.push(key.alias(format!("\u{1}key {at}")));
                firsts.push(first_value_udaf().call(vec![expr.clone().unalias()]).alias(&name));
                columns.push(
                    typed(Expr::Column(Column::from_name(name)), &ty).alias_qualified(qualifier.cloned(), field.name()),
                );
            }
            None => {
                groups.push(expr.clone());
                columns.push(Expr::Column(Column::from((qualifier, field))));
            }
        }
    }
    for (at, expr) in aggregate.aggr_expr.iter().enumerate() {
        let Some((qualifier, field)) = fields.next() else { return Ok(None) };
        let column = Expr::Column(Column::from((qualifier, field)));
        match other(expr, schema, at)? {
            Some((inner, outer)) => {
                changed = true;
                aggregates.push(inner.unwrap_or_else(|| expr.clone()));
                columns.push(outer(column).alias_qualified(qualifier.cloned(), field.name()));
            }
            None => {
                aggregates.push(expr.clone());
                columns.push(column);
            }
        }
    }
    if !changed {
        return Ok(None);
    }
    aggregates.extend(firsts);
    let input = aggregate.input.as_ref().clone();
    let plan = LogicalPlanBuilder::from(input).aggregate(groups, aggregates)?.project(columns)?.build()?;
    Ok(Some(plan))
}

/// What is made of the aggregate's column.
type Outer = Box<dyn Fn(Expr) -> Expr>;

/// An aggregate that needs another one, or another form of its answer.
fn other(expr: &Expr, schema: &DFSchema, at: usize) -> Result<Option<(Option<Expr>, Outer)>> {
    let Expr::AggregateFunction(call) = expr.clone().unalias() else { return Ok(None) };
    let Some(arg) = call.params.args.first().cloned() else { return Ok(None) };
    let Some(ty) = type_of(&arg, schema) else { return Ok(None) };
    match call.func.name() {
        "array_agg" if ty.as_array().is_none() && ty != Type::Record && Type::from_arrow(&ty.arrow()) != ty => {
            let array = Type::Array(Box::new(ty));
            Ok(Some((None, Box::new(move |column| typed(column, &array)))))
        }
        "min" | "max" if rows::is_ordered_apart(&ty) || ty == Type::Interval => {
            let Some(key) = key(&ty, arg.clone()) else { return Ok(None) };
            let pair = named_struct(vec![lit("key"), key, lit("value"), arg.clone()]);
            let pair = when(arg.is_not_null(), pair).end()?;
            let name = format!("\u{1}chosen {at}");
            let chosen = AggregateFunction {
                params: datafusion::logical_expr::expr::AggregateFunctionParams { args: vec![pair], ..call.params },
                ..call
            };
            let inner = Expr::AggregateFunction(chosen).alias(&name);
            let outer: Outer =
                Box::new(move |_| typed(get_field(Expr::Column(Column::from_name(&name)), "value"), &ty));
            Ok(Some((Some(inner), outer)))
        }
        _ => Ok(None),
    }
}

/// An expression that is known to be of a type that it has forgotten.
fn typed(expr: Expr, ty: &Type) -> Expr {
    match Type::from_arrow(&ty.arrow()) == *ty {
        true => expr,
        false => Cast::new(ty.clone(), "UTC").function().call(vec![expr]),
    }
}
