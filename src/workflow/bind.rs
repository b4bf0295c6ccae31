//! Everything that can be known to be wrong with a definition, before it is accepted.
//!
//! Each body is planned against the schemas of the steps before it, each target
//! looked up, each check and metric bound. Offsets in errors are in the text of
//! the CREATE statement.

use super::stage::Fit;
use super::{Workflows, params, target};
use crate::base::error::did_you_mean;
use crate::base::{Error, Kind, Name, Result, Type};
use crate::catalog::workflow::{Body, Fragment, Mode, Outcome, Step, Target, When};
use crate::catalog::{Relation, Snapshot, Workflow};
use crate::check;
use crate::lake::storable;
use crate::query::{Context, ModelUse, Plan, RunContext};
use chrono::{DateTime, Utc};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::datasource::empty::EmptyTable;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A definition with what planning found out about it.
#[derive(Debug)]
pub(super) struct Bound {
    pub steps: Vec<BoundStep>,
    pub models: BTreeSet<ModelUse>,
}

#[derive(Debug)]
pub(super) struct BoundStep {
    /// Columns of the step's rows; a step of statements has none.
    pub schema: Option<SchemaRef>,
    /// Earlier steps that it reads.
    pub reads: BTreeSet<String>,
    /// Everything else that it reads, as it prints.
    pub sources: BTreeSet<String>,
    /// Whether something needs its bytes; else it is inlined into its reader.
    pub materialized: bool,
}

impl Workflows {
    /// Binds a definition to what exists. `at` is the time that `interval_end()` and the like answer.
    pub(super) async fn bind(&self, snapshot: &Arc<Snapshot>, workflow: &Workflow, at: DateTime<Utc>) -> Result<Bound> {
        names_are_unique(workflow)?;
        let mut context = Context::new(snapshot.clone(), &workflow.owner, at);
        context.run = Some(Arc::new(RunContext {
            run_id: String::new(),
            scheduled_at: at,
            interval_start: at,
            interval_end: at,
            status: None,
            params: params::unknown(workflow)?,
        }));
        self.bind_params(&context, workflow).await?;
        let mut bound = Bound { steps: vec![], models: BTreeSet::new() };
        for (index, step) in workflow.steps.iter().enumerate() {
            let done = self.bind_step(&mut context, workflow, index, &mut bound.models).await;
            bound.steps.push(done.map_err(|error| later_step(error, workflow, index, step))?);
        }
        for check in &workflow.checks {
            self.bind_check(&context, workflow, &bound, check).await?;
        }
        for metric in &workflow.metrics {
            let schema = self.checked_schema(&context, workflow, &bound, &metric.on).await?;
            let sql = check::metric::plan(metric, "checked", &schema)?;
            let context = context.clone().with_relation("checked", Arc::new(EmptyTable::new(schema)));
            self.query.plan_text(&context, &sql).await.map_err(|error| sql.placed(error))?;
        }
        for finally in &workflow.finally {
            let mut context = context.clone();
            context.run = context.run.map(|run| Arc::new(RunContext { status: Some(String::new()), ..(*run).clone() }));
            if let Some(when) = &finally.when {
                self.bind_condition(&context, when).await?;
            }
            for body in &finally.body {
                self.statements.check(&context, &body.text).await.map_err(|error| error.shifted(body.offset))?;
            }
        }
        decide_materialization(workflow, &mut bound);
        rows_can_be_stored(workflow, &bound, &context.snapshot)?;
        Ok(bound)
    }

    async fn bind_params(&self, context: &Context, workflow: &Workflow) -> Result<()> {
        for param in &workflow.params {
            if param.not_null && param.default.is_none() && workflow.schedule.when != When::Manual {
                let message = format!("parameter \"{}\" has no value in a run by schedule", param.name);
                return Err(Error::new(Kind::InvalidDefinition, message)
                    .hint("give it a DEFAULT, or leave out NOT NULL".to_string())
                    .at(param.offset));
            }
            if let Some(default) = &param.default {
                self.query
                    .value(context, &default.text, Some(&param.ty))
                    .await
                    .map_err(|error| error.shifted(default.offset))?;
            }
            if let Some(check) = &param.check {
                self.query
                    .condition(context, &check.text, &params::schema(workflow))
                    .await
                    .map_err(|error| error.shifted(check.offset))?;
            }
        }
        Ok(())
    }

    async fn bind_step(
        &self,
        context: &mut Context,
        workflow: &Workflow,
        index: usize,
        models: &mut BTreeSet<ModelUse>,
    ) -> Result<BoundStep> {
        let step = &workflow.steps[index];
        for after in &step.after {
            if !workflow.steps[..index].iter().any(|earlier| earlier.name == after.step) {
                return Err(after_error(workflow, step, &after.step).at(after.offset));
            }
            if after.outcome == Outcome::Failure && step.target.is_some() {
                let message =
                    format!("step \"{}\" could never publish: a run with a failure changes no target", step.name);
                return Err(Error::new(Kind::InvalidDefinition, message)
                    .hint(
                        "FINALLY name WHEN (run_status() <> 'succeeded') AS (INSERT INTO …) acts after a failure"
                            .to_string(),
                    )
                    .at(after.offset));
            }
        }
        if let Some(when) = &step.when {
            self.bind_condition(context, when).await?;
        }
        let mut bound =
            BoundStep { schema: None, reads: BTreeSet::new(), sources: BTreeSet::new(), materialized: false };
        match &step.body {
            Body::Query(body) => {
                let plan =
                    self.query.plan_text(context, &body.text).await.map_err(|error| error.shifted(body.offset))?;
                note_reads(&mut bound, workflow, index, &plan).map_err(|error| error.at(body.offset))?;
                models.extend(plan.models().cloned());
                columns_have_names(plan.schema()).map_err(|error| error.at(body.offset))?;
                self.bind_target(context, workflow, step, plan.schema())
                    .await
                    .map_err(|error| error.at(step.offset))?;
                let relation = Arc::new(EmptyTable::new(plan.schema().clone()));
                context.relations.insert(step.name.clone(), relation);
                bound.schema = Some(plan.schema().clone());
            }
            Body::Statements(bodies) => {
                if step.target.is_some() {
                    let message = format!("step \"{}\" has a target and writes by itself", step.name);
                    return Err(Error::new(Kind::InvalidDefinition, message)
                        .hint("leave out INTO, or make the step a query".to_string())
                        .at(step.offset));
                }
                for body in bodies {
                    let shifted = |error: Error| error.shifted(body.offset);
                    self.statements.check(context, &body.text).await.map_err(shifted)?;
                    let references = self.query.references(context, &body.text).await.map_err(shifted)?;
                    bound.reads.extend(references.relations.iter().cloned());
                    bound.sources.extend(references.reads.iter().map(Name::to_string));
                    models.extend(references.models);
                }
            }
        }
        Ok(bound)
    }

    async fn bind_target(&self, context: &Context, workflow: &Workflow, step: &Step, schema: &SchemaRef) -> Result<()> {
        if let Mode::Upsert { key, .. } = &step.mode {
            for column in key {
                if schema.index_of(column).is_err() {
                    let message = format!("key column \"{column}\" is not a column of step \"{}\"", step.name);
                    let known = schema.fields().iter().map(|field| field.name().as_str());
                    return Err(Error::new(Kind::UndefinedColumn, message).hint(did_you_mean(column, known)));
                }
            }
        }
        match &step.target {
            None => Ok(()),
            Some(Target::Table(name)) => {
                context.snapshot.schema(&name.schema)?;
                match context.snapshot.relation(name) {
                    None => Ok(()),
                    Some(Relation::Table(_)) if step.mode == Mode::Fail => {
                        Err(Error::new(Kind::DuplicateTable, format!("relation \"{name}\" already exists"))
                            .hint("MODE FAIL makes a new table; leave it out to replace the rows".to_string()))
                    }
                    Some(Relation::Table(_)) if is_other_view(context, name, workflow) => {
                        Err(Error::new(Kind::WrongObjectType, format!("target \"{name}\" is a materialized view"))
                            .hint("its rows are those of its query; name another target".to_string()))
                    }
                    Some(Relation::Table(table)) => Fit::new(&self.query, context, table, schema).await.map(|_| ()),
                    Some(_) => {
                        Err(Error::new(Kind::WrongObjectType, format!("target \"{name}\" is not a managed table")))
                    }
                }
            }
            Some(outside) => self.sink(&context.snapshot, outside)?.check(schema, &step.mode).await,
        }
    }

    async fn bind_condition(&self, context: &Context, when: &Fragment) -> Result<()> {
        let text = format!("SELECT ({})::boolean", when.text);
        let planned = self.query.plan_text(context, &text).await;
        planned.map_err(|error| placed(error, when.offset)).map(|_| ())
    }
}

/// Whether the table holds the rows of a materialized view that is not the one being made.
fn is_other_view(context: &Context, table: &Name, workflow: &Workflow) -> bool {
    context.snapshot.workflows.get(table).is_some_and(|other| other.materialized_view && other.name != workflow.name)
}

/// Rows that are written down must be of types that files hold.
fn rows_can_be_stored(workflow: &Workflow, bound: &Bound, snapshot: &Snapshot) -> Result<()> {
    for (step, bound) in workflow.steps.iter().zip(&bound.steps) {
        // Into a table that is there they arrive as its types.
        if matches!(&step.target, Some(Target::Table(name)) if snapshot.relation(name).is_some()) {
            continue;
        }
        let Some(schema) = bound.schema.as_ref().filter(|_| bound.materialized) else { continue };
        for field in schema.fields() {
            storable(field.name(), &Type::of(field)).map_err(|error| {
                let hint = error.hint.clone().unwrap_or_else(|| "cast it in the step, for example to text".to_string());
                error.hint(hint).at(step.offset)
            })?;
        }
    }
    Ok(())
}

/// A position in text that we put together means nothing to the user: point at the clause.
pub(super) fn placed(error: Error, offset: usize) -> Error {
    error.unplaced().at(offset)
}

fn names_are_unique(workflow: &Workflow) -> Result<()> {
    let steps = workflow.steps.iter().map(|step| ("step", &step.name, step.offset));
    let finally = workflow.finally.iter().map(|finally| ("step", &finally.name, finally.offset));
    let checks = workflow.checks.iter().map(|check| ("check", &check.name, check.offset));
    let metrics = workflow.metrics.iter().map(|metric| ("metric", &metric.name, metric.offset));
    let params = workflow.params.iter().map(|param| ("parameter", &param.name, param.offset));
    let mut seen = BTreeSet::new();
    for (kind, name, offset) in steps.chain(finally).chain(checks).chain(metrics).chain(params) {
        if !seen.insert((kind, name)) {
            return Err(Error::new(Kind::DuplicateObject, format!("{kind} \"{name}\" is defined twice")).at(offset));
        }
    }
    let mut targets = BTreeSet::new();
    for step in &workflow.steps {
        if let Some(it) = &step.target
            && !targets.insert(target::name(it))
        {
            let message = format!("two steps have the target {}", target::name(it));
            return Err(Error::new(Kind::InvalidDefinition, message).at(step.offset));
        }
    }
    Ok(())
}

/// Reading the table that an earlier step will publish would see it without this run's rows.
fn note_reads(bound: &mut BoundStep, workflow: &Workflow, index: usize, plan: &Plan) -> Result<()> {
    let references = plan.references();
    bound.reads = references.relations.clone();
    let remotes = references.remotes.iter().map(|(connection, schema, table)| Target::Remote {
        connection: connection.clone(),
        schema: schema.clone(),
        table: table.clone(),
    });
    let reads: Vec<Target> = references.reads.iter().cloned().map(Target::Table).chain(remotes).collect();
    for earlier in &workflow.steps[..index] {
        let Some(read) = reads.iter().find(|read| earlier.target.as_ref() == Some(read)) else { continue };
        let message = format!(
            "step \"{}\" reads {}, which step \"{}\" of this workflow writes",
            workflow.steps[index].name,
            target::name(read),
            earlier.name
        );
        return Err(Error::new(Kind::InvalidDefinition, message)
            .detail("targets are published when all steps are done and checked")
            .hint(format!("read from {} instead", earlier.name)));
    }
    bound.sources = reads.iter().map(target::name).collect();
    Ok(())
}

fn columns_have_names(schema: &SchemaRef) -> Result<()> {
    let mut seen = BTreeSet::new();
    for field in schema.fields() {
        if !seen.insert(field.name()) {
            return Err(Error::new(
                Kind::DuplicateColumn,
                format!("column \"{}\" specified more than once", field.name()),
            )
            .hint("name the columns of a step with AS".to_string()));
        }
    }
    Ok(())
}

/// `relation "b" does not exist` becomes clearer when `b` is a step that comes later.
fn later_step(error: Error, workflow: &Workflow, index: usize, step: &Step) -> Error {
    if error.kind != Kind::UndefinedTable {
        return error;
    }
    let later = workflow.steps[index..].iter().find(|later| error.message.contains(&format!("\"{}\"", later.name)));
    match later {
        Some(later) if later.name == step.name => Error {
            kind: Kind::InvalidDefinition,
            message: format!("step \"{}\" reads itself", step.name),
            hint: None,
            ..error
        },
        Some(later) => Error {
            kind: Kind::InvalidDefinition,
            message: format!("step \"{}\" reads step \"{}\", which comes later", step.name, later.name),
            hint: Some(format!("put step \"{}\" before step \"{}\"", later.name, step.name)),
            ..error
        },
        None => {
            let earlier = workflow.steps[..index].iter().map(|step| step.name.as_str());
            let missing = error.message.split('"').nth(1).unwrap_or_default().to_string();
            match error.hint {
                Some(_) => error,
                None => error.hint(did_you_mean(&missing, earlier)),
            }
        }
    }
}

fn after_error(workflow: &Workflow, step: &Step, after: &str) -> Error {
    if workflow.steps.iter().any(|other| other.name == after) {
        let message =
            format!("steps \"{}\" and \"{after}\" make a cycle: a step can come only after an earlier one", step.name);
        return Error::new(Kind::InvalidDefinition, message)
            .hint(format!("put step \"{after}\" before step \"{}\"", step.name));
    }
    let known = workflow.steps.iter().map(|step| step.name.as_str());
    Error::new(Kind::UndefinedObject, format!("step \"{after}\" does not exist")).hint(did_you_mean(after, known))
}

fn decide_materialization(workflow: &Workflow, bound: &mut Bound) {
    let readers = |name: &str| bound.steps.iter().filter(|step| step.reads.contains(name)).count();
    let needed: Vec<bool> = workflow
        .steps
        .iter()
        .map(|step| {
            let checked = workflow.checks.iter().any(|check| check.on.text == step.name)
                || workflow.metrics.iter().any(|metric| metric.on.text == step.name);
            // A step that nobody reads is run for its errors.
            step.target.is_some() || checked || step.snapshot || readers(&step.name) != 1
        })
        .collect();
    for (step, needed) in bound.steps.iter_mut().zip(needed) {
        step.materialized = needed && step.schema.is_some();
    }
}
