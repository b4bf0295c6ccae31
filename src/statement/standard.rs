//! Standard SQL: which file takes which statement of the parser.
//!
//! Each has `read(statement, text) -> Result<Arc<dyn AnyStatement>>`, its places those of `text`.

use super::{
    AnyStatement, alter_table, copy, create_index, create_schema, create_table, create_view, delete, drop, insert,
    merge, select, sequence, truncate, update,
};
use crate::base::sql::{self, Token};
use crate::base::{Error, Result};
use datafusion::sql::sqlparser::ast::{SetExpr, Statement as Tree};
use std::sync::Arc;

pub(super) fn read(text: &str, tokens: &[Token]) -> Result<Arc<dyn AnyStatement>> {
    let tree = sql::parse(text, tokens)?;
    if let Tree::Query(query) = &tree {
        let with = query.with.clone();
        match query.body.as_ref() {
            SetExpr::Insert(tree) => return insert::read(tree.clone(), with, text),
            SetExpr::Update(tree) => return update::read(tree.clone(), with, text),
            SetExpr::Merge(tree) => return merge::read(tree.clone(), with, text),
            SetExpr::Delete(tree) => return delete::read(tree.clone(), with, text),
            _ => {}
        }
    }
    match &tree {
        // Managed tables.
        Tree::CreateSchema { .. } => create_schema::read(tree, text),
        Tree::CreateTable(_) => create_table::read(tree, text),
        Tree::CreateIndex(_) => create_index::read(tree, text),
        Tree::CreateSequence { .. } => sequence::read(tree, text),
        Tree::CreateView(_) => create_view::read(tree, text),
        Tree::Drop { .. } => drop::read(tree, text),
        Tree::AlterTable(_) | Tree::AlterView { .. } => alter_table::read(tree, text),
        Tree::Insert(_) => insert::read(tree, None, text),
        Tree::Update(_) => update::read(tree, None, text),
        Tree::Delete(_) => delete::read(tree, None, text),
        Tree::Merge(_) => merge::read(tree, None, text),
        Tree::Truncate(_) => truncate::read(tree, text),
        Tree::Copy { .. } => copy::read(tree, text),
        // Queries.
        Tree::Query(_) | Tree::Explain { .. } => select::read(tree, text),
        // The session.
        Tree::Set(_) => unsupported(text),
        Tree::ShowVariable { .. } => unsupported(text),
        Tree::Reset(_) => unsupported(text),
        Tree::Discard { .. } => unsupported(text),
        Tree::StartTransaction { .. } | Tree::Commit { .. } | Tree::Rollback { .. } => unsupported(text),
        _ => unsupported(text),
    }
}

/// `CREATE SEQUENCE is not supported`
fn unsupported(text: &str) -> Result<Arc<dyn AnyStatement>> {
    let lead: Vec<_> =
        text.split_whitespace().take_while(|word| word.chars().all(char::is_alphabetic)).take(2).collect();
    Err(Error::unsupported(format!("{} is not supported", lead.join(" ").to_uppercase())).at(0))
}
