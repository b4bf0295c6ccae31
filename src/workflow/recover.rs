//! Runs that a dead process left: each gets an ending, from what the store and the targets say.

use super::Workflows;
use super::execute::{deadline, unrecorded};
use super::record;
use super::run::{Ending, Run, Status};
use super::start::Leg;
use crate::base::clock::stamp;
use crate::base::{Error, Result};
use crate::store::{Row, Write};
use std::sync::Arc;

impl Workflows {
    /// Takes over every run that has not ended, with the next epoch, and sets it going again. Steps whose
    /// staged bytes are whole are not computed again; publications go forward by asking their target.
    pub async fn recover(self: &Arc<Self>) -> Result<usize> {
        let rows = self
            .catalog
            .store()
            .query("SELECT * FROM aqueduct_run WHERE finished_at IS NULL ORDER BY queued_at", &[])
            .await?;
        for row in &rows {
            let mut run = match Run::from_row(row) {
                Ok(run) => run,
                Err(error) => {
                    self.lose(row, &error).await?;
                    continue;
                }
            };
            run.epoch += 1;
            let status = row.text("status")?.to_string();
            let at = self.clock.now();
            let take = Write::new(
                "UPDATE aqueduct_run SET epoch = ? WHERE run_id = ?",
                [run.epoch.into(), run.id.clone().into()],
            );
            let note = record::event(&run, "recovered", &format!("was {status}"), at);
            self.write(vec![take, note]).await?;
            tracing::info!("{run}: recovered, it was {status}");
            self.go_on(run, &status);
        }
        Ok(rows.len())
    }

    /// A run that cannot be read any more has failed: one row must not keep the server from starting.
    async fn lose(&self, row: &Row, error: &Error) -> Result<()> {
        let (id, workflow) = (row.text("run_id")?.to_string(), row.text("workflow")?.to_string());
        let why = format!("it could not go on after a restart: {error}");
        tracing::error!("run {id} of {workflow}: {why}");
        let at = self.clock.now();
        let end = Write::new(
            "UPDATE aqueduct_run SET status = 'failed', reason = ?, finished_at = ? WHERE run_id = ?",
            [why.clone().into(), stamp(at).into(), id.clone().into()],
        );
        self.write(vec![end, record::object_event(&workflow, Some(&id), "failed", &why, at)]).await
    }

    /// A run whose tables were flipped only has to be concluded; any other is driven again.
    fn go_on(self: &Arc<Self>, run: Run, status: &str) {
        let leg = if status == Status::Finalizing.as_str() { Leg::Conclusion } else { Leg::Whole };
        self.go(run, leg);
    }

    /// Concludes a run that had begun to finalize. Never fails, as [`Workflows::drive`].
    pub(super) async fn finalize(&self, run: &Run) -> Ending {
        let concluded = match self.ending_before_finalizing(run).await {
            Ok(ending) => self.conclude(run, ending, deadline(run)).await,
            Err(error) => Err(error),
        };
        concluded.unwrap_or_else(|error| unrecorded(run, error))
    }
}
