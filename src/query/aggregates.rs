//! Whether an expression makes one row of many.

use super::functions::rows;
use super::rewrite::parts;
use datafusion::execution::SessionStateDefaults;
use datafusion::sql::sqlparser::ast::{Expr, Visit, Visitor};
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::LazyLock;

/// Whether there is an aggregate in it, or what gives several rows.
pub fn aggregates(expr: &Expr) -> bool {
    expr.visit(&mut Aggregates).is_break()
}

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
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        let name = parts(&function.name).pop();
        match name.is_some_and(|name| KNOWN.contains(&name) || rows::row_name(&name).is_some())
            || function.over.is_some()
        {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}
