//! `VALUES`: literals among values of other types, and subqueries, which the planner knows only in a SELECT.

use super::super::expression::select;
use super::Rewriter;
use super::choices::{Choosing, is_text};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, SelectItem, SetExpr, SetOperator, SetQuantifier, Statement, Value, Values, visit_expressions,
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

impl Rewriter<'_> {
    /// A literal without a type takes that of what stands in another row of its column.
    pub(super) fn values(&mut self, body: &mut SetExpr) {
        match body {
            SetExpr::SetOperation { left, right, .. } => {
                self.values(left);
                self.values(right);
            }
            SetExpr::Values(values) if values.rows.len() > 1 => self.typed_rows(values),
            _ => {}
        }
    }

    fn typed_rows(&mut self, values: &mut Values) {
        let columns = values.rows.first().map_or(0, |row| row.content.len());
        for column in 0..columns {
            let texts = values.rows.iter().any(|row| row.content.get(column).is_some_and(is_text));
            let exemplar = values.rows.iter().find_map(|row| row.content.get(column).filter(|expr| has_type(expr)));
            let Some(exemplar) = exemplar.cloned().filter(|_| texts) else { continue };
            for row in &mut values.rows {
                if let Some(text) = row.content.get_mut(column).filter(|expr| is_text(expr)) {
                    let taken = std::mem::replace(text, Expr::value(Value::Null));
                    *text = self.chosen(Choosing::Like, vec![taken, exemplar.clone()]);
                }
            }
        }
    }
}

fn has_type(expr: &Expr) -> bool {
    let null = matches!(expr, Expr::Value(value) if matches!(value.value, Value::Null | Value::Placeholder(_)));
    !null && !is_text(expr)
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
