//! `(SELECT y FROM s WHERE s.x = t.x)`: a subquery that has at most one row for each of the outer query.

use super::{call, parts};
use crate::query::functions::single::SINGLE;
use datafusion::execution::SessionStateDefaults;
use datafusion::sql::sqlparser::ast::{Expr, GroupByExpr, Query, SelectItem, SetExpr, Value, Visit, Visitor};
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::LazyLock;

/// Makes the subquery's only column an aggregate, which refuses a second row: without one the planner
/// takes no subquery that speaks of the outer query.
pub(super) fn single(query: &mut Query) {
    if query.limit_clause.is_some() || query.fetch.is_some() || query.order_by.is_some() || query.with.is_some() {
        return;
    }
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    let grouped = match &select.group_by {
        GroupByExpr::Expressions(items, more) => !items.is_empty() || !more.is_empty(),
        GroupByExpr::All(_) => true,
    };
    if grouped || select.having.is_some() || select.distinct.is_some() || select.from.is_empty() {
        return;
    }
    let [SelectItem::UnnamedExpr(item) | SelectItem::ExprWithAlias { expr: item, .. }] =
        select.projection.as_mut_slice()
    else {
        return;
    };
    if !aggregates(item) {
        let value = std::mem::replace(item, Expr::value(Value::Null));
        *item = call(SINGLE, vec![value]);
    }
}

/// Whether the expression makes one row of many.
pub fn aggregates(expr: &Expr) -> bool {
    expr.visit(&mut Aggregates).is_break()
}

/// Stops at what gives one row by itself, or several.
struct Aggregates;

impl Visitor for Aggregates {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        static KNOWN: LazyLock<HashSet<String>> = LazyLock::new(|| {
            let functions = SessionStateDefaults::default_aggregate_functions();
            let names = functions.iter().flat_map(|function| {
                std::iter::once(function.name().to_string()).chain(function.aliases().iter().cloned())
            });
            names.chain(["every", "variance", "unnest", "generate_series"].map(String::from)).collect()
        });
        match expr {
            Expr::Function(function) => {
                let known = parts(&function.name).last().is_some_and(|name| KNOWN.contains(name));
                if known || function.over.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }
            _ => ControlFlow::Continue(()),
        }
    }
}
