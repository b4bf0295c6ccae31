//! `VALUES` with subqueries, which the planner knows only in a SELECT.

use super::super::expression::select;
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, SelectItem, SetExpr, SetOperator, SetQuantifier, Statement, Values, visit_expressions,
};
use std::ops::ControlFlow;

/// `VALUES (a, (SELECT …)), …` as `SELECT a, (SELECT …) UNION ALL …`
pub(super) fn as_selects(body: &mut SetExpr) {
    match body {
        SetExpr::SetOperation { left, right, .. } => {
            as_selects(left);
            as_selects(right);
        }
        SetExpr::Values(values) if has_subquery(values) => {
            let rows = std::mem::take(&mut values.rows).into_iter().map(|row| row.content).collect();
            if let Some(selects) = union(rows) {
                *body = selects;
            }
        }
        _ => {}
    }
}

fn has_subquery(values: &Values) -> bool {
    let found = visit_expressions(values, |expr| match expr {
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// In halves, so that many rows are not deep.
fn union(mut rows: Vec<Vec<Expr>>) -> Option<SetExpr> {
    if rows.len() > 1 {
        let right = union(rows.split_off(rows.len() / 2))?;
        return Some(SetExpr::SetOperation {
            left: Box::new(union(rows)?),
            op: SetOperator::Union,
            set_quantifier: SetQuantifier::All,
            right: Box::new(right),
        });
    }
    let Statement::Query(query) = select(rows.pop()?, None) else { return None };
    let mut body = *query.body;
    if let SetExpr::Select(select) = &mut body {
        for (at, item) in select.projection.iter_mut().enumerate() {
            if let SelectItem::UnnamedExpr(expr) = item {
                let alias = Ident::with_quote('"', format!("column{}", at + 1));
                *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
            }
        }
    }
    Some(body)
}
