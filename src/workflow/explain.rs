//! `EXPLAIN WORKFLOW`: steps, edges, what is written down, what each target guarantees.

use super::Workflows;
use super::target::{self, ModeName};
use crate::base::{Name, Result};
use crate::catalog::workflow::{Body, Check, Step, Target, Violation};
use crate::catalog::{Snapshot, Workflow};
use crate::check;
use crate::connect::Guarantee;
use crate::query::Rows;
use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use std::sync::Arc;

/// Rows of text columns, which most explanations are.
pub(super) fn text_rows(columns: &[&str], rows: &[Vec<Option<String>>]) -> Result<Rows> {
    let fields: Vec<Field> = columns.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let arrays = (0..columns.len())
        .map(|at| Arc::new(StringArray::from_iter(rows.iter().map(|row| row.get(at).cloned().flatten()))) as ArrayRef)
        .collect();
    let batch = RecordBatch::try_new(schema.clone(), arrays)?;
    Ok(Rows::of(schema, vec![batch]))
}

impl Workflows {
    /// One row per step, in the order in which they run, then one for each FINALLY.
    pub async fn explain(&self, name: &Name) -> Result<Rows> {
        let snapshot = self.catalog.snapshot();
        let workflow = snapshot.workflow(name)?;
        let mut rows: Vec<Vec<Option<String>>> = vec![];
        for step in &workflow.steps {
            rows.push(vec![
                Some(step.name.clone()),
                some(&step.reads.iter().chain(&step.sources).cloned().collect::<Vec<_>>()),
                some(&checks(workflow, &step.name)),
                Some(how(step)),
                step.target.as_ref().map(|to| format!("{} ({})", target::name(to), ModeName(&step.mode))),
                self.guarantee(&snapshot, step),
            ]);
        }
        for finally in &workflow.finally {
            let when = finally.when.as_ref().map_or("always".to_string(), |when| format!("when {}", when.text.trim()));
            rows.push(vec![
                Some(finally.name.clone()),
                None,
                None,
                Some(format!("finally, {when}")),
                None,
                Some(AT_LEAST_ONCE.into()),
            ]);
        }
        text_rows(&["step", "reads", "checks", "rows are", "target", "published"], &rows)
    }

    fn guarantee(&self, snapshot: &Snapshot, step: &Step) -> Option<String> {
        match (&step.body, &step.target) {
            (Body::Statements(_), _) => Some(AT_LEAST_ONCE.into()),
            (Body::Query(_), None) => None,
            (Body::Query(_), Some(Target::Table(_))) => {
                Some("exactly once, together with the run's other tables".into())
            }
            (Body::Query(_), Some(outside)) => Some(match self.sink(snapshot, outside).map(|sink| sink.guarantee()) {
                Ok(Guarantee::ExactlyOnce) => "exactly once, before the tables here".into(),
                Ok(Guarantee::AtLeastOnce) => AT_LEAST_ONCE.into(),
                Err(error) => format!("not now: {error}"),
            }),
        }
    }
}

const AT_LEAST_ONCE: &str = "at least once, after the run is published";

fn how(step: &Step) -> String {
    match (&step.body, step.materialized) {
        (Body::Statements(_), _) => "statements".into(),
        (Body::Query(_), true) => "written down".into(),
        (Body::Query(_), false) => "inlined into their reader".into(),
    }
}

fn checks(workflow: &Workflow, step: &str) -> Vec<String> {
    let check = |check: &Check| {
        let effect = match &check.on_violation {
            Violation::Warn => "warns",
            Violation::Block => "blocks",
            Violation::DropRows => "drops rows",
            Violation::Quarantine(_) => "sets rows aside",
        };
        format!("{} ({}: {effect})", check.name, check::describe(check))
    };
    let checks = workflow.checks.iter().filter(|check| check.on.text == step).map(check);
    let metrics = workflow.metrics.iter().filter(|metric| metric.on.text == step);
    checks.chain(metrics.map(|metric| format!("{} (metric)", metric.name))).collect()
}

fn some(list: &[String]) -> Option<String> {
    (!list.is_empty()).then(|| list.join(", "))
}
