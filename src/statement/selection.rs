//! The rows of a managed table that DELETE and UPDATE mean: a query of their places.
//!
//! The statement's own pieces are put into a SELECT over the table with its rows'
//! places, so that any condition works that works in a query.

use super::Session;
use super::insert::template;
use super::target::{Written, folded};
use crate::base::{Error, Kind, Result, Type};
use crate::catalog::Table;
use crate::lake::{FILE_COLUMN, Lake, POSITION_COLUMN, Positions};
use crate::query::Context;
use datafusion::arrow::array::{AsArray, BooleanArray, RecordBatch};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::{Fields, Int64Type};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, Statement as AnyTree, TableAlias,
    TableFactor, TableWithJoins, VisitMut, VisitorMut, WildcardAdditionalOptions, With,
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
    pub alias: Ident,
    /// WITH queries before the statement.
    pub with: Option<With>,
}

/// A relation beside the target, in FROM or USING.
pub struct Other {
    pub alias: String,
    pub fields: Fields,
}

impl Other {
    pub fn has(&self, column: &str) -> bool {
        self.fields.iter().any(|field| field.name() == column)
    }

    /// A name for one of its columns among those of all relations; no user can type it.
    pub fn internal(&self, column: &str) -> String {
        format!("\u{1}{}.{column}", self.alias)
    }

    /// Its columns as expressions.
    pub fn columns(&self) -> impl Iterator<Item = Expr> + '_ {
        let column = |name: &str| vec![Ident::with_quote('"', &self.alias), Ident::with_quote('"', name)];
        self.fields.iter().map(move |field| Expr::CompoundIdentifier(column(field.name())))
    }
}

impl Selection {
    /// The target of a DELETE or UPDATE: one table, perhaps with an alias.
    pub fn new(from: &TableWithJoins, with: Option<With>, text: &str) -> Result<Selection> {
        let unsupported = || Error::unsupported("rows can only be changed in one plain table");
        if !from.joins.is_empty() {
            return Err(unsupported());
        }
        Selection::of(&from.relation, with, text)
    }

    /// As [`Selection::new`], of a relation by itself.
    pub fn of(relation: &TableFactor, with: Option<With>, text: &str) -> Result<Selection> {
        let unsupported = || Error::unsupported("rows can only be changed in one plain table");
        let TableFactor::Table { name, alias, args: None, version: None, sample: None, .. } = relation else {
            return Err(unsupported());
        };
        let target = Written::new(name, text)?;
        let alias = match alias {
            Some(alias) if alias.columns.is_empty() => alias.name.clone(),
            Some(_) => return Err(unsupported()),
            None => Ident::with_quote('"', target.last()),
        };
        Ok(Selection { target, alias, with })
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
        query.with = self.with.clone();
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

    /// The relations beside the target, with their columns. `context` is that of [`Selection::context`].
    pub async fn others(
        &self,
        session: &Session,
        context: &Context,
        (table, others): (&Table, &[TableWithJoins]),
        text: &str,
        hints: &[Option<Type>],
    ) -> Result<Vec<Other>> {
        let mut found = vec![];
        for alias in others.iter().flat_map(aliases) {
            let mut query = self.query(vec![], others, None, table)?;
            if let AnyTree::Query(query) = &mut query
                && let SetExpr::Select(select) = query.body.as_mut()
            {
                let name = ObjectName::from(vec![alias.clone()]);
                let kind = SelectItemQualifiedWildcardKind::ObjectName(name);
                select.projection = vec![SelectItem::QualifiedWildcard(kind, WildcardAdditionalOptions::default())];
            }
            let plan = session.engine.query.plan_with(context, &query, text, hints).await?;
            found.push(Other { alias: folded(&alias), fields: plan.schema().fields().clone() });
        }
        Ok(found)
    }

    /// What the query is planned in.
    pub fn context(&self, context: Context, lake: &Lake, table: &Arc<Table>) -> Context {
        context.with_relation(TARGET, lake.provider_with_positions(table))
    }
}

/// What the relations of a FROM item are called.
fn aliases(from: &TableWithJoins) -> Vec<Ident> {
    let factors = std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation));
    factors
        .flat_map(|factor| match factor {
            TableFactor::NestedJoin { alias: Some(alias), .. } => vec![alias.name.clone()],
            TableFactor::NestedJoin { table_with_joins, .. } => aliases(table_with_joins),
            TableFactor::Table { alias: Some(alias), .. }
            | TableFactor::Derived { alias: Some(alias), .. }
            | TableFactor::Function { alias: Some(alias), .. }
            | TableFactor::UNNEST { alias: Some(alias), .. } => vec![alias.name.clone()],
            TableFactor::Table { name, .. } | TableFactor::Function { name, .. } => {
                name.0.last().and_then(|part| part.as_ident()).cloned().into_iter().collect()
            }
            _ => vec![],
        })
        .collect()
}

/// Lets `schema.table.column` mean the target, whose name in the query has no schema.
pub struct Qualified<'a> {
    pub table: &'a Table,
    pub alias: &'a Ident,
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

/// Adds the places of a batch, and gives its rows that are there for the first time: a row that the
/// statement joins to several others changes once.
pub fn first_of(positions: &mut Positions, batch: RecordBatch) -> Result<RecordBatch> {
    let column = |at: usize| batch.columns().get(at).and_then(|column| column.as_primitive_opt::<Int64Type>());
    let (Some(files), Some(places)) = (column(0), column(1)) else {
        return Err(Error::internal("rows to change must have places"));
    };
    let places = files.values().iter().zip(places.values());
    let first: Vec<_> = places.map(|(file, position)| positions.add(*file, *position as u64)).collect();
    match first.iter().all(|first| *first) {
        true => Ok(batch),
        false => Ok(filter_record_batch(&batch, &BooleanArray::from(first))?),
    }
}

/// What a statement that changes rows of the target is planned in: after those before it.
pub async fn in_turn(session: &mut Session, target: &Written) -> Result<Context> {
    if let Some(name) = target.find(&session.context())? {
        session.wait_for_turn(&name).await?;
    }
    Ok(session.context())
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
