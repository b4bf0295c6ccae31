//! Postgres' spellings that DataFusion's planner does not know, in those that it knows.

mod arrays;
mod casts;
mod names;
mod operators;
mod columns;
mod subqueries;

use super::Context;
use crate::base::Result;
use crate::query::rewrite::columns::figure;
use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, Select, SelectItem, Statement, TableFactor, Value, VisitMut, VisitorMut,
};
use std::ops::ControlFlow;

/// Rewrites a statement in place before it is planned. Spans of what stays are kept.
pub fn rewrite(statement: &mut Statement, _context: &Context) -> Result<()> {
    let _ = statement.visit(&mut Rewriter::default());
    Ok(())
}

/// Walks from the outside in, so that a subquery is seen before what is inside it has changed.
#[derive(Default)]
struct Rewriter {
    /// The catalog's tables by the names they have in the SELECTs around, the innermost last.
    tables: Vec<columns::Tables>,
}

impl VisitorMut for Rewriter {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        self.tables.push(columns::tables(select));
        subqueries::unasked(select);
        for item in &mut select.projection {
            let name = match item {
                SelectItem::UnnamedExpr(expr) => Some(figure(expr)),
                _ => None,
            };
            if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item
                && (casts::show(expr) || self.renames(expr))
                && let (SelectItem::UnnamedExpr(expr), Some(name)) = (&item, name)
            {
                *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::with_quote('"', name) };
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _: &mut Select) -> ControlFlow<()> {
        self.tables.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        names::table_function(factor);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        columns::hidden(&self.tables, expr);
        operators::plain(expr);
        casts::cast(expr);
        names::function(expr);
        arrays::subquery(expr);
        arrays::expand(expr);
        subqueries::scalar(expr);
        ControlFlow::Continue(())
    }
}

impl Rewriter {
    /// Whether what an expression becomes would lose the name that Postgres gives its column.
    fn renames(&self, expr: &Expr) -> bool {
        let becomes = matches!(expr, Expr::Cast { .. } | Expr::Subquery(_) | Expr::Collate { .. });
        becomes || arrays::is_subquery(expr) || arrays::is_set(expr) || columns::is_hidden(&self.tables, expr)
    }
}

/// A call of a function with plain arguments.
fn call(name: &str, arguments: impl IntoIterator<Item = Expr>) -> Expr {
    let argument = |expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: arguments.into_iter().map(argument).collect(),
            clauses: vec![],
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: vec![],
    })
}

fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::DoubleColon, expr: Box::new(expr), data_type, array: false, format: None }
}

fn text(value: &str) -> Expr {
    Expr::value(Value::SingleQuotedString(value.to_string()))
}

/// The expression, taken out of its place; something must be put there.
fn take(expr: &mut Expr) -> Expr {
    std::mem::replace(expr, Expr::value(Value::Null))
}

#[cfg(test)]
mod tests;
