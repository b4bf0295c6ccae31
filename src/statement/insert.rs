//! `INSERT`: new rows.

use super::assignment::Assignment;
use super::literal::{default, is_default, typed};
use super::on_conflict::{OnConflict, Settled};
use super::returning::{Returning, known, types};
use super::selection::{Selection, in_turn, writable};
use super::target::{Written, folded, offset, refuse};
use super::{AnyStatement, Description, Response, Session, Statement};
use crate::base::error::did_you_mean;
use crate::base::{Error, Kind, Result, Type, sql};
use crate::catalog::{Change, Column, Table};
use crate::lake::publish;
use crate::query::{Context, Plan};
use datafusion::arrow::array::RecordBatch;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Insert as Tree, OnInsert, Query, Select, SelectItem, SetExpr, Statement as AnyTree, TableAlias,
    TableAliasColumnDef, TableFactor, TableObject, Values, With,
};
use std::fmt;
use std::sync::Arc;

#[derive(Debug)]
struct Insert {
    tree: Tree,
    text: String,
    /// The table, as RETURNING and ON CONFLICT name it.
    selection: Selection,
    /// OVERRIDING SYSTEM VALUE.
    overriding: bool,
}

pub fn read(tree: AnyTree, with: Option<With>, text: &str) -> Result<Arc<dyn AnyStatement>> {
    let AnyTree::Insert(tree) = tree else { return Err(Error::internal("the statement must be INSERT")) };
    refuse(matches!(tree.on, Some(OnInsert::DuplicateKeyUpdate(_))), "ON DUPLICATE KEY UPDATE")?;
    refuse(
        tree.or.is_some()
            || tree.overwrite
            || tree.replace_into
            || tree.ignore
            || tree.partitioned.is_some()
            || !tree.assignments.is_empty()
            || tree.output.is_some()
            || tree.settings.is_some()
            || tree.format_clause.is_some(),
        "this form of INSERT",
    )?;
    let TableObject::TableName(name) = &tree.table else {
        return Err(Error::unsupported("INSERT into a function or query is not supported"));
    };
    let target = Written::new(name, text)?;
    let alias = match &tree.table_alias {
        Some(alias) => alias.alias.clone(),
        None => Ident::with_quote('"', target.last()),
    };
    Ok(Arc::new(Insert {
        selection: Selection { target, alias, with },
        overriding: overrides(text)?,
        text: text.to_string(),
        tree,
    }))
}

/// Whether the words are there, which the parser is spared.
fn overrides(text: &str) -> Result<bool> {
    let tokens = sql::tokenize(text)?;
    let cursor = super::Cursor::new(text, &tokens);
    Ok((0..tokens.len()).any(|at| {
        let word = |ahead, wanted: &str| cursor.word(at + ahead).is_some_and(|word| word.eq_ignore_ascii_case(wanted));
        word(0, "OVERRIDING") && word(1, "SYSTEM") && word(2, "VALUE")
    }))
}

impl fmt::Display for Insert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(with) = &self.selection.with {
            write!(f, "{with} ")?;
        }
        self.tree.fmt(f)
    }
}

/// An INSERT whose rows are planned: the plan gives the table's columns in the table's order.
struct Bound {
    table: Arc<Table>,
    plan: Plan,
    assignment: Assignment,
}

impl Insert {
    async fn bind(&self, session: &Session, context: &Context, hints: &[Option<Type>]) -> Result<Bound> {
        let table = self.selection.target.table(context, "insert into")?;
        writable(context, &table, &self.selection.target)?;
        let named = self.columns(&table)?;
        let query = &session.engine.query;
        let mut source = self.source(&table, &named)?;
        let width = match values_width(&source) {
            Some(width) => width,
            None => {
                let with = self.selection.with.clone().into_iter().chain(source.with.clone()).reduce(joined);
                let statement = AnyTree::Query(Box::new(Query { with, ..source.clone() }));
                query.plan_with(context, &statement, &self.text, hints).await?.schema().fields().len()
            }
        };
        self.check_width(width, named.len())?;
        let given = &named[..width];
        self.check_generated(&table, given)?;
        let in_order = given.iter().copied().eq(0..table.columns.len());
        if !in_order {
            source = self.filled(source, &table, given)?;
        }
        source.with = self.selection.with.clone().into_iter().chain(source.with).reduce(joined);
        let statement = AnyTree::Query(Box::new(source));
        let plan = query.plan_with(context, &statement, &self.text, hints).await?;
        let assignment = Assignment::new(&table, &table.columns, plan.schema(), context.time_zone())?;
        let assignment = assignment.checked(query, context, &table).await?;
        Ok(Bound { table, plan, assignment })
    }

    /// Positions in the table of the columns that rows are given for.
    fn columns(&self, table: &Table) -> Result<Vec<usize>> {
        if self.tree.columns.is_empty() {
            return Ok((0..table.columns.len()).collect());
        }
        let mut positions = vec![];
        for name in &self.tree.columns {
            let at = offset(&self.text, name);
            let name = name.0.last().and_then(|part| part.as_ident()).map(folded).unwrap_or_default();
            let position = position(table, &name).map_err(|error| error.at(at))?;
            if positions.contains(&position) {
                let message = format!("column \"{name}\" specified more than once");
                return Err(Error::new(Kind::DuplicateColumn, message).at(at));
            }
            positions.push(position);
        }
        Ok(positions)
    }

    /// Refuses values for a column that always makes its own.
    fn check_generated(&self, table: &Table, given: &[usize]) -> Result<()> {
        for (at, position) in given.iter().enumerate() {
            let column = &table.columns[*position];
            if table.rules.identities.get(&column.name) != Some(&true) || self.overriding {
                continue;
            }
            let rows = self.tree.source.as_ref().map(|source| source.body.as_ref());
            let own = match rows {
                Some(SetExpr::Values(values)) => {
                    values.rows.iter().all(|row| row.content.get(at).is_none_or(is_default))
                }
                _ => rows.is_none(),
            };
            if !own {
                let message = format!("cannot insert a non-DEFAULT value into column \"{}\"", column.name);
                let detail = format!("Column \"{}\" is an identity column defined as GENERATED ALWAYS.", column.name);
                return Err(Error::new(Kind::GeneratedAlways, message)
                    .detail(detail)
                    .hint("use OVERRIDING SYSTEM VALUE to override".to_string()));
            }
        }
        Ok(())
    }

    fn check_width(&self, width: usize, named: usize) -> Result<()> {
        let at = self.tree.source.as_ref().and_then(|source| offset(&self.text, source.as_ref()));
        if width > named {
            return Err(Error::new(Kind::Syntax, "INSERT has more expressions than target columns").at(at));
        }
        if width < named && !self.tree.columns.is_empty() {
            return Err(Error::new(Kind::Syntax, "INSERT has more target columns than expressions").at(at));
        }
        Ok(())
    }

    /// The rows as a query, its literals with the types of their columns.
    fn source(&self, table: &Table, named: &[usize]) -> Result<Query> {
        let Some(source) = &self.tree.source else {
            return Ok(no_columns());
        };
        let mut source = source.as_ref().clone();
        let column = |at: usize| named.get(at).map(|position| &table.columns[*position]);
        match source.body.as_mut() {
            SetExpr::Values(values) => {
                let width = values.rows.first().map_or(0, |row| row.content.len());
                for row in &mut values.rows {
                    if row.content.len() != width {
                        let at = row.content.first().and_then(|expr| offset(&self.text, expr));
                        return Err(Error::new(Kind::Syntax, "VALUES lists must all be the same length").at(at));
                    }
                    for (at, expr) in row.content.iter_mut().enumerate() {
                        column(at).map_or(Ok(()), |column| typed(expr, column))?;
                    }
                }
            }
            SetExpr::Select(select) => type_items(select, column)?,
            _ => {}
        }
        Ok(source)
    }

    /// The source with every column of the table in its place, defaults for those that it does not give.
    fn filled(&self, source: Query, table: &Table, given: &[usize]) -> Result<Query> {
        let mut query = template("SELECT 1 FROM (SELECT 1) AS given")?;
        let SetExpr::Select(select) = query.body.as_mut() else { return Err(Error::internal("must be a SELECT")) };
        let name = |at: usize| Ident::with_quote('"', format!("given {at}"));
        let mut items = vec![];
        for (position, column) in table.columns.iter().enumerate() {
            let expr = match given.iter().position(|other| *other == position) {
                Some(at) => Expr::Identifier(name(at)),
                None => default(column)?,
            };
            let alias = Ident::with_quote('"', column.name.clone());
            items.push(SelectItem::ExprWithAlias { expr, alias });
        }
        select.projection = items;
        if given.is_empty() {
            select.from.clear();
            return Ok(query);
        }
        let columns = (0..given.len()).map(|at| TableAliasColumnDef { name: name(at), data_type: None }).collect();
        if let Some(TableFactor::Derived { subquery, alias, .. }) =
            select.from.first_mut().map(|from| &mut from.relation)
        {
            **subquery = source;
            *alias = alias.take().map(|alias| TableAlias { columns, ..alias });
        }
        Ok(query)
    }
}

/// A piece of SQL of ours, as a tree to put a user's pieces into.
pub(super) fn template(text: &str) -> Result<Query> {
    match sql::parse_statement(text)? {
        AnyTree::Query(query) => Ok(*query),
        _ => Err(Error::internal("a template must be a query")),
    }
}

/// `DEFAULT VALUES`: one row of nothing.
fn no_columns() -> Query {
    sql::query_of(SetExpr::Values(Values { explicit_row: false, value_keyword: false, rows: vec![] }))
}

fn values_width(source: &Query) -> Option<usize> {
    match source.body.as_ref() {
        SetExpr::Values(values) => Some(values.rows.first().map_or(0, |row| row.content.len())),
        _ => None,
    }
}

fn type_items<'a>(select: &mut Select, column: impl Fn(usize) -> Option<&'a Column>) -> Result<()> {
    let plain = |item: &SelectItem| matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. });
    if !select.projection.iter().all(plain) {
        return Ok(());
    }
    for (at, item) in select.projection.iter_mut().enumerate() {
        if let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }, Some(column)) =
            (item, column(at))
        {
            typed(expr, column)?;
        }
    }
    Ok(())
}

/// Position of a column in a table.
pub(super) fn position(table: &Table, name: &str) -> Result<usize> {
    table.columns.iter().position(|column| column.name == name).ok_or_else(|| {
        let message = format!("column \"{name}\" of relation \"{}\" does not exist", table.name.name);
        let known = table.columns.iter().map(|column| column.name.as_str());
        Error::new(Kind::UndefinedColumn, message).hint(did_you_mean(name, known))
    })
}

/// The WITH queries of the statement, then those of its source.
fn joined(mut with: With, own: With) -> With {
    with.recursive |= own.recursive;
    with.cte_tables.extend(own.cte_tables);
    with
}

impl Insert {
    fn returning<'a>(&'a self, table: &'a Table) -> Option<Returning<'a>> {
        let items = self.tree.returning.as_deref()?;
        let Selection { alias, with, .. } = &self.selection;
        Some(Returning { items, alias, with: with.as_ref(), table, others: &[], text: &self.text })
    }

    fn on_conflict(&self, table: &Arc<Table>) -> Result<Option<OnConflict<'_>>> {
        match &self.tree.on {
            Some(OnInsert::OnConflict(tree)) => {
                OnConflict::new(tree, &self.selection, &self.text, table.clone()).map(Some)
            }
            _ => Ok(None),
        }
    }
}

impl Statement for Insert {
    async fn describe(&self, session: &Session, hints: &[Option<Type>]) -> Result<Description> {
        let context = session.context();
        let bound = self.bind(session, &context, hints).await?;
        let mut parameters = bound.plan.parameters().to_vec();
        if let Some(on_conflict) = self.on_conflict(&bound.table)? {
            let empty = Arc::new(Table { files: vec![], ..(*bound.table).clone() });
            let planned = on_conflict.plan(session, &context, (&empty, vec![]), &known(&parameters, hints)).await?;
            let more = planned.map(|(plan, _)| plan.parameters().to_vec()).unwrap_or_default();
            parameters.extend(more.into_iter().skip(parameters.len()));
        }
        match self.returning(&bound.table) {
            Some(returning) => returning.describe(session, &context, &parameters, hints).await,
            None => Ok(Description { parameters, columns: None }),
        }
    }

    async fn run(&self, session: &mut Session, parameters: &[ScalarValue]) -> Result<Response> {
        let mut context = session.context();
        let target = self.selection.target.find(&context)?;
        let table = target.and_then(|name| context.snapshot.table(&name).ok());
        if table.is_some_and(|table| !table.rules.keys().is_empty()) {
            context = in_turn(session, &self.selection.target).await?;
        }
        let Bound { table, plan, assignment } = self.bind(session, &context, &types(parameters)).await?;
        let (engine, returning, on_conflict) = (&session.engine, self.returning(&table), self.on_conflict(&table)?);
        let values = &parameters[..plan.parameters().len().min(parameters.len())];
        let mut rows = engine.query.run(&plan, values, session.cancel.clone()).await?;
        let mut writer = engine.lake.writer(&table);
        let (schema, mut count, mut kept) = (table.schema(), 0, vec![]);
        while let Some(batch) = rows.next().await {
            let batch = assignment.batch(&schema, batch?.columns())?;
            count += batch.num_rows();
            if returning.is_some() || on_conflict.is_some() {
                kept.push(batch.clone());
            }
            if on_conflict.is_none() {
                writer.write(&batch).await?;
            }
        }
        let mut changes = vec![];
        if let Some(on_conflict) = &on_conflict {
            let Settled { new, changed, positions } = on_conflict.settle(session, &context, kept, parameters).await?;
            kept = new.into_iter().chain(changed).collect();
            for batch in &kept {
                writer.write(batch).await?;
            }
            count = kept.iter().map(RecordBatch::num_rows).sum();
            let deletes = engine.lake.delete(&table, &positions).await?;
            changes.push(Change::DeleteRows { table: table.name.clone(), deletes });
        }
        let response = match &returning {
            Some(returning) => {
                let rows = kept.iter().map(|batch| returning.batch(batch.columns().to_vec()));
                let rows = rows.collect::<Result<_>>()?;
                returning.respond(session, &context, rows, parameters, "INSERT 0").await?
            }
            None => Response::Done { tag: format!("INSERT 0 {count}") },
        };
        let files = writer.finish().await?;
        if !files.is_empty() {
            changes.extend(publish::append(&table, files));
            session.write(&table, changes, "INSERT").await?;
        }
        Ok(response)
    }
}
