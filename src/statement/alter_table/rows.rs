//! The rows of a table that is altered: written anew where they must be, and held to what is new.

use super::super::assignment::Assignment;
use super::super::insert::template;
use super::altered::Altered;
use crate::base::{Error, Kind, Result, quote_identifier};
use crate::catalog::{Change, NewFile, Rule, Snapshot, Table};
use datafusion::catalog::TableProvider;
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, SelectItem, SetExpr, Statement as AnyTree, TableAlias, TableFactor,
};
use std::sync::Arc;

/// Under this name queries find the rows; no user can type it.
const ROWS: &str = "\u{1}rows";

impl Altered<'_> {
    /// Looks at the rows and commits.
    pub(super) async fn commit(self) -> Result<()> {
        let (name, lake) = (self.table.name.clone(), &self.session.engine.lake);
        let mut changes = vec![Change::Expect { table: self.table.clone(), rows: true }];
        let columns = Change::SetColumns { table: name.clone(), columns: self.columns.clone() };
        let rules = Change::SetRules { table: name.clone(), rules: self.rules.clone() };
        let mut shape = vec![columns, rules];
        let others =
            self.others.iter().map(|(table, rules)| Change::SetRules { table: table.clone(), rules: rules.clone() });
        shape.extend(others);
        let snapshot = self.context.snapshot.apply_all(&shape)?;
        let mut staged = None;
        let mut after = snapshot.table(&name)?.clone();
        if self.rewritten && !self.table.files.is_empty() {
            let gone = self.table.files.iter().map(|file| file.id).collect();
            shape.push(Change::RemoveFiles { table: name.clone(), files: gone });
            let columns = self.columns.iter().zip(&after.columns);
            let columns =
                columns.map(|(_, column)| crate::catalog::Column { initial: None, ..column.clone() }).collect();
            // Ids are those that the catalog gives again when it applies the same.
            shape[0] = Change::SetColumns { table: name.clone(), columns };
            let fresh = Arc::new(Table { files: vec![], ..(*after).clone() });
            let files = self.written(&fresh).await?;
            let named = files.iter().zip(1..).map(|(file, id)| Arc::new(file.clone().named(&fresh.columns, -id, 0, 0)));
            after = Arc::new(Table { files: named.collect(), ..(*fresh).clone() });
            staged = Some(files);
        }
        let mut open = (*after).clone();
        // What is NOT NULL by declaration would not be looked at.
        open.columns.iter_mut().for_each(|column| column.nullable = true);
        let relation = lake.provider(&Arc::new(open));
        let proved = self.proved(&snapshot, &after, relation).await;
        if let Some(files) = staged {
            shape.push(Change::AppendFiles { table: name, files });
        }
        if proved.is_err() {
            // What was written goes.
            drop(lake.pending(&self.table, &shape, &self.context.snapshot));
        }
        let others = proved?.into_iter().filter(|table| table.id != self.table.id);
        changes.extend(others.map(|table| Change::Expect { table, rows: true }));
        changes.extend(shape);
        self.session.write(&self.table, changes, "ALTER TABLE").await
    }

    /// Writes all rows anew.
    async fn written(&self, table: &Arc<Table>) -> Result<Vec<NewFile>> {
        let engine = &self.session.engine;
        let mut items = vec![];
        for column in &self.columns {
            let was = self.table.columns.iter().find(|old| old.id == column.id && column.id != 0);
            let own = || Expr::Identifier(Ident::with_quote('"', was.map_or(column.name.as_str(), |was| &was.name)));
            items.push(self.values.get(&column.name).cloned().unwrap_or_else(own));
        }
        let query = self.select(items)?;
        let context = self.context.clone().with_relation(ROWS, engine.lake.provider(&self.table));
        let plan = engine.query.plan_with(&context, &query, self.text, &[]).await?;
        let assignment = Assignment::new(table, &table.columns, plan.schema(), context.time_zone())?;
        let mut rows = engine.query.run(&plan, &[], self.session.cancel.clone()).await?;
        let mut writer = engine.lake.writer(table);
        while let Some(batch) = rows.next().await {
            writer.write(&assignment.batch(&table.schema(), batch?.columns())?).await?;
        }
        writer.finish().await
    }

    /// `SELECT items FROM the rows`, under the table's name.
    fn select(&self, items: Vec<Expr>) -> Result<AnyTree> {
        let mut query = template("SELECT 1 FROM rows AS rows")?;
        let SetExpr::Select(select) = query.body.as_mut() else { return Err(Error::internal("must be a SELECT")) };
        let named = |(at, expr): (usize, Expr)| SelectItem::ExprWithAlias {
            expr,
            alias: Ident::with_quote('"', format!("value {at}")),
        };
        select.projection = items.into_iter().enumerate().map(named).collect();
        if let Some(TableFactor::Table { name, alias, .. }) = select.from.first_mut().map(|from| &mut from.relation) {
            *name = ObjectName::from(vec![Ident::with_quote('"', ROWS)]);
            let own = Ident::with_quote('"', &self.table.name.name);
            *alias = alias.take().map(|alias| TableAlias { name: own, ..alias });
        }
        Ok(AnyTree::Query(Box::new(query)))
    }

    /// Refuses when a row breaks what is new. Gives the tables on whose rows that depends.
    async fn proved(
        &self,
        snapshot: &Snapshot,
        after: &Arc<Table>,
        rows: Arc<dyn TableProvider>,
    ) -> Result<Vec<Arc<Table>>> {
        let relation = &self.table.name.name;
        for column in &self.not_null {
            if self.any(&rows, &format!("{} IS NULL", quote_identifier(column))).await? {
                let message = format!("column \"{column}\" of relation \"{relation}\" contains null values");
                return Err(Error::new(Kind::NotNullViolation, message).of_column(&self.table.name, column));
            }
        }
        for name in &self.unproved {
            if let Some(Rule::Check { condition }) = after.rules.constraint(name).map(|it| &it.rule)
                && self.any(&rows, &format!("NOT ({condition})")).await?
            {
                let message = format!("check constraint \"{name}\" of relation \"{relation}\" is violated by some row");
                return Err(Error::new(Kind::CheckViolation, message).of_constraint(&self.table.name, name));
            }
        }
        let mut names: Vec<_> = self.unproved.iter().map(String::as_str).collect();
        if self.rewritten {
            // Values that were different may be the same now.
            names.extend(after.rules.keys().iter().map(|key| key.name));
            names.extend(after.rules.foreign_keys().map(|(name, ..)| name));
        }
        self.session.engine.lake.prove(snapshot, after, &names).await
    }

    /// Whether a row is there of which the condition is true.
    async fn any(&self, rows: &Arc<dyn TableProvider>, condition: &str) -> Result<bool> {
        let engine = &self.session.engine;
        let context = self.context.clone().with_relation(ROWS, rows.clone());
        let text = format!("SELECT 1 FROM {} WHERE {condition} LIMIT 1", quote_identifier(ROWS));
        let ours = |error: Error| Error { offset: None, ..error };
        let plan = engine.query.plan_text(&context, &text).await.map_err(ours)?;
        let rows = engine.query.run(&plan, &[], self.session.cancel.clone()).await.map_err(ours)?;
        Ok(rows.collect().await.map_err(ours)?.iter().any(|batch| batch.num_rows() > 0))
    }
}
