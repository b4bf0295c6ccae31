//! What FROM reads, where PostgreSQL's planner differs from DataFusion's: joins by USING, functions, set operations.
//!
//! The rewriter marks them by an alias that no statement can have; here they meet the columns that there are.

mod function;
mod sets;
mod using;

use crate::base::Error;
use datafusion::error::Result;
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning};
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Join, TableAlias, TableFactor, TableWithJoins, visit_expressions,
};
use std::ops::ControlFlow;

const MARK: char = '\u{1}';

/// Why a relation is marked.
#[derive(Clone, Debug, PartialEq)]
pub enum Special {
    /// Its last join merges columns; with a number when their originals are kept under hidden names.
    Using(Option<usize>),
    /// Its last join is with a function of columns to its left.
    Lateral,
    /// UNION, INTERSECT or EXCEPT.
    Set,
}

impl Special {
    pub fn alias(&self) -> String {
        match self {
            Special::Using(None) => format!("{MARK}using"),
            Special::Using(Some(number)) => format!("{MARK}using {number}"),
            Special::Lateral => format!("{MARK}lateral"),
            Special::Set => format!("{MARK}set"),
        }
    }

    pub fn read(alias: &TableAlias) -> Option<Special> {
        let text = alias.name.value.strip_prefix(MARK)?;
        Some(match text.split_once(' ').unwrap_or((text, "")) {
            ("using", number) => Special::Using(number.parse().ok()),
            ("lateral", _) => Special::Lateral,
            ("set", _) => Special::Set,
            _ => return None,
        })
    }
}

/// The name under which a merged column keeps its original of one side.
pub fn hidden(key: &str, number: usize, side: &str) -> String {
    crate::query::rewrite::columns::apart(&format!("{key}{MARK}{side}"), number)
}

/// Plans the relations that are marked, and functions in FROM.
#[derive(Debug)]
pub struct Relations {
    pub zone: String,
}

impl RelationPlanner for Relations {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let planned = |plan| Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, None))));
        let special = match &relation {
            TableFactor::NestedJoin { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
                Special::read(alias)
            }
            _ => None,
        };
        match (special, relation) {
            (Some(Special::Set), TableFactor::Derived { subquery, .. }) => {
                planned(sets::plan(*subquery.body, context, &self.zone)?)
            }
            (Some(special), TableFactor::NestedJoin { table_with_joins, .. }) => {
                let (left, join) = split(*table_with_joins, context)?;
                planned(match special {
                    Special::Using(number) => using::plan(left, join, number, context, &self.zone)?,
                    _ => function::beside(left, join, context)?,
                })
            }
            (_, relation) if arguments(&relation).is_some() => planned(function::alone(relation, context)?),
            (_, relation) => Ok(RelationPlanning::Original(Box::new(relation))),
        }
    }
}

/// The last join, and everything before it as a plan.
fn split(mut joined: TableWithJoins, context: &mut dyn RelationPlannerContext) -> Result<(LogicalPlan, Join)> {
    let join = joined.joins.pop().ok_or_else(|| Error::internal("a marked relation must be a join"))?;
    let left = match joined.joins.is_empty() {
        true => joined.relation,
        false => TableFactor::NestedJoin { table_with_joins: Box::new(joined), alias: None },
    };
    Ok((context.plan(left)?, join))
}

/// The arguments of a function in FROM; `None` of what is none.
pub fn arguments(relation: &TableFactor) -> Option<Vec<Expr>> {
    let args = match relation {
        TableFactor::Table { args: Some(args), .. } => &args.args,
        TableFactor::Function { args, .. } => args,
        TableFactor::UNNEST { array_exprs, .. } => return Some(array_exprs.clone()),
        _ => return None,
    };
    let args = args.iter().filter_map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))
        | FunctionArg::Named { arg: FunctionArgExpr::Expr(expr), .. }
        | FunctionArg::ExprNamed { arg: FunctionArgExpr::Expr(expr), .. } => Some(expr.clone()),
        _ => None,
    });
    Some(args.collect())
}

/// Whether any column is named.
pub fn has_columns(exprs: &[Expr]) -> bool {
    exprs.iter().any(|expr| {
        visit_expressions(expr, |expr| match expr {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
            expr if crate::query::rewrite::choices::is_row(expr) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
        .is_break()
    })
}
