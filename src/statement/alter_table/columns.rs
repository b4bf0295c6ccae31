//! Columns that come, go, or change their name or type.

use super::super::assignment::{goes_into, unsized_type};
use super::super::constraint::of_column;
use super::super::target::{folded, ident_offset};
use super::super::{create_table, literal, sequence};
use super::altered::Altered;
use crate::base::{Error, Kind, Result, Type, quote_identifier, sql};
use crate::catalog::Rule;
use crate::lake::{initial, storable};
use datafusion::sql::sqlparser::ast::{
    CastKind, ColumnDef, DataType, Expr, Ident, Visit, VisitMut, Visitor, VisitorMut,
};
use std::ops::ControlFlow;

impl Altered<'_> {
    pub(super) async fn add_column(&mut self, if_not_exists: bool, definition: &ColumnDef) -> Result<()> {
        let (name, at) = (folded(&definition.name), ident_offset(self.text, &definition.name));
        if self.columns.iter().any(|column| column.name == name) {
            let message = format!("column \"{name}\" of relation \"{}\" already exists", self.table.name.name);
            if if_not_exists {
                self.notices.push(format!("{message}, skipping"));
                return Ok(());
            }
            return Err(Error::new(Kind::DuplicateColumn, message).at(at));
        }
        if sequence::of_column(self.context, &self.table.name, definition, self.text)?.is_some() {
            return Err(
                Error::unsupported("a serial or identity column cannot be added to a table that is there").at(at)
            );
        }
        let mut column = create_table::column(self.session, self.context, self.text, definition).await?;
        if !column.nullable {
            self.not_null.push(column.name.clone());
        }
        let default = literal::default(&column)?;
        if column.default.is_some() && !self.table.files.is_empty() {
            // The same for all rows that are there, unless each needs its own.
            let text = default.to_string();
            let value = self.session.engine.query.value(self.context, &text, Some(&column.ty)).await?;
            column.initial = initial(&column.ty, &value)?;
            self.rewritten |= literal::volatile(&default) || (column.initial.is_none() && !value.is_null());
        }
        self.values.insert(column.name.clone(), default);
        self.columns.push(column);
        for option in &definition.options {
            if let Some(constraint) = of_column(option.name.as_ref(), &definition.name, &option.option) {
                let before = self.rules.constraints.len();
                self.constrain(&constraint).await?;
                let added = self.rules.constraints[before..].iter().map(|constraint| constraint.name.clone());
                self.unproved.extend(added);
            }
        }
        Ok(())
    }

    pub(super) fn drop_column(&mut self, name: &Ident, if_exists: bool, cascade: bool) -> Result<()> {
        let at = match self.position(name) {
            Ok(at) => at,
            Err(error) if if_exists => {
                self.notices.push(format!("{}, skipping", error.message));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if self.columns.len() == 1 {
            return Err(Error::unsupported("a table needs a column").at(ident_offset(self.text, name)));
        }
        let column = self.columns[at].name.clone();
        let keys: Vec<_> = self
            .rules
            .keys()
            .iter()
            .filter(|key| key.columns.contains(&column))
            .map(|key| key.columns.to_vec())
            .collect();
        for key in keys {
            let what = format!("column {column} of table {}", self.table.name.name);
            self.release(&what, &key, cascade, |table| format!("depends on column {column} of table {table}"))?;
        }
        // What speaks of the column goes with it.
        self.rules.constraints.retain(|constraint| match &constraint.rule {
            Rule::Check { condition } => !mentions(condition, &column),
            rule => !rule.columns().contains(&column),
        });
        self.rules.indexes.retain(|index| {
            let texts = index.elements.iter().chain(&index.condition);
            !index.columns.as_ref().is_some_and(|columns| columns.contains(&column))
                && !texts.into_iter().any(|text| mentions(text, &column))
        });
        self.rules.identities.remove(&column);
        self.unproved.retain(|name| self.rules.constraint(name).is_some());
        self.not_null.retain(|other| *other != column);
        self.values.remove(&column);
        self.columns.remove(at);
        Ok(())
    }

    pub(super) fn rename_column(&mut self, old: &Ident, new: &Ident) -> Result<()> {
        let wanted = folded(new);
        let at = self
            .position(old)
            .map_err(|error| Error { message: format!("column \"{}\" does not exist", folded(old)), ..error })?;
        if self.columns.iter().any(|column| column.name == wanted) {
            let message = format!("column \"{wanted}\" of relation \"{}\" already exists", self.table.name.name);
            return Err(Error::new(Kind::DuplicateColumn, message).at(ident_offset(self.text, new)));
        }
        let name = std::mem::replace(&mut self.columns[at].name, wanted.clone());
        let rename = |columns: &mut Vec<String>| {
            columns.iter_mut().filter(|column| **column == name).for_each(|column| column.clone_from(&wanted));
        };
        let id = self.table.id;
        for constraint in &mut self.rules.constraints {
            match &mut constraint.rule {
                Rule::PrimaryKey { columns } | Rule::Unique { columns, .. } => rename(columns),
                Rule::Check { condition } => *condition = renamed(condition, &name, &wanted)?,
                Rule::ForeignKey { columns, table, references, .. } => {
                    rename(columns);
                    if *table == id {
                        rename(references);
                    }
                }
            }
        }
        if let Some(always) = self.rules.identities.remove(&name) {
            self.rules.identities.insert(wanted.clone(), always);
        }
        for index in &mut self.rules.indexes {
            index.columns.iter_mut().for_each(&rename);
            for text in index.elements.iter_mut().chain(&mut index.condition) {
                *text = renamed(text, &name, &wanted)?;
            }
        }
        let children: Vec<_> = self.context.snapshot.referring(id).map(|(child, _)| child.clone()).collect();
        for child in children {
            let rules = self.others.entry(child.name.clone()).or_insert_with(|| child.rules.clone());
            for constraint in &mut rules.constraints {
                if let Rule::ForeignKey { table, references, .. } = &mut constraint.rule
                    && *table == id
                {
                    rename(references);
                }
            }
        }
        if let Some(value) = self.values.remove(&name) {
            self.values.insert(wanted.clone(), value);
        }
        self.not_null.iter_mut().filter(|column| **column == name).for_each(|column| column.clone_from(&wanted));
        Ok(())
    }

    pub(super) async fn retype(
        &mut self,
        at: usize,
        data_type: &DataType,
        using: Option<&Expr>,
        offset: Option<usize>,
    ) -> Result<()> {
        let ty = create_table::column_type(data_type).map_err(|error| error.at(offset))?;
        let column = self.columns[at].clone();
        storable(&column.name, &ty)?;
        if using.is_none() && !goes_into(&column.ty, &ty) {
            let (name, wanted) = (&column.name, plain(&ty));
            let message = format!("column \"{name}\" cannot be cast automatically to type {wanted}");
            let hint = format!("you might need to specify \"USING {}::{wanted}\"", quote_identifier(name));
            return Err(Error::new(Kind::DatatypeMismatch, message).hint(hint));
        }
        if let Some(default) = &column.default {
            let text = format!("CAST(({default}) AS {})", unsized_type(&ty));
            let value = self.session.engine.query.value(self.context, &text, Some(&ty)).await;
            value.map_err(|error| {
                let message = format!(
                    "default for column \"{}\" cannot be cast automatically to type {}",
                    column.name,
                    plain(&ty)
                );
                Error::new(Kind::DatatypeMismatch, message).detail(error.message)
            })?;
        }
        let value = match using {
            Some(using) => using.clone(),
            None => Expr::Identifier(Ident::with_quote('"', &column.name)),
        };
        let value = Expr::Cast {
            kind: CastKind::Cast,
            expr: Box::new(value),
            data_type: literal::data_type(&ty)?,
            array: false,
            format: None,
        };
        self.values.insert(column.name.clone(), value);
        (self.columns[at].ty, self.columns[at].initial) = (ty, None);
        self.rewritten = true;
        Ok(())
    }
}

fn plain(ty: &Type) -> Type {
    match unsized_type(ty) {
        Type::Numeric(_) => Type::Numeric(None),
        ty => ty,
    }
}

fn mentions(text: &str, column: &str) -> bool {
    let Ok(expr) = sql::parse_expression(text) else { return false };
    expr.visit(&mut Mentions(column)).is_break()
}

struct Mentions<'a>(&'a str);

impl Visitor for Mentions<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) if folded(ident) == self.0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// The expression with another name for a column.
fn renamed(text: &str, old: &str, new: &str) -> Result<String> {
    let mut expr = sql::parse_expression(text)?;
    let _ = VisitMut::visit(&mut expr, &mut Rename { old, new });
    Ok(expr.to_string())
}

struct Rename<'a> {
    old: &'a str,
    new: &'a str,
}

impl VisitorMut for Rename<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Identifier(ident) = expr
            && folded(ident) == self.old
        {
            *ident = match quote_identifier(self.new) == self.new {
                true => Ident::new(self.new),
                false => Ident::with_quote('"', self.new),
            };
        }
        ControlFlow::Continue(())
    }
}
