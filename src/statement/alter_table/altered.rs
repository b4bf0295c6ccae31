//! A table as the actions of an ALTER TABLE leave it, one after the other.

use super::super::constraint::Shape;
use super::super::target::{folded, ident_offset};
use super::super::{Session, create_table};
use crate::base::error::did_you_mean;
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::{Column, Rule, Rules, Table};
use crate::query::Context;
use datafusion::sql::sqlparser::ast::{
    AlterColumnOperation, AlterTableOperation, DropBehavior, Expr, Ident, TableConstraint,
};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) struct Altered<'a> {
    pub session: &'a Session,
    pub context: &'a Context,
    pub text: &'a str,
    /// As it was.
    pub table: Arc<Table>,
    pub columns: Vec<Column>,
    pub rules: Rules,
    /// Values of columns by their names, where rows are written anew.
    pub values: BTreeMap<String, Expr>,
    /// Whether rows are written anew.
    pub rewritten: bool,
    /// Constraints that the rows that are there must hold.
    pub unproved: Vec<String>,
    /// Columns that must have no NULL.
    pub not_null: Vec<String>,
    /// Other tables' rules, where CASCADE took a foreign key.
    pub others: BTreeMap<Name, Rules>,
    pub notices: Vec<String>,
}

impl<'a> Altered<'a> {
    pub fn new(session: &'a Session, context: &'a Context, text: &'a str, table: Arc<Table>) -> Altered<'a> {
        let (columns, rules) = (table.columns.clone(), table.rules.clone());
        let values = BTreeMap::new();
        let (unproved, not_null, others, notices) = (vec![], vec![], BTreeMap::new(), vec![]);
        Altered {
            session,
            context,
            text,
            table,
            columns,
            rules,
            values,
            rewritten: false,
            unproved,
            not_null,
            others,
            notices,
        }
    }

    pub async fn act(&mut self, action: &AlterTableOperation) -> Result<()> {
        match action {
            AlterTableOperation::AddColumn { if_not_exists, column_def, column_position: None, .. } => {
                self.add_column(*if_not_exists, column_def).await
            }
            AlterTableOperation::DropColumn { column_names, if_exists, drop_behavior, .. } => {
                let cascade = *drop_behavior == Some(DropBehavior::Cascade);
                column_names.iter().try_for_each(|name| self.drop_column(name, *if_exists, cascade))
            }
            AlterTableOperation::RenameColumn { old_column_name, new_column_name } => {
                self.rename_column(old_column_name, new_column_name)
            }
            AlterTableOperation::AlterColumn { column_name, op } => self.alter_column(column_name, op).await,
            AlterTableOperation::AddConstraint { constraint, not_valid } => {
                let before = self.rules.constraints.len();
                self.constrain(constraint).await?;
                let added = self.rules.constraints[before..].iter().map(|constraint| constraint.name.clone());
                if !not_valid {
                    self.unproved.extend(added);
                }
                Ok(())
            }
            AlterTableOperation::DropConstraint { if_exists, name, drop_behavior } => {
                let cascade = *drop_behavior == Some(DropBehavior::Cascade);
                self.drop_constraint(name, *if_exists, cascade)
            }
            AlterTableOperation::RenameConstraint { old_name, new_name } => self.rename_constraint(old_name, new_name),
            AlterTableOperation::ValidateConstraint { name } => {
                let known = self.constraint(name)?;
                self.unproved.push(known);
                Ok(())
            }
            AlterTableOperation::OwnerTo { .. } => Ok(()),
            other => Err(Error::unsupported(format!("ALTER TABLE … {other} is not supported"))),
        }
    }

    /// Adds a constraint that rows are not yet known to hold.
    pub async fn constrain(&mut self, constraint: &TableConstraint) -> Result<()> {
        let nullable: Vec<_> = self.columns.iter().map(|column| column.nullable).collect();
        let mut shape = Shape {
            session: self.session,
            context: self.context,
            text: self.text,
            name: self.table.name.clone(),
            columns: std::mem::take(&mut self.columns),
            rules: std::mem::take(&mut self.rules),
        };
        let outcome = shape.add(constraint).await;
        (self.columns, self.rules) = (shape.columns, shape.rules);
        let newly = self.columns.iter().zip(nullable).filter(|(column, nullable)| *nullable && !column.nullable);
        self.not_null.extend(newly.map(|(column, _)| column.name.clone()));
        outcome
    }

    async fn alter_column(&mut self, name: &Ident, action: &AlterColumnOperation) -> Result<()> {
        let at = self.position(name)?;
        let column = self.columns[at].clone();
        match action {
            AlterColumnOperation::SetNotNull => {
                self.columns[at].nullable = false;
                self.not_null.push(column.name);
            }
            AlterColumnOperation::DropNotNull => {
                if self.rules.primary_key().is_some_and(|key| key.contains(&column.name)) {
                    let message = format!("column \"{}\" is in a primary key", column.name);
                    return Err(Error::new(Kind::InvalidTableDefinition, message).at(ident_offset(self.text, name)));
                }
                self.columns[at].nullable = true;
                self.not_null.retain(|other| *other != column.name);
            }
            AlterColumnOperation::SetDefault { value } => {
                let default = create_table::default(self.session, self.context, self.text, &column.ty, value).await?;
                self.columns[at].default = default;
            }
            AlterColumnOperation::DropDefault => self.columns[at].default = None,
            AlterColumnOperation::SetDataType { data_type, using, .. } => {
                self.retype(at, data_type, using.as_ref(), ident_offset(self.text, name)).await?;
            }
            AlterColumnOperation::AddGenerated { .. } => {
                return Err(Error::unsupported("ADD GENERATED is not supported").at(ident_offset(self.text, name)));
            }
        }
        Ok(())
    }

    /// Where the column is, by its name now.
    pub fn position(&self, name: &Ident) -> Result<usize> {
        let (folded, at) = (folded(name), ident_offset(self.text, name));
        self.columns.iter().position(|column| column.name == folded).ok_or_else(|| self.undefined(&folded).at(at))
    }

    pub fn undefined(&self, column: &str) -> Error {
        let message = format!("column \"{column}\" of relation \"{}\" does not exist", self.table.name.name);
        let known = self.columns.iter().map(|column| column.name.as_str());
        Error::new(Kind::UndefinedColumn, message).hint(did_you_mean(column, known))
    }

    fn constraint(&self, name: &Ident) -> Result<String> {
        let folded = folded(name);
        if self.rules.constraint(&folded).is_some() {
            return Ok(folded);
        }
        let message = format!("constraint \"{folded}\" of relation \"{}\" does not exist", self.table.name.name);
        let known = self.rules.constraints.iter().map(|constraint| constraint.name.as_str());
        Err(Error::new(Kind::UndefinedObject, message)
            .hint(did_you_mean(&folded, known))
            .at(ident_offset(self.text, name)))
    }

    fn drop_constraint(&mut self, name: &Ident, if_exists: bool, cascade: bool) -> Result<()> {
        let known = match self.constraint(name) {
            Ok(known) => known,
            Err(error) if if_exists => {
                self.notices.push(format!("{}, skipping", error.message));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let columns = self.rules.constraint(&known).map(|it| it.rule.columns().to_vec()).unwrap_or_default();
        let what = format!("constraint {known} on table {}", self.table.name.name);
        self.release(&what, &columns, cascade, |table| format!("depends on index {known} of table {table}"))?;
        self.rules.constraints.retain(|constraint| constraint.name != known);
        self.unproved.retain(|other| *other != known);
        Ok(())
    }

    /// Takes away the foreign keys that refer to exactly these columns, or refuses.
    pub fn release(
        &mut self,
        what: &str,
        columns: &[String],
        cascade: bool,
        depends: impl Fn(&str) -> String,
    ) -> Result<()> {
        let id = self.table.id;
        let refers = |rule: &Rule| match rule {
            Rule::ForeignKey { table, references, .. } => *table == id && references == columns,
            _ => false,
        };
        let children: Vec<_> = self.context.snapshot.referring(id).map(|(child, _)| child.clone()).collect();
        for child in children {
            let rules = self.others.entry(child.name.clone()).or_insert_with(|| child.rules.clone());
            let Some(found) = rules.constraints.iter().find(|it| refers(&it.rule)) else { continue };
            let found = format!("constraint {} on table {}", found.name, child.name.name);
            if !cascade {
                let message = format!("cannot drop {what} because other objects depend on it");
                return Err(Error::new(Kind::DependentObjects, message)
                    .detail(format!("{found} {}", depends(&self.table.name.name)))
                    .hint("use DROP … CASCADE to drop the dependent objects too".to_string()));
            }
            rules.constraints.retain(|constraint| !refers(&constraint.rule));
            self.notices.push(format!("drop cascades to {found}"));
        }
        Ok(())
    }

    fn rename_constraint(&mut self, old: &Ident, new: &Ident) -> Result<()> {
        let (known, wanted) = (self.constraint(old)?, folded(new));
        if self.rules.constraint(&wanted).is_some() {
            let message = format!("constraint \"{wanted}\" for relation \"{}\" already exists", self.table.name.name);
            return Err(Error::new(Kind::DuplicateObject, message).at(ident_offset(self.text, new)));
        }
        for constraint in self.rules.constraints.iter_mut().filter(|constraint| constraint.name == known) {
            constraint.name = wanted.clone();
        }
        Ok(())
    }
}
