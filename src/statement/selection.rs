//! The rows of a managed table that DELETE and UPDATE mean: a query of their places.
//!
//! The statement's own pieces are put into a SELECT over the table with its rows'
//! places, so that any condition works that works in a query.

use super::insert::template;
use super::target::{Written, folded};
use crate::base::{Error, Kind, Result};
use crate::catalog::Table;
use crate::lake::{FILE_COLUMN, Lake, POSITION_COLUMN, Positions};
use crate::query::Context;
use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::Int64Type;
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, SelectItem, SetExpr, Statement as AnyTree, TableAlias, TableFactor, TableWithJoins,
    VisitMut, VisitorMut,
};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Under this name the query finds the table with places; no user can type it.
const TARGET: &str = "\u{1}target";

/// A table that rows are taken from, as the statement names it.
#[derive(Debug)]
pub struct Selection {
    pub target: Written,
    /// What the statement's expressions call the table.
    alias: Ident,
}

impl Selection {
    /// The target of a DELETE or UPDATE: one table, perhaps with an alias.
    pub fn new(from: &TableWithJoins, text: &str) -> Result<Selection> {
        let unsupported = || Error::unsupported("rows can only be changed in one plain table");
        if !from.joins.is_empty() {
            return Err(unsupported());
        }
        let TableFactor::Table { name, alias, args: None, version: None, sample: None, .. } = &from.relation else {
            return Err(unsupported());
        };
        let target = Written::new(name, text)?;
        let alias = match alias {
            Some(alias) if alias.columns.is_empty() => alias.name.clone(),
            Some(_) => return Err(unsupported()),
            None => Ident::with_quote('"', target.last()),
        };
        Ok(Selection { target, alias })
    }

    /// A column of the table.
    pub fn column(&self, name: &str) -> Expr {
        Expr::CompoundIdentifier(vec![self.alias.clone(), Ident::with_quote('"', name)])
    }

    /// `SELECT place, items FROM table, others WHERE condition`.
    pub fn query(
        &self,
        items: Vec<Expr>,
        others: &[TableWithJoins],
        condition: Option<&Expr>,
        table: &Table,
    ) -> Result<AnyTree> {
        let mut query = template("SELECT 1 FROM target AS target WHERE true")?;
        let SetExpr::Select(select) = query.body.as_mut() else { return Err(Error::internal("must be a SELECT")) };
        let places = [FILE_COLUMN, POSITION_COLUMN].map(|name| self.column(name));
        let named = |(at, expr): (usize, Expr)| SelectItem::ExprWithAlias {
            expr,
            alias: Ident::with_quote('"', format!("value {at}")),
        };
        select.projection = places.into_iter().chain(items).enumerate().map(named).collect();
        select.selection = condition.cloned();
        if let Some(TableFactor::Table { name, alias, .. }) = select.from.first_mut().map(|from| &mut from.relation) {
            *name = ObjectName::from(vec![Ident::with_quote('"', TARGET)]);
            *alias = alias.take().map(|alias| TableAlias { name: self.alias.clone(), ..alias });
        }
        select.from.extend(others.iter().cloned());
        let mut qualified = Qualified { table, alias: &self.alias };
        let _ = query.visit(&mut qualified);
        Ok(AnyTree::Query(Box::new(query)))
    }

    /// What the query is planned in.
    pub fn context(&self, context: Context, lake: &Lake, table: &Arc<Table>) -> Context {
        context.with_relation(TARGET, lake.provider_with_positions(table))
    }
}

/// Lets `schema.table.column` mean the target, whose name in the query has no schema.
struct Qualified<'a> {
    table: &'a Table,
    alias: &'a Ident,
}

impl VisitorMut for Qualified<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(parts) = expr
            && let [schema, table, _] = parts.as_slice()
            && folded(schema) == self.table.name.schema
            && folded(table) == self.table.name.name
            && folded(self.alias) == self.table.name.name
        {
            parts.remove(0);
        }
        ControlFlow::Continue(())
    }
}

/// Adds the places of a batch, and tells which of its rows are there for the first time.
pub fn add(positions: &mut Positions, batch: &RecordBatch) -> Result<Vec<bool>> {
    let column = |at: usize| batch.columns().get(at).and_then(|column| column.as_primitive_opt::<Int64Type>());
    let (Some(files), Some(places)) = (column(0), column(1)) else {
        return Err(Error::internal("rows to change must have places"));
    };
    let places = files.values().iter().zip(places.values());
    Ok(places.map(|(file, position)| positions.add(*file, *position as u64)).collect())
}

/// Refuses a table of a materialized view, whose rows only its refresh writes.
pub fn writable(context: &Context, table: &Table, target: &Written) -> Result<()> {
    let view = context.snapshot.workflows.get(&table.name).is_some_and(|workflow| workflow.materialized_view);
    match view && context.run.is_none() {
        true => {
            let message = format!("cannot change materialized view \"{}\"", table.name.name);
            Err(Error::new(Kind::WrongObjectType, message).at(target.offset))
        }
        false => Ok(()),
    }
}
