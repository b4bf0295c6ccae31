//! `CREATE TABLE`: a new managed table, empty or with a query's rows.

use super::assignment::Assignment;
use super::constraint::{Shape, of_column};
use super::literal::volatile;
use super::sequence;
use super::target::{Written, folded, ident_offset, offset, refuse};
use super::{AnyStatement, Description, Response, Session, Statement, rooms};
use crate::base::{Error, Kind, Name, Result, Type};
use crate::catalog::{Change, Column, Rules, Sequence, Table, temporary};
use crate::lake::{publish, storable};
use crate::query::{Context, Plan};
use crate::session::OnCommit;
use datafusion::arrow::datatypes::Schema;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    self, ColumnDef, ColumnOption, ColumnOptionDef, CreateTable as Tree, CreateTableOptions, DataType, Expr, Query,
    Statement as AnyTree, TableConstraint,
};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

#[derive(Debug)]
struct CreateTable {
    tree: Tree,
    text: String,
    name: Written,
    temporary: bool,
}

pub fn read(tree: AnyTree, text: &str) -> Result<Arc<dyn AnyStatement>> {
    let AnyTree::CreateTable(tree) = tree else { return Err(Error::internal("the statement must be CREATE TABLE")) };
    refuse(tree.or_replace, "CREATE OR REPLACE TABLE")?;
    refuse(tree.volatile || tree.transient, "this form of CREATE TABLE")?;
    refuse(tree.like.is_some() || tree.clone.is_some(), "CREATE TABLE … LIKE")?;
    refuse(tree.partition_by.is_some() || tree.partition_of.is_some(), "a partitioned table")?;
    refuse(tree.inherits.is_some(), "INHERITS")?;
    refuse(tree.external || tree.table_options != CreateTableOptions::None, "this form of CREATE TABLE")?;
    let name = Written::new(&tree.name, text)?;
    let temporary = tree.temporary || name.schema() == Some(temporary::SCHEMA);
    if tree.on_commit.is_some() && !temporary {
        let message = "ON COMMIT can only be used on temporary tables";
        return Err(Error::new(Kind::InvalidTableDefinition, message));
    }
    Ok(Arc::new(CreateTable { name, temporary, text: text.to_string(), tree }))
}

impl fmt::Display for CreateTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree.fmt(f)
    }
}

/// What a statement declares of a table.
struct Declared {
    columns: Vec<Column>,
    rules: Rules,
    /// With the columns that own them.
    sequences: Vec<(Sequence, String)>,
}

impl CreateTable {
    /// The columns that the statement declares.
    async fn declared(&self, session: &Session, context: &Context, name: &Name) -> Result<Declared> {
        let (mut columns, mut rules, mut sequences): (Vec<Column>, _, _) = (vec![], Rules::default(), vec![]);
        for definition in self.tree.columns.iter().take(COLUMNS_MAX + 1) {
            let at = ident_offset(&self.text, &definition.name);
            let mut column = column(session, context, &self.text, definition).await.map_err(|error| error.at(at))?;
            if let Some((sequence, identity)) = sequence::of_column(context, name, definition, &self.text)? {
                column.default = Some(sequence::default(&sequence.name));
                column.nullable = false;
                rules.identities.extend(identity.map(|always| (column.name.clone(), always)));
                sequences.push((sequence, column.name.clone()));
            }
            columns.push(column);
        }
        if columns.is_empty() {
            return Err(Error::unsupported("a table needs a column").at(self.name.offset));
        }
        distinct(&columns)?;
        let name = name.clone();
        let mut shape = Shape { session, context, text: &self.text, name, columns, rules };
        let inline = self.tree.columns.iter().flat_map(|definition| {
            let option = |it: &ColumnOptionDef| of_column(it.name.as_ref(), &definition.name, &it.option);
            definition.options.iter().filter_map(option).collect::<Vec<_>>()
        });
        // Foreign keys last: they may refer to this table's own key.
        let all: Vec<_> = inline.chain(self.tree.constraints.iter().cloned()).collect();
        let (last, first): (Vec<_>, Vec<_>) = all.iter().partition(|it| matches!(it, TableConstraint::ForeignKey(_)));
        for constraint in first.into_iter().chain(last) {
            shape.add(constraint).await?;
        }
        Ok(Declared { columns: shape.columns, rules: shape.rules, sequences })
    }

    /// What becomes of a temporary table at COMMIT.
    fn on_commit(&self, session: &mut Session, name: &Name) -> Result<()> {
        match self.tree.on_commit {
            Some(ast::OnCommit::DeleteRows) => session.on_commit(name, OnCommit::DeleteRows),
            Some(ast::OnCommit::Drop) => session.on_commit(name, OnCommit::Drop),
            Some(ast::OnCommit::PreserveRows) | None => Ok(()),
        }
    }

    async fn plan(&self, session: &Session, context: &Context, query: &Query, hints: &[Option<Type>]) -> Result<Plan> {
        let statement = AnyTree::Query(Box::new(query.clone()));
        session.engine.query.plan_with(context, &statement, &self.text, hints).await
    }

    /// The columns that a query gives, under the names that the statement gives them.
    fn given(&self, plan: &Plan) -> Result<Vec<Column>> {
        if self.tree.columns.len() > plan.schema().fields().len() {
            return Err(Error::new(Kind::Syntax, "too many column names were specified").at(self.name.offset));
        }
        let mut columns = vec![];
        for (at, field) in plan.schema().fields().iter().enumerate() {
            let name = match self.tree.columns.get(at) {
                Some(definition) if definition.data_type != DataType::Unspecified => {
                    let at = ident_offset(&self.text, &definition.name);
                    return Err(Error::new(Kind::Syntax, "a column of CREATE TABLE AS has no type of its own").at(at));
                }
                Some(definition) => folded(&definition.name),
                None => field.name().clone(),
            };
            let ty = match Type::of(field) {
                // Wider than a file holds: the values decide whether they fit.
                Type::Numeric(Some((precision, _))) if precision > 38 => Type::Numeric(None),
                ty => ty,
            };
            storable(&name, &ty)?;
            columns.push(Column::new(name, ty, true));
        }
        distinct(&columns)?;
        Ok(columns)
    }

    async fn create_as(
        &self,
        session: &Session,
        context: &Context,
        name: Name,
        query: &Query,
        parameters: &[ScalarValue],
    ) -> Result<u64> {
        let plan = self.plan(session, context, query, &[]).await?;
        let columns = self.given(&plan)?;
        let table = Table::staged(context.snapshot.schema(&name.schema)?, &name, columns);
        let assignment = Assignment::unchecked(&table, &table.columns, context.time_zone());
        let (files, count) = rooms::written(session, &plan, parameters, &table, &assignment).await?;
        let changes = publish::create(&table, files);
        let outcome = session.write(&table, changes, "CREATE TABLE AS").await;
        outcome.map_err(|error| error.at(self.name.offset))?;
        Ok(count)
    }
}

/// A column as it is declared; its constraints but NOT NULL are for the table to add.
pub async fn column(session: &Session, context: &Context, text: &str, definition: &ColumnDef) -> Result<Column> {
    let name = folded(&definition.name);
    let ty = match sequence::serial(definition) {
        Some(ty) => ty,
        None => column_type(&definition.data_type)?,
    };
    storable(&name, &ty)?;
    let mut column = Column::new(name, ty, true);
    for option in &definition.options {
        match &option.option {
            ColumnOption::Null => {}
            ColumnOption::NotNull => column.nullable = false,
            ColumnOption::Default(expr) => column.default = default(session, context, text, &column.ty, expr).await?,
            ColumnOption::PrimaryKey(_)
            | ColumnOption::Unique(_)
            | ColumnOption::Check(_)
            | ColumnOption::ForeignKey(_)
            | ColumnOption::Generated { .. } => {}
            other => return Err(Error::unsupported(format!("column option {other} is not supported"))),
        }
    }
    Ok(column)
}

/// A default as it is kept.
pub async fn default(
    session: &Session,
    context: &Context,
    text: &str,
    ty: &Type,
    expr: &Expr,
) -> Result<Option<String>> {
    let (default, at) = (expr.to_string(), offset(text, expr));
    let value = match volatile(expr) {
        // Not to take a number for nothing.
        true => session.engine.query.expression(context, &default, &Arc::new(Schema::empty())).await.map(|_| ()),
        false => session.engine.query.value(context, &default, Some(ty)).await.map(|_| ()),
    };
    value.map_err(|error| Error { offset: None, ..error }.at(at))?;
    Ok(Some(default).filter(|text| !text.eq_ignore_ascii_case("null")))
}

pub fn column_type(data_type: &DataType) -> Result<Type> {
    let text = data_type.to_string();
    match Type::parse(&text) {
        Some(Type::Array(element)) if matches!(*element, Type::Array(_)) => {
            Err(Error::unsupported("arrays of arrays are not supported"))
        }
        Some(ty) => Ok(ty),
        None => {
            let message = format!("type \"{}\" does not exist", text.to_lowercase());
            let known = Type::all().map(Type::to_string).collect::<Vec<_>>();
            let hint = crate::base::error::did_you_mean(&text.to_lowercase(), known.iter().map(String::as_str));
            Err(Error::new(Kind::UndefinedObject, message).hint(hint))
        }
    }
}

/// Columns of a table, as in Postgres.
const COLUMNS_MAX: usize = 1600;

fn distinct(columns: &[Column]) -> Result<()> {
    if columns.len() > COLUMNS_MAX {
        let message = format!("tables can have at most {COLUMNS_MAX} columns");
        return Err(Error::new(Kind::TooManyColumns, message));
    }
    let mut seen = BTreeSet::new();
    match columns.iter().find(|column| !seen.insert(&column.name)) {
        Some(twice) => {
            let message = format!("column \"{}\" specified more than once", twice.name);
            Err(Error::new(Kind::DuplicateColumn, message))
        }
        None => Ok(()),
    }
}

impl Statement for CreateTable {
    async fn describe(&self, session: &Session, hints: &[Option<Type>]) -> Result<Description> {
        let Some(query) = &self.tree.query else { return Ok(Description::default()) };
        let plan = self.plan(session, &session.context(), query, hints).await?;
        Ok(Description { parameters: plan.parameters().to_vec(), columns: None })
    }

    async fn run(&self, session: &mut Session, parameters: &[ScalarValue]) -> Result<Response> {
        if self.temporary {
            session.allow_temporary()?;
        }
        let context = session.context();
        let name = if self.temporary { self.name.new_temporary()? } else { self.name.new_name(&context)? };
        let tag = if self.tree.query.is_some() { "CREATE TABLE AS" } else { "CREATE TABLE" };
        if context.snapshot.relation(&name).is_some() {
            if self.tree.if_not_exists {
                session.notice(format!("relation \"{}\" already exists, skipping", name.name));
                return Ok(Response::Done { tag: tag.to_string() });
            }
            let message = format!("relation \"{}\" already exists", name.name);
            return Err(Error::new(Kind::DuplicateTable, message).at(self.name.offset));
        }
        if let Some(query) = &self.tree.query {
            let count = self.create_as(session, &context, name.clone(), query, parameters).await?;
            self.on_commit(session, &name)?;
            return Ok(Response::Done { tag: format!("SELECT {count}") });
        }
        let Declared { columns, rules, sequences } = self.declared(session, &context, &name).await?;
        let mut changes = vec![Change::CreateTable { name: name.clone(), columns, folder: None }];
        let sequence = |(sequence, column)| Change::PutSequence { sequence, owned_by: Some((name.clone(), column)) };
        changes.extend(sequences.into_iter().map(sequence));
        if !rules.is_empty() {
            changes.push(Change::SetRules { table: name.clone(), rules });
        }
        session.change(changes, tag).map_err(|error| error.at(self.name.offset))?;
        self.on_commit(session, &name)?;
        Ok(Response::Done { tag: tag.to_string() })
    }
}
