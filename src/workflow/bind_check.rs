//! What can be known to be wrong with a check before it is accepted: columns, types, quarantines.

use super::Workflows;
use super::bind::{Bound, BoundStep, placed};
use super::judge::numbers_schema;
use crate::base::error::did_you_mean;
use crate::base::{Error, Kind, Name, Result, Type, quote_identifier, sql};
use crate::catalog::workflow::{Assertion, Check, Fragment, Target, Violation};
use crate::catalog::{Relation, Snapshot, Workflow};
use crate::check;
use crate::query::Context;
use datafusion::arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::datasource::empty::EmptyTable;
use datafusion::sql::sqlparser::ast::{Expr, Value as Literal};
use std::sync::Arc;

impl Workflows {
    pub(super) async fn bind_check(
        &self,
        context: &Context,
        workflow: &Workflow,
        bound: &Bound,
        check: &Check,
    ) -> Result<()> {
        let schema = self.checked_schema(context, workflow, bound, &check.on).await?;
        let plan = check::plan(check, "checked", &schema)?;
        let on_step = workflow.steps.iter().any(|step| step.name == check.on.text);
        let takes_rows = matches!(check.on_violation, Violation::DropRows | Violation::Quarantine(_));
        if takes_rows && !(on_step && plan.good.is_some()) {
            let message = format!("check \"{}\" cannot take single rows away", check.name);
            return Err(Error::new(Kind::InvalidDefinition, message)
                .hint("DROP ROWS and QUARANTINE need a check of single rows, on a step".to_string())
                .at(check.offset));
        }
        if let Violation::Quarantine(name) = &check.on_violation {
            quarantine_fits(workflow, &context.snapshot, check, name).map_err(|error| error.at(check.offset))?;
        }
        for when in [&check.warn_when, &check.fail_when].into_iter().flatten() {
            let bound = self.query.condition(context, &when.text, &numbers_schema()).await;
            bound.map_err(|error| error.shifted(when.offset))?;
        }
        self.values_compare(context, check, &schema).await?;
        let context = context.clone().with_relation("checked", Arc::new(EmptyTable::new(schema)));
        for sql in [Some(&plan.summary), plan.failures.as_ref()].into_iter().flatten() {
            self.query.plan_text(&context, sql).await.map_err(|error| sql.placed(error))?;
        }
        Ok(())
    }

    /// Refuses values that cannot be compared with the check's columns; the planner would make text of both.
    async fn values_compare(&self, context: &Context, check: &Check, schema: &SchemaRef) -> Result<()> {
        let values: Vec<&Fragment> = match &check.assertion {
            Assertion::In(values) => values.iter().collect(),
            Assertion::Between(low, high) => vec![low, high],
            Assertion::References { table, column } => {
                let text = format!("SELECT {} FROM {}", quote_identifier(column), table.text);
                let plan = self.query.plan_text(context, &text).await.map_err(|error| placed(error, table.offset))?;
                return self.columns_compare(check, schema, plan.schema().field(0), table.offset);
            }
            _ => return Ok(()),
        };
        for value in values {
            let literal = sql::parse_expression(&value.text).is_ok_and(
                |expr| matches!(&expr, Expr::Value(literal) if matches!(literal.value, Literal::SingleQuotedString(_))),
            );
            if literal {
                // As in Postgres, it has the type of what it is compared with.
                for column in &check.columns {
                    let ty = Type::of(schema.field_with_name(column)?);
                    let read = self.query.value(context, &value.text, Some(&ty)).await;
                    read.map_err(|error| placed(error, value.offset))?;
                }
                continue;
            }
            let text = format!("SELECT {}", value.text);
            let plan = self.query.plan_text(context, &text).await.map_err(|error| placed(error, value.offset))?;
            self.columns_compare(check, schema, plan.schema().field(0), value.offset)?;
        }
        Ok(())
    }

    fn columns_compare(&self, check: &Check, schema: &SchemaRef, with: &Field, offset: usize) -> Result<()> {
        for column in &check.columns {
            let (ty, other) = (Type::of(schema.field_with_name(column)?), Type::of(with));
            if *with.data_type() == DataType::Null || family(&ty) == family(&other) {
                continue;
            }
            let message = format!("column \"{column}\" is of type {ty} and cannot be compared with type {other}");
            return Err(Error::new(Kind::DatatypeMismatch, message)
                .detail(format!("in check \"{}\"", check.name))
                .at(offset));
        }
        Ok(())
    }

    /// The columns of what a check or metric is on: a step or a relation.
    pub(super) async fn checked_schema(
        &self,
        context: &Context,
        workflow: &Workflow,
        bound: &Bound,
        on: &Fragment,
    ) -> Result<SchemaRef> {
        let step = workflow.steps.iter().position(|step| step.name == on.text);
        match step.and_then(|index| bound.steps.get(index)) {
            Some(BoundStep { schema: Some(schema), .. }) => Ok(schema.clone()),
            Some(_) => {
                let message = format!("step \"{}\" has no rows to check", on.text);
                Err(Error::new(Kind::InvalidDefinition, message).at(on.offset))
            }
            None => {
                let text = format!("SELECT * FROM {}", on.text);
                let planned = self.query.plan_text(context, &text).await;
                let plan = planned.map_err(|error| {
                    let known = workflow.steps.iter().map(|step| step.name.as_str());
                    error.unplaced().hint(did_you_mean(&on.text, known)).at(on.offset)
                })?;
                Ok(plan.schema().clone())
            }
        }
    }
}

/// Types whose values compare with each other have the same name here.
fn family(ty: &Type) -> String {
    match ty {
        Type::Int2 | Type::Int4 | Type::Int8 | Type::Oid | Type::Float4 | Type::Float8 | Type::Numeric(_) => {
            "number".into()
        }
        Type::Text | Type::Varchar(_) | Type::Char(_) | Type::Name => "text".into(),
        Type::Date | Type::Timestamp | Type::Timestamptz => "instant".into(),
        Type::Array(element) => format!("{}[]", family(element)),
        ty => ty.to_string(),
    }
}

/// Rows that are set aside are added to a table of their own.
fn quarantine_fits(workflow: &Workflow, snapshot: &Snapshot, check: &Check, name: &Name) -> Result<()> {
    snapshot.schema(&name.schema)?;
    if !matches!(snapshot.relation(name), None | Some(Relation::Table(_))) {
        return Err(Error::new(Kind::WrongObjectType, format!("quarantine \"{name}\" is not a managed table")));
    }
    let written = workflow.steps.iter().find(|step| step.target == Some(Target::Table(name.clone())));
    match written {
        None => Ok(()),
        Some(step) => {
            let message =
                format!("check \"{}\" cannot set rows aside in the target of step \"{}\"", check.name, step.name);
            Err(Error::new(Kind::InvalidDefinition, message).hint("QUARANTINE INTO a table of its own".to_string()))
        }
    }
}
