//! `UPDATE`: rows that change.

use super::assignment::Assignment;
use super::insert::position;
use super::literal::typed;
use super::selection::{Selection, add, writable};
use super::target::{folded, offset, refuse};
use super::{AnyStatement, Description, Response, Session, Statement};
use crate::base::{Error, Kind, Result, Type};
use crate::catalog::{Change, Table};
use crate::lake::Positions;
use crate::query::{Context, Plan};
use datafusion::arrow::array::BooleanArray;
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::Schema;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    AssignmentTarget, Expr, ObjectName, Statement as AnyTree, TableWithJoins, Update as Tree, UpdateTableFromKind,
};
use std::fmt;
use std::sync::Arc;

#[derive(Debug)]
struct Update {
    tree: Tree,
    text: String,
    selection: Selection,
}

pub fn read(tree: AnyTree, text: &str) -> Result<Arc<dyn AnyStatement>> {
    let AnyTree::Update(tree) = tree else { return Err(Error::internal("the statement must be UPDATE")) };
    refuse(tree.returning.is_some(), "UPDATE … RETURNING")?;
    refuse(
        tree.output.is_some() || tree.or.is_some() || !tree.order_by.is_empty() || tree.limit.is_some(),
        "this form of UPDATE",
    )?;
    let selection = Selection::new(&tree.table, text)?;
    Ok(Arc::new(Update { selection, text: text.to_string(), tree }))
}

impl fmt::Display for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree.fmt(f)
    }
}

/// An UPDATE whose rows are planned: places, then the table's columns as they will be.
struct Bound {
    table: Arc<Table>,
    plan: Plan,
    assignment: Assignment,
}

impl Update {
    async fn bind(&self, session: &Session, context: Context, hints: &[Option<Type>]) -> Result<Bound> {
        let table = self.selection.target.table(&context, "update")?;
        writable(&context, &table, &self.selection.target)?;
        let mut values: Vec<_> = table.columns.iter().map(|column| self.selection.column(&column.name)).collect();
        for (at, expr) in self.assignments(&table)? {
            values[at] = expr;
        }
        let query = self.selection.query(values, self.from(), self.tree.selection.as_ref(), &table)?;
        let zone = context.time_zone().to_string();
        let context = self.selection.context(context, &session.engine.lake, &table);
        let plan = session.engine.query.plan_with(&context, &query, &self.text, hints).await?;
        let fields: Vec<_> = plan.schema().fields().iter().skip(2).cloned().collect();
        let assignment = Assignment::new(&table, &table.columns, &Arc::new(Schema::new(fields)), &zone)?;
        Ok(Bound { table, plan, assignment })
    }

    fn from(&self) -> &[TableWithJoins] {
        match &self.tree.from {
            Some(UpdateTableFromKind::BeforeSet(from) | UpdateTableFromKind::AfterSet(from)) => from,
            None => &[],
        }
    }

    /// Which columns get which values.
    fn assignments(&self, table: &Table) -> Result<Vec<(usize, Expr)>> {
        let mut all: Vec<(usize, Expr)> = vec![];
        for assignment in &self.tree.assignments {
            let (targets, values): (Vec<&ObjectName>, Vec<Expr>) = match (&assignment.target, &assignment.value) {
                (AssignmentTarget::ColumnName(name), value) => (vec![name], vec![value.clone()]),
                (AssignmentTarget::Tuple(names), Expr::Tuple(values)) => (names.iter().collect(), values.clone()),
                (AssignmentTarget::Tuple(_), _) => {
                    return Err(Error::unsupported("UPDATE … SET (columns) = (query) is not supported")
                        .hint("set each column by itself, or use UPDATE … FROM".to_string()));
                }
            };
            if targets.len() != values.len() {
                return Err(Error::new(Kind::Syntax, "number of columns does not match number of values"));
            }
            for (name, mut value) in targets.into_iter().zip(values) {
                let at = offset(&self.text, name);
                let column = name.0.last().and_then(|part| part.as_ident()).map(folded).unwrap_or_default();
                let index = position(table, &column).map_err(|error| error.at(at))?;
                if all.iter().any(|(other, _)| *other == index) {
                    let message = format!("multiple assignments to same column \"{column}\"");
                    return Err(Error::new(Kind::Syntax, message).at(at));
                }
                typed(&mut value, &table.columns[index])?;
                all.push((index, value));
            }
        }
        Ok(all)
    }
}

impl Statement for Update {
    async fn describe(&self, session: &Session, hints: &[Option<Type>]) -> Result<Description> {
        let bound = self.bind(session, session.context(), hints).await?;
        Ok(Description { parameters: bound.plan.parameters().to_vec(), columns: None })
    }

    async fn run(&self, session: &mut Session, parameters: &[ScalarValue]) -> Result<Response> {
        let Bound { table, plan, assignment } = self.bind(session, session.context(), &[]).await?;
        let engine = &session.engine;
        let mut rows = engine.query.run(&plan, parameters, session.cancel.clone()).await?;
        let mut writer = engine.lake.writer(&table);
        let (schema, mut positions) = (table.schema(), Positions::default());
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            // A row that FROM joins to several others changes once.
            let first = add(&mut positions, &batch)?;
            let batch = match first.iter().all(|first| *first) {
                true => batch,
                false => filter_record_batch(&batch, &BooleanArray::from(first))?,
            };
            writer.write(&assignment.batch(&schema, &batch.columns()[2..])?).await?;
        }
        let files = writer.finish().await?;
        let count = positions.rows();
        if count > 0 {
            let deletes = engine.lake.delete(&table, &positions).await?;
            let name = table.name.clone();
            let changes = vec![
                Change::Expect { table: table.clone(), rows: false },
                Change::DeleteRows { table: name.clone(), deletes },
                Change::AppendFiles { table: name, files },
            ];
            session.write(&table, changes, "UPDATE")?;
        }
        Ok(Response::Done { tag: format!("UPDATE {count}") })
    }
}
