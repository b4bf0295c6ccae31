//! `RETURNING`: a query over the rows that a statement wrote or took away.
//!
//! The statement collects them in memory; the query runs before its commit, so that an error in it
//! leaves everything as it was.

use super::insert::template;
use super::selection::{Other, Qualified};
use super::target::folded;
use super::{Description, Response, Session};
use crate::base::{Error, Kind, Result, Type};
use crate::catalog::Table;
use crate::query::{Context, Plan, Rows};
use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::datasource::MemTable;
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, Query, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, Statement as AnyTree,
    TableAlias, TableFactor, VisitMut, VisitorMut, With,
};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Under this name the query finds the rows; no user can type it.
const RETURNED: &str = "\u{1}returned";

/// The clause, bound to the statement's target and the relations beside it.
pub struct Returning<'a> {
    pub items: &'a [SelectItem],
    pub alias: &'a Ident,
    pub with: Option<&'a With>,
    pub table: &'a Table,
    /// Relations of FROM or USING, whose columns may be returned as well.
    pub others: &'a [Other],
    pub text: &'a str,
}

impl Returning<'_> {
    /// The rows that are collected: the table's columns, then those of the other relations.
    pub fn schema(&self) -> SchemaRef {
        let own = self.table.columns.iter().map(|column| column.field().with_nullable(true));
        let others = self.others.iter().flat_map(|other| {
            let field = |field: &Arc<Field>| field.as_ref().clone().with_name(other.internal(field.name()));
            other.fields.iter().map(field).collect::<Vec<_>>()
        });
        Arc::new(Schema::new(own.chain(others).collect::<Vec<_>>()))
    }

    /// One batch of such rows.
    pub fn batch(&self, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
        Ok(RecordBatch::try_new(self.schema(), columns)?)
    }

    /// Plans the clause over rows. `types` are what is known of the statement's parameters.
    pub async fn plan(
        &self,
        session: &Session,
        context: &Context,
        rows: Vec<RecordBatch>,
        types: &[Option<Type>],
    ) -> Result<Plan> {
        let query = AnyTree::Query(Box::new(self.query()?));
        let rows = Arc::new(MemTable::try_new(self.schema(), vec![rows])?);
        let context = context.clone().with_relation(RETURNED, rows);
        session.engine.query.plan_with(&context, &query, self.text, types).await
    }

    /// The statement's answer: its parameters are those of both plans.
    pub async fn describe(
        &self,
        session: &Session,
        context: &Context,
        parameters: &[Type],
        hints: &[Option<Type>],
    ) -> Result<Description> {
        let plan = self.plan(session, context, vec![], &known(parameters, hints)).await?;
        let mut parameters = parameters.to_vec();
        parameters.extend(plan.parameters().iter().skip(parameters.len()).cloned());
        Ok(Description { parameters, columns: Some(plan.schema().clone()) })
    }

    /// Answers with what the clause makes of the rows.
    pub async fn respond(
        &self,
        session: &Session,
        context: &Context,
        rows: Vec<RecordBatch>,
        parameters: &[ScalarValue],
        tag: &'static str,
    ) -> Result<Response> {
        let plan = self.plan(session, context, rows, &types(parameters)).await?;
        let parameters = &parameters[..plan.parameters().len().min(parameters.len())];
        let rows = session.engine.query.run(&plan, parameters, session.cancel.clone()).await?;
        let schema = rows.schema.clone();
        Ok(Response::Rows { rows: Rows::of(schema, rows.collect().await?), tag })
    }

    fn query(&self) -> Result<Query> {
        let mut query = template("SELECT 1 FROM returned AS returned")?;
        query.with = self.with.cloned();
        let mut items = vec![];
        for item in self.items {
            self.expand(item, &mut items);
        }
        let SetExpr::Select(select) = query.body.as_mut() else { return Err(Error::internal("must be a SELECT")) };
        if let Some(TableFactor::Table { name, alias, .. }) = select.from.first_mut().map(|from| &mut from.relation) {
            *name = ObjectName::from(vec![Ident::with_quote('"', RETURNED)]);
            *alias = alias.take().map(|alias| TableAlias { name: self.alias.clone(), ..alias });
        }
        select.projection = items;
        let _ = query.visit(&mut Qualified { table: self.table, alias: self.alias });
        let mut beside = Beside { clause: self, depth: 0 };
        match query.visit(&mut beside) {
            ControlFlow::Break(error) => Err(*error),
            ControlFlow::Continue(()) => Ok(query),
        }
    }

    /// The item, a wildcard as the columns that it stands for.
    fn expand(&self, item: &SelectItem, items: &mut Vec<SelectItem>) {
        let named = |expr: Expr, name: &str| SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', name) };
        let own = |items: &mut Vec<SelectItem>| {
            items.extend(self.table.columns.iter().map(|column| {
                let parts = vec![self.alias.clone(), Ident::with_quote('"', &column.name)];
                named(Expr::CompoundIdentifier(parts), &column.name)
            }));
        };
        let of = |other: &Other, items: &mut Vec<SelectItem>| {
            items.extend(other.fields.iter().map(|field| {
                named(Expr::Identifier(Ident::with_quote('"', other.internal(field.name()))), field.name())
            }));
        };
        match item {
            SelectItem::Wildcard(_) => {
                own(items);
                self.others.iter().for_each(|other| of(other, items));
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                let name = name.0.last().and_then(|part| part.as_ident()).map(folded).unwrap_or_default();
                match self.others.iter().find(|other| other.alias == name) {
                    Some(other) => of(other, items),
                    None if name == folded(self.alias) => own(items),
                    None => items.push(item.clone()),
                }
            }
            // A column keeps its name, though it is found under another.
            SelectItem::UnnamedExpr(expr @ Expr::Identifier(name)) => items.push(named(expr.clone(), &folded(name))),
            SelectItem::UnnamedExpr(expr @ Expr::CompoundIdentifier(parts)) => {
                items.push(named(expr.clone(), &parts.last().map(folded).unwrap_or_default()));
            }
            other => items.push(other.clone()),
        }
    }
}

/// Columns of the other relations, by the names under which the rows have them.
struct Beside<'a> {
    clause: &'a Returning<'a>,
    /// Queries around the node; a bare name in a subquery may be one of its own.
    depth: usize,
}

impl VisitorMut for Beside<'_> {
    type Break = Box<Error>;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<Self::Break> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Self::Break> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        let others = self.clause.others;
        let internal = match expr {
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [relation, column] => {
                    let other = others.iter().find(|other| other.alias == folded(relation));
                    other.filter(|other| other.has(&folded(column))).map(|other| other.internal(&folded(column)))
                }
                _ => None,
            },
            Expr::Identifier(name) if self.depth == 1 && !name.value.starts_with('\u{1}') => {
                let column = folded(name);
                let found: Vec<_> = others.iter().filter(|other| other.has(&column)).collect();
                if found.len() + usize::from(self.clause.table.column(&column).is_some()) > 1 {
                    let message = format!("column reference \"{column}\" is ambiguous");
                    let at = super::target::ident_offset(self.clause.text, name);
                    return ControlFlow::Break(Box::new(Error::new(Kind::AmbiguousColumn, message).at(at)));
                }
                found.first().map(|other| other.internal(&column))
            }
            _ => None,
        };
        if let Some(internal) = internal {
            *expr = Expr::Identifier(Ident::with_quote('"', internal));
        }
        ControlFlow::Continue(())
    }
}

/// The types that values were bound with.
pub fn types(parameters: &[ScalarValue]) -> Vec<Option<Type>> {
    parameters.iter().map(|value| Some(Type::from_arrow(&value.data_type()))).collect()
}

/// What one plan has found out about the parameters, then what the client said of the others.
pub fn known(parameters: &[Type], hints: &[Option<Type>]) -> Vec<Option<Type>> {
    let found = parameters.iter().cloned().map(Some);
    found.chain(hints.iter().skip(parameters.len()).cloned()).collect()
}
