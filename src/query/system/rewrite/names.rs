//! Names: functions without `pg_catalog.`, and what Postgres calls a column that has no alias.

use datafusion::sql::sqlparser::ast::{
    DataType, Expr, FunctionArg, FunctionArgExpr, Ident, ObjectName, ObjectNamePart, SelectItem, TableAlias,
    TableFactor,
};

/// Drops `pg_catalog.` before a function: functions have no schema here.
pub fn function(expr: &mut Expr) {
    if let Expr::Function(function) = expr {
        unqualify(&mut function.name);
    }
}

fn unqualify(name: &mut ObjectName) {
    if let [schema, _] = name.0.as_slice()
        && is(schema, "pg_catalog")
    {
        name.0.remove(0);
    }
}

fn is(part: &ObjectNamePart, name: &str) -> bool {
    part.as_ident().is_some_and(|ident| ident.value.eq_ignore_ascii_case(name))
}

/// The same in FROM, where `unnest` is syntax of its own and a function of one value is a table of one row.
pub fn table_function(factor: &mut TableFactor) {
    let TableFactor::Table { name, args: Some(args), alias, .. } = factor else { return };
    unqualify(name);
    let [part] = name.0.as_slice() else { return };
    let Some(function) = part.as_ident().map(|ident| ident.value.to_lowercase()) else { return };
    match function.as_str() {
        "unnest" => {
            *factor = TableFactor::UNNEST {
                alias: alias.take(),
                array_exprs: args.args.iter().filter_map(argument).collect(),
                with_offset: false,
                with_offset_alias: None,
                with_ordinality: false,
            };
        }
        // The planner wants bigint.
        "generate_series" => args.args.iter_mut().for_each(|it| {
            if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr @ Expr::Function(_))) = it {
                let inner = super::take(expr);
                *expr = super::cast(inner, DataType::Int8(None));
            }
        }),
        "current_schemas" | "parse_ident" | "string_to_array" => {
            let call = super::call(&function, args.args.iter().filter_map(argument));
            if let Some(table) = one_row(call, alias, &function) {
                *factor = table;
            }
        }
        _ => {}
    }
}

/// `(SELECT call AS name) AS name`
fn one_row(call: Expr, alias: &Option<TableAlias>, function: &str) -> Option<TableFactor> {
    let mut alias = alias.clone().unwrap_or_else(|| TableAlias {
        explicit: true,
        name: Ident::new(function),
        columns: vec![],
        at: None,
    });
    let column = alias.columns.first().map_or(&alias.name, |column| &column.name).clone();
    alias.columns.clear();
    let subquery = super::subqueries::query(vec![SelectItem::ExprWithAlias { expr: call, alias: column }])?;
    Some(TableFactor::Derived { lateral: false, subquery: Box::new(subquery), alias: Some(alias), sample: None })
}

/// The expression of an argument without a name.
pub fn argument(argument: &FunctionArg) -> Option<Expr> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    }
}
