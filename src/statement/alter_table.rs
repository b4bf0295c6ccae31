//! `ALTER TABLE … RENAME TO`: a table or view under another name.

use super::target::{Written, refuse};
use super::{AnyStatement, Response, Session, Statement};
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::Change;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{AlterTableOperation, RenameTableNameKind, Statement as Tree};
use std::fmt;
use std::sync::Arc;

#[derive(Debug)]
struct AlterTable {
    tree: Tree,
    name: Written,
    to: String,
    if_exists: bool,
}

pub fn read(tree: Tree, text: &str) -> Result<Arc<dyn AnyStatement>> {
    let Tree::AlterTable(table) = &tree else {
        return Err(Error::unsupported("ALTER VIEW is not supported").hint("use CREATE OR REPLACE VIEW".to_string()));
    };
    refuse(table.location.is_some() || table.on_cluster.is_some() || table.table_type.is_some(), "this ALTER TABLE")?;
    let [AlterTableOperation::RenameTable { table_name: RenameTableNameKind::To(to) }] = table.operations.as_slice()
    else {
        return Err(Error::unsupported("ALTER TABLE can only RENAME TO"));
    };
    let to = Written::new(to, text)?.last().to_string();
    let (name, if_exists) = (Written::new(&table.name, text)?, table.if_exists);
    Ok(Arc::new(AlterTable { tree, name, to, if_exists }))
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
        if context.snapshot.workflows.get(&from).is_some_and(|workflow| workflow.materialized_view) {
            let message = format!("cannot rename materialized view \"{}\"", from.name);
            return Err(Error::new(Kind::WrongObjectType, message).at(self.name.offset));
        }
        let to = Name::new(&from.schema, &self.to);
        let change = Change::RenameRelation { from, to };
        session.change(vec![change], "ALTER TABLE").map_err(|error| error.at(self.name.offset))?;
        Ok(done)
    }
}
