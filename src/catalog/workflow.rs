//! A workflow's definition as plain data: what `CREATE WORKFLOW` said, clause by clause.

use crate::base::{Name, Type, quote_identifier};
use serde::{Deserialize, Serialize};

/// SQL text inside a larger statement, with its byte offset there, so that an error in it can point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fragment {
    pub text: String,
    pub offset: usize,
}

/// A workflow: parameters, steps, checks, metrics and when it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workflow {
    pub name: Name,
    /// 1 for the first definition, one more for each `CREATE OR REPLACE`. Set by the catalog.
    pub version: i64,
    /// The statement as it prints back.
    pub text: String,
    pub schedule: Schedule,
    pub run: RunClauses,
    pub params: Vec<Param>,
    pub steps: Vec<Step>,
    pub checks: Vec<Check>,
    pub metrics: Vec<Metric>,
    pub finally: Vec<Finally>,
    /// Set when this is a materialized view: `steps` has exactly one, its target the view's table.
    pub materialized_view: bool,
    /// Models that it calls, itself or by a view. Found out when the workflow is bound.
    #[serde(default)]
    pub models: Vec<Name>,
    /// No run starts by schedule.
    pub paused: bool,
    /// Who runs it.
    pub owner: String,
}

impl Workflow {
    /// What people call it.
    pub fn kind(&self) -> &'static str {
        if self.materialized_view { "materialized view" } else { "workflow" }
    }

    /// The table of a materialized view whose rows are kept here.
    pub fn own_table(&self) -> Option<&Name> {
        match self.steps.first().map(|step| (&step.target, &step.mode)) {
            Some((Some(Target::Table(name)), Mode::Replace)) if *name == self.name => Some(name),
            _ => None,
        }
    }

    /// One of this name and text that has nothing in it yet.
    pub fn blank(name: Name, text: &str) -> Workflow {
        Workflow {
            name,
            version: 0,
            text: text.to_string(),
            schedule: Schedule::default(),
            run: RunClauses::default(),
            params: vec![],
            steps: vec![],
            checks: vec![],
            metrics: vec![],
            finally: vec![],
            materialized_view: false,
            models: vec![],
            paused: false,
            owner: String::new(),
        }
    }

    /// Whether it reads from the connection or writes to it.
    pub fn uses_connection(&self, connection: &str) -> bool {
        let prefix = format!("{}.", quote_identifier(connection));
        // `connection.schema.table`; a schema of that name has one part less.
        let remote = |name: &str| name.strip_prefix(&prefix).is_some_and(|rest| rest.contains('.'));
        let written = |target: &Option<Target>| matches!(target, Some(Target::Remote { connection: used, .. }) if used == connection);
        self.steps.iter().any(|step| written(&step.target) || step.sources.iter().any(|source| remote(source)))
            || self.checks.iter().any(|check| {
                remote(&check.on.text)
                    || matches!(&check.assertion, Assertion::References { table, .. } if remote(&table.text))
            })
            || self.metrics.iter().any(|metric| remote(&metric.on.text))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Param {
    pub name: String,
    pub ty: Type,
    pub not_null: bool,
    pub default: Option<Fragment>,
    /// A condition over columns named like the parameters.
    pub check: Option<Fragment>,
    pub offset: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub name: String,
    /// Steps that must have ended before this one, and how.
    pub after: Vec<After>,
    pub when: Option<Fragment>,
    pub target: Option<Target>,
    pub mode: Mode,
    pub run: RunClauses,
    pub body: Body,
    /// `WITH (snapshot = on)`: materialize even when nothing needs the bytes.
    pub snapshot: bool,
    pub offset: usize,
    /// Steps that it reads. This and what follows is found out when the workflow is bound.
    #[serde(default)]
    pub reads: Vec<String>,
    /// Everything else that it reads, as it prints.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Whether its rows are written down; else it is inlined into its reader.
    #[serde(default)]
    pub materialized: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct After {
    pub step: String,
    pub outcome: Outcome,
    pub offset: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Success,
    Failure,
    Any,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Body {
    /// `AS ( query )`
    Query(Fragment),
    /// `AS ( INSERT | UPDATE | DELETE … )` or `AS $$ statements $$`: each in the fragment's order.
    Statements(Vec<Fragment>),
}

/// Where a step's rows go.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Target {
    /// A managed table.
    Table(Name),
    /// A table of another system.
    Remote { connection: String, schema: String, table: String },
    /// `FILE 'uri' [FORMAT f]`
    File { uri: String, format: String },
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Mode {
    #[default]
    Replace,
    Append,
    /// Refuse when the target exists.
    Fail,
    Upsert {
        key: Vec<String>,
        delete_missing: bool,
    },
}

/// Clauses that a workflow sets for all steps and a step for itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunClauses {
    pub retry: Option<Retry>,
    pub timeout_ms: Option<u64>,
    pub suspend_after: Option<u32>,
}

/// `RETRY NONE` is one attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    pub attempts: u32,
    pub backoff_ms: u64,
    pub factor: f64,
    pub max_ms: u64,
    /// SQLSTATEs, or their first characters, that are never retried.
    pub not_on: Vec<String>,
}

impl Default for Retry {
    fn default() -> Self {
        Retry { attempts: 3, backoff_ms: 1_000, factor: 2.0, max_ms: 60_000, not_on: vec![] }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub name: String,
    /// A step of the workflow or a relation.
    pub on: Fragment,
    pub columns: Vec<String>,
    pub assertion: Assertion,
    pub filter: Option<Fragment>,
    /// Sees `failures`, `total`, `ratio`, `value`.
    pub warn_when: Option<Fragment>,
    pub fail_when: Option<Fragment>,
    pub on_violation: Violation,
    /// Failing rows kept as a sample.
    pub keep_failures: u32,
    pub offset: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Assertion {
    NotNull,
    Unique,
    In(Vec<Fragment>),
    Matches(String),
    Between(Fragment, Fragment),
    References {
        table: Fragment,
        column: String,
    },
    /// Comparison as in SQL (`>`, `>=`, `=`, …) with an expression.
    RowCount {
        comparison: String,
        value: Fragment,
    },
    /// True for a good row.
    Expect(Fragment),
    /// Rows returned are failures.
    Query(Fragment),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Violation {
    Warn,
    Block,
    DropRows,
    Quarantine(Name),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    pub name: String,
    pub on: Fragment,
    pub expression: Fragment,
    pub filter: Option<Fragment>,
    /// Columns that give a value for each of their combinations.
    pub dimensions: Vec<String>,
    /// `BOUNDS (MIN x, MAX y, CHANGE <= p)`; outside them the run is blocked.
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// Largest change from the last published value, as a fraction of it.
    pub change: Option<f64>,
    pub offset: usize,
}

/// Runs when the run has ended, however it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finally {
    pub name: String,
    pub when: Option<Fragment>,
    pub body: Vec<Fragment>,
    pub offset: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    pub when: When,
    pub catchup: Catchup,
    pub overlap: Overlap,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum When {
    #[default]
    Manual,
    /// Aligned to the epoch in the zone, moved by `offset_ms`.
    Every { every_ms: u64, offset_ms: u64, zone: String },
    /// 5 or 6 fields or a `@name`, in the zone.
    Cron { expression: String, zone: String },
}

/// Ticks that passed while nobody was there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Catchup {
    None,
    #[default]
    Latest,
    All,
}

/// A tick while the run before it is still going.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Overlap {
    #[default]
    Skip,
    BufferOne,
    BufferAll,
    CancelOther,
    Allow(u32),
}
