//! `DELETE`: rows that go.

use super::selection::{Selection, add, writable};
use super::target::refuse;
use super::{AnyStatement, Description, Response, Session, Statement};
use crate::base::{Error, Result, Type};
use crate::catalog::{Change, NewDelete, Table};
use crate::lake::Positions;
use crate::query::{Context, Plan};
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{Delete as Tree, FromTable, Statement as AnyTree};
use std::fmt;
use std::sync::Arc;

#[derive(Debug)]
struct Delete {
    tree: Tree,
    text: String,
    selection: Selection,
}

pub fn read(tree: AnyTree, text: &str) -> Result<Arc<dyn AnyStatement>> {
    let AnyTree::Delete(tree) = tree else { return Err(Error::internal("the statement must be DELETE")) };
    refuse(tree.returning.is_some(), "DELETE … RETURNING")?;
    refuse(
        !tree.tables.is_empty() || tree.output.is_some() || !tree.order_by.is_empty() || tree.limit.is_some(),
        "this form of DELETE",
    )?;
    let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &tree.from;
    let [target] = from.as_slice() else {
        return Err(Error::unsupported("DELETE from several tables is not supported"));
    };
    let selection = Selection::new(target, text)?;
    Ok(Arc::new(Delete { selection, text: text.to_string(), tree }))
}

impl fmt::Display for Delete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree.fmt(f)
    }
}

impl Delete {
    async fn bind(&self, session: &Session, context: Context, hints: &[Option<Type>]) -> Result<(Arc<Table>, Plan)> {
        let table = self.selection.target.table(&context, "delete from")?;
        writable(&context, &table, &self.selection.target)?;
        let using = self.tree.using.as_deref().unwrap_or_default();
        let query = self.selection.query(vec![], using, self.tree.selection.as_ref(), &table)?;
        let context = self.selection.context(context, &session.engine.lake, &table);
        let plan = session.engine.query.plan_with(&context, &query, &self.text, hints).await?;
        Ok((table, plan))
    }

    /// Whether no row can stay, so that none needs to be looked at.
    fn takes_all(&self) -> bool {
        self.tree.selection.is_none() && self.tree.using.is_none()
    }
}

impl Statement for Delete {
    async fn describe(&self, session: &Session, hints: &[Option<Type>]) -> Result<Description> {
        let (_, plan) = self.bind(session, session.context(), hints).await?;
        Ok(Description { parameters: plan.parameters().to_vec(), columns: None })
    }

    async fn run(&self, session: &mut Session, parameters: &[ScalarValue]) -> Result<Response> {
        let (table, plan) = self.bind(session, session.context(), &[]).await?;
        let engine = &session.engine;
        let (count, deletes) = if self.takes_all() {
            (table.rows() as u64, every_row(&table))
        } else {
            let mut positions = Positions::default();
            let mut rows = engine.query.run(&plan, parameters, session.cancel.clone()).await?;
            while let Some(batch) = rows.next().await {
                add(&mut positions, &batch?)?;
            }
            (positions.rows(), engine.lake.delete(&table, &positions).await?)
        };
        if !deletes.is_empty() {
            let name = table.name.clone();
            let expect = Change::Expect { table: table.clone(), rows: false };
            let changes = vec![expect, Change::DeleteRows { table: name, deletes }];
            session.write(&table, changes, "DELETE")?;
        }
        Ok(Response::Done { tag: format!("DELETE {count}") })
    }
}

/// All rows that the table has; rows that come meanwhile stay.
fn every_row(table: &Table) -> Vec<NewDelete> {
    let gone = |file: &Arc<crate::catalog::DataFile>| NewDelete {
        data_file: file.id,
        replaces: file.deletes.as_ref().map(|deletes| deletes.id),
        file: None,
    };
    table.files.iter().map(gone).collect()
}
