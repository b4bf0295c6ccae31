//! `EXPLAIN WHY`: from what is seen to its cause, as rows.

use super::Workflows;
use super::explain::text_rows;
use super::judge::counted;
use crate::base::{Error, Kind, Name, Result};
use crate::query::Rows;
use crate::store::Row;

/// What `EXPLAIN WHY` asks about.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// The last run of a workflow.
    Workflow(Name),
    Run(String),
}

type Line = Vec<Option<String>>;

impl Workflows {
    /// The run, then the step, check or publication that decided it, then evidence and what to type next.
    pub async fn why(&self, subject: &Subject) -> Result<Rows> {
        let store = self.catalog.store();
        let run = match subject {
            Subject::Run(id) => {
                let rows = store.query("SELECT * FROM aqueduct_run WHERE run_id = ?", &[id.clone().into()]).await?;
                rows.into_iter().next().ok_or_else(|| {
                    Error::new(Kind::UndefinedObject, format!("run \"{id}\" does not exist"))
                        .hint("SELECT run_id, workflow, status FROM aqueduct.runs".to_string())
                })?
            }
            Subject::Workflow(name) => {
                let last = "SELECT * FROM aqueduct_run WHERE workflow = ? ORDER BY queued_at DESC, run_id DESC LIMIT 1";
                let rows = store.query(last, &[name.to_string().into()]).await?;
                match rows.into_iter().next() {
                    Some(row) => row,
                    None => {
                        let workflow = self.catalog.snapshot().workflow(name)?.clone();
                        let what = if workflow.paused { "is paused and has never run" } else { "has never run" };
                        let next = if workflow.paused { "RESUME WORKFLOW" } else { "EXECUTE WORKFLOW" };
                        let line = line("workflow", &name.to_string(), what, None, Some(format!("{next} {name}")));
                        return text_rows(COLUMNS, &[line]);
                    }
                }
            }
        };
        let mut lines = self.run_lines(&run).await?;
        lines.extend(self.step_lines(&run).await?);
        lines.extend(self.check_lines(&run).await?);
        lines.extend(self.metric_lines(&run).await?);
        lines.extend(self.publication_lines(&run).await?);
        text_rows(COLUMNS, &lines)
    }

    async fn run_lines(&self, run: &Row) -> Result<Vec<Line>> {
        let (id, workflow, status) = (run.text("run_id")?, run.text("workflow")?, run.text("status")?);
        let reason = run.optional_text("reason")?.map(str::to_string);
        let next = match status {
            "blocked" => Some(format!("mend the data, then EXECUTE WORKFLOW {workflow}")),
            "failed" | "timed_out" | "canceled" => Some(format!("EXECUTE WORKFLOW {workflow}")),
            "skipped_overlap" => {
                Some("the run before it was still going: give it less to do, or OVERLAP BUFFER ONE".into())
            }
            "missed" => Some("the server was not there: CATCHUP says what to do with such ticks".into()),
            _ => None,
        };
        let params = format!("params {}", run.text("params")?);
        let models = format!("models {}", run.text("model_versions")?);
        Ok(vec![
            line("run", id, status, reason, next),
            line(
                "inputs",
                workflow,
                &format!("version {}", run.int("version")?),
                Some(format!("{params}, {models}")),
                None,
            ),
        ])
    }

    async fn step_lines(&self, run: &Row) -> Result<Vec<Line>> {
        let rows = self.catalog.store().query(
            "SELECT * FROM aqueduct_step_run WHERE run_id = ? AND status NOT IN ('succeeded', 'reused', 'staged') ORDER BY started_at, attempt",
            &[run.text("run_id")?.into()],
        ).await?;
        let mut lines = vec![];
        for row in rows {
            let state = match row.optional_text("sqlstate")? {
                Some(sqlstate) => format!("{}, attempt {} ({sqlstate})", row.text("status")?, row.int("attempt")?),
                None => row.text("status")?.to_string(),
            };
            let message = row.optional_text("message")?.or(row.optional_text("reason")?);
            let detail = row.optional_text("detail")?.map(|detail| format!("; {detail}")).unwrap_or_default();
            let what = message.map(|message| format!("{message}{detail}"));
            lines.push(line("step", row.text("step")?, &state, what, row.optional_text("hint")?.map(str::to_string)));
        }
        Ok(lines)
    }

    async fn check_lines(&self, run: &Row) -> Result<Vec<Line>> {
        let store = self.catalog.store();
        let id = run.text("run_id")?;
        let bad = "SELECT * FROM aqueduct_check_result WHERE run_id = ? AND status <> 'passed' ORDER BY at, check_name";
        let mut lines = vec![];
        for row in store.query(bad, &[id.into()]).await? {
            let check = row.text("check_name")?;
            let (failures, total, required) =
                (row.optional_int("failures")?, row.optional_int("total")?, row.text("threshold")?);
            let of_rows = required.starts_with("ROW COUNT");
            let found = match total {
                Some(_) if of_rows => counted(of_rows, failures, total),
                Some(_) => format!("{} of {}", counted(of_rows, failures, total), row.text("target")?),
                None => row.text("target")?.to_string(),
            };
            let message = row.optional_text("message")?.map(|message| format!(": {message}")).unwrap_or_default();
            let what = format!("{found}; required: {required}{message}");
            lines.push(line("check", check, row.text("status")?, Some(what), None));
            let sample = "SELECT failing_row FROM aqueduct_check_failure WHERE run_id = ? AND check_name = ? ORDER BY ordinal LIMIT 3";
            for failing in store.query(sample, &[id.into(), check.into()]).await? {
                lines.push(line("row", check, "", Some(failing.text("failing_row")?.to_string()), None));
            }
        }
        Ok(lines)
    }

    async fn metric_lines(&self, run: &Row) -> Result<Vec<Line>> {
        let rows = self.catalog.store().query(
            "SELECT metric, dimensions, value, status FROM aqueduct_metric_value WHERE run_id = ? AND status = 'out_of_bounds'",
            &[run.text("run_id")?.into()],
        ).await?;
        let mut lines = vec![];
        for row in rows {
            let value = row.real("value")?.map_or("null".to_string(), |value| value.to_string());
            let dimensions = row.optional_text("dimensions")?.unwrap_or_default().to_string();
            lines.push(line(
                "metric",
                row.text("metric")?,
                "out_of_bounds",
                Some(format!("{value} {dimensions}")),
                None,
            ));
        }
        Ok(lines)
    }

    async fn publication_lines(&self, run: &Row) -> Result<Vec<Line>> {
        let rows = self.catalog.store().query(
            "SELECT target, state, row_count, receipt FROM aqueduct_publication WHERE run_id = ? ORDER BY at, target",
            &[run.text("run_id")?.into()],
        ).await?;
        let mut lines = vec![];
        for row in rows {
            let state = row.text("state")?;
            let next = (state == "in_doubt")
                .then(|| "the target could not be asked; the next run or restart asks again".to_string());
            // A receipt begins with the rows.
            let what = match row.optional_text("receipt")? {
                Some(receipt) => receipt.to_string(),
                None => format!("{} rows", row.int("row_count")?),
            };
            lines.push(line("publication", row.text("target")?, state, Some(what), next));
        }
        if lines.is_empty() && run.optional_text("finished_at")?.is_some() {
            lines.push(line("publication", "", "none", Some("every target is as it was before".into()), None));
        }
        Ok(lines)
    }
}

const COLUMNS: &[&str] = &["kind", "object", "state", "because", "next"];

fn line(kind: &str, object: &str, state: &str, because: Option<String>, next: Option<String>) -> Line {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_string());
    vec![text(kind), text(object), text(state), because, next]
}
