//! Standard statements on managed tables: which file each syntax tree belongs to.

use super::{
    Statement, alter_table, copy, create_schema, create_table, create_view, delete, drop, insert, truncate, update,
};
use crate::base::Result;
use datafusion::sql::sqlparser::ast;
use std::sync::Arc;

/// The statement of a syntax tree that was read from `text`; `None` when the tree is not one of these statements.
///
/// `text` starts where the statement starts: positions in the tree are positions in it.
pub fn read(tree: &ast::Statement, text: &str) -> Option<Result<Arc<dyn Statement>>> {
    let new = match tree {
        ast::Statement::CreateSchema { .. } => create_schema::new,
        ast::Statement::CreateTable(table) if !table.external => create_table::new,
        ast::Statement::CreateView(view) if !view.materialized => create_view::new,
        ast::Statement::Drop {
            object_type: ast::ObjectType::Table | ast::ObjectType::View | ast::ObjectType::Schema,
            ..
        } => drop::new,
        ast::Statement::AlterTable(_) => alter_table::new,
        ast::Statement::Insert(_) => insert::new,
        ast::Statement::Delete(_) => delete::new,
        ast::Statement::Update(_) => update::new,
        ast::Statement::Truncate(_) => truncate::new,
        ast::Statement::Copy { .. } => copy::new,
        _ => return None,
    };
    Some(new(tree.clone(), text))
}
