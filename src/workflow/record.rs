//! The ledger: every row of the store that says what a run did, as writes.
//!
//! A transition and its event are written together, so that the history has no gap.

use super::run::{Run, Status};
use crate::base::Result;
use crate::base::clock::stamp;
use crate::store::{Value, Write};
use chrono::{DateTime, Utc};

/// A new run, queued. For a scheduled one the insert fails when the tick has its run already.
pub(super) fn claim(run: &Run, at: DateTime<Utc>) -> Result<Vec<Write>> {
    let insert = Write::new(
        "INSERT INTO aqueduct_run(run_id, workflow, version, trigger_kind, tick, scheduled_at, interval_start, interval_end,
           status, reason, attempt, epoch, lease_until, requested_by, params, model_versions, definition, queued_at,
           started_at, finished_at, cancel_requested)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', NULL, 1, 1, NULL, ?, ?, '{}', ?, ?, NULL, NULL, 0)",
        [
            run.id.clone().into(),
            run.workflow.name.to_string().into(),
            run.workflow.version.into(),
            run.trigger.as_str().into(),
            run.tick.map(stamp).into(),
            stamp(run.scheduled_at).into(),
            stamp(run.interval.0).into(),
            stamp(run.interval.1).into(),
            run.user.clone().into(),
            run.params_text()?.into(),
            serde_json::to_string(&*run.workflow).unwrap_or_default().into(),
            stamp(at).into(),
        ],
    );
    Ok(vec![insert, event(run, "queued", run.trigger.as_str(), at)])
}

/// A tick that gets no run, and why: `missed`, `skipped_overlap`.
pub(super) fn not_run(run: &Run, status: &'static str, reason: &str, at: DateTime<Utc>) -> Result<Vec<Write>> {
    let mut writes = claim(run, at)?;
    writes.push(Write::new(
        "UPDATE aqueduct_run SET status = ?, reason = ?, finished_at = ? WHERE run_id = ?",
        [status.into(), reason.into(), stamp(at).into(), run.id.clone().into()],
    ));
    writes.push(event(run, status, reason, at));
    Ok(writes)
}

/// The run moves to another state.
pub(super) fn status(run: &Run, status: Status, reason: Option<&str>, at: DateTime<Utc>) -> Vec<Write> {
    let started = matches!(status, Status::Running).then(|| stamp(at));
    let finished = status.is_final().then(|| stamp(at));
    vec![
        Write::new(
            "UPDATE aqueduct_run SET status = ?, reason = ?, epoch = ?, started_at = coalesce(started_at, ?),
               finished_at = coalesce(?, finished_at) WHERE run_id = ?",
            [
                status.as_str().into(),
                reason.map(str::to_string).into(),
                run.epoch.into(),
                started.into(),
                finished.into(),
                run.id.clone().into(),
            ],
        ),
        event(run, status.as_str(), reason.unwrap_or_default(), at),
    ]
}

/// The model versions that the run's plans were resolved to.
pub(super) fn models(run: &Run, models: &str) -> Write {
    Write::new("UPDATE aqueduct_run SET model_versions = ? WHERE run_id = ?", [models.into(), run.id.clone().into()])
}

/// One line of history.
pub(super) fn event(run: &Run, kind: &str, detail: &str, at: DateTime<Utc>) -> Write {
    object_event(&run.workflow.name.to_string(), Some(&run.id), kind, detail, at)
}

pub(super) fn object_event(object: &str, run_id: Option<&str>, kind: &str, detail: &str, at: DateTime<Utc>) -> Write {
    Write::new(
        "INSERT INTO aqueduct_event(at, object, run_id, kind, detail) VALUES (?, ?, ?, ?, ?)",
        [stamp(at).into(), object.into(), run_id.map(str::to_string).into(), kind.into(), detail.into()],
    )
}

/// What is known of one attempt of a step.
#[derive(Clone, Debug, Default)]
pub(super) struct StepRow<'a> {
    pub step: &'a str,
    pub attempt: u32,
    pub status: &'a str,
    pub reason: Option<String>,
    pub error: Option<&'a crate::base::Error>,
    pub rows_written: Option<u64>,
    pub rows_dropped: Option<u64>,
    pub rows_quarantined: Option<u64>,
    pub bytes: Option<u64>,
    /// What a restart needs to go on with the same bytes, as JSON.
    pub staged: Option<String>,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

impl<'a> StepRow<'a> {
    /// A first attempt that begins.
    pub fn starting(step: &'a str, started_at: DateTime<Utc>) -> Self {
        StepRow { step, attempt: 1, status: "running", started_at, ..StepRow::default() }
    }
}

/// The row of a step's attempt, in place of an earlier one, and its event.
pub(super) fn step(run: &Run, row: &StepRow<'_>, at: DateTime<Utc>) -> Vec<Write> {
    let count = |n: Option<u64>| Value::from(n.map(|n| n as i64));
    let upsert = Write::new(
        "INSERT INTO aqueduct_step_run(run_id, step, attempt, status, reason, sqlstate, message, detail, hint, rows_read,
           rows_written, rows_dropped, rows_quarantined, bytes, started_at, finished_at, staged)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT(run_id, step, attempt) DO UPDATE SET status = excluded.status, reason = excluded.reason,
           sqlstate = excluded.sqlstate, message = excluded.message, detail = excluded.detail, hint = excluded.hint,
           rows_written = excluded.rows_written, rows_dropped = excluded.rows_dropped,
           rows_quarantined = excluded.rows_quarantined, bytes = excluded.bytes, finished_at = excluded.finished_at,
           staged = excluded.staged",
        [
            run.id.clone().into(),
            row.step.into(),
            i64::from(row.attempt).into(),
            row.status.into(),
            row.reason.clone().into(),
            row.error.map(|error| error.sqlstate().to_string()).into(),
            row.error.map(|error| error.message.clone()).into(),
            row.error.and_then(|error| error.detail.clone()).into(),
            row.error.and_then(|error| error.hint.clone()).into(),
            count(row.rows_written),
            count(row.rows_dropped),
            count(row.rows_quarantined),
            count(row.bytes),
            stamp(row.started_at).into(),
            row.finished_at.map(stamp).into(),
            row.staged.clone().into(),
        ],
    );
    let detail = row.error.map_or_else(|| row.reason.clone().unwrap_or_default(), |error| error.message.clone());
    let kind = format!("step_{}", row.status);
    vec![upsert, object_event(&format!("{}.{}", run.workflow.name, row.step), Some(&run.id), &kind, &detail, at)]
}

/// Steps that had not ended when the run did.
pub(super) fn open_steps_are(
    run: &Run,
    status: &'static str,
    error: &crate::base::Error,
    at: DateTime<Utc>,
) -> Vec<Write> {
    let event = Write::new(
        "INSERT INTO aqueduct_event(at, object, run_id, kind, detail)
         SELECT ?, ? || '.' || step, run_id, ?, ? FROM aqueduct_step_run WHERE run_id = ? AND status IN ('running', 'staged')",
        [
            stamp(at).into(),
            run.workflow.name.to_string().into(),
            format!("step_{status}").into(),
            error.message.clone().into(),
            run.id.clone().into(),
        ],
    );
    let end = Write::new(
        "UPDATE aqueduct_step_run SET status = ?, sqlstate = ?, message = ?, finished_at = ?
         WHERE run_id = ? AND status IN ('running', 'staged')",
        [
            status.into(),
            error.sqlstate().to_string().into(),
            error.message.clone().into(),
            stamp(at).into(),
            run.id.clone().into(),
        ],
    );
    vec![event, end]
}

/// The result of a check in this run.
#[derive(Clone, Debug)]
pub(super) struct CheckRow {
    pub check: String,
    pub target: String,
    pub status: &'static str,
    pub failures: Option<i64>,
    pub total: Option<i64>,
    pub value: Option<f64>,
    pub threshold: String,
    pub message: Option<String>,
    /// Failing rows as JSON.
    pub sample: Vec<String>,
}

pub(super) fn check(run: &Run, row: &CheckRow, at: DateTime<Utc>) -> Vec<Write> {
    let ratio =
        row.failures.zip(row.total).filter(|(_, total)| *total > 0).map(|(bad, total)| bad as f64 / total as f64);
    let mut writes = vec![
        Write::new(
            "INSERT INTO aqueduct_check_result(run_id, check_name, target, status, failures, total, ratio, value, threshold, message, at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT(run_id, check_name) DO UPDATE SET status = excluded.status, failures = excluded.failures,
               total = excluded.total, ratio = excluded.ratio, value = excluded.value, message = excluded.message, at = excluded.at",
            [
                run.id.clone().into(),
                row.check.clone().into(),
                row.target.clone().into(),
                row.status.into(),
                row.failures.into(),
                row.total.into(),
                ratio.into(),
                row.value.into(),
                row.threshold.clone().into(),
                row.message.clone().into(),
                stamp(at).into(),
            ],
        ),
        Write::new(
            "DELETE FROM aqueduct_check_failure WHERE run_id = ? AND check_name = ?",
            [run.id.clone().into(), row.check.clone().into()],
        ),
    ];
    for (ordinal, failing) in row.sample.iter().enumerate() {
        writes.push(Write::new(
            "INSERT INTO aqueduct_check_failure(run_id, check_name, ordinal, failing_row) VALUES (?, ?, ?, ?)",
            [run.id.clone().into(), row.check.clone().into(), (ordinal as i64 + 1).into(), failing.clone().into()],
        ));
    }
    writes.push(event(run, &format!("check_{}", row.status), &row.check, at));
    writes
}

/// A metric's value; `status` is `staged` until the run is published, then `published`, or why it is not.
pub(super) fn metric(
    run: &Run,
    name: &str,
    dimensions: &str,
    value: Option<f64>,
    status: &str,
    at: DateTime<Utc>,
) -> Write {
    Write::new(
        "INSERT INTO aqueduct_metric_value(run_id, workflow, metric, dimensions, value, status, at) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT(run_id, metric, dimensions) DO UPDATE SET value = excluded.value, status = excluded.status, at = excluded.at",
        [
            run.id.clone().into(),
            run.workflow.name.to_string().into(),
            name.into(),
            dimensions.into(),
            value.into(),
            status.into(),
            stamp(at).into(),
        ],
    )
}

/// Takes back what an earlier attempt of the run measured.
pub(super) fn no_metric(run: &Run, name: &str) -> Write {
    Write::new(
        "DELETE FROM aqueduct_metric_value WHERE run_id = ? AND metric = ?",
        [run.id.clone().into(), name.into()],
    )
}

/// The run's metric values follow its fate.
pub(super) fn metrics_are(run: &Run, status: &'static str) -> Write {
    Write::new(
        "UPDATE aqueduct_metric_value SET status = ? WHERE run_id = ? AND status <> 'out_of_bounds'",
        [status.into(), run.id.clone().into()],
    )
}

/// A publication that is about to begin: from here on only the target knows whether it has landed.
/// One that was abandoned gives its row to the next.
pub(super) struct Reservation<'a> {
    pub target: &'a str,
    pub step: &'a str,
    pub mode: &'a str,
    pub seq: i64,
    pub rows: u64,
    pub sha256: &'a str,
}

pub(super) fn reserve(run: &Run, it: &Reservation<'_>, at: DateTime<Utc>) -> Vec<Write> {
    let mut writes = vec![Write::new(
        "DELETE FROM aqueduct_publication WHERE run_id = ? AND target = ? AND state = 'abandoned'",
        [run.id.clone().into(), it.target.into()],
    )];
    writes.extend(publication(run, it, "in_doubt", None, at));
    writes
}

/// A publication that landed in the same commit.
pub(super) fn landed(run: &Run, it: &Reservation<'_>, receipt: &str, at: DateTime<Utc>) -> Vec<Write> {
    publication(run, it, "published", Some(receipt), at)
}

fn publication(
    run: &Run,
    it: &Reservation<'_>,
    state: &'static str,
    receipt: Option<&str>,
    at: DateTime<Utc>,
) -> Vec<Write> {
    vec![
        Write::new(
            "INSERT INTO aqueduct_publication(run_id, target, step, mode, seq, epoch, state, row_count, sha256, receipt, at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                run.id.clone().into(),
                it.target.into(),
                it.step.into(),
                it.mode.into(),
                it.seq.into(),
                run.epoch.into(),
                state.into(),
                (it.rows as i64).into(),
                it.sha256.into(),
                receipt.map(str::to_string).into(),
                stamp(at).into(),
            ],
        ),
        event(run, if state == "published" { "published" } else { "publishing" }, it.target, at),
    ]
}

/// The target has said that the publication landed.
pub(super) fn receipt(run_id: &str, workflow: &str, target: &str, receipt: &str, at: DateTime<Utc>) -> Vec<Write> {
    vec![
        Write::new(
            "UPDATE aqueduct_publication SET state = 'published', receipt = ?, at = ? WHERE run_id = ? AND target = ?",
            [receipt.into(), stamp(at).into(), run_id.into(), target.into()],
        ),
        object_event(workflow, Some(run_id), "published", target, at),
    ]
}

/// The target has said that it did not land, and it will not be tried again.
pub(super) fn abandoned(run_id: &str, workflow: &str, target: &str, why: &str, at: DateTime<Utc>) -> Vec<Write> {
    vec![
        Write::new(
            "UPDATE aqueduct_publication SET state = 'abandoned', receipt = ?, at = ? WHERE run_id = ? AND target = ?",
            [why.into(), stamp(at).into(), run_id.into(), target.into()],
        ),
        object_event(workflow, Some(run_id), "publication_abandoned", target, at),
    ]
}
