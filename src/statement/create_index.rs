//! `CREATE INDEX`: remembered, and when it is unique, rows are held to it. It makes nothing faster: files
//! are left out by their statistics.

use super::constraint::tables;
use super::target::{Written, folded, offset, refuse};
use super::{AnyStatement, Response, Session, Statement};
use crate::base::{Error, Kind, Name, Result, quote_identifier};
use crate::catalog::{Change, Index, Rules, Table};
use crate::query::Context;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{CreateIndex as Tree, Expr, Statement as AnyTree};
use std::fmt;
use std::sync::Arc;

const METHODS: &[&str] = &["btree", "hash", "gin", "gist", "spgist", "brin"];

#[derive(Debug)]
struct CreateIndex {
    tree: Tree,
    text: String,
    table: Written,
}

pub fn read(tree: AnyTree, text: &str) -> Result<Arc<dyn AnyStatement>> {
    let AnyTree::CreateIndex(tree) = tree else { return Err(Error::internal("the statement must be CREATE INDEX")) };
    refuse(!tree.alter_options.is_empty() || !tree.index_options.is_empty(), "this form of CREATE INDEX")?;
    let table = Written::new(&tree.table_name, text)?;
    Ok(Arc::new(CreateIndex { table, text: text.to_string(), tree }))
}

impl fmt::Display for CreateIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree.fmt(f)
    }
}

impl CreateIndex {
    fn name(&self, context: &Context, table: &Table, elements: &[Element]) -> String {
        if let Some(name) = &self.tree.name {
            return name.0.last().and_then(|part| part.as_ident()).map(folded).unwrap_or_default();
        }
        let parts = elements.iter().map(|element| element.column.as_deref().unwrap_or("expr"));
        let parts: Vec<_> = std::iter::once(table.name.name.as_str()).chain(parts).chain(["idx"]).collect();
        let wanted = parts.join("_");
        let numbered = (1..).map(|number| format!("{wanted}{number}"));
        let mut names = std::iter::once(wanted.clone()).chain(numbered);
        names.find(|name| !taken(context, &Name::new(&table.name.schema, name))).unwrap_or(wanted)
    }

    async fn elements(&self, session: &Session, context: &Context, table: &Table) -> Result<Vec<Element>> {
        let mut elements = vec![];
        for column in &self.tree.columns {
            let expr = &column.column.expr;
            let at = offset(&self.text, expr);
            let known = match expr {
                Expr::Identifier(ident) => {
                    let name = folded(ident);
                    if table.column(&name).is_none() {
                        let message = format!("column \"{name}\" does not exist");
                        return Err(Error::new(Kind::UndefinedColumn, message).at(at));
                    }
                    Some(name)
                }
                _ => {
                    let bound = session.engine.query.expression(context, &expr.to_string(), &table.schema()).await;
                    bound.map_err(|error| Error { offset: None, ..error }.at(at))?;
                    None
                }
            };
            let text = match (&known, expr) {
                (Some(name), _) => quote_identifier(name),
                (None, Expr::Function(_)) => expr.to_string(),
                (None, _) => format!("({expr})"),
            };
            elements.push(Element { column: known, text });
        }
        Ok(elements)
    }

    fn method(&self) -> Result<String> {
        let method = self.tree.using.as_ref().map_or("btree".to_string(), |using| using.to_string().to_lowercase());
        match METHODS.contains(&method.as_str()) {
            true => Ok(method),
            false => Err(Error::new(Kind::UndefinedObject, format!("access method \"{method}\" does not exist"))),
        }
    }
}

struct Element {
    /// `None` for an expression.
    column: Option<String>,
    text: String,
}

/// Whether a relation or index has the name.
pub fn taken(context: &Context, name: &Name) -> bool {
    context.snapshot.relation(name).is_some()
        || tables(context, &name.schema).any(|table| table.rules.has_index(&name.name))
}

impl Statement for CreateIndex {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let context = session.context();
        let done = Response::Done { tag: "CREATE INDEX".to_string() };
        let table = self.table.table(&context, "create index on")?;
        let elements = self.elements(session, &context, &table).await?;
        let name = self.name(&context, &table, &elements);
        if taken(&context, &Name::new(&table.name.schema, &name)) {
            let message = format!("relation \"{name}\" already exists");
            if self.tree.if_not_exists {
                session.notice(format!("{message}, skipping"));
                return Ok(done);
            }
            return Err(Error::new(Kind::DuplicateTable, message));
        }
        let condition = self.tree.predicate.as_ref().map(ToString::to_string);
        if let Some(condition) = &condition {
            let at = self.tree.predicate.as_ref().and_then(|predicate| offset(&self.text, predicate));
            let bound = session.engine.query.condition(&context, condition, &table.schema()).await;
            bound.map_err(|error| Error { offset: None, ..error }.at(at))?;
        }
        let columns: Option<Vec<String>> = elements.iter().map(|element| element.column.clone()).collect();
        if self.tree.unique && (columns.is_none() || condition.is_some()) {
            return Err(Error::unsupported("a unique index over expressions or with WHERE is not supported")
                .hint("add the expression as a column, or leave UNIQUE out".to_string()));
        }
        let index = Index {
            name: name.clone(),
            method: self.method()?,
            unique: self.tree.unique,
            nulls_distinct: self.tree.nulls_distinct != Some(false),
            elements: elements.into_iter().map(|element| element.text).collect(),
            columns,
            condition,
        };
        let mut rules: Rules = table.rules.clone();
        rules.indexes.push(index);
        let after = Arc::new(Table { rules: rules.clone(), ..(*table).clone() });
        session.engine.lake.prove(&context.snapshot, &after, &[&name]).await?;
        let expect = Change::Expect { table: table.clone(), rows: self.tree.unique };
        let changes = vec![expect, Change::SetRules { table: table.name.clone(), rules }];
        session.change(changes, "CREATE INDEX")?;
        Ok(done)
    }
}
