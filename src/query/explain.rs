//! `EXPLAIN [ANALYZE]` of a query.

use super::Plan;
use super::rewrite::folded;
use crate::base::{Error, Kind, Result, Type};
use datafusion::arrow::array::{RecordBatch, StringArray};
use datafusion::arrow::datatypes::Schema;
use datafusion::sql::sqlparser::ast::{Expr, UtilityOption, Value};
use std::sync::Arc;
use std::time::Duration;

/// How a query is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explain {
    /// Run it, and tell what each step did.
    pub analyze: bool,
    pub verbose: bool,
}

impl Explain {
    /// From the words and options of the statement; what only concerns the display of others is accepted.
    pub(super) fn read(
        analyze: bool,
        verbose: bool,
        foreign: bool,
        options: Option<Vec<UtilityOption>>,
    ) -> Result<Explain> {
        let mut explain = Explain { analyze, verbose };
        if foreign {
            return Err(Error::unsupported("this form of EXPLAIN is not supported"));
        }
        for option in options.unwrap_or_default() {
            let name = folded(&option.name);
            match name.as_str() {
                "analyze" => explain.analyze = on(&option),
                "verbose" => explain.verbose = on(&option),
                "costs" | "buffers" | "timing" | "summary" | "settings" | "wal" | "generic_plan" => {}
                "format" if option.arg.as_ref().is_some_and(|arg| arg.to_string().eq_ignore_ascii_case("text")) => {}
                "format" => return Err(Error::unsupported("EXPLAIN gives text only")),
                _ => {
                    return Err(Error::new(Kind::Syntax, format!("unrecognized EXPLAIN option \"{name}\""))
                        .hint("EXPLAIN (ANALYZE, VERBOSE) …".to_string()));
                }
            }
        }
        Ok(explain)
    }

    pub(super) fn of(self, plan: Plan) -> Plan {
        let schema = Arc::new(Schema::new(vec![Type::Text.field("QUERY PLAN", false)]));
        Plan { schema, explain: Some(self), ..plan }
    }
}

fn on(option: &UtilityOption) -> bool {
    match &option.arg {
        None => true,
        Some(Expr::Value(value)) => match &value.value {
            Value::Boolean(on) => *on,
            other => !matches!(other.to_string().trim_matches('\'').to_lowercase().as_str(), "false" | "off" | "0"),
        },
        Some(other) => !matches!(other.to_string().to_lowercase().as_str(), "false" | "off"),
    }
}

/// The text of a plan as rows.
pub fn rows(plan: &Plan, text: &str, took: Option<Duration>) -> Result<RecordBatch> {
    let time = took.map(|took| format!("Execution Time: {:.3} ms", took.as_secs_f64() * 1e3));
    let lines: StringArray = text.lines().map(str::to_string).chain(time).map(Some).collect();
    Ok(RecordBatch::try_new(plan.schema.clone(), vec![Arc::new(lines)])?)
}
