//! `DELETE`: rows that go.

use super::returning::{Returning, types};
use super::selection::{Other, Selection, first_of, in_turn, writable};
use super::target::refuse;
use super::{AnyStatement, Description, Response, Session, Statement};
use crate::base::{Error, Result, Type};
use crate::catalog::{Change, NewDelete, Table};
use crate::lake::Positions;
use crate::query::{Context, Plan};
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{Delete as Tree, FromTable, Statement as AnyTree, With};
use std::fmt;
use std::sync::Arc;

#[derive(Debug)]
struct Delete {
    tree: Tree,
    text: String,
    selection: Selection,
}

pub fn read(tree: AnyTree, with: Option<With>, text: &str) -> Result<Arc<dyn AnyStatement>> {
    let AnyTree::Delete(tree) = tree else { return Err(Error::internal("the statement must be DELETE")) };
    refuse(
        !tree.tables.is_empty() || tree.output.is_some() || !tree.order_by.is_empty() || tree.limit.is_some(),
        "this form of DELETE",
    )?;
    let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &tree.from;
    let [target] = from.as_slice() else {
        return Err(Error::unsupported("DELETE from several tables is not supported"));
    };
    let selection = Selection::new(target, with, text)?;
    Ok(Arc::new(Delete { selection, text: text.to_string(), tree }))
}

impl fmt::Display for Delete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(with) = &self.selection.with {
            write!(f, "{with} ")?;
        }
        self.tree.fmt(f)
    }
}

/// A DELETE whose rows are planned: places, then what RETURNING may ask for.
struct Bound {
    table: Arc<Table>,
    others: Vec<Other>,
    plan: Plan,
}

impl Delete {
    async fn bind(&self, session: &Session, context: Context, hints: &[Option<Type>]) -> Result<Bound> {
        let table = self.selection.target.table(&context, "delete from")?;
        writable(&context, &table, &self.selection.target)?;
        let using = self.tree.using.as_deref().unwrap_or_default();
        let context = self.selection.context(context, &session.engine.lake, &table);
        let (mut values, mut others) = (vec![], vec![]);
        if self.tree.returning.is_some() {
            others = self.selection.others(session, &context, (&table, using), &self.text, hints).await?;
            values.extend(table.columns.iter().map(|column| self.selection.column(&column.name)));
            values.extend(others.iter().flat_map(Other::columns));
        }
        let query = self.selection.query(values, using, self.tree.selection.as_ref(), &table)?;
        let plan = session.engine.query.plan_with(&context, &query, &self.text, hints).await?;
        Ok(Bound { table, others, plan })
    }

    /// Whether no row can stay, so that none needs to be looked at.
    fn takes_all(&self) -> bool {
        self.tree.selection.is_none() && self.tree.using.is_none() && self.tree.returning.is_none()
    }

    fn returning<'a>(&'a self, bound: &'a Bound) -> Option<Returning<'a>> {
        let items = self.tree.returning.as_deref()?;
        let Selection { alias, with, .. } = &self.selection;
        let (table, others) = (&bound.table, &bound.others);
        Some(Returning { items, alias, with: with.as_ref(), table, others, text: &self.text })
    }
}

impl Statement for Delete {
    async fn describe(&self, session: &Session, hints: &[Option<Type>]) -> Result<Description> {
        let context = session.context();
        let bound = self.bind(session, context.clone(), hints).await?;
        let parameters = bound.plan.parameters();
        match self.returning(&bound) {
            Some(returning) => returning.describe(session, &context, parameters, hints).await,
            None => Ok(Description { parameters: parameters.to_vec(), columns: None }),
        }
    }

    async fn run(&self, session: &mut Session, parameters: &[ScalarValue]) -> Result<Response> {
        let context = in_turn(session, &self.selection.target).await?;
        let bound = self.bind(session, context.clone(), &types(parameters)).await?;
        let (engine, table, returning) = (&session.engine, &bound.table, self.returning(&bound));
        let mut response = None;
        let (count, deletes) = if self.takes_all() {
            (table.rows() as u64, every_row(table))
        } else {
            let (mut positions, mut returned) = (Positions::default(), vec![]);
            let mut rows = engine.query.run(&bound.plan, bound.values(parameters), session.cancel.clone()).await?;
            while let Some(batch) = rows.next().await {
                let batch = first_of(&mut positions, batch?)?;
                if let Some(returning) = &returning {
                    returned.push(returning.batch(batch.columns()[2..].to_vec())?);
                }
            }
            if let Some(returning) = &returning {
                response = Some(returning.respond(session, &context, returned, parameters, "DELETE").await?);
            }
            (positions.rows(), engine.lake.delete(table, &positions).await?)
        };
        if !deletes.is_empty() {
            let name = table.name.clone();
            let expect = Change::Expect { table: table.clone(), rows: false };
            let changes = vec![expect, Change::DeleteRows { table: name, deletes }];
            session.write(table, changes, "DELETE").await?;
        }
        Ok(response.unwrap_or_else(|| Response::Done { tag: format!("DELETE {count}") }))
    }
}

impl Bound {
    /// The values of this plan's parameters; RETURNING may have more.
    fn values<'a>(&self, parameters: &'a [ScalarValue]) -> &'a [ScalarValue] {
        &parameters[..self.plan.parameters().len().min(parameters.len())]
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
