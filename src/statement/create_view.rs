//! `CREATE VIEW`: a named query.

use super::target::{Written, folded, refuse};
use super::{AnyStatement, Response, Session, Statement};
use crate::base::sql::{self, Kinds};
use crate::base::{Error, Kind, Result};
use crate::catalog::{Change, Relation, Snapshot, View, temporary};
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{CreateTableOptions, CreateView as Tree, Statement as AnyTree};
use datafusion::sql::sqlparser::keywords::Keyword;
use std::fmt;
use std::sync::Arc;

#[derive(Debug)]
struct CreateView {
    tree: Tree,
    name: Written,
    /// The query as it was typed, and where it starts in the statement.
    sql: String,
    start: usize,
}

pub fn read(tree: AnyTree, text: &str) -> Result<Arc<dyn AnyStatement>> {
    let AnyTree::CreateView(tree) = tree else { return Err(Error::internal("the statement must be CREATE VIEW")) };
    refuse(tree.materialized, "this form of CREATE MATERIALIZED VIEW")?;
    refuse(
        tree.or_alter
            || tree.secure
            || tree.options != CreateTableOptions::None
            || !tree.cluster_by.is_empty()
            || tree.with_no_schema_binding
            || tree.to.is_some()
            || tree.params.is_some(),
        "this form of CREATE VIEW",
    )?;
    let name = Written::new(&tree.name, text)?;
    let start = body(text)?;
    Ok(Arc::new(CreateView { tree, name, sql: text[start..].to_string(), start }))
}

/// Where the query starts: after the first AS that is in no brackets.
fn body(text: &str) -> Result<usize> {
    let (tokens, mut depth, mut found) = (sql::tokenize(text)?, 0, false);
    for token in tokens.iter().filter(|token| token.is_significant()) {
        if found {
            return Ok(token.start);
        }
        match &token.token {
            Kinds::LParen => depth += 1,
            Kinds::RParen => depth -= 1,
            Kinds::Word(word) => found = depth == 0 && word.quote_style.is_none() && word.keyword == Keyword::AS,
            _ => {}
        }
    }
    Err(Error::syntax("", text.len()))
}

impl fmt::Display for CreateView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree.fmt(f)
    }
}

impl Statement for CreateView {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let mut context = session.context();
        let plan = session.engine.query.plan_text(&context, &self.sql).await;
        let plan = plan.map_err(|error| error.shifted(self.start))?;
        let over_temporary = plan.references().reads.iter().any(|read| read.schema == temporary::SCHEMA);
        let temporary = self.tree.temporary || over_temporary || self.name.schema() == Some(temporary::SCHEMA);
        if temporary {
            session.allow_temporary()?;
            context = session.context();
        }
        let name = if temporary { self.name.new_temporary()? } else { self.name.new_name(&context)? };
        if over_temporary && !self.tree.temporary {
            session.notice(format!("view \"{}\" will be a temporary view", name.name));
        }
        let tag = "CREATE VIEW".to_string();
        if self.tree.if_not_exists && context.snapshot.relation(&name).is_some() {
            session.notice(format!("relation \"{}\" already exists, skipping", name.name));
            return Ok(Response::Done { tag });
        }
        if !plan.parameters().is_empty() {
            return Err(Error::new(Kind::UndefinedParameter, "there is no parameter $1").at(self.start));
        }
        let column_aliases: Vec<_> = self.tree.columns.iter().map(|column| folded(&column.name)).collect();
        let fields = plan.schema().fields();
        if column_aliases.len() > fields.len() {
            let message = "CREATE VIEW specifies more column names than columns";
            return Err(Error::new(Kind::Syntax, message).at(self.name.offset));
        }
        let names = column_aliases.iter().chain(fields.iter().skip(column_aliases.len()).map(|field| field.name()));
        let mut seen = std::collections::BTreeSet::new();
        for name in names {
            if !seen.insert(name) {
                let message = format!("column \"{name}\" specified more than once");
                return Err(Error::new(Kind::DuplicateColumn, message).at(self.start));
            }
        }
        let view = View { id: 0, uuid: String::new(), name, sql: self.sql.clone(), column_aliases };
        self.check_free(&context.snapshot, &view)?;
        // Another's view of this name may be replaced by accident no more at COMMIT than now.
        let free = (!self.tree.or_replace).then(|| Change::Vacant { name: view.name.clone() });
        session.change(free.into_iter().chain([Change::PutView(view)]).collect(), &tag)?;
        Ok(Response::Done { tag })
    }
}

impl CreateView {
    fn check_free(&self, snapshot: &Snapshot, view: &View) -> Result<()> {
        let name = &view.name.name;
        let error = match snapshot.relation(&view.name) {
            None => return Ok(()),
            Some(Relation::View(_)) if self.tree.or_replace => return Ok(()),
            Some(Relation::View(_)) => Error::new(Kind::DuplicateTable, format!("relation \"{name}\" already exists"))
                .hint("CREATE OR REPLACE VIEW replaces it".to_string()),
            Some(_) if self.tree.or_replace => Error::new(Kind::WrongObjectType, format!("\"{name}\" is not a view")),
            Some(_) => Error::new(Kind::DuplicateTable, format!("relation \"{name}\" already exists")),
        };
        Err(error.at(self.name.offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_of_a_view_is_what_follows_its_as() {
        for (text, expected) in [
            ("CREATE VIEW v AS SELECT 1 AS a", "SELECT 1 AS a"),
            (
                "create or replace view \"as\".\"as\" (\"as\", b) as (WITH x AS (SELECT 1) SELECT * FROM x)",
                "(WITH x AS (SELECT 1) SELECT * FROM x)",
            ),
            ("CREATE VIEW v AS -- why\n SELECT 1", "SELECT 1"),
        ] {
            assert_eq!(&text[body(text).unwrap()..], expected);
        }
    }
}
