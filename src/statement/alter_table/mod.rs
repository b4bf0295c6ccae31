//! `ALTER TABLE`: a table under another name, with other columns or constraints.

mod altered;
mod columns;
mod relocate;
mod rows;

pub use relocate::relocated;

use super::target::{Written, refuse};
use super::{AnyStatement, Response, Session, Statement};
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::{Change, Relation};
use altered::Altered;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{AlterTableOperation, RenameTableNameKind, Statement as Tree};
use std::fmt;
use std::sync::Arc;

#[derive(Debug)]
struct AlterTable {
    tree: Tree,
    text: String,
    name: Written,
    if_exists: bool,
    actions: Vec<AlterTableOperation>,
}

pub fn read(tree: Tree, text: &str) -> Result<Arc<dyn AnyStatement>> {
    let Tree::AlterTable(table) = &tree else {
        return Err(
            Error::unsupported("ALTER VIEW … AS is not supported").hint("use CREATE OR REPLACE VIEW".to_string())
        );
    };
    refuse(table.location.is_some() || table.on_cluster.is_some() || table.table_type.is_some(), "this ALTER TABLE")?;
    let (name, if_exists) = (Written::new(&table.name, text)?, table.if_exists);
    let actions = table.operations.clone();
    Ok(Arc::new(AlterTable { tree, text: text.to_string(), name, if_exists, actions }))
}

impl fmt::Display for AlterTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree.fmt(f)
    }
}

impl Statement for AlterTable {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let context = session.context();
        let done = Response::Done { tag: "ALTER TABLE".to_string() };
        let Some(from) = self.name.find(&context)? else {
            if self.if_exists {
                session.notice(format!("relation \"{}\" does not exist, skipping", self.name.last()));
                return Ok(done);
            }
            return Err(self.name.undefined(&context.snapshot));
        };
        if let [AlterTableOperation::OwnerTo { .. }] = self.actions.as_slice() {
            return Ok(done);
        }
        if context.snapshot.workflows.get(&from).is_some_and(|workflow| workflow.materialized_view) {
            let message = format!("cannot alter materialized view \"{}\"", from.name);
            return Err(Error::new(Kind::WrongObjectType, message).at(self.name.offset));
        }
        if let [AlterTableOperation::RenameTable { table_name: RenameTableNameKind::To(to) }] = self.actions.as_slice()
        {
            let to = Name::new(&from.schema, Written::new(to, &self.text)?.last());
            let change = Change::RenameRelation { from, to };
            session.change(vec![change], "ALTER TABLE").map_err(|error| error.at(self.name.offset))?;
            return Ok(done);
        }
        let Some(Relation::Table(table)) = context.snapshot.relation(&from) else {
            let message = format!("\"{}\" is not a table", from.name);
            return Err(Error::new(Kind::WrongObjectType, message).at(self.name.offset));
        };
        let mut altered = Altered::new(session, &context, &self.text, table.clone());
        for action in &self.actions {
            // On the heap: what an action waits for is large.
            Box::pin(altered.act(action)).await?;
        }
        let notices = std::mem::take(&mut altered.notices);
        Box::pin(altered.commit()).await?;
        notices.into_iter().for_each(|notice| session.notice(notice));
        Ok(done)
    }
}
