//! Subqueries where DataFusion has no plan for them: in the columns of a SELECT, in an aggregate, an ORDER BY,
//! beside LATERAL, or with columns of the outer query anywhere but in an equality.
//!
//! Each becomes a join with what [`depend`] makes of it: the subquery for every distinct combination of the outer
//! columns that it names, with those columns.

mod depend;
mod single;

use crate::base::{Error, Kind};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, NullEquality, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::{Case, Exists, InSubquery, SetComparison, SetQuantifier};
use datafusion::logical_expr::{
    Expr, Join, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, Subquery, SubqueryAlias, binary_expr, lit,
};
use datafusion::optimizer::decorrelate::PullUpCorrelatedExpr;
use depend::Domain;
use std::sync::Arc;

/// The plan with joins in the place of those subqueries.
pub fn applied(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut numbers = Numbers::default();
    Ok(plan.transform_up_with_subqueries(|node| numbers.node(node))?.data)
}

/// Tells relations apart that are made here.
#[derive(Default)]
struct Numbers(usize);

impl Numbers {
    fn next(&mut self) -> usize {
        self.0 += 1;
        self.0
    }

    fn node(&mut self, node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        match &node {
            LogicalPlan::Join(join) => match self.lateral(join)? {
                Some(joined) => Ok(Transformed::yes(joined)),
                None => Ok(Transformed::no(node)),
            },
            LogicalPlan::Projection(_)
            | LogicalPlan::Filter(_)
            | LogicalPlan::Aggregate(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Window(_) => self.expressions(node),
            _ => Ok(Transformed::no(node)),
        }
    }

    /// The node over its input joined with its subqueries.
    fn expressions(&mut self, node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        let filter = matches!(node, LogicalPlan::Filter(_));
        let mut wanted = false;
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                wanted |= unplanned(expr, filter)?;
                Ok(if wanted { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
            })
        })?;
        let inputs = node.inputs();
        let (true, [input]) = (wanted, inputs.as_slice()) else { return Ok(Transformed::no(node)) };
        let mut input = (*input).clone();
        let output = node.schema().clone();
        let mut exprs = vec![];
        for expr in node.expressions() {
            let named = matches!(node, LogicalPlan::Projection(_) | LogicalPlan::Aggregate(_) | LogicalPlan::Window(_));
            let name = (named && !matches!(expr, Expr::Alias(_))).then(|| expr.qualified_name());
            let changed = expr.transform_up(|expr| match unplanned(&expr, filter)? {
                true => self.joined(expr, &mut input),
                false => Ok(Transformed::no(expr)),
            })?;
            exprs.push(match (changed.transformed, name) {
                (true, Some((relation, name))) => changed.data.alias_qualified(relation, name),
                _ => changed.data,
            });
        }
        let rebuilt = node.with_new_exprs(exprs, vec![input])?;
        let rebuilt = match rebuilt.schema().fields().len() == output.fields().len() {
            true => rebuilt,
            false => {
                let columns = output.columns().into_iter().map(Expr::Column);
                LogicalPlanBuilder::from(rebuilt).project(columns.collect::<Vec<_>>())?.build()?
            }
        };
        Ok(Transformed::yes(rebuilt))
    }

    /// What stands for a subquery, and its rows beside those of the input.
    fn joined(&mut self, expr: Expr, input: &mut LogicalPlan) -> Result<Transformed<Expr>> {
        Ok(Transformed::yes(match expr {
            Expr::Exists(Exists { subquery, negated }) => {
                let found = self.exists(&subquery.subquery, input)?;
                if negated { Expr::Not(Box::new(found)) } else { found }
            }
            Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
                let found = self.compared(*expr, Operator::Eq, SetQuantifier::Any, &subquery, input)?;
                if negated { Expr::Not(Box::new(found)) } else { found }
            }
            Expr::SetComparison(SetComparison { expr, subquery, op, quantifier }) => {
                self.compared(*expr, op, quantifier, &subquery, input)?
            }
            Expr::ScalarSubquery(subquery) => self.scalar(&subquery.subquery, input)?,
            other => return Ok(Transformed::no(other)),
        }))
    }

    fn exists(&mut self, subquery: &LogicalPlan, input: &mut LogicalPlan) -> Result<Expr> {
        let Some(domain) = Domain::of(subquery, input, self.next())? else {
            return any_row(subquery);
        };
        let (rows, keys) = depend::depend(subquery, &domain, &mut || self.next())?;
        let mark = format!("\u{1}found {}", self.next());
        let mut columns: Vec<Expr> = keys.iter().cloned().map(Expr::Column).collect();
        columns.push(lit(true).alias(mark.clone()));
        let right = LogicalPlanBuilder::from(rows).project(columns)?.distinct()?.build()?;
        *input = beside(input.clone(), right, &domain, &keys, JoinType::Left)?;
        Ok(Expr::Column(Column::from_name(mark)).is_not_null())
    }

    /// `expr op ANY (subquery)` and `ALL`: true or false when any row decides it, else NULL when any row could have.
    fn compared(
        &mut self,
        expr: Expr,
        op: Operator,
        quantifier: SetQuantifier,
        subquery: &Subquery,
        input: &mut LogicalPlan,
    ) -> Result<Expr> {
        let plan = subquery.subquery.as_ref();
        let outer = outer(expr.clone(), input.schema())?;
        let column = Expr::Column(
            plan.schema()
                .columns()
                .into_iter()
                .next()
                .ok_or_else(|| Error::internal("a subquery that is compared must have a column"))?,
        );
        let comparison = binary_expr(outer, op, column.clone());
        let all = matches!(quantifier, SetQuantifier::All);
        let decisive = if all { Expr::Not(Box::new(comparison.clone())) } else { comparison.clone() };
        let where_ = |condition: Expr| LogicalPlanBuilder::from(plan.clone()).filter(condition)?.build();
        let decided = self.exists(&where_(decisive)?, input)?;
        let unknown = if op == Operator::Eq && !all {
            let nulls = self.exists(&where_(column.is_null())?, input)?;
            let any = self.exists(plan, input)?;
            expr.is_null().and(any).or(nulls)
        } else {
            self.exists(&where_(comparison.is_null())?, input)?
        };
        Ok(Expr::Case(Case {
            expr: None,
            when_then_expr: vec![
                (Box::new(decided), Box::new(lit(!all))),
                (Box::new(unknown), Box::new(lit(ScalarValue::Boolean(None)))),
            ],
            else_expr: Some(Box::new(lit(all))),
        }))
    }

    /// The only value of a subquery; more rows are an error.
    fn scalar(&mut self, subquery: &LogicalPlan, input: &mut LogicalPlan) -> Result<Expr> {
        let Some(domain) = Domain::of(subquery, input, self.next())? else {
            return Err(ungrouped(subquery));
        };
        let (rows, keys) = depend::depend(subquery, &domain, &mut || self.next())?;
        let value = rows.schema().columns().into_iter().next();
        let value = value.ok_or_else(|| Error::internal("a scalar subquery must have a column"))?;
        let name = format!("\u{1}value {}", self.next());
        let groups: Vec<Expr> = keys.iter().cloned().map(Expr::Column).collect();
        let only = single::single().call(vec![Expr::Column(value)]).alias(name.clone());
        let right = LogicalPlanBuilder::from(rows).aggregate(groups, vec![only])?.build()?;
        *input = beside(input.clone(), right, &domain, &keys, JoinType::Left)?;
        Ok(Expr::Column(Column::from_name(name)))
    }

    /// A join with a subquery of the columns to its left.
    fn lateral(&mut self, join: &Join) -> Result<Option<LogicalPlan>> {
        let (subquery, alias) = match join.right.as_ref() {
            LogicalPlan::Subquery(subquery) => (subquery, None),
            LogicalPlan::SubqueryAlias(SubqueryAlias { input, alias, .. }) => match input.as_ref() {
                LogicalPlan::Subquery(subquery) => (subquery, Some(alias.clone())),
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        let known = matches!(join.join_type, JoinType::Inner | JoinType::Left);
        if !known || pulls_up(&subquery.subquery, false)? {
            return Ok(None);
        }
        let left = join.left.as_ref().clone();
        let Some(domain) = Domain::of(&subquery.subquery, &left, self.next())? else { return Ok(None) };
        let (mut right, mut keys) = depend::depend(&subquery.subquery, &domain, &mut || self.next())?;
        if let Some(alias) = alias {
            right = LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(Arc::new(right), alias.clone())?);
            keys.iter_mut().for_each(|key| key.relation = Some(alias.clone()));
        }
        let mut joined = match (&join.filter, join.join_type) {
            (Some(filter), JoinType::Left) => {
                beside_where(left, right, &domain, &keys, JoinType::Left, Some(filter.clone()))?
            }
            (_, kind) => beside(left, right, &domain, &keys, kind)?,
        };
        if let (Some(filter), JoinType::Inner) = (&join.filter, join.join_type) {
            joined = LogicalPlanBuilder::from(joined).filter(filter.clone())?.build()?;
        }
        for (one, other) in &join.on {
            joined = LogicalPlanBuilder::from(joined).filter(one.clone().eq(other.clone()))?.build()?;
        }
        let columns = join.schema.columns().into_iter().map(Expr::Column);
        Ok(Some(LogicalPlanBuilder::from(joined).project(columns.collect::<Vec<_>>())?.build()?))
    }
}

/// Whether DataFusion has no plan for an expression that is a subquery.
fn unplanned(expr: &Expr, in_filter: bool) -> Result<bool> {
    Ok(match expr {
        Expr::Exists(exists) if in_filter => !pulls_up(&exists.subquery.subquery, true)?,
        // Without a column DataFusion forgets that NULL may be among the values.
        Expr::InSubquery(found) if in_filter => {
            found.expr.column_refs().is_empty() || !pulls_up(&found.subquery.subquery, false)?
        }
        Expr::SetComparison(found) if in_filter => !pulls_up(&found.subquery.subquery, false)?,
        Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_) => true,
        Expr::ScalarSubquery(subquery) => {
            let plan = subquery.subquery.as_ref();
            !(subquery.outer_ref_columns.is_empty() || is_one_row(plan) && pulls_up(plan, false)?)
        }
        _ => false,
    })
}

/// Whether a subquery's outer columns stand only where DataFusion can pull them out.
fn pulls_up(plan: &LogicalPlan, exists: bool) -> Result<bool> {
    // It would count rows before those of other outer rows are gone.
    if plan.exists(|node| Ok(matches!(node, LogicalPlan::Window(_))))? {
        return Ok(false);
    }
    let mut pull_up = PullUpCorrelatedExpr::new().with_exists_sub_query(exists).with_need_handle_count_bug(!exists);
    let rewritten = plan.clone().rewrite(&mut pull_up);
    Ok(rewritten.is_ok_and(|plan| plan.data.all_out_ref_exprs().is_empty()) && pull_up.can_pull_up)
}

/// Whether it is an aggregate without groups.
fn is_one_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::Projection(projection) => is_one_row(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => is_one_row(&alias.input),
        _ => false,
    }
}

/// Whether a subquery without outer columns has any row.
fn any_row(subquery: &LogicalPlan) -> Result<Expr> {
    let count = datafusion::functions_aggregate::expr_fn::count(lit(1));
    let plan = LogicalPlanBuilder::from(subquery.clone())
        .limit(0, Some(1))?
        .aggregate(Vec::<Expr>::new(), vec![count.alias("\u{1}rows")])?
        .project(vec![Expr::Column(Column::from_name("\u{1}rows")).gt(lit(0)).alias("\u{1}any")])?
        .build()?;
    Ok(Expr::ScalarSubquery(Subquery {
        subquery: Arc::new(plan),
        outer_ref_columns: vec![],
        spans: datafusion::common::Spans::new(),
    }))
}

/// The outer columns are there no more once rows were grouped.
fn ungrouped(subquery: &LogicalPlan) -> DataFusionError {
    let column = subquery.all_out_ref_exprs().into_iter().find_map(|expr| match expr {
        Expr::OuterReferenceColumn(_, column) => Some(column.flat_name()),
        _ => None,
    });
    let column = column.unwrap_or_default();
    Error::new(Kind::Grouping, format!("subquery uses ungrouped column \"{column}\" from outer query")).into()
}

/// Columns of the input as a subquery sees them.
fn outer(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let outer = expr.transform_up(|expr| match expr {
        Expr::Column(column) => {
            let (_, field) = schema.qualified_field_from_column(&column)?;
            Ok(Transformed::yes(Expr::OuterReferenceColumn(field.clone(), column)))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(outer.data)
}

/// Rows with those of a subquery for their outer columns, NULL being equal to NULL.
fn beside(
    left: LogicalPlan,
    right: LogicalPlan,
    domain: &Domain,
    keys: &[Column],
    kind: JoinType,
) -> Result<LogicalPlan> {
    beside_where(left, right, domain, keys, kind, None)
}

fn beside_where(
    left: LogicalPlan,
    right: LogicalPlan,
    domain: &Domain,
    keys: &[Column],
    kind: JoinType,
    filter: Option<Expr>,
) -> Result<LogicalPlan> {
    let on = (domain.outer.clone(), keys.to_vec());
    LogicalPlanBuilder::from(left)
        .join_detailed_with_options(right, kind, on, filter, NullEquality::NullEqualsNull, false)?
        .build()
}
