//! What workflows are defined as now: their steps, edges, checks, metrics and schedules.

use crate::base::Name;
use crate::catalog::Workflow;
use crate::catalog::workflow::{
    Assertion, Body, Catchup, Check, Mode, Outcome, Overlap, Schedule, Step, Target, Violation, When,
};
use crate::query::system::page::{Page, row};
use crate::query::system::schema::Scope;

/// What a view is for and its columns, and how its rows are made.
pub type Definition = (&'static str, fn(&Scope<'_>) -> Page);

pub const ALL: &[Definition] = &[
    (
        "workflows: Workflows as they are defined now.
         workflow text
         version int8 -- one more with each CREATE OR REPLACE
         schedule text -- when it runs, as it was written
         paused bool -- no run starts by schedule
         materialized_view bool -- made by CREATE MATERIALIZED VIEW
         steps int8
         checks int8
         metrics int8
         owner text
         definition text -- the statement that makes it",
        workflows,
    ),
    (
        "steps: Steps of workflows, in the order in which they were written.
         workflow text
         step text
         ordinal int8
         target text -- where its rows go
         mode text -- how they get there
         materialized bool -- whether its rows are written down, or it is inlined into its reader
         condition text -- of its WHEN clause
         definition text -- its query or statements",
        steps,
    ),
    (
        "edges: What each step waits for: what it reads, and what AFTER names.
         workflow text
         source text -- a step, table or view
         step text -- the one that waits
         kind text -- reads (a step), source (a relation) or after
         outcome text -- how the source must have ended: success, failure or any",
        edges,
    ),
    (
        "schedules: When workflows run by themselves.
         workflow text
         kind text -- manual, every or cron
         expression text -- the cron expression or interval
         time_zone text
         catchup text -- of ticks that passed while the server was down: none, latest or all
         overlap text -- of a tick while the last run still goes
         paused bool",
        schedules,
    ),
    (
        "checks: Checks of workflows as they are defined now.
         workflow text
         check_name text
         target text -- the step or relation it looks at
         columns text[]
         assertion text
         on_violation text -- warn, block, drop rows or quarantine
         quarantine text -- where failing rows go
         keep_failures int8 -- failing rows kept as a sample",
        checks,
    ),
    (
        "metrics: Metrics of workflows as they are defined now.
         workflow text
         metric text
         target text -- the step or relation it measures
         expression text
         minimum float8 -- below it the run is blocked
         maximum float8 -- above it the run is blocked
         change float8 -- largest change from the last published value, as a fraction of it",
        metrics,
    ),
];

fn all<'a>(scope: &'a Scope<'_>) -> impl Iterator<Item = (String, &'a Workflow)> {
    let workflows = scope.objects.snapshot.workflows.values();
    workflows.map(|workflow| (workflow.name.to_string(), workflow.as_ref()))
}

fn workflows(scope: &Scope<'_>) -> Page {
    let rows = all(scope).map(|(name, it)| {
        row![
            name,
            it.version,
            when(&it.schedule),
            it.paused,
            it.materialized_view,
            it.steps.len(),
            it.checks.len(),
            it.metrics.len(),
            &it.owner,
            &it.text,
        ]
    });
    Page::of(
        [
            "workflow",
            "version",
            "schedule",
            "paused",
            "materialized_view",
            "steps",
            "checks",
            "metrics",
            "owner",
            "definition",
        ],
        rows,
    )
}

fn steps(scope: &Scope<'_>) -> Page {
    let rows = all(scope).flat_map(|(name, workflow)| {
        workflow.steps.iter().zip(1i64..).map(move |(step, ordinal)| {
            row![
                &name,
                &step.name,
                ordinal,
                step.target.as_ref().map(target),
                step.target.as_ref().map(|_| mode(&step.mode)),
                step.materialized,
                step.when.as_ref().map(|when| when.text.as_str()),
                body(step),
            ]
        })
    });
    Page::of(["workflow", "step", "ordinal", "target", "mode", "materialized", "condition", "definition"], rows)
}

fn edges(scope: &Scope<'_>) -> Page {
    let rows = all(scope).flat_map(|(name, workflow)| {
        workflow.steps.iter().flat_map(move |step| {
            let reads = step.reads.iter().map(|source| row![&name, source, &step.name, "reads", "success"]);
            let sources = step.sources.iter().map(|source| row![&name, source, &step.name, "source", "any"]);
            let after = step.after.iter().map(|it| row![&name, &it.step, &step.name, "after", outcome(it.outcome)]);
            reads.chain(sources).chain(after).collect::<Vec<_>>()
        })
    });
    Page::of(["workflow", "source", "step", "kind", "outcome"], rows)
}

fn schedules(scope: &Scope<'_>) -> Page {
    let rows = all(scope).map(|(name, workflow)| {
        let (kind, expression, zone) = match &workflow.schedule.when {
            When::Manual => ("manual", None, None),
            When::Every { every_ms, zone, .. } => ("every", Some(duration(*every_ms)), Some(zone.as_str())),
            When::Cron { expression, zone } => ("cron", Some(expression.clone()), Some(zone.as_str())),
        };
        let schedule = &workflow.schedule;
        row![name, kind, expression, zone, catchup(schedule.catchup), overlap(schedule.overlap), workflow.paused]
    });
    Page::of(["workflow", "kind", "expression", "time_zone", "catchup", "overlap", "paused"], rows)
}

fn checks(scope: &Scope<'_>) -> Page {
    let rows = all(scope).flat_map(|(name, workflow)| {
        workflow.checks.iter().map(move |check| {
            let (action, quarantine) = violation(&check.on_violation);
            row![
                &name,
                &check.name,
                &check.on.text,
                check.columns.clone(),
                assertion(check),
                action,
                quarantine,
                i64::from(check.keep_failures),
            ]
        })
    });
    let columns =
        ["workflow", "check_name", "target", "columns", "assertion", "on_violation", "quarantine", "keep_failures"];
    Page::of(columns, rows)
}

fn metrics(scope: &Scope<'_>) -> Page {
    let rows = all(scope).flat_map(|(name, workflow)| {
        workflow
            .metrics
            .iter()
            .map(move |it| row![&name, &it.name, &it.on.text, &it.expression.text, it.min, it.max, it.change])
    });
    Page::of(["workflow", "metric", "target", "expression", "minimum", "maximum", "change"], rows)
}

fn when(schedule: &Schedule) -> String {
    match &schedule.when {
        When::Manual => "manual".into(),
        When::Every { every_ms, offset_ms: 0, zone } => format!("every {} {zone}", duration(*every_ms)),
        When::Every { every_ms, offset_ms, zone } => {
            format!("every {} offset {} {zone}", duration(*every_ms), duration(*offset_ms))
        }
        When::Cron { expression, zone } => format!("cron {expression} {zone}"),
    }
}

/// In the largest unit that divides it.
fn duration(ms: u64) -> String {
    let units = [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second"), (1, "millisecond")];
    let fits = |(unit, _): &&(u64, &str)| ms.is_multiple_of(*unit) && ms >= *unit;
    let (unit, name) = units.iter().find(fits).unwrap_or(&(1, "millisecond"));
    let count = ms / unit;
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

fn target(target: &Target) -> String {
    match target {
        Target::Table(name) => name.to_string(),
        Target::Remote { connection, schema, table } => {
            let dotted = Name::new(schema, table);
            let schema = crate::base::quote_identifier(&dotted.schema);
            format!("{}.{schema}.{}", crate::base::quote_identifier(connection), crate::base::quote_identifier(table))
        }
        Target::File { uri, .. } => uri.clone(),
    }
}

fn mode(mode: &Mode) -> String {
    match mode {
        Mode::Replace => "replace".into(),
        Mode::Append => "append".into(),
        Mode::Fail => "fail".into(),
        Mode::Upsert { key, delete_missing } => {
            let delete = if *delete_missing { " delete missing" } else { "" };
            format!("upsert key ({}){delete}", key.join(", "))
        }
    }
}

fn body(step: &Step) -> String {
    match &step.body {
        Body::Query(query) => query.text.clone(),
        Body::Statements(statements) => {
            statements.iter().map(|statement| statement.text.as_str()).collect::<Vec<_>>().join(";\n")
        }
    }
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "success",
        Outcome::Failure => "failure",
        Outcome::Any => "any",
    }
}

fn catchup(catchup: Catchup) -> &'static str {
    match catchup {
        Catchup::None => "none",
        Catchup::Latest => "latest",
        Catchup::All => "all",
    }
}

fn overlap(overlap: Overlap) -> String {
    match overlap {
        Overlap::Skip => "skip".into(),
        Overlap::BufferOne => "buffer one".into(),
        Overlap::BufferAll => "buffer all".into(),
        Overlap::CancelOther => "cancel other".into(),
        Overlap::Allow(count) => format!("allow {count}"),
    }
}

fn violation(violation: &Violation) -> (&'static str, Option<String>) {
    match violation {
        Violation::Warn => ("warn", None),
        Violation::Block => ("block", None),
        Violation::DropRows => ("drop rows", None),
        Violation::Quarantine(table) => ("quarantine", Some(table.to_string())),
    }
}

/// The assertion as it was written.
fn assertion(check: &Check) -> String {
    match &check.assertion {
        Assertion::NotNull => "NOT NULL".into(),
        Assertion::Unique => "UNIQUE".into(),
        Assertion::In(values) => {
            let values: Vec<_> = values.iter().map(|value| value.text.as_str()).collect();
            format!("IN ({})", values.join(", "))
        }
        Assertion::Matches(pattern) => format!("MATCHES {}", crate::base::quote_literal(pattern)),
        Assertion::Between(low, high) => format!("BETWEEN {} AND {}", low.text, high.text),
        Assertion::References { table, column } => format!("REFERENCES {} ({column})", table.text),
        Assertion::RowCount { comparison, value } => format!("ROW COUNT {comparison} {}", value.text),
        Assertion::Expect(condition) => format!("EXPECT ({})", condition.text),
        Assertion::Query(query) => format!("AS ({})", query.text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_told_in_its_largest_unit() {
        for (ms, text) in [(86_400_000, "1 day"), (5_400_000, "90 minutes"), (1_500, "1500 milliseconds")] {
            assert_eq!(duration(ms), text);
        }
    }
}
