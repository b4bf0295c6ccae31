//! `ARRAY(SELECT …)` and functions that give a row for each item of an array.

use super::{call, cast, names, take, text};
use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, DataType, Expr, FunctionArgumentClause, FunctionArguments, Ident, ObjectName,
    OrderByExpr, OrderByKind, Query, Select, SelectItem, SetExpr, TableFactor, Value, ValueWithSpan,
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

/// `generate_subscripts(a, 1)`, `_pg_expandarray(a)` and its fields as `unnest` of something.
pub fn expand(expr: &mut Expr) {
    match expr {
        Expr::CompoundFieldAccess { root, access_chain } => {
            let ([AccessExpr::Dot(Expr::Identifier(field))], Expr::Nested(inner)) =
                (access_chain.as_slice(), &mut **root)
            else {
                return;
            };
            let field = field.value.to_lowercase();
            *expr = match (expanded(inner), field.as_str()) {
                (Some(array), "x") => call("unnest", [array]),
                (Some(array), "n") => subscripts(array),
                // A relation's column, or a field of a record.
                _ => match (inner.as_ref(), access_chain.as_slice()) {
                    (Expr::Identifier(relation), [AccessExpr::Dot(Expr::Identifier(column))]) => {
                        Expr::CompoundIdentifier(vec![relation.clone(), column.clone()])
                    }
                    _ => call("get_field", [take(inner), text(&field)]),
                },
            };
        }
        Expr::Function(_) => {
            if is_set(expr) {
                *expr = call("unnest", [call("aqueduct_listening_channels", [])]);
            } else if let Some(array) = expanded(expr) {
                *expr = call("unnest", [call("aqueduct_pairs", [array])]);
            }
        }
        _ => {}
    }
}

/// A function whose rows are the items of another's answer.
pub fn is_set(expr: &Expr) -> bool {
    let Expr::Function(function) = expr else { return false };
    let name = function.name.0.last().and_then(|part| part.as_ident());
    name.is_some_and(|name| name.value.eq_ignore_ascii_case("pg_listening_channels"))
}

/// The array in `_pg_expandarray(array)`.
fn expanded(expr: &Expr) -> Option<Expr> {
    first_argument(expr, "_pg_expandarray")
}

fn first_argument(expr: &Expr, name: &str) -> Option<Expr> {
    let Expr::Function(function) = expr else { return None };
    let called = function.name.0.last()?.as_ident()?;
    let FunctionArguments::List(list) = &function.args else { return None };
    called.value.eq_ignore_ascii_case(name).then(|| names::argument(list.args.first()?)).flatten()
}

fn subscripts(array: Expr) -> Expr {
    let length = cast(call("cardinality", [array]), DataType::Int8(None));
    call("unnest", [call("generate_series", [Expr::value(Value::Number("1".into(), false)), length])])
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
        ("unnest", Expr::Identifier(item)) if alias.as_ref() == Some(item) => Some(call("aqueduct_array", [argument])),
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
    let alias = alias.as_ref().map(|alias| alias.columns.first().map_or(&alias.name, |column| &column.name));
    Some((name, names::argument(argument)?, alias.cloned()))
}
