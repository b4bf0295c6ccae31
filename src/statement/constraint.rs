//! Constraints as CREATE TABLE and ALTER TABLE write them: PRIMARY KEY, UNIQUE, CHECK, FOREIGN KEY.

use super::Session;
use super::target::{Written, folded, ident_offset, offset, refuse};
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::{Action, Column, Constraint, Relation, Rule, Rules, Table};
use crate::query::Context;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::sql::sqlparser::ast::{
    CheckConstraint, ColumnOption, ConstraintCharacteristics, Expr, ForeignKeyConstraint, Ident, IndexColumn,
    NullsDistinctOption, ReferentialAction, TableConstraint, VisitMut, VisitorMut,
};
use std::ops::ControlFlow;
use std::sync::Arc;

/// A table's shape while constraints are added to it.
pub struct Shape<'a> {
    pub session: &'a Session,
    pub context: &'a Context,
    pub text: &'a str,
    pub name: Name,
    pub columns: Vec<Column>,
    pub rules: Rules,
}

/// The constraint of a column, as one of its table; `None` when the option is no constraint.
pub fn of_column(name: Option<&Ident>, column: &Ident, option: &ColumnOption) -> Option<TableConstraint> {
    let key = |columns: &[IndexColumn]| match columns {
        [] => vec![IndexColumn::from(column.clone())],
        columns => columns.to_vec(),
    };
    Some(match option.clone() {
        ColumnOption::PrimaryKey(mut it) => {
            it.columns = key(&it.columns);
            it.name = name.cloned();
            TableConstraint::PrimaryKey(it)
        }
        ColumnOption::Unique(mut it) => {
            it.columns = key(&it.columns);
            it.name = name.cloned();
            TableConstraint::Unique(it)
        }
        ColumnOption::Check(mut it) => {
            it.name = name.cloned();
            TableConstraint::Check(it)
        }
        ColumnOption::ForeignKey(mut it) => {
            it.columns = vec![column.clone()];
            it.name = name.cloned();
            TableConstraint::ForeignKey(it)
        }
        _ => return None,
    })
}

impl Shape<'_> {
    /// Adds a constraint; its rows are not looked at.
    pub async fn add(&mut self, constraint: &TableConstraint) -> Result<()> {
        match constraint {
            TableConstraint::PrimaryKey(it) => {
                immediate(&it.characteristics)?;
                let at = it.columns.first().and_then(|column| offset(self.text, &column.column.expr));
                let columns = self.key(&it.columns, "primary key")?;
                if self.rules.primary_key().is_some() {
                    let message = format!("multiple primary keys for table \"{}\" are not allowed", self.name.name);
                    return Err(Error::new(Kind::InvalidTableDefinition, message).at(at));
                }
                for column in self.columns.iter_mut().filter(|column| columns.contains(&column.name)) {
                    column.nullable = false;
                }
                let name = self.named(it.name.as_ref(), &[], "pkey")?;
                self.rules.constraints.push(Constraint { name, rule: Rule::PrimaryKey { columns } });
            }
            TableConstraint::Unique(it) => {
                immediate(&it.characteristics)?;
                let columns = self.key(&it.columns, "unique")?;
                let name = self.named(it.name.as_ref(), &columns, "key")?;
                let nulls_distinct = it.nulls_distinct != NullsDistinctOption::NotDistinct;
                self.rules.constraints.push(Constraint { name, rule: Rule::Unique { columns, nulls_distinct } });
            }
            TableConstraint::Check(it) => self.check(it).await?,
            TableConstraint::ForeignKey(it) => self.foreign_key(it)?,
            other => return Err(Error::unsupported(format!("constraint {other} is not supported"))),
        }
        Ok(())
    }

    async fn check(&mut self, it: &CheckConstraint) -> Result<()> {
        let at = offset(self.text, it.expr.as_ref());
        let mut condition = it.expr.as_ref().clone();
        let mut bare = Bare { table: &self.name.name, columns: vec![] };
        let _ = condition.visit(&mut bare);
        let columns = bare.columns;
        let condition = condition.to_string();
        let bound = self.session.engine.query.condition(self.context, &condition, &self.schema()).await;
        bound.map_err(|error| {
            let message = error.message.replace("a condition must be", "argument of CHECK must be");
            Error { offset: None, message, ..error }.at(at)
        })?;
        let column: &[String] = if columns.len() == 1 { &columns } else { &[] };
        let name = self.named(it.name.as_ref(), column, "check")?;
        self.rules.constraints.push(Constraint { name, rule: Rule::Check { condition } });
        Ok(())
    }

    fn foreign_key(&mut self, it: &ForeignKeyConstraint) -> Result<()> {
        immediate(&it.characteristics)?;
        let (on_delete, on_update) = (action("DELETE", &it.on_delete)?, action("UPDATE", &it.on_update)?);
        refuse(on_update == Action::Cascade, "ON UPDATE CASCADE")?;
        let written = Written::new(&it.foreign_table, self.text)?;
        let own = written.find(self.context)?.is_none_or(|name| name == self.name) && written.last() == self.name.name;
        let (table, known, primary) = match own {
            true => (0, self.columns.clone(), self.rules.primary_key().map(<[String]>::to_vec)),
            false => {
                let parent = referenced(&written, self.context)?;
                (parent.id, parent.columns.clone(), parent.rules.primary_key().map(<[String]>::to_vec))
            }
        };
        let columns = self.named_columns(&it.columns, &self.columns)?;
        let other = written.last();
        let references = match it.referred_columns.as_slice() {
            [] => primary.ok_or_else(|| {
                let message = format!("there is no primary key for referenced table \"{other}\"");
                Error::new(Kind::UndefinedObject, message).at(written.offset)
            })?,
            written => self.named_columns(written, &known)?,
        };
        if references.len() != columns.len() {
            let message = "number of referencing and referenced columns for foreign key disagree";
            return Err(Error::new(Kind::InvalidForeignKey, message).at(written.offset));
        }
        let rules = match own {
            true => self.rules.clone(),
            false => referenced(&written, self.context)?.rules.clone(),
        };
        let same = |key: &[String]| key.len() == references.len() && key.iter().all(|it| references.contains(it));
        if !rules.keys().iter().any(|key| same(key.columns)) {
            let message = format!("there is no unique constraint matching given keys for referenced table \"{other}\"");
            return Err(Error::new(Kind::InvalidForeignKey, message).at(written.offset));
        }
        let name = self.named(it.name.as_ref(), &columns, "fkey")?;
        comparable(&name, (&columns, &self.columns), (&references, &known))?;
        let rule = Rule::ForeignKey { columns, table, references, on_delete, on_update };
        self.rules.constraints.push(Constraint { name, rule });
        Ok(())
    }

    fn named_columns(&self, written: &[Ident], known: &[Column]) -> Result<Vec<String>> {
        let column = |ident: &Ident| {
            let name = folded(ident);
            match known.iter().any(|column| column.name == name) {
                true => Ok(name),
                false => {
                    let message = format!("column \"{name}\" referenced in foreign key constraint does not exist");
                    Err(Error::new(Kind::UndefinedColumn, message).at(ident_offset(self.text, ident)))
                }
            }
        };
        written.iter().map(column).collect()
    }

    fn key(&self, written: &[IndexColumn], what: &str) -> Result<Vec<String>> {
        let mut names: Vec<String> = vec![];
        for column in written {
            let at = offset(self.text, &column.column.expr);
            let Expr::Identifier(ident) = &column.column.expr else {
                return Err(Error::new(Kind::Syntax, "a key is made of columns").at(at));
            };
            let name = folded(ident);
            if !self.columns.iter().any(|column| column.name == name) {
                let message = format!("column \"{name}\" named in key does not exist");
                return Err(Error::new(Kind::UndefinedColumn, message).at(at));
            }
            if names.contains(&name) {
                let message = format!("column \"{name}\" appears twice in {what} constraint");
                return Err(Error::new(Kind::DuplicateColumn, message).at(at));
            }
            names.push(name);
        }
        Ok(names)
    }

    /// The name that is given, or made as Postgres makes it: `table_column_key`.
    fn named(&self, given: Option<&Ident>, columns: &[String], suffix: &str) -> Result<String> {
        if let Some(given) = given {
            let name = folded(given);
            if self.rules.constraint(&name).is_some() {
                let message = format!("constraint \"{name}\" for relation \"{}\" already exists", self.name.name);
                return Err(Error::new(Kind::DuplicateObject, message).at(ident_offset(self.text, given)));
            }
            return Ok(name);
        }
        let parts: Vec<&str> = std::iter::once(self.name.name.as_str())
            .chain(columns.iter().map(String::as_str))
            .chain([suffix])
            .collect();
        let wanted = parts.join("_");
        let numbered = (1..).map(|number| format!("{wanted}{number}"));
        let mut names = std::iter::once(wanted.clone()).chain(numbered);
        let taken = |name: &String| {
            let index = |table: &Table| table.name != self.name && table.rules.has_index(name);
            self.rules.constraint(name).is_some() || tables(self.context, &self.name.schema).any(|table| index(table))
        };
        Ok(names.find(|name| !taken(name)).unwrap_or(wanted))
    }

    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.columns.iter().map(Column::field).collect::<Vec<_>>()))
    }
}

/// Managed tables of a schema.
pub fn tables<'a>(context: &'a Context, schema: &'a str) -> impl Iterator<Item = &'a Arc<Table>> {
    context.snapshot.relations.values().filter_map(move |relation| match relation {
        Relation::Table(table) if table.name.schema == schema => Some(table),
        _ => None,
    })
}

fn referenced<'a>(written: &Written, context: &'a Context) -> Result<&'a Arc<Table>> {
    let name = written.find(context)?.ok_or_else(|| written.undefined(&context.snapshot))?;
    match context.snapshot.relation(&name) {
        Some(Relation::Table(table)) => Ok(table),
        _ => {
            let message = format!("referenced relation \"{}\" is not a table", name.name);
            Err(Error::new(Kind::WrongObjectType, message).at(written.offset))
        }
    }
}

/// Refuses keys whose values cannot be the same.
fn comparable(
    name: &str,
    (own, columns): (&[String], &[Column]),
    (other, known): (&[String], &[Column]),
) -> Result<()> {
    let ty = |name: &String, columns: &[Column]| columns.iter().find(|it| it.name == *name).map(|it| it.ty.clone());
    for (one, another) in own.iter().zip(other) {
        let (Some(from), Some(into)) = (ty(one, columns), ty(another, known)) else { continue };
        if !crate::query::assignment::goes_into(&from, &into) {
            let message = format!("foreign key constraint \"{name}\" cannot be implemented");
            let detail =
                format!("Key columns \"{one}\" and \"{another}\" are of incompatible types: {from} and {into}.");
            return Err(Error::new(Kind::DatatypeMismatch, message).detail(detail));
        }
    }
    Ok(())
}

fn immediate(characteristics: &Option<ConstraintCharacteristics>) -> Result<()> {
    let deferrable = characteristics.as_ref().is_some_and(|it| it.deferrable == Some(true));
    refuse(deferrable, "a constraint that is DEFERRABLE")
}

/// Columns without the table's name before them, and which they are.
struct Bare<'a> {
    table: &'a str,
    columns: Vec<String>,
}

impl VisitorMut for Bare<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(parts) = expr
            && let [.., table, column] = parts.as_slice()
            && folded(table) == self.table
        {
            *expr = Expr::Identifier(column.clone());
        }
        if let Expr::Identifier(ident) = expr
            && !self.columns.contains(&folded(ident))
        {
            self.columns.push(folded(ident));
        }
        ControlFlow::Continue(())
    }
}

fn action(event: &str, written: &Option<ReferentialAction>) -> Result<Action> {
    Ok(match written {
        None | Some(ReferentialAction::NoAction) => Action::NoAction,
        Some(ReferentialAction::Restrict) => Action::Restrict,
        Some(ReferentialAction::Cascade) => Action::Cascade,
        Some(other) => {
            return Err(Error::unsupported(format!("ON {event} {other} is not supported"))
                .hint("ON DELETE CASCADE takes the rows away".to_string()));
        }
    })
}
