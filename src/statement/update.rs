//! `UPDATE`: rows that change.

use super::assignment::Assignment;
use super::insert::{position, template};
use super::literal::{is_default, typed};
use super::returning::{Returning, types};
use super::selection::{Other, Selection, first_of, in_turn, writable};
use super::target::{folded, offset, refuse};
use super::{AnyStatement, Description, Response, Session, Statement};
use crate::base::{Error, Kind, Result, Type, sql};
use crate::catalog::{Change, Table};
use crate::lake::Positions;
use crate::query::{Context, Plan, aggregates};
use datafusion::arrow::datatypes::Schema;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    Assignment as Written, AssignmentTarget, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName,
    Query, SelectItem, SetExpr, Statement as AnyTree, TableAlias, TableAliasColumnDef, TableFactor, TableWithJoins,
    Update as Tree, UpdateTableFromKind, With,
};
use std::fmt;
use std::sync::Arc;

#[derive(Debug)]
struct Update {
    tree: Tree,
    text: String,
    selection: Selection,
}

pub fn read(tree: AnyTree, with: Option<With>, text: &str) -> Result<Arc<dyn AnyStatement>> {
    let AnyTree::Update(tree) = tree else { return Err(Error::internal("the statement must be UPDATE")) };
    refuse(
        tree.output.is_some() || tree.or.is_some() || !tree.order_by.is_empty() || tree.limit.is_some(),
        "this form of UPDATE",
    )?;
    let selection = Selection::new(&tree.table, with, text)?;
    Ok(Arc::new(Update { selection, text: text.to_string(), tree }))
}

impl fmt::Display for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(with) = &self.selection.with {
            write!(f, "{with} ")?;
        }
        self.tree.fmt(f)
    }
}

/// An UPDATE whose rows are planned: places, the table's columns as they will be, then columns of the
/// other relations that RETURNING may ask for.
struct Bound {
    table: Arc<Table>,
    others: Vec<Other>,
    plan: Plan,
    assignment: Assignment,
}

impl Update {
    async fn bind(&self, session: &Session, context: Context, hints: &[Option<Type>]) -> Result<Bound> {
        let table = self.selection.target.table(&context, "update")?;
        writable(&context, &table, &self.selection.target)?;
        let mut values: Vec<_> = table.columns.iter().map(|column| self.selection.column(&column.name)).collect();
        for (at, expr) in assignments(&self.tree.assignments, &table, &self.text)? {
            values[at] = expr;
        }
        let zone = context.time_zone().to_string();
        let context = self.selection.context(context, &session.engine.lake, &table);
        let mut others = vec![];
        if self.tree.returning.is_some() {
            others = self.selection.others(session, &context, (&table, self.from()), &self.text, hints).await?;
            values.extend(others.iter().flat_map(Other::columns));
        }
        let query = self.selection.query(values, self.from(), self.tree.selection.as_ref(), &table)?;
        let plan = session.engine.query.plan_with(&context, &query, &self.text, hints).await?;
        let fields: Vec<_> = plan.schema().fields().iter().skip(2).take(table.columns.len()).cloned().collect();
        let assignment = Assignment::new(&table, &table.columns, &Arc::new(Schema::new(fields)), &zone)?;
        let assignment = assignment.checked(&session.engine.query, &context, &table).await?;
        Ok(Bound { table, others, plan, assignment })
    }

    fn returning<'a>(&'a self, bound: &'a Bound) -> Option<Returning<'a>> {
        let items = self.tree.returning.as_deref()?;
        let Selection { alias, with, .. } = &self.selection;
        let (table, others) = (&bound.table, &bound.others);
        Some(Returning { items, alias, with: with.as_ref(), table, others, text: &self.text })
    }

    fn from(&self) -> &[TableWithJoins] {
        match &self.tree.from {
            Some(UpdateTableFromKind::BeforeSet(from) | UpdateTableFromKind::AfterSet(from)) => from,
            None => &[],
        }
    }
}

impl Bound {
    /// The values of this plan's parameters; RETURNING may have more.
    fn values<'a>(&self, parameters: &'a [ScalarValue]) -> &'a [ScalarValue] {
        &parameters[..self.plan.parameters().len().min(parameters.len())]
    }
}

/// Which columns get which values.
pub fn assignments(written: &[Written], table: &Table, text: &str) -> Result<Vec<(usize, Expr)>> {
    let mut all: Vec<(usize, Expr)> = vec![];
    for assignment in written {
        let (targets, values): (Vec<&ObjectName>, Vec<Expr>) = match &assignment.target {
            AssignmentTarget::ColumnName(name) => (vec![name], vec![assignment.value.clone()]),
            AssignmentTarget::Tuple(names) => (names.iter().collect(), several(&assignment.value, names.len(), text)?),
        };
        if targets.len() != values.len() {
            let at = targets.first().and_then(|name| offset(text, *name));
            return Err(Error::new(Kind::Syntax, "number of columns does not match number of values").at(at));
        }
        for (name, mut value) in targets.into_iter().zip(values) {
            let at = offset(text, name);
            // Postgres reads what comes first as the column, even when a relation has that name.
            let column = name.0.first().and_then(|part| part.as_ident()).map(folded).unwrap_or_default();
            let index = position(table, &column).map_err(|error| error.at(at))?;
            if all.iter().any(|(other, _)| *other == index) {
                let message = format!("multiple assignments to same column \"{column}\"");
                return Err(Error::new(Kind::Syntax, message).at(at));
            }
            if table.rules.identities.get(&column) == Some(&true) && !is_default(&value) {
                let message = format!("column \"{column}\" can only be updated to DEFAULT");
                let detail = format!("Column \"{column}\" is an identity column defined as GENERATED ALWAYS.");
                return Err(Error::new(Kind::GeneratedAlways, message).detail(detail).at(at));
            }
            typed(&mut value, &table.columns[index])?;
            all.push((index, value));
        }
    }
    Ok(all)
}

/// The values for several columns: `(a, b)`, `ROW(a, b)`, or a query's columns.
fn several(value: &Expr, count: usize, text: &str) -> Result<Vec<Expr>> {
    match value {
        Expr::Tuple(values) => Ok(values.clone()),
        Expr::Subquery(query) => (0..count).map(|at| Ok(Expr::Subquery(Box::new(column(query, at, count)?)))).collect(),
        Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("row") => {
            let FunctionArguments::List(list) = &function.args else { return Ok(vec![]) };
            let value = |argument: &FunctionArg| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
                _ => None,
            };
            Ok(list.args.iter().filter_map(value).collect())
        }
        other => {
            let message = "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression";
            Err(Error::unsupported(message).at(offset(text, other)))
        }
    }
}

/// The query with only one of its columns.
fn column(query: &Query, at: usize, count: usize) -> Result<Query> {
    let mut query = query.clone();
    if let SetExpr::Select(select) = query.body.as_mut()
        && select.distinct.is_none()
        && query.order_by.is_none()
        && select
            .projection
            .iter()
            .all(|item| matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. }))
    {
        if select.projection.len() != count {
            return Err(Error::new(Kind::Syntax, "number of columns does not match number of values"));
        }
        let expr = |item: &SelectItem| match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => aggregates(expr),
            _ => false,
        };
        let one_row = select.projection.iter().any(expr) && select.having.is_none();
        select.projection = vec![select.projection.swap_remove(at)];
        if one_row && !select.projection.iter().any(expr) {
            // Of one row by the aggregates beside it, which are gone.
            select.having = Some(sql::parse_expression("count(*) >= 0")?);
        }
        return Ok(query);
    }
    let names =
        (0..count).map(|at| TableAliasColumnDef { name: Ident::with_quote('"', format!("set {at}")), data_type: None });
    let mut outer = template("SELECT 1 FROM (SELECT 1) AS given")?;
    if let SetExpr::Select(select) = outer.body.as_mut() {
        select.projection =
            vec![SelectItem::UnnamedExpr(Expr::Identifier(Ident::with_quote('"', format!("set {at}"))))];
        if let Some(TableFactor::Derived { subquery, alias, .. }) =
            select.from.first_mut().map(|from| &mut from.relation)
        {
            **subquery = query;
            *alias = alias.take().map(|alias| TableAlias { columns: names.collect(), ..alias });
        }
    }
    Ok(outer)
}

impl Statement for Update {
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
        let mut rows = engine.query.run(&bound.plan, bound.values(parameters), session.cancel.clone()).await?;
        let mut writer = engine.lake.writer(table);
        let (schema, width, mut returned) = (table.schema(), table.columns.len(), vec![]);
        let mut positions = Positions::default();
        while let Some(batch) = rows.next().await {
            let batch = first_of(&mut positions, batch?)?;
            let changed = bound.assignment.batch(&schema, &batch.columns()[2..2 + width])?;
            writer.write(&changed).await?;
            if let Some(returning) = &returning {
                let beside = batch.columns()[2 + width..].iter().cloned();
                returned.push(returning.batch(changed.columns().iter().cloned().chain(beside).collect())?);
            }
        }
        let count = positions.rows();
        let response = match &returning {
            Some(returning) => returning.respond(session, &context, returned, parameters, "UPDATE").await?,
            None => Response::Done { tag: format!("UPDATE {count}") },
        };
        let files = writer.finish().await?;
        if count > 0 {
            let deletes = engine.lake.delete(table, &positions).await?;
            let name = table.name.clone();
            let changes = vec![
                Change::Expect { table: table.clone(), rows: false },
                Change::DeleteRows { table: name.clone(), deletes },
                Change::AppendFiles { table: name, files },
            ];
            session.write(table, changes, "UPDATE").await?;
        }
        Ok(response)
    }
}
