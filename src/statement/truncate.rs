//! `TRUNCATE`: all rows of tables that go.

use super::selection::writable;
use super::target::{Written, refuse};
use super::{AnyStatement, Response, Session, Statement};
use crate::base::{Error, Result};
use crate::catalog::Change;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{Statement as AnyTree, Truncate as Tree};
use std::fmt;
use std::sync::Arc;

#[derive(Debug)]
struct Truncate {
    tree: Tree,
    targets: Vec<Written>,
}

pub fn read(tree: AnyTree, text: &str) -> Result<Arc<dyn AnyStatement>> {
    let AnyTree::Truncate(tree) = tree else { return Err(Error::internal("the statement must be TRUNCATE")) };
    refuse(tree.partitions.is_some() || tree.on_cluster.is_some() || tree.if_exists, "this form of TRUNCATE")?;
    let targets = tree.table_names.iter().map(|target| Written::new(&target.name, text)).collect::<Result<_>>()?;
    Ok(Arc::new(Truncate { tree, targets }))
}

impl fmt::Display for Truncate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree.fmt(f)
    }
}

impl Statement for Truncate {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let context = session.context();
        let mut changes = vec![];
        for target in &self.targets {
            let table = target.table(&context, "truncate")?;
            writable(&context, &table, target)?;
            changes.push(Change::Truncate { table: table.name.clone() });
        }
        session.change(changes, "TRUNCATE TABLE")?;
        Ok(Response::Done { tag: "TRUNCATE TABLE".to_string() })
    }
}
