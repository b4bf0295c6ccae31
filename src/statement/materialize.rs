//! The rows of a materialized view inside a transaction block: a part of the transaction, and no run of their own.

use super::assignment::Assignment;
use super::rooms;
use crate::base::{Error, Kind, Result, Type};
use crate::catalog::workflow::Body;
use crate::catalog::{Column, Relation, Table, Workflow};
use crate::lake::{publish, storable};
use crate::query::Context;
use crate::session::{Effect, Session, Status};
use std::sync::Arc;

/// What filling a view is: a write when its rows are kept here, an act when they go to another system.
pub fn effect(view: &Workflow) -> Effect {
    if view.own_table().is_some() { Effect::Write } else { Effect::Act }
}

/// Whether the statement is one of a block, so that it cannot be a run. Otherwise what its message has done
/// before is committed: a run sees what everybody sees.
pub async fn in_block(session: &mut Session) -> Result<bool> {
    match session.transaction.status() {
        Status::Idle => session.commit().await.map(|()| false),
        Status::Block | Status::Failed => Ok(true),
    }
}

/// Fills the view's own table with the rows that its query has for this transaction.
pub async fn fill(session: &Session, view: &Workflow, tag: &str) -> Result<()> {
    let (Some(name), Some(Body::Query(query))) = (view.own_table(), view.steps.first().map(|step| &step.body)) else {
        return Err(Error::internal("a materialized view that is filled in a block must have a table of its own"));
    };
    let now = session.context().now;
    let mut context = Context::new(session.snapshot(), &view.owner, now);
    context.cancel = session.cancel.clone();
    let engine = &session.engine;
    let plan = engine.query.plan_text(&context, &query.text).await.map_err(Error::unplaced)?;
    let column = |field: &Arc<datafusion::arrow::datatypes::Field>| {
        let column = Column::new(field.name().clone(), Type::of(field), true);
        storable(&column.name, &column.ty).map(|()| column)
    };
    let columns = plan.schema().fields().iter().map(column).collect::<Result<Vec<_>>>()?;
    let existing = match context.snapshot.relation(name) {
        Some(Relation::Table(table)) => Some(table.clone()),
        _ => None,
    };
    let table = match &existing {
        Some(table) if same_names(table, &columns) => table.clone(),
        Some(_) => {
            let message = format!("materialized view \"{}\" has other columns than its query", name.name);
            return Err(Error::new(Kind::InvalidDefinition, message)
                .hint("drop the materialized view and create it again".to_string()));
        }
        None => Arc::new(Table::staged(context.snapshot.schema(&name.schema)?, name, columns)),
    };
    let assignment = Assignment::unchecked(&table, &table.columns, context.time_zone());
    let (files, _) = rooms::written(session, &plan, &[], &table, &assignment).await?;
    let changes = match existing {
        Some(table) => publish::replace(&table, files),
        None => publish::create(&table, files),
    };
    session.write(&table, changes, tag).await
}

fn same_names(table: &Table, columns: &[Column]) -> bool {
    table.columns.iter().map(|column| &column.name).eq(columns.iter().map(|column| &column.name))
}
