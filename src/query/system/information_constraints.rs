//! Constraints as `information_schema` tells of them.

use super::page::{Cell, Page, row};
use super::pg::{actions, mentioned};
use super::schema::Scope;
use crate::base::name;
use crate::catalog::{self, Constraint, Rule, Table};
use std::sync::Arc;

fn all<'a>(scope: &'a Scope<'_>) -> impl Iterator<Item = (&'a Arc<Table>, &'a Constraint)> {
    let tables = scope.objects.snapshot.relations.values().filter_map(|relation| match relation {
        catalog::Relation::Table(table) => Some(table),
        _ => None,
    });
    tables.flat_map(|table| table.rules.constraints.iter().map(move |constraint| (table, constraint)))
}

fn parent<'a>(scope: &'a Scope<'_>, id: i64) -> Option<&'a Arc<Table>> {
    scope.objects.snapshot.relations.values().find_map(|relation| match relation {
        catalog::Relation::Table(table) if table.id == id => Some(table),
        _ => None,
    })
}

pub fn table_constraints(scope: &Scope<'_>) -> Page {
    let named = all(scope).map(|(table, constraint)| {
        let kind = match constraint.rule {
            Rule::PrimaryKey { .. } => "PRIMARY KEY",
            Rule::Unique { .. } => "UNIQUE",
            Rule::Check { .. } => "CHECK",
            Rule::ForeignKey { .. } => "FOREIGN KEY",
        };
        let schema = &table.name.schema;
        row![
            name::database(),
            schema,
            &constraint.name,
            name::database(),
            schema,
            &table.name.name,
            kind,
            "NO",
            "NO",
            "YES"
        ]
    });
    Page::of(
        [
            "constraint_catalog",
            "constraint_schema",
            "constraint_name",
            "table_catalog",
            "table_schema",
            "table_name",
            "constraint_type",
            "is_deferrable",
            "initially_deferred",
            "enforced",
        ],
        named.collect::<Vec<_>>(),
    )
}

/// Columns of keys, foreign ones too.
pub fn key_column_usage(scope: &Scope<'_>) -> Page {
    let rows = all(scope).flat_map(|(table, constraint)| {
        let foreign = matches!(constraint.rule, Rule::ForeignKey { .. });
        constraint.rule.columns().iter().zip(1i64..).map(move |(column, number)| {
            let in_unique = if foreign { Cell::from(number) } else { Cell::Null };
            let (schema, name) = (&table.name.schema, &table.name.name);
            row![name::database(), schema, &constraint.name, name::database(), schema, name, column, number, in_unique]
        })
    });
    Page::of(
        [
            "constraint_catalog",
            "constraint_schema",
            "constraint_name",
            "table_catalog",
            "table_schema",
            "table_name",
            "column_name",
            "ordinal_position",
            "position_in_unique_constraint",
        ],
        rows.collect::<Vec<_>>(),
    )
}

/// Columns that constraints speak of: for a foreign key those that it refers to.
pub fn constraint_column_usage(scope: &Scope<'_>) -> Page {
    let mut rows = vec![];
    for (table, constraint) in all(scope) {
        let (of, columns) = match &constraint.rule {
            Rule::ForeignKey { table: id, references, .. } => match parent(scope, *id) {
                Some(parent) => (parent, references.clone()),
                None => continue,
            },
            Rule::Check { condition } => (table, mentioned(condition, table)),
            rule => (table, rule.columns().to_vec()),
        };
        for column in columns {
            let (home, name) = (&table.name.schema, &constraint.name);
            rows.push(row![name::database(), &of.name.schema, &of.name.name, column, name::database(), home, name]);
        }
    }
    Page::of(
        [
            "table_catalog",
            "table_schema",
            "table_name",
            "column_name",
            "constraint_catalog",
            "constraint_schema",
            "constraint_name",
        ],
        rows,
    )
}

pub fn referential_constraints(scope: &Scope<'_>) -> Page {
    let rows = all(scope).filter_map(|(table, constraint)| {
        let Rule::ForeignKey { table: id, references, .. } = &constraint.rule else { return None };
        let parent = parent(scope, *id)?;
        let key = parent.rules.keys().into_iter().find(|key| key.columns == references.as_slice())?;
        let (home, name) = (&table.name.schema, &constraint.name);
        let (update, delete) = actions(&constraint.rule);
        let other = &parent.name.schema;
        Some(row![
            name::database(),
            home,
            name,
            name::database(),
            other,
            key.name,
            "NONE",
            update.name(),
            delete.name()
        ])
    });
    Page::of(
        [
            "constraint_catalog",
            "constraint_schema",
            "constraint_name",
            "unique_constraint_catalog",
            "unique_constraint_schema",
            "unique_constraint_name",
            "match_option",
            "update_rule",
            "delete_rule",
        ],
        rows.collect::<Vec<_>>(),
    )
}

pub fn check_constraints(scope: &Scope<'_>) -> Page {
    let rows = all(scope).filter_map(|(table, constraint)| {
        let Rule::Check { condition } = &constraint.rule else { return None };
        Some(row![name::database(), &table.name.schema, &constraint.name, format!("(({condition}))")])
    });
    let columns = ["constraint_catalog", "constraint_schema", "constraint_name", "check_clause"];
    Page::of(columns, rows.collect::<Vec<_>>())
}
