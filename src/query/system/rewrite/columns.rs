//! Columns that every table of Postgres has and no `*` shows: `tableoid`, `xmin` and their like.

use crate::query::system::declared::{self, Declared};
use datafusion::sql::sqlparser::ast::{DataType, Expr, Ident, Select, TableFactor, Value};
use std::collections::HashMap;

/// Tables of the catalog by the names they have in a SELECT.
pub type Tables = HashMap<String, &'static Declared>;

/// The catalog's tables that a SELECT reads.
pub fn tables(select: &Select) -> Tables {
    let factors = select
        .from
        .iter()
        .flat_map(|from| std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)));
    factors.filter_map(named).collect()
}

/// The name of a table in FROM and what is declared for it.
pub fn named(factor: &TableFactor) -> Option<(String, &'static Declared)> {
    let TableFactor::Table { name, alias, args: None, .. } = factor else { return None };
    let parts: Vec<_> = name.0.iter().filter_map(|part| part.as_ident()).map(|it| it.value.to_lowercase()).collect();
    let (schema, table) = match parts.as_slice() {
        [table] if table.starts_with("pg_") => ("pg_catalog", table),
        [.., schema, table] => (schema.as_str(), table),
        _ => return None,
    };
    let declared = declared::postgres().iter().find(|it| it.schema == schema && it.name == *table)?;
    Some((alias.as_ref().map_or_else(|| table.clone(), |alias| alias.name.value.to_lowercase()), declared))
}

/// Whether the expression is such a column of a table of the catalog.
pub fn is_hidden(scopes: &[Tables], expr: &Expr) -> bool {
    table(scopes, expr).is_some()
}

/// Replaces one by its value.
pub fn hidden(scopes: &[Tables], expr: &mut Expr) {
    let Some((declared, column)) = table(scopes, expr) else { return };
    // Rows of the catalog have no versions: they are as of the statement's snapshot.
    let value = if column == "tableoid" { declared.oid } else { 1 };
    *expr = super::cast(Expr::value(Value::Number(value.to_string(), false)), oid());
}

fn oid() -> DataType {
    DataType::Custom(vec![Ident::new("oid")].into(), vec![])
}

/// The table and the column that an expression names.
fn table(scopes: &[Tables], expr: &Expr) -> Option<(&'static Declared, String)> {
    let (table, column) = match expr {
        Expr::CompoundIdentifier(parts) => match parts.as_slice() {
            [.., table, column] => (Some(table.value.to_lowercase()), column.value.to_lowercase()),
            _ => return None,
        },
        Expr::Identifier(column) => (None, column.value.to_lowercase()),
        _ => return None,
    };
    if !matches!(column.as_str(), "cmax" | "cmin" | "tableoid" | "xmax" | "xmin") {
        return None;
    }
    let declared = match table {
        Some(table) => scopes.iter().rev().find_map(|tables| tables.get(&table))?,
        // Without a name it must be the only table's.
        None => scopes.last().filter(|tables| tables.len() == 1)?.values().next()?,
    };
    Some((declared, column))
}
