//! What statements of ours have in common when they run: changes and small answers.

use super::assignment::Assignment;
use super::{Response, Session};
use crate::base::{Error, Result};
use crate::catalog::Change;
use crate::catalog::{NewFile, Table};
use crate::query::{Plan, Rows};
use crate::session::Description;
use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::ScalarValue;
use std::sync::Arc;

/// Changes what a definition changes, and answers with the tag.
pub fn define(session: &Session, changes: Vec<Change>, tag: &str) -> Result<Response> {
    session.change(changes, tag)?;
    Ok(done(tag))
}

/// Runs a plan and writes its rows into new files of a table: the files, and how many rows they have.
pub async fn written(
    session: &Session,
    plan: &Plan,
    parameters: &[ScalarValue],
    table: &Table,
    assignment: &Assignment,
) -> Result<(Vec<NewFile>, u64)> {
    let engine = &session.engine;
    let mut rows = engine.query.run(plan, parameters, session.cancel.clone()).await?;
    let (mut writer, schema, mut count) = (engine.lake.writer(table), table.schema(), 0);
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        count += batch.num_rows() as u64;
        writer.write(&assignment.batch(&schema, batch.columns())?).await?;
    }
    Ok((writer.finish().await?, count))
}

/// Answers with the rows of a query of ours; places in it are none in what the user typed.
pub async fn select(session: &Session, query: &str, tag: &'static str) -> Result<Response> {
    let plan = session.engine.query.plan_text(&session.context(), query).await.map_err(Error::unplaced)?;
    let rows = session.engine.query.run(&plan, &[], session.cancel.clone()).await.map_err(Error::unplaced)?;
    Ok(Response::Rows { rows, tag })
}

/// The shape of what [`select`] answers.
pub async fn describe(session: &Session, query: &str) -> Result<Description> {
    let plan = session.engine.query.plan_text(&session.context(), query).await.map_err(Error::unplaced)?;
    Ok(Description { columns: Some(plan.schema().clone()), ..Description::default() })
}

pub fn done(tag: &str) -> Response {
    Response::Done { tag: tag.to_string() }
}

/// The shape of rows of text.
pub fn texts(columns: &[&str]) -> Description {
    let fields: Vec<_> = columns.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
    Description { columns: Some(Arc::new(Schema::new(fields))), ..Description::default() }
}

/// The shape of rows that are there.
pub fn shape(rows: &Rows) -> Description {
    Description { columns: Some(rows.schema.clone()), ..Description::default() }
}

/// Answers with rows of text, one value for each column.
pub fn table(columns: &[&str], rows: Vec<Vec<Option<String>>>, tag: &'static str) -> Result<Response> {
    let schema = texts(columns).columns.ok_or_else(|| Error::internal("rows of text must have a shape"))?;
    let column = |at: usize| -> ArrayRef {
        Arc::new(rows.iter().map(|row| row.get(at).cloned().flatten()).collect::<StringArray>())
    };
    let batch = RecordBatch::try_new(schema.clone(), (0..columns.len()).map(column).collect())?;
    Ok(Response::Rows { rows: Rows::of(schema, vec![batch]), tag })
}
