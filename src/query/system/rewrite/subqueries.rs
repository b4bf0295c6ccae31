//! Scalar subqueries over the catalog, which give one row because they ask by a key.

use super::{call, take};
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Query, Select, SelectItem, SetExpr,
    TableFactor, TableWithJoins,
};

/// Lets a subquery without aggregate be planned: DataFusion wants proof of one row, we know the catalog's keys.
pub fn scalar(expr: &mut Expr) {
    let Expr::Subquery(query) = expr else { return };
    let Query { with: None, body, order_by, limit_clause: None, fetch: None, .. } = &mut **query else { return };
    let SetExpr::Select(select) = &mut **body else { return };
    if !keyed(select) {
        return;
    }
    let [SelectItem::UnnamedExpr(item) | SelectItem::ExprWithAlias { expr: item, .. }] =
        select.projection.as_mut_slice()
    else {
        return;
    };
    *item = call("first_value", [take(item)]);
    *order_by = None;
}

/// Whether it reads the catalog only, row by row.
fn keyed(select: &Select) -> bool {
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
    let aggregated = select.projection.iter().any(|item| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => aggregates(expr),
        _ => true,
    });
    !select.from.is_empty()
        && select.distinct.is_none()
        && select.having.is_none()
        && !grouped
        && !aggregated
        && select.from.iter().all(from_catalog)
}

fn from_catalog(from: &TableWithJoins) -> bool {
    is_catalog(&from.relation) && from.joins.iter().all(|join| is_catalog(&join.relation))
}

fn is_catalog(factor: &TableFactor) -> bool {
    let TableFactor::Table { name, args: None, .. } = factor else { return false };
    let parts: Vec<_> = name.0.iter().filter_map(|part| part.as_ident()).map(|it| it.value.to_lowercase()).collect();
    match parts.as_slice() {
        [name] => name.starts_with("pg_"),
        [schema, _] => schema == "pg_catalog" || schema == "information_schema",
        _ => false,
    }
}

fn aggregates(expr: &Expr) -> bool {
    const NAMES: &[&str] = &[
        "array_agg",
        "avg",
        "bool_and",
        "bool_or",
        "count",
        "every",
        "first_value",
        "json_agg",
        "jsonb_agg",
        "max",
        "min",
        "string_agg",
        "sum",
    ];
    match expr {
        Expr::Function(function) => {
            let named = function.name.0.last().and_then(|part| part.as_ident());
            named.is_some_and(|name| NAMES.contains(&name.value.to_lowercase().as_str()))
                || matches!(&function.args, FunctionArguments::List(list) if list.args.iter().any(|argument| {
                    matches!(argument, FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) if aggregates(expr))
                }))
        }
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => aggregates(inner),
        Expr::BinaryOp { left, right, .. } => aggregates(left) || aggregates(right),
        _ => false,
    }
}
