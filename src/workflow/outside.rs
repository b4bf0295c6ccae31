//! Publishing to other systems, exactly once: reserve, act, receipt.
//!
//! A reservation is in doubt until the target has said what became of the act. After an error or a
//! restart the target is asked; our own state never answers for it. One publication of a target is in
//! doubt at a time, and what the target does not have is reserved anew before it is tried again.

use super::Workflows;
use super::audit::Checked;
use super::execute::canceled;
use super::publish::failpoint;
use super::record::{self, Reservation};
use super::retry::backoff;
use super::run::Run;
use super::stage::Staged;
use super::target::{self, ModeName};
use crate::base::{Error, Result};
use crate::catalog::Snapshot;
use crate::catalog::workflow::{Step, Target};
use crate::connect::{Act, Marker, Receipt, Sink};
use std::sync::Arc;

impl Workflows {
    /// One step's rows to its target, as often as RETRY allows.
    pub(super) async fn publish_outside(&self, run: &Run, step: &Step, checked: &Checked) -> Result<()> {
        let Some(to) = &step.target else { return Ok(()) };
        let retry = run.workflow.run.retry.clone().unwrap_or_default();
        for attempt in 1.. {
            let Err(error) = self.attempt_outside(run, step, to, checked.staged()).await else { break };
            let last = match backoff(&retry, attempt, &error, rand::random()) {
                None => error,
                Some(wait) => {
                    tracing::info!("{run}: publishing step {} is tried again: {error}", step.name);
                    tokio::select! {
                        () = tokio::time::sleep(wait) => continue,
                        () = run.cancel.cancelled() => canceled(),
                    }
                }
            };
            if self.has_landed_after_all(run, step, to, &last).await? {
                break;
            }
            return Err(last);
        }
        Ok(())
    }

    async fn attempt_outside(&self, run: &Run, step: &Step, to: &Target, staged: &Staged) -> Result<()> {
        let name = target::name(to);
        let sink = self.sink(&self.catalog.snapshot(), to)?;
        let seq = match self.reservation(run, &name).await? {
            Some((_, State::Published)) => return Ok(()),
            Some((seq, State::InDoubt)) => seq,
            // The target has said that an earlier act will never land: this is another one.
            Some((_, State::Abandoned)) | None => {
                sink.check(&staged.table.schema(), &step.mode).await?;
                self.settle_others(run, &name, sink.as_ref()).await?;
                self.reserve(run, step, &name, staged).await?
            }
        };
        failpoint("reserved")?;
        let act = Act {
            marker: self.marker(run, &name, seq, run.epoch, &staged.sha256),
            mode: step.mode.clone(),
            spool: self.spool(staged),
        };
        let receipt = sink.publish(&act).await?;
        failpoint("acted")?;
        self.settle(run, Some(receipt), &name, "").await
    }

    /// The run's own publication of a target, made now or by a process before this one.
    async fn reservation(&self, run: &Run, name: &str) -> Result<Option<(i64, State)>> {
        let mine = "SELECT seq, state FROM aqueduct_publication WHERE run_id = ? AND target = ?";
        let rows = self.catalog.store().query(mine, &[run.id.clone().into(), name.into()]).await?;
        rows.first().map(|row| Ok((row.int("seq")?, State::of(row.text("state")?)?))).transpose()
    }

    /// Takes the next place in the order of the target's publications.
    async fn reserve(&self, run: &Run, step: &Step, name: &str, staged: &Staged) -> Result<i64> {
        let seq = self.next_seq(name).await?;
        let mode = ModeName(&step.mode).to_string();
        let reservation =
            Reservation { target: name, step: &step.name, mode: &mode, seq, rows: staged.rows, sha256: &staged.sha256 };
        self.write(record::reserve(run, &reservation, self.clock.now())).await?;
        Ok(seq)
    }

    pub(super) async fn next_seq(&self, name: &str) -> Result<i64> {
        let rows = self
            .catalog
            .store()
            .query("SELECT coalesce(max(seq), 0) + 1 AS seq FROM aqueduct_publication WHERE target = ?", &[name.into()])
            .await?;
        rows.first().map_or(Ok(1), |row| row.int("seq"))
    }

    /// Whether an act of the run may have landed somewhere: then no wish to cancel it undoes that.
    pub(super) async fn has_begun_to_publish(&self, run: &Run) -> Result<bool> {
        let begun = "SELECT target FROM aqueduct_publication WHERE run_id = ? AND state IN ('in_doubt', 'published')";
        Ok(!self.catalog.store().query(begun, &[run.id.clone().into()]).await?.is_empty())
    }

    /// A publication of another run that is still in doubt is settled first, by asking the target.
    async fn settle_others(&self, run: &Run, name: &str, sink: &dyn Sink) -> Result<()> {
        let doubts = self
            .catalog
            .store()
            .query(
                "SELECT r.*, p.seq AS seq, p.epoch AS act_epoch, p.sha256 AS sha256, p.step AS step FROM aqueduct_publication p
                 JOIN aqueduct_run r ON r.run_id = p.run_id WHERE p.target = ? AND p.state = 'in_doubt' AND p.run_id <> ?",
                &[name.into(), run.id.clone().into()],
            )
            .await?;
        for row in doubts {
            let other = Run::without_params(&row)?;
            let marker = self.marker(&other, name, row.int("seq")?, row.int("act_epoch")?, row.text("sha256")?);
            let act = self.act_again(&other, row.text("step")?, marker).await?;
            self.settle(&other, sink.probe(&act).await?, name, "the target does not have it").await?;
        }
        Ok(())
    }

    /// After the last attempt: asks once more. What cannot be asked stays in doubt.
    async fn has_landed_after_all(&self, run: &Run, step: &Step, to: &Target, error: &Error) -> Result<bool> {
        let name = target::name(to);
        let mine = "SELECT seq, epoch, sha256 FROM aqueduct_publication WHERE run_id = ? AND target = ? AND state = 'in_doubt'";
        let rows = self.catalog.store().query(mine, &[run.id.clone().into(), name.clone().into()]).await?;
        let Some(row) = rows.first() else { return Ok(false) };
        let marker = self.marker(run, &name, row.int("seq")?, run.epoch, row.text("sha256")?);
        let act = self.act_again(run, &step.name, marker).await?;
        let probed = match self.sink(&self.catalog.snapshot(), to) {
            Ok(sink) => sink.probe(&act).await,
            Err(error) => Err(error),
        };
        match probed {
            Ok(receipt) => {
                let landed = receipt.is_some();
                self.settle(run, receipt, &name, &error.message).await?;
                Ok(landed)
            }
            Err(unknown) => {
                let note = record::event(run, "in_doubt", &format!("{name}: {unknown}"), self.clock.now());
                self.write(vec![note]).await?;
                Ok(false)
            }
        }
    }

    /// Records what the target said.
    async fn settle(&self, run: &Run, landed: Option<Receipt>, name: &str, otherwise: &str) -> Result<()> {
        let (workflow, at) = (run.workflow.name.to_string(), self.clock.now());
        self.write(match landed {
            Some(receipt) => {
                let text = format!("{} rows, {}", receipt.rows, receipt.reference);
                record::receipt(&run.id, &workflow, name, &text, at)
            }
            None => record::abandoned(&run.id, &workflow, name, otherwise, at),
        })
        .await
    }

    /// The act of a publication that was begun, from the ledger's note of its staged rows.
    async fn act_again(&self, run: &Run, step: &str, marker: Marker) -> Result<Act> {
        let rows = self
            .catalog
            .store()
            .query(
                "SELECT staged FROM aqueduct_step_run WHERE run_id = ? AND step = ? AND staged IS NOT NULL ORDER BY attempt DESC LIMIT 1",
                &[run.id.clone().into(), step.into()],
            )
            .await?;
        let note = rows.first().map(|row| row.text("staged")).transpose()?.unwrap_or_default();
        let mode = run.workflow.steps.iter().find(|other| other.name == step).map(|step| step.mode.clone());
        Ok(Act { marker, mode: mode.unwrap_or_default(), spool: self.spool_of(note)? })
    }

    fn marker(&self, run: &Run, target: &str, seq: i64, epoch: i64, sha256: &str) -> Marker {
        Marker {
            server: self.server.clone(),
            target: target.to_string(),
            run_id: run.id.clone(),
            seq,
            epoch,
            sha256: sha256.to_string(),
        }
    }

    pub(super) fn sink(&self, snapshot: &Snapshot, target: &Target) -> Result<Arc<dyn Sink>> {
        self.connections.sink(target, snapshot)
    }
}

/// What is known of a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Only the target knows.
    InDoubt,
    Published,
    /// The target does not have it, and will not.
    Abandoned,
}

impl State {
    fn of(text: &str) -> Result<State> {
        match text {
            "in_doubt" => Ok(State::InDoubt),
            "published" => Ok(State::Published),
            "abandoned" => Ok(State::Abandoned),
            other => Err(Error::internal(format!("the state of a publication must be known, it is \"{other}\""))),
        }
    }
}
