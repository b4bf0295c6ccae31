//! `ARRAY(SELECT …)`.

use super::{call, names, take};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArgumentClause, FunctionArguments, Ident, ObjectName, OrderByExpr, OrderByKind,
    Query, Select, SelectItem, SetExpr, TableFactor, Value, ValueWithSpan,
};

pub fn is_subquery(expr: &Expr) -> bool {
    matches!(expr, Expr::Function(function) if is_array(&function.name) && matches!(function.args, FunctionArguments::Subquery(_)))
}

fn is_array(name: &ObjectName) -> bool {
    matches!(name.0.as_slice(), [part] if part.as_ident().is_some_and(|ident| ident.value.eq_ignore_ascii_case("array")))
}

/// `ARRAY(SELECT e FROM … ORDER BY o)` as `aqueduct_array((SELECT array_agg(e ORDER BY o) FROM …))`.
pub fn subquery(expr: &mut Expr) {
    if !is_subquery(expr) {
        return;
    }
    let Expr::Function(function) = expr else { return };
    let FunctionArguments::Subquery(query) = &mut function.args else { return };
    if let Some(items) = of_function(query) {
        *expr = items;
        return;
    }
    let order = order(query);
    let SetExpr::Select(select) = &mut *query.body else { return };
    let [SelectItem::UnnamedExpr(item) | SelectItem::ExprWithAlias { expr: item, .. }] =
        select.projection.as_mut_slice()
    else {
        return;
    };
    let order = order.into_iter().map(|by| match &by.expr {
        Expr::Value(ValueWithSpan { value: Value::Number(..), .. }) => OrderByExpr { expr: item.clone(), ..by },
        _ => by,
    });
    let order: Vec<_> = order.collect();
    let mut aggregate = call("array_agg", [take(item)]);
    if let Expr::Function(function) = &mut aggregate
        && let FunctionArguments::List(list) = &mut function.args
        && !order.is_empty()
    {
        list.clauses.push(FunctionArgumentClause::OrderBy(order));
    }
    *item = aggregate;
    let query = query.clone();
    *expr = call("aqueduct_array", [Expr::Subquery(query)]);
}

fn order(query: &mut Query) -> Vec<OrderByExpr> {
    match query.order_by.take().map(|order| order.kind) {
        Some(OrderByKind::Expressions(order)) => order,
        _ => vec![],
    }
}

/// Over one function of the outer row there is nothing to select from: the array is a function of its argument.
fn of_function(query: &Query) -> Option<Expr> {
    let SetExpr::Select(select) = &*query.body else { return None };
    let Select { projection, from, selection: None, .. } = &**select else { return None };
    let ([SelectItem::UnnamedExpr(item)], [from]) = (projection.as_slice(), from.as_slice()) else { return None };
    let (name, argument, alias) = function(&from.relation)?;
    match (name.as_str(), item) {
        ("pg_options_to_table", _) => Some(call("aqueduct_options", [argument])),
        ("unnest", Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right }) => {
            matches!((&**right, alias), (Expr::Identifier(item), Some(alias)) if *item == alias)
                .then(|| call("aqueduct_prefixed", [(**left).clone(), argument]))
        }
        _ => None,
    }
}

/// Name, only argument and alias of a function in FROM.
fn function(factor: &TableFactor) -> Option<(String, Expr, Option<Ident>)> {
    let TableFactor::Table { name, args: Some(args), alias, .. } = factor else { return None };
    let name = name.0.last()?.as_ident()?.value.to_lowercase();
    let [argument] = args.args.as_slice() else { return None };
    Some((name, names::argument(argument)?, alias.as_ref().map(|alias| alias.name.clone())))
}
