//! What small queries can do without: plans made anew, several threads.

use super::system;
use crate::lake;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::{Expr, LogicalPlan, TableScan};

/// Rows of all tables together that one thread reads as fast as several do.
const ROWS_FEW: usize = 50_000;

/// Whether the plan reads only tables that are known to have few rows.
pub fn reads_little(plan: &LogicalPlan) -> bool {
    let mut rows = 0;
    let seen = plan.apply_with_subqueries(|node| {
        let more = match node {
            LogicalPlan::TableScan(scan) => few(scan),
            // It can make any number of them.
            LogicalPlan::Extension(_) | LogicalPlan::RecursiveQuery(_) | LogicalPlan::Unnest(_) => None,
            _ => Some(0),
        };
        rows += more.unwrap_or(ROWS_FEW);
        Ok(if rows < ROWS_FEW { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    seen.is_ok() && rows < ROWS_FEW
}

fn few(scan: &TableScan) -> Option<usize> {
    let provider = source_as_provider(&scan.source).ok()?;
    if system::is_system(provider.as_ref()) {
        return Some(0);
    }
    match provider.statistics()?.num_rows {
        Precision::Exact(rows) if lake::is_managed(provider.as_ref()) => Some(rows),
        _ => None,
    }
}

/// Whether the plan as it is run once can be run again: it reads managed tables, whose files never change, and has
/// nothing that is filled while it runs.
pub fn is_repeatable(plan: &LogicalPlan) -> bool {
    let mut repeatable = true;
    let seen = plan.apply(|node| {
        repeatable &= match node {
            LogicalPlan::TableScan(scan) => {
                source_as_provider(&scan.source).is_ok_and(|provider| lake::is_managed(provider.as_ref()))
            }
            LogicalPlan::Projection(_)
            | LogicalPlan::Filter(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::SubqueryAlias(_) => !node.expressions().iter().any(asks),
            _ => false,
        };
        Ok(if repeatable { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    seen.is_ok() && repeatable
}

/// Whether an expression has a plan inside it.
pub fn asks(expr: &Expr) -> bool {
    let mut asks = false;
    let looked = expr.apply(|node| {
        asks |= matches!(
            node,
            Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_) | Expr::Unnest(_)
        );
        Ok(if asks { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    asks || looked.is_err()
}
