//! Which relation a statement writes.

use super::rewrite::parts;
use datafusion::sql::sqlparser::ast::{CopySource, FromTable, Statement, TableFactor, TableObject, TableWithJoins};

/// The targets of a statement that changes something, as they are named.
pub fn targets(statement: &Statement) -> Vec<Vec<String>> {
    match statement {
        Statement::Insert(insert) => match &insert.table {
            TableObject::TableName(name) => vec![parts(name)],
            _ => vec![],
        },
        Statement::Update(update) => table(&update.table),
        Statement::Delete(delete) => {
            let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
            match delete.tables.is_empty() {
                true => from.iter().flat_map(table).collect(),
                false => delete.tables.iter().map(parts).collect(),
            }
        }
        Statement::Merge(merge) => factor(&merge.table),
        Statement::Truncate(truncate) => truncate.table_names.iter().map(|target| parts(&target.name)).collect(),
        Statement::CreateTable(create) => vec![parts(&create.name)],
        Statement::CreateView(create) => vec![parts(&create.name)],
        Statement::Drop { names, .. } => names.iter().map(parts).collect(),
        Statement::AlterTable(alter) => vec![parts(&alter.name)],
        Statement::Copy { source, to: false, .. } => copied(source),
        _ => vec![],
    }
}

fn table(table: &TableWithJoins) -> Vec<Vec<String>> {
    factor(&table.relation)
}

fn factor(factor: &TableFactor) -> Vec<Vec<String>> {
    match factor {
        TableFactor::Table { name, .. } => vec![parts(name)],
        _ => vec![],
    }
}

fn copied(source: &CopySource) -> Vec<Vec<String>> {
    match source {
        CopySource::Table { table_name, .. } => vec![parts(table_name)],
        CopySource::Query(_) => vec![],
    }
}
