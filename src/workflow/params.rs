//! Parameters: declared with types, given with USING, checked before a run exists.

use crate::base::error::did_you_mean;
use crate::base::{Error, Kind, Result, Type};
use crate::catalog::Workflow;
use crate::catalog::workflow::{Fragment, Param};
use crate::query::{Context, Query};
use datafusion::arrow::array::{Array, RecordBatch, cast::AsArray};
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::common::ScalarValue;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) type Params = BTreeMap<String, (Type, ScalarValue)>;

/// NULLs of the declared types: what steps are bound with when a workflow is created.
pub(super) fn unknown(workflow: &Workflow) -> Result<Params> {
    let null = |param: &Param| Ok((param.name.clone(), (param.ty.clone(), ScalarValue::try_from(&param.ty.arrow())?)));
    workflow.params.iter().map(null).collect()
}

/// The values of one run. Errors in a given value point into the statement that gave it.
pub(super) async fn values(
    query: &Query,
    context: &Context,
    workflow: &Workflow,
    using: &[(String, Fragment)],
) -> Result<Params> {
    for (name, given) in using {
        if !workflow.params.iter().any(|param| param.name == *name) {
            let known = workflow.params.iter().map(|param| param.name.as_str());
            let message = format!("workflow \"{}\" has no parameter \"{name}\"", workflow.name);
            return Err(Error::new(Kind::UndefinedParameter, message).hint(did_you_mean(name, known)).at(given.offset));
        }
    }
    let mut values = Params::new();
    for param in &workflow.params {
        let given = using.iter().find(|(name, _)| *name == param.name).map(|(_, given)| given);
        let value = match (given, &param.default) {
            (Some(given), _) => query
                .value(context, &given.text, Some(&param.ty))
                .await
                .map_err(|error| of_param(error, param).shifted(given.offset))?,
            // A default's position is in the definition, not in what was typed now.
            (None, Some(default)) => query
                .value(context, &default.text, Some(&param.ty))
                .await
                .map_err(|error| of_param(error, param).unplaced())?,
            (None, None) => ScalarValue::try_from(&param.ty.arrow())?,
        };
        if value.is_null() && param.not_null {
            let message = format!("parameter \"{}\" of workflow \"{}\" must have a value", param.name, workflow.name);
            return Err(Error::new(Kind::NullNotAllowed, message)
                .hint(format!("EXECUTE WORKFLOW {} USING ({} = …)", workflow.name, param.name))
                .at(given.map(|given| given.offset)));
        }
        values.insert(param.name.clone(), (param.ty.clone(), value));
    }
    checks_hold(query, context, workflow, using, &values).await?;
    Ok(values)
}

async fn checks_hold(
    query: &Query,
    context: &Context,
    workflow: &Workflow,
    using: &[(String, Fragment)],
    values: &Params,
) -> Result<()> {
    let row = row(values)?;
    for param in &workflow.params {
        let Some(check) = &param.check else { continue };
        let holds = query.condition(context, &check.text, &row.schema()).await?.evaluate(&row)?;
        // As in a table's CHECK, NULL passes.
        if !holds.is_null(0) && !holds.as_boolean().value(0) {
            let value = values.get(&param.name).map(|(_, value)| value.to_string()).unwrap_or_default();
            let message = format!("value {value} of parameter \"{}\" violates its check", param.name);
            let given = using.iter().find(|(name, _)| *name == param.name).map(|(_, given)| given.offset);
            return Err(Error::new(Kind::CheckViolation, message)
                .detail(format!("CHECK ({})", check.text.trim()))
                .at(given));
        }
    }
    Ok(())
}

/// The parameters as one row, a column each.
fn row(values: &Params) -> Result<RecordBatch> {
    let fields: Vec<Field> = values.iter().map(|(name, (ty, _))| ty.field(name, true)).collect();
    let columns = values.values().map(|(_, value)| Ok(value.to_array()?)).collect::<Result<Vec<_>>>()?;
    if columns.is_empty() {
        let options = datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(1));
        return Ok(RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options)?);
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// The schema in which a parameter's CHECK is bound.
pub(super) fn schema(workflow: &Workflow) -> Arc<Schema> {
    Arc::new(Schema::new(workflow.params.iter().map(|param| param.ty.field(&param.name, true)).collect::<Vec<_>>()))
}

fn of_param(error: Error, param: &Param) -> Error {
    let detail = format!("for parameter \"{}\" of type {}", param.name, param.ty);
    match error.detail {
        Some(_) => error,
        None => error.detail(detail),
    }
}
