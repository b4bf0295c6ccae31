//! A run: its identity, its states, and what it knows about itself.

use crate::base::clock::{parse_stamp, stamp};
use crate::base::value::{Style, read_text, text_of};
use crate::base::{Error, Result, Type};
use crate::catalog::Workflow;
use crate::catalog::workflow::Param;
use crate::query::RunContext;
use crate::store::Row;
use chrono::{DateTime, Utc};
use datafusion::common::ScalarValue;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Queued,
    Running,
    RetryWait,
    Publishing,
    Finalizing,
    Succeeded,
    SucceededWithWarnings,
    Blocked,
    Failed,
    TimedOut,
    Canceled,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Queued => "queued",
            Status::Running => "running",
            Status::RetryWait => "retry_wait",
            Status::Publishing => "publishing",
            Status::Finalizing => "finalizing",
            Status::Succeeded => "succeeded",
            Status::SucceededWithWarnings => "succeeded_with_warnings",
            Status::Blocked => "blocked",
            Status::Failed => "failed",
            Status::TimedOut => "timed_out",
            Status::Canceled => "canceled",
        }
    }

    pub fn is_final(self) -> bool {
        !matches!(self, Status::Queued | Status::Running | Status::RetryWait | Status::Publishing | Status::Finalizing)
    }

    /// Whether its outputs are visible.
    pub fn is_published(self) -> bool {
        matches!(self, Status::Succeeded | Status::SucceededWithWarnings)
    }
}

/// How a run ended, and why it did not end well.
#[derive(Clone, Debug)]
pub struct Ending {
    pub status: Status,
    pub reason: Option<String>,
    /// The error that ended it.
    pub error: Option<Error>,
}

/// Why a run was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    Schedule,
    Manual,
    Refresh,
}

impl Trigger {
    pub fn as_str(self) -> &'static str {
        match self {
            Trigger::Schedule => "schedule",
            Trigger::Manual => "manual",
            Trigger::Refresh => "refresh",
        }
    }
}

/// One execution of a workflow.
#[derive(Clone, Debug)]
pub struct Run {
    pub id: String,
    pub workflow: Arc<Workflow>,
    pub trigger: Trigger,
    /// The due instant, for scheduled runs.
    pub tick: Option<DateTime<Utc>>,
    pub scheduled_at: DateTime<Utc>,
    pub interval: (DateTime<Utc>, DateTime<Utc>),
    pub user: String,
    pub params: BTreeMap<String, (Type, ScalarValue)>,
    /// Counts the processes that have had this run; a publication of an older one is refused.
    pub epoch: i64,
    pub cancel: CancellationToken,
}

impl Run {
    /// Ids sort by time.
    pub fn new_id() -> String {
        uuid::Uuid::now_v7().to_string()
    }

    /// The parameters as JSON: name → text as a client sees it, or null.
    pub fn params_text(&self) -> Result<String> {
        let text = |(name, (ty, value)): (&String, &(Type, ScalarValue))| {
            Ok((name.clone(), text_of(value, ty, &Style::default())?))
        };
        let texts = self.params.iter().map(text).collect::<Result<BTreeMap<String, Option<String>>>>()?;
        Ok(serde_json::to_string(&texts).unwrap_or_default())
    }

    /// What the run's statements may ask.
    pub fn context(&self, status: Option<Status>) -> Arc<RunContext> {
        Arc::new(RunContext {
            run_id: self.id.clone(),
            scheduled_at: self.scheduled_at,
            interval_start: self.interval.0,
            interval_end: self.interval.1,
            status: status.map(|status| status.as_str().to_string()),
            params: self.params.clone(),
        })
    }

    /// A run that a dead process left behind, from its row of the ledger.
    pub fn from_row(row: &Row) -> Result<Run> {
        let run = Run::without_params(row)?;
        let params = params_of(&run.workflow, row.text("params")?)?;
        Ok(Run { params, ..run })
    }

    /// The same without its parameters, for what does not compute anything.
    pub fn without_params(row: &Row) -> Result<Run> {
        let workflow: Workflow = serde_json::from_str(row.text("definition")?).map_err(unreadable)?;
        let instant = |column: &str| -> Result<DateTime<Utc>> {
            parse_stamp(row.text(column)?).ok_or_else(|| unreadable(column))
        };
        let trigger = match row.text("trigger_kind")? {
            "schedule" => Trigger::Schedule,
            "refresh" => Trigger::Refresh,
            _ => Trigger::Manual,
        };
        Ok(Run {
            id: row.text("run_id")?.to_string(),
            workflow: Arc::new(workflow),
            trigger,
            tick: row.optional_text("tick")?.and_then(parse_stamp),
            scheduled_at: instant("scheduled_at")?,
            interval: (instant("interval_start")?, instant("interval_end")?),
            user: row.text("requested_by")?.to_string(),
            params: BTreeMap::new(),
            epoch: row.int("epoch")?,
            cancel: CancellationToken::new(),
        })
    }
}

/// What [`Run::params_text`] wrote.
fn params_of(workflow: &Workflow, text: &str) -> Result<BTreeMap<String, (Type, ScalarValue)>> {
    let texts: BTreeMap<String, Option<String>> = serde_json::from_str(text).map_err(unreadable)?;
    let value = |param: &Param| {
        let value = match texts.get(&param.name).and_then(Option::as_ref) {
            Some(text) => read_text(text, &param.ty, &Style::default())?,
            None => ScalarValue::try_from(&param.ty.arrow())?,
        };
        Ok((param.name.clone(), (param.ty.clone(), value)))
    };
    workflow.params.iter().map(value).collect()
}

fn unreadable(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("the ledger's row of a run must be readable: {error}"))
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "run {} of {} due {}", self.id, self.workflow.name, stamp(self.scheduled_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;

    /// A run whose only parameter, `p`, has this type.
    fn run(ty: &Type) -> Run {
        let param = Param { name: "p".into(), ty: ty.clone(), not_null: false, default: None, check: None, offset: 0 };
        let workflow = Workflow { params: vec![param], ..Workflow::blank(crate::base::Name::public("w"), "") };
        let at = crate::base::clock::SystemClock.now();
        Run {
            id: String::new(),
            workflow: Arc::new(workflow),
            trigger: Trigger::Manual,
            tick: None,
            scheduled_at: at,
            interval: (at, at),
            user: String::new(),
            params: BTreeMap::new(),
            epoch: 1,
            cancel: CancellationToken::new(),
        }
    }

    #[test]
    fn a_parameter_of_any_type_is_read_as_it_was_written() {
        for (ty, text) in [
            ("boolean", "t"),
            ("int2", "-7"),
            ("int4", "7"),
            ("int8", "9007199254740993"),
            ("float4", "0.1"),
            ("float8", "1e-300"),
            ("float8", "NaN"),
            ("numeric(10, 2)", "12345.60"),
            ("numeric", "0.5"),
            ("text", "it's \"so\" \n 'NULL'"),
            ("varchar(3)", "abc"),
            ("char(3)", "a  "),
            ("bytea", "\\x00ff"),
            ("date", "2026-02-28"),
            ("time", "23:59:59.000001"),
            ("timestamp", "2026-02-28 01:02:03.5"),
            ("timestamptz", "2026-02-28 01:02:03.5+00"),
            ("interval", "1 mon 2 days 03:04:05.000006"),
            ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
            ("json", "{\"a\": [1, null]}"),
            ("jsonb", "{\"a\": 1}"),
            ("int8[]", "{1,NULL,3}"),
            ("text[]", "{\"a,b\",NULL,\"\"}"),
            ("timestamptz[]", "{\"2026-02-28 01:02:03+00\"}"),
        ] {
            let ty = Type::parse(ty).unwrap();
            let value = read_text(text, &ty, &Style::default()).unwrap();
            for value in [value, ScalarValue::try_from(&ty.arrow()).unwrap()] {
                let mut run = run(&ty);
                run.params.insert("p".into(), (ty.clone(), value));
                let read = params_of(&run.workflow, &run.params_text().unwrap());
                assert_eq!(read.unwrap(), run.params, "{ty}");
                assert_eq!(run.params["p"].1.data_type(), ty.arrow(), "{ty}");
            }
        }
    }
}
