//! `x > ALL (SELECT …)` and `x = ANY (SELECT …)`.

use super::super::expression::select;
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Query, SelectItem, SetExpr, Statement, TableAlias, TableFactor, WildcardAdditionalOptions,
};

/// The name of a column that no table has.
const COMPARED: &str = "\u{1}compared";

/// Gives the subquery's column a name of its own: the planner compares it with `x` inside the
/// subquery, where a table of the same name would take `x` for its own column.
pub(super) fn isolate(expr: &mut Expr) {
    let (Expr::AllOp { right, .. } | Expr::AnyOp { right, .. }) = expr else { return };
    let Expr::Subquery(query) = right.as_mut() else { return };
    // Through a relation of its own the planner would not find columns of the outer query.
    if !rename_column(query)
        && let Some(isolated) = everything_of(query)
    {
        **query = isolated;
    }
}

fn rename_column(query: &mut Query) -> bool {
    let SetExpr::Select(select) = query.body.as_mut() else { return false };
    let [item] = select.projection.as_mut_slice() else { return false };
    if query.order_by.is_some() {
        return false;
    }
    let alias = Ident::with_quote('"', COMPARED);
    match item {
        SelectItem::UnnamedExpr(expr) => *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias },
        SelectItem::ExprWithAlias { alias: given, .. } => *given = alias,
        _ => return false,
    }
    true
}

/// `SELECT * FROM (query) AS "…"`
fn everything_of(query: &Query) -> Option<Query> {
    let name = Ident::with_quote('"', COMPARED);
    let Statement::Query(mut outer) = select(vec![], Some(&name.value)) else { return None };
    let SetExpr::Select(body) = outer.body.as_mut() else { return None };
    body.projection = vec![SelectItem::Wildcard(WildcardAdditionalOptions::default())];
    body.from.first_mut()?.relation = TableFactor::Derived {
        lateral: false,
        subquery: Box::new(query.clone()),
        alias: Some(TableAlias { explicit: true, name, columns: vec![], at: None }),
        sample: None,
    };
    Some(*outer)
}
