//! Models in a plan: each row is scored once, however often its prediction is used.
//!
//! DataFusion copies an expression to wherever it is needed: into the filter, again into the
//! projection above it, into a scan. So calls of models are lifted into a step of their own,
//! and what uses them reads its columns.

mod exec;
mod node;

pub use exec::PredictPlanner;

use super::functions::scored;
use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, Filter, Limit, LogicalPlan, Sort};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use node::Predict;
use std::collections::HashMap;
use std::sync::Arc;

/// Lifts calls of models out of projections, aggregates and the filters below them.
#[derive(Debug)]
pub struct LiftPredictions;

impl OptimizerRule for LiftPredictions {
    fn name(&self) -> &str {
        "lift_predictions"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        match &plan {
            LogicalPlan::Projection(_) | LogicalPlan::Aggregate(_) | LogicalPlan::Window(_) => lifted(plan),
            _ => Ok(Transformed::no(plan)),
        }
    }
}

fn lifted(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let above = calls(&plan.expressions())?;
    let Some(input) = plan.inputs().first().map(|input| (*input).clone()) else { return Ok(Transformed::no(plan)) };
    let mut lift = Lift::default();
    let input = lift.below(input)?;
    let input = lift.add(above, input)?;
    if lift.columns.is_empty() {
        return Ok(Transformed::no(plan));
    }
    let names = NamePreserver::new(&plan);
    let expressions = plan.expressions().into_iter().map(|expr| {
        let name = names.save(&expr);
        Ok(name.restore(lift.replaced(expr)?))
    });
    let expressions = expressions.collect::<Result<Vec<_>>>()?;
    Ok(Transformed::yes(plan.with_new_exprs(expressions, vec![input])?))
}

/// Calls that have been lifted, and the columns that have their answers.
#[derive(Default)]
struct Lift {
    columns: HashMap<Expr, Column>,
}

impl Lift {
    /// Lifts from the filters and sorts below; they keep the columns of their input, so those above see the answers.
    fn below(&mut self, plan: LogicalPlan) -> Result<LogicalPlan> {
        Ok(match plan {
            LogicalPlan::Filter(filter) => {
                let input = self.below(Arc::unwrap_or_clone(filter.input))?;
                let input = self.add(calls(std::slice::from_ref(&filter.predicate))?, input)?;
                LogicalPlan::Filter(Filter::try_new(self.replaced(filter.predicate)?, Arc::new(input))?)
            }
            LogicalPlan::Sort(sort) => {
                let input = self.below(Arc::unwrap_or_clone(sort.input))?;
                let exprs: Vec<_> = sort.expr.iter().map(|sort| sort.expr.clone()).collect();
                let input = self.add(calls(&exprs)?, input)?;
                let expr = sort.expr.into_iter().map(|sort| {
                    let expr = self.replaced(sort.expr.clone())?;
                    Ok(sort.with_expr(expr))
                });
                let expr = expr.collect::<Result<Vec<_>>>()?;
                LogicalPlan::Sort(Sort { expr, input: Arc::new(input), fetch: sort.fetch })
            }
            LogicalPlan::Limit(limit) => {
                let input = Arc::new(self.below(Arc::unwrap_or_clone(limit.input))?);
                LogicalPlan::Limit(Limit { input, ..limit })
            }
            other => other,
        })
    }

    /// The plan with a step that makes these calls, but for those that have been made below.
    fn add(&mut self, calls: Vec<Expr>, input: LogicalPlan) -> Result<LogicalPlan> {
        let fresh: Vec<_> = calls.into_iter().filter(|call| !self.columns.contains_key(call)).collect();
        if fresh.is_empty() {
            return Ok(input);
        }
        let predict = Predict::new(fresh, input)?;
        self.columns.extend(predict.columns());
        Ok(predict.plan())
    }

    fn replaced(&self, expr: Expr) -> Result<Expr> {
        let replaced = expr.transform_down(|expr| match self.columns.get(&expr) {
            Some(column) => Ok(Transformed::new(Expr::Column(column.clone()), true, TreeNodeRecursion::Jump)),
            None => Ok(Transformed::no(expr)),
        })?;
        Ok(replaced.data)
    }
}

/// The different calls in expressions that are computed for every row anyway.
fn calls(expressions: &[Expr]) -> Result<Vec<Expr>> {
    let mut found: Vec<Expr> = vec![];
    for expr in expressions {
        expr.apply(|expr| {
            if scored::is_call(expr) && !found.contains(expr) && !expr.contains_outer() {
                found.push(expr.clone());
            }
            Ok(if guards(expr) || scored::is_call(expr) {
                TreeNodeRecursion::Jump
            } else {
                TreeNodeRecursion::Continue
            })
        })?;
    }
    Ok(found)
}

/// Whether an expression computes its parts for some rows only: CASE, coalesce.
fn guards(expr: &Expr) -> bool {
    match expr {
        Expr::Case(_) => true,
        Expr::ScalarFunction(ScalarFunction { func, .. }) => func.short_circuits(),
        _ => false,
    }
}
