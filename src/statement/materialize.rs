//! The rows of a materialized view inside a transaction block: a part of the transaction, and no run of their own.

use super::assignment::Assignment;
use crate::base::{Error, Kind, Name, Result, Type};
use crate::catalog::workflow::{Body, Target};
use crate::catalog::{Column, Relation, Table, Workflow};
use crate::lake::{publish, storable};
use crate::query::Context;
use crate::session::{Effect, Session, Status};
use std::sync::Arc;

/// What filling a view is: a write when its rows are kept here, an act when they go to another system.
pub fn effect(view: &Workflow) -> Effect {
    if own_table(view).is_some() { Effect::Write } else { Effect::Act }
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
    let (Some(name), Some(Body::Query(query))) = (own_table(view), view.steps.first().map(|step| &step.body)) else {
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
    let mut rows = engine.query.run(&plan, &[], session.cancel.clone()).await?;
    let (mut writer, schema) = (engine.lake.writer(&table), table.schema());
    while let Some(batch) = rows.next().await {
        writer.write(&assignment.batch(&schema, batch?.columns())?).await?;
    }
    let files = writer.finish().await?;
    let changes = match existing {
        Some(table) => publish::replace(&table, files),
        None => publish::create(&table, files),
    };
    session.write(&table, changes, tag)
}

fn same_names(table: &Table, columns: &[Column]) -> bool {
    table.columns.iter().map(|column| &column.name).eq(columns.iter().map(|column| &column.name))
}

fn own_table(view: &Workflow) -> Option<&Name> {
    match view.steps.first().and_then(|step| step.target.as_ref()) {
        Some(Target::Table(name)) if *name == view.name => Some(name),
        _ => None,
    }
}
