//! What an engine does for its own folder: the end of files that nobody will ask for again.

use super::Engine;
use crate::base::Result;
use crate::base::clock::{Clock, SystemClock};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;
use std::time::Duration;

/// How often files older than that are looked for.
const PERIOD: Duration = Duration::from_secs(6 * 3600);

impl Engine {
    /// Removes what has been kept long enough, now and then, until the engine stops.
    pub(super) async fn keep_up(self: Arc<Self>) {
        loop {
            match self.tidy().await {
                Ok(0) => {}
                Ok(files) => tracing::info!("{files} staged files of old runs were removed"),
                Err(error) => tracing::warn!("old staged files could not be removed: {error}"),
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    async fn tidy(&self) -> Result<usize> {
        let before = self.kept_since().await?;
        Ok(self.lake.collect(self.catalog.store(), before).await?.len())
    }

    /// Files written since then may belong to a transaction that is open, to a run that goes on, or to one
    /// that somebody still wants to look at.
    pub(super) async fn kept_since(&self) -> Result<DateTime<Utc>> {
        // Files carry the machine's time, whatever clock the engine has.
        let age = SystemClock.now() - TimeDelta::days(self.config.spool_days.max(1).into());
        let held = [self.workflows.oldest_open_run().await?, self.lake.held_since()];
        Ok(held.into_iter().flatten().fold(age, DateTime::min))
    }
}
