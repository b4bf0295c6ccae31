//! A subquery for every combination of outer columns: the combinations are joined to what it reads, and its
//! aggregates, windows and limits count within each.

use crate::base::Error;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, NullEquality, ScalarValue};
use datafusion::error::Result;
use datafusion::functions::core::coalesce;
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::logical_plan::{FetchType, SkipType};
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, Join, JoinType, Limit, LogicalPlan, LogicalPlanBuilder, SortExpr, SubqueryAlias, Values,
    Window, WindowFrame, WindowFunctionDefinition, binary_expr, lit,
};
use std::collections::HashMap;
use std::sync::Arc;

/// The distinct combinations of the outer columns that a subquery names.
pub struct Domain {
    /// As the outer query calls them.
    pub outer: Vec<Column>,
    names: Vec<String>,
    plan: LogicalPlan,
}

impl Domain {
    /// `None` when the subquery names no column of `input`.
    pub fn of(subquery: &LogicalPlan, input: &LogicalPlan, number: usize) -> Result<Option<Domain>> {
        let mut outer: Vec<Column> = vec![];
        subquery.apply_with_subqueries(|node| {
            node.apply_expressions(|expr| {
                expr.apply(|expr| {
                    if let Expr::OuterReferenceColumn(_, column) = expr
                        && input.schema().has_column(column)
                        && !outer.contains(column)
                    {
                        outer.push(column.clone());
                    }
                    Ok(TreeNodeRecursion::Continue)
                })
            })
        })?;
        if outer.is_empty() {
            return Ok(None);
        }
        let names: Vec<String> = (0..outer.len()).map(|at| format!("\u{1}outer {number} {at}")).collect();
        let columns = outer.iter().zip(&names).map(|(column, name)| Expr::Column(column.clone()).alias(name));
        let plan = LogicalPlanBuilder::from(input.clone()).project(columns.collect::<Vec<_>>())?.distinct()?.build()?;
        Ok(Some(Domain { outer, names, plan }))
    }

    /// The combinations as a relation of their own.
    fn relation(&self, number: usize) -> Result<(LogicalPlan, Vec<Column>)> {
        let alias = format!("\u{1}outer {number}");
        let plan = LogicalPlanBuilder::from(self.plan.clone()).alias(alias.clone())?.build()?;
        Ok((plan, self.names.iter().map(|name| Column::new(Some(alias.clone()), name)).collect()))
    }

    fn is_named(&self, plan: &LogicalPlan) -> Result<bool> {
        let mut named = false;
        plan.apply_with_subqueries(|node| {
            node.apply_expressions(|expr| {
                expr.apply(|expr| {
                    named |= matches!(expr, Expr::OuterReferenceColumn(_, column) if self.outer.contains(column));
                    Ok(if named { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
                })
            })
        })?;
        Ok(named)
    }

    /// The expression with the combination's columns in the place of the outer ones.
    fn replaced(&self, expr: Expr, keys: &[Column]) -> Result<Expr> {
        let keys: HashMap<&Column, &Column> = self.outer.iter().zip(keys).collect();
        let inside = |plan: &LogicalPlan| {
            plan.clone().transform_down_with_subqueries(|node| {
                node.map_expressions(|expr| {
                    expr.transform_up(|expr| match expr {
                        Expr::OuterReferenceColumn(field, column) => Ok(match keys.get(&column) {
                            Some(key) => Transformed::yes(Expr::OuterReferenceColumn(field, (*key).clone())),
                            None => Transformed::no(Expr::OuterReferenceColumn(field, column)),
                        }),
                        other => Ok(Transformed::no(other)),
                    })
                })
            })
        };
        let replaced = expr.transform_up(|expr| match expr {
            Expr::OuterReferenceColumn(field, column) => Ok(match keys.get(&column) {
                Some(key) => Transformed::yes(Expr::Column((*key).clone())),
                None => Transformed::no(Expr::OuterReferenceColumn(field, column)),
            }),
            Expr::Exists(mut exists) => {
                exists.subquery.subquery = Arc::new(inside(&exists.subquery.subquery)?.data);
                exists.subquery.outer_ref_columns = exists.subquery.subquery.all_out_ref_exprs();
                Ok(Transformed::yes(Expr::Exists(exists)))
            }
            Expr::InSubquery(mut found) => {
                found.subquery.subquery = Arc::new(inside(&found.subquery.subquery)?.data);
                found.subquery.outer_ref_columns = found.subquery.subquery.all_out_ref_exprs();
                Ok(Transformed::yes(Expr::InSubquery(found)))
            }
            Expr::ScalarSubquery(mut subquery) => {
                subquery.subquery = Arc::new(inside(&subquery.subquery)?.data);
                subquery.outer_ref_columns = subquery.subquery.all_out_ref_exprs();
                Ok(Transformed::yes(Expr::ScalarSubquery(subquery)))
            }
            other => Ok(Transformed::no(other)),
        })?;
        Ok(replaced.data)
    }

    fn all_replaced(&self, exprs: &[Expr], keys: &[Column]) -> Result<Vec<Expr>> {
        exprs.iter().map(|expr| self.replaced(expr.clone(), keys)).collect()
    }
}

/// The plan's columns and, after them, those of the combination that each row is for.
pub fn depend(
    plan: &LogicalPlan,
    domain: &Domain,
    number: &mut dyn FnMut() -> usize,
) -> Result<(LogicalPlan, Vec<Column>)> {
    if !domain.is_named(plan)? {
        let (relation, keys) = domain.relation(number())?;
        let rows = LogicalPlanBuilder::from(plan.clone()).cross_join(relation)?.build()?;
        return Ok((rows, keys));
    }
    match plan {
        LogicalPlan::Projection(projection) => {
            let (input, keys) = depend(&projection.input, domain, number)?;
            let mut exprs = domain.all_replaced(&named(&projection.expr), &keys)?;
            exprs.extend(keys.iter().cloned().map(Expr::Column));
            Ok((LogicalPlanBuilder::from(input).project(exprs)?.build()?, keys))
        }
        LogicalPlan::Filter(filter) => {
            let (input, keys) = depend(&filter.input, domain, number)?;
            let predicate = domain.replaced(filter.predicate.clone(), &keys)?;
            Ok((LogicalPlanBuilder::from(input).filter(predicate)?.build()?, keys))
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let (input, keys) = depend(&alias.input, domain, number)?;
            let plan = LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(Arc::new(input), alias.alias.clone())?);
            let keys = keys.into_iter().map(|key| Column::new(Some(alias.alias.clone()), key.name)).collect();
            Ok((plan, keys))
        }
        LogicalPlan::Subquery(subquery) => depend(&subquery.subquery, domain, number),
        LogicalPlan::Aggregate(aggregate) => aggregated(aggregate, domain, number),
        LogicalPlan::Sort(sort) => match sort.fetch {
            None => depend(&sort.input, domain, number),
            Some(fetch) => limited(&sort.input, &sort.expr, 0, Some(fetch), domain, number),
        },
        LogicalPlan::Limit(limit) => limit_of(limit, domain, number),
        LogicalPlan::Distinct(Distinct::All(input)) => {
            let (input, keys) = depend(input, domain, number)?;
            Ok((LogicalPlanBuilder::from(input).distinct()?.build()?, keys))
        }
        LogicalPlan::Window(window) => windowed(window, domain, number),
        LogicalPlan::Join(join) => joined(join, domain, number),
        LogicalPlan::Union(union) => {
            let mut inputs = vec![];
            for input in &union.inputs {
                inputs.push(in_order(input, domain, number)?);
            }
            united(inputs, domain)
        }
        LogicalPlan::Values(values) => rows(values, domain, number),
        LogicalPlan::Unnest(unnest) => {
            let (input, keys) = depend(&unnest.input, domain, number)?;
            let columns = unnest.exec_columns.clone();
            let plan = LogicalPlanBuilder::from(input)
                .unnest_columns_with_options(columns, unnest.options.clone())?
                .build()?;
            Ok((plan, keys))
        }
        other => Err(Error::unsupported(format!(
            "a subquery with columns of the outer query in this place is not supported ({})",
            other.display()
        ))
        .hint("a JOIN says the same".to_string())
        .into()),
    }
}

/// Expressions with the names that they had, whatever becomes of what they hold.
fn named(exprs: &[Expr]) -> Vec<Expr> {
    exprs
        .iter()
        .map(|expr| match expr {
            Expr::Column(_) | Expr::Alias(_) => expr.clone(),
            other => {
                let (relation, name) = other.qualified_name();
                other.clone().alias_qualified(relation, name)
            }
        })
        .collect()
}

/// The plan's own columns, then the combination's.
fn in_order(
    plan: &LogicalPlan,
    domain: &Domain,
    number: &mut dyn FnMut() -> usize,
) -> Result<(LogicalPlan, Vec<Column>)> {
    let own = plan.schema().columns();
    let (rows, keys) = depend(plan, domain, number)?;
    let columns = own.into_iter().chain(keys.iter().cloned()).map(Expr::Column);
    Ok((LogicalPlanBuilder::from(rows).project(columns.collect::<Vec<_>>())?.build()?, keys))
}

fn united(inputs: Vec<(LogicalPlan, Vec<Column>)>, domain: &Domain) -> Result<(LogicalPlan, Vec<Column>)> {
    let mut plans = inputs.into_iter().map(|(plan, _)| plan);
    let first = plans.next().ok_or_else(|| Error::internal("a union must have inputs"))?;
    let union = plans.try_fold(LogicalPlanBuilder::from(first), |union, plan| union.union(plan))?.build()?;
    let columns = union.schema().columns();
    let keys = columns[columns.len() - domain.names.len()..].to_vec();
    Ok((union, keys))
}

fn rows(values: &Values, domain: &Domain, number: &mut dyn FnMut() -> usize) -> Result<(LogicalPlan, Vec<Column>)> {
    let names: Vec<String> = values.schema.fields().iter().map(|field| field.name().clone()).collect();
    let mut inputs = vec![];
    for row in &values.values {
        let (relation, keys) = domain.relation(number())?;
        let exprs = domain.all_replaced(row, &keys)?;
        let exprs = exprs.into_iter().zip(&names).map(|(expr, name)| expr.alias(name));
        let columns: Vec<Expr> = exprs.chain(keys.iter().cloned().map(Expr::Column)).collect();
        inputs.push((LogicalPlanBuilder::from(relation).project(columns)?.build()?, keys));
    }
    united(inputs, domain)
}

/// Without groups an aggregate has a row for every combination, which counts nothing when there is nothing.
fn aggregated(
    aggregate: &Aggregate,
    domain: &Domain,
    number: &mut dyn FnMut() -> usize,
) -> Result<(LogicalPlan, Vec<Column>)> {
    if let [Expr::GroupingSet(_)] = aggregate.group_expr.as_slice() {
        return Err(Error::unsupported("grouping sets beside columns of the outer query are not supported").into());
    }
    let (input, keys) = depend(&aggregate.input, domain, number)?;
    let mut groups = domain.all_replaced(&named(&aggregate.group_expr), &keys)?;
    groups.extend(keys.iter().cloned().map(Expr::Column));
    let values = domain.all_replaced(&named(&aggregate.aggr_expr), &keys)?;
    let grouped = LogicalPlanBuilder::from(input).aggregate(groups, values)?.build()?;
    if !aggregate.group_expr.is_empty() {
        return Ok((grouped, keys));
    }
    let (relation, all) = domain.relation(number())?;
    let joined = LogicalPlanBuilder::from(relation)
        .join_detailed_with_options(
            grouped,
            JoinType::Left,
            (all.clone(), keys),
            None,
            NullEquality::NullEqualsNull,
            false,
        )?
        .build()?;
    let own = aggregate.schema.columns().into_iter().zip(&aggregate.aggr_expr).map(|(column, expr)| {
        let value = Expr::Column(column.clone());
        match empty_value(expr) {
            Some(empty) => coalesce().call(vec![value, lit(empty)]).alias_qualified(column.relation, column.name),
            None => value,
        }
    });
    let columns: Vec<Expr> = own.chain(all.iter().cloned().map(Expr::Column)).collect();
    Ok((LogicalPlanBuilder::from(joined).project(columns)?.build()?, all))
}

/// What an aggregate says of no rows, when that is not NULL.
fn empty_value(expr: &Expr) -> Option<ScalarValue> {
    match expr {
        Expr::Alias(alias) => empty_value(&alias.expr),
        Expr::AggregateFunction(AggregateFunction { func, .. }) => {
            // Which type a NULL would have does not matter.
            let empty = func.default_value(&datafusion::arrow::datatypes::DataType::Int64);
            empty.ok().filter(|value| !value.is_null())
        }
        _ => None,
    }
}

fn windowed(window: &Window, domain: &Domain, number: &mut dyn FnMut() -> usize) -> Result<(LogicalPlan, Vec<Column>)> {
    let (input, keys) = depend(&window.input, domain, number)?;
    let exprs = domain.all_replaced(&window.window_expr, &keys)?;
    let within = |expr: Expr| {
        expr.transform_up(|expr| match expr {
            Expr::WindowFunction(mut function) => {
                function.params.partition_by.extend(keys.iter().cloned().map(Expr::Column));
                Ok(Transformed::yes(Expr::WindowFunction(function)))
            }
            other => Ok(Transformed::no(other)),
        })
    };
    let mut columns = window.input.schema().columns().into_iter().map(Expr::Column).collect::<Vec<_>>();
    let mut windows = vec![];
    for (old, new) in window.window_expr.iter().zip(exprs) {
        let new = within(new)?.data;
        let (relation, name) = old.qualified_name();
        columns.push(Expr::Column(Column::from_name(new.schema_name().to_string())).alias_qualified(relation, name));
        windows.push(new);
    }
    columns.extend(keys.iter().cloned().map(Expr::Column));
    Ok((LogicalPlanBuilder::from(input).window(windows)?.project(columns)?.build()?, keys))
}

fn limit_of(limit: &Limit, domain: &Domain, number: &mut dyn FnMut() -> usize) -> Result<(LogicalPlan, Vec<Column>)> {
    let (SkipType::Literal(skip), FetchType::Literal(fetch)) = (limit.get_skip_type()?, limit.get_fetch_type()?) else {
        return Err(
            Error::unsupported("LIMIT of an expression beside columns of the outer query is not supported").into()
        );
    };
    match limit.input.as_ref() {
        // Rows stay rows through a projection, so their order below it still tells which are the first.
        LogicalPlan::Projection(projection) => {
            let inner = LogicalPlan::Limit(Limit { input: projection.input.clone(), ..limit.clone() });
            let mut projection = projection.clone();
            projection.input = Arc::new(inner);
            let (input, keys) = depend(&projection.input, domain, number)?;
            let mut exprs = domain.all_replaced(&named(&projection.expr), &keys)?;
            exprs.extend(keys.iter().cloned().map(Expr::Column));
            Ok((LogicalPlanBuilder::from(input).project(exprs)?.build()?, keys))
        }
        LogicalPlan::Sort(sort) => limited(&sort.input, &sort.expr, skip, fetch, domain, number),
        other => limited(other, &[], skip, fetch, domain, number),
    }
}

/// The first rows of every combination, by their numbers in it.
fn limited(
    input: &LogicalPlan,
    order: &[SortExpr],
    skip: usize,
    fetch: Option<usize>,
    domain: &Domain,
    number: &mut dyn FnMut() -> usize,
) -> Result<(LogicalPlan, Vec<Column>)> {
    let (rows, keys) = in_order(input, domain, number)?;
    let order_by =
        order.iter().map(|sort| Ok(SortExpr { expr: domain.replaced(sort.expr.clone(), &keys)?, ..sort.clone() }));
    let order_by = order_by.collect::<Result<Vec<_>>>()?;
    let window = Expr::from(WindowFunction {
        fun: WindowFunctionDefinition::WindowUDF(row_number_udwf()),
        params: WindowFunctionParams {
            args: vec![],
            partition_by: keys.iter().cloned().map(Expr::Column).collect(),
            window_frame: WindowFrame::new(Some(true)),
            order_by,
            filter: None,
            null_treatment: None,
            distinct: false,
        },
    });
    let place = Expr::Column(Column::from_name(window.schema_name().to_string()));
    let columns: Vec<Expr> = rows.schema().columns().into_iter().map(Expr::Column).collect();
    let mut kept = place.clone().gt(lit(skip as u64));
    if let Some(fetch) = fetch {
        kept = kept.and(place.lt_eq(lit(skip.saturating_add(fetch) as u64)));
    }
    Ok((LogicalPlanBuilder::from(rows).window(vec![window])?.filter(kept)?.project(columns)?.build()?, keys))
}

fn joined(join: &Join, domain: &Domain, number: &mut dyn FnMut() -> usize) -> Result<(LogicalPlan, Vec<Column>)> {
    use JoinType::*;
    let (on_left, on_right) = (domain.is_named(&join.left)?, domain.is_named(&join.right)?);
    let left_alone = matches!(join.join_type, Inner | Left | LeftSemi | LeftAnti | LeftMark) && !on_right;
    let right_alone = matches!(join.join_type, Inner | Right) && !on_left && on_right;
    let (left, right, keys, same) = if left_alone {
        let (left, keys) = depend(&join.left, domain, number)?;
        (left, join.right.as_ref().clone(), keys, vec![])
    } else if right_alone {
        let (right, keys) = depend(&join.right, domain, number)?;
        (join.left.as_ref().clone(), right, keys, vec![])
    } else {
        let (left, left_keys) = depend(&join.left, domain, number)?;
        let (right, right_keys) = depend(&join.right, domain, number)?;
        let same: Vec<Expr> = left_keys
            .iter()
            .zip(&right_keys)
            .map(|(one, other)| {
                let [one, other] = [one, other].map(|key| Expr::Column(key.clone()));
                binary_expr(one, datafusion::logical_expr::Operator::IsNotDistinctFrom, other)
            })
            .collect();
        let keys = match join.join_type {
            Inner | Left | LeftSemi | LeftAnti | LeftMark => left_keys,
            Right => right_keys,
            _ => return Err(Error::unsupported("FULL JOIN beside columns of the outer query is not supported").into()),
        };
        (left, right, keys, same)
    };
    let on = join.on.iter().map(|(one, other)| one.clone().eq(other.clone()));
    let conditions = on.chain(join.filter.clone()).chain(same);
    let conditions = conditions.map(|condition| domain.replaced(condition, &keys)).collect::<Result<Vec<_>>>()?;
    let joined = LogicalPlanBuilder::from(left).join_on(right, join.join_type, conditions)?.build()?;
    // What the plan above expects, in its order.
    let columns = join.schema.columns().into_iter().chain(keys.iter().cloned()).map(Expr::Column);
    Ok((LogicalPlanBuilder::from(joined).project(columns.collect::<Vec<_>>())?.build()?, keys))
}
