//! From checked rows to rows that everybody can read, once.
//!
//! Targets of other systems first, each by its own atomic act that carries the
//! run's marker; then all managed tables with the run's ledger in one commit, so
//! that readers here never run ahead of the copy outside.

use super::Workflows;
use super::audit::{Checked, SetAside};
use super::execute::Computed;
use super::record::{self, Reservation};
use super::retry::backoff;
use super::run::{Ending, Run, Status};
use super::stage::Staged;
use super::target::{self, ModeName};
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::workflow::{Mode, Step, Target};
use crate::catalog::{Change, Commit, Relation, Snapshot};
use crate::connect::{Act, Marker, Receipt, Sink};
use crate::lake;
use crate::store::Write;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Commits that lose against another writer are decided again, at most so often.
const CONFLICTS_MAX: u32 = 20;

impl Workflows {
    pub(super) async fn publish_with_retry(&self, run: &Run, computed: Computed) -> Result<Ending> {
        self.transition(run, Status::Publishing, None).await?;
        let _turns = self.turns(run).await;
        let retry = run.workflow.run.retry.clone().unwrap_or_default();
        if outside(run, &computed).next().is_some() {
            // What the managed tables will refuse must be refused before another system has its rows.
            self.managed_changes(&self.catalog.snapshot(), run, &computed).await?;
        }
        for (step, checked) in outside(run, &computed) {
            for attempt in 1.. {
                let error = match self.publish_outside(run, step, checked).await {
                    Ok(()) => break,
                    Err(error) => error,
                };
                let Some(wait) = backoff(&retry, attempt, &error, rand::random()) else {
                    self.give_up(run, step, &error).await?;
                    return Err(error);
                };
                tracing::info!("{run}: publishing step {} is tried again: {error}", step.name);
                tokio::time::sleep(wait).await;
            }
        }
        failpoint("before_flip")?;
        let warned = self.warned(run).await?;
        let status = if warned { Status::SucceededWithWarnings } else { Status::Succeeded };
        self.flip(run, &computed, status).await?;
        failpoint("after_flip")?;
        Ok(Ending { status, reason: None, error: None })
    }

    /// One publication at a time for each target.
    async fn turns(&self, run: &Run) -> Vec<tokio::sync::OwnedMutexGuard<()>> {
        // In the order of their names, so that two runs cannot wait for each other.
        let names: std::collections::BTreeSet<String> =
            run.workflow.steps.iter().filter_map(|step| step.target.as_ref()).map(target::name).collect();
        let mut turns = vec![];
        for name in names {
            let turn = self.turns.lock().entry(name).or_default().clone();
            turns.push(turn.lock_owned().await);
        }
        turns
    }

    /// Reserve, act, receipt.
    async fn publish_outside(&self, run: &Run, step: &Step, checked: &Checked) -> Result<()> {
        let Some(to) = &step.target else { return Ok(()) };
        let name = target::name(to);
        let sink = self.sink(&self.catalog.snapshot(), to)?;
        let staged = checked.staged();
        sink.check(&staged.table.schema(), &step.mode).await?;
        self.settle_others(run, &name, sink.as_ref()).await?;
        let (seq, state) = self.reserved(run, step, &name, staged).await?;
        if state == "published" {
            return Ok(());
        }
        failpoint("reserved")?;
        let act = Act {
            marker: self.marker(run, &name, seq, run.epoch, &staged.sha256),
            mode: step.mode.clone(),
            spool: self.spool(staged),
        };
        let receipt = sink.publish(&act).await?;
        failpoint("acted")?;
        let at = self.clock.now();
        self.write(record::receipt(&run.id, &run.workflow.name.to_string(), &name, &receipt_text(&receipt), at)).await
    }

    /// The run's place in the order of this target's publications: taken now, or by a process before this one.
    async fn reserved(&self, run: &Run, step: &Step, name: &str, staged: &Staged) -> Result<(i64, String)> {
        let store = self.catalog.store();
        let mine = "SELECT seq, state FROM aqueduct_publication WHERE run_id = ? AND target = ?";
        if let Some(row) = store.query(mine, &[run.id.clone().into(), name.into()]).await?.first() {
            return Ok((row.int("seq")?, row.text("state")?.to_string()));
        }
        let seq = self.next_seq(name).await?;
        let mode = ModeName(&step.mode).to_string();
        let reservation =
            Reservation { target: name, step: &step.name, mode: &mode, seq, rows: staged.rows, sha256: &staged.sha256 };
        self.write(record::reserve(run, &reservation, self.clock.now())).await?;
        Ok((seq, "in_doubt".to_string()))
    }

    async fn next_seq(&self, name: &str) -> Result<i64> {
        let rows = self
            .catalog
            .store()
            .query("SELECT coalesce(max(seq), 0) + 1 AS seq FROM aqueduct_publication WHERE target = ?", &[name.into()])
            .await?;
        rows.first().map_or(Ok(1), |row| row.int("seq"))
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

    /// After the last attempt: ask once more; what cannot be asked stays in doubt.
    async fn give_up(&self, run: &Run, step: &Step, error: &Error) -> Result<()> {
        let Some(to) = &step.target else { return Ok(()) };
        let name = target::name(to);
        let mine = "SELECT seq, epoch, sha256 FROM aqueduct_publication WHERE run_id = ? AND target = ? AND state = 'in_doubt'";
        let rows = self.catalog.store().query(mine, &[run.id.clone().into(), name.clone().into()]).await?;
        let Some(row) = rows.first() else { return Ok(()) };
        let marker = self.marker(run, &name, row.int("seq")?, row.int("epoch")?, row.text("sha256")?);
        let act = self.act_again(run, &step.name, marker).await?;
        let probed = match self.sink(&self.catalog.snapshot(), to) {
            Ok(sink) => sink.probe(&act).await,
            Err(error) => Err(error),
        };
        match probed {
            Ok(landed) => self.settle(run, landed, &name, &error.message).await,
            Err(unknown) => {
                let note = record::event(run, "in_doubt", &format!("{name}: {unknown}"), self.clock.now());
                self.write(vec![note]).await
            }
        }
    }

    /// Records what the target said.
    async fn settle(&self, run: &Run, landed: Option<Receipt>, name: &str, otherwise: &str) -> Result<()> {
        let (workflow, at) = (run.workflow.name.to_string(), self.clock.now());
        self.write(match landed {
            Some(receipt) => record::receipt(&run.id, &workflow, name, &receipt_text(&receipt), at),
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

    /// All managed tables of the run and its ledger, in one commit.
    async fn flip(&self, run: &Run, computed: &Computed, status: Status) -> Result<()> {
        let unfinished = !run.workflow.finally.is_empty() || !computed.statements.is_empty();
        let state = if unfinished { Status::Finalizing } else { status };
        for _ in 0..CONFLICTS_MAX {
            let snapshot = self.catalog.snapshot();
            let (changes, mut writes) = self.managed_changes(&snapshot, run, computed).await?;
            let at = self.clock.now();
            writes.push(record::metrics_are(run, "published"));
            writes.extend(record::status(run, state, None, at));
            if unfinished {
                writes.push(record::event(run, "ending", status.as_str(), at));
            }
            let commit = Commit { changes, writes, author: run.user.clone(), message: run.id.clone() };
            match self.catalog.commit(commit).await {
                Ok(_) => return Ok(()),
                Err(error) if error.kind == Kind::SerializationFailure => continue,
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(Kind::SerializationFailure, "other statements kept changing the targets of the run"))
    }

    async fn managed_changes(
        &self,
        snapshot: &Snapshot,
        run: &Run,
        computed: &Computed,
    ) -> Result<(Vec<Change>, Vec<Write>)> {
        let (mut changes, mut writes) = (vec![], vec![]);
        for (step, checked) in of_steps(run, computed) {
            let Some(Target::Table(name)) = &step.target else { continue };
            changes.extend(self.changes(snapshot, name, &step.mode, checked.staged()).await?);
            let mode = ModeName(&step.mode).to_string();
            writes.extend(self.landed(run, &name.to_string(), &step.name, &mode, checked.staged()).await?);
        }
        let mut aside: BTreeMap<&Name, Vec<&Staged>> = BTreeMap::new();
        for SetAside { target, rows } in &computed.set_aside {
            aside.entry(target).or_default().push(rows.staged());
        }
        for (name, parts) in aside {
            let mut all = parts[0].clone();
            all.files = parts.iter().flat_map(|part| part.files.clone()).collect();
            all.rows = parts.iter().map(|part| part.rows).sum();
            changes.extend(self.changes(snapshot, name, &Mode::Append, &all).await?);
            writes.extend(self.landed(run, &name.to_string(), "quarantine", "append", &all).await?);
        }
        let mut held = self.lake.hold(snapshot, &changes).await?;
        held.extend(changes);
        Ok((held, writes))
    }

    async fn landed(&self, run: &Run, target: &str, step: &str, mode: &str, staged: &Staged) -> Result<Vec<Write>> {
        let seq = self.next_seq(target).await?;
        let it = Reservation { target, step, mode, seq, rows: staged.rows, sha256: &staged.sha256 };
        Ok(record::landed(run, &it, &format!("{} rows", staged.rows), self.clock.now()))
    }

    async fn changes(&self, snapshot: &Snapshot, name: &Name, mode: &Mode, staged: &Staged) -> Result<Vec<Change>> {
        let existing = match snapshot.relation(name) {
            Some(Relation::Table(table)) => Some(table.clone()),
            Some(_) => {
                return Err(Error::new(Kind::WrongObjectType, format!("target \"{name}\" is not a managed table")));
            }
            None => None,
        };
        let Some(table) = existing else {
            if let Mode::Upsert { key, .. } = mode {
                // For its errors: keys that are NULL or twice among the staged rows.
                self.lake.upsert(&staged.table, staged.files.clone(), key, false).await?;
            }
            return Ok(lake::publish::create(&staged.table, staged.files.clone()));
        };
        if *mode == Mode::Fail {
            return Err(Error::new(Kind::DuplicateTable, format!("relation \"{name}\" already exists")));
        }
        let same_shape = table.columns == staged.table.columns && table.rules == staged.table.rules;
        if table.folder == staged.table.folder && !same_shape {
            return Err(Error::new(Kind::WrongState, format!("target \"{name}\" was altered while the run was going"))
                .hint("execute the workflow again".to_string()));
        }
        if table.folder != staged.table.folder {
            if !staged.fits_new(&table) {
                return Err(Error::new(
                    Kind::WrongState,
                    format!("target \"{name}\" was made anew while the run was going"),
                )
                .hint("execute the workflow again".to_string()));
            }
            // Another run was the first to make it.
            self.lake.adopt(&table, &staged.table, &staged.files)?;
        }
        match mode {
            Mode::Replace => Ok(lake::publish::replace(&table, staged.files.clone())),
            Mode::Append => Ok(lake::publish::append(&table, staged.files.clone())),
            Mode::Fail => Err(Error::new(Kind::DuplicateTable, format!("relation \"{name}\" already exists"))),
            Mode::Upsert { key, delete_missing } => {
                self.lake.upsert(&table, staged.files.clone(), key, *delete_missing).await
            }
        }
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

    /// Whether a check of this run warned, in this process or one before.
    async fn warned(&self, run: &Run) -> Result<bool> {
        let rows = self
            .catalog
            .store()
            .query(
                "SELECT count(*) AS warned FROM aqueduct_check_result WHERE run_id = ? AND status = 'warned'",
                &[run.id.clone().into()],
            )
            .await?;
        rows.first().map_or(Ok(false), |row| Ok(row.int("warned")? > 0))
    }
}

/// Steps with their rows.
fn of_steps<'a>(run: &'a Run, computed: &'a Computed) -> impl Iterator<Item = (&'a Step, &'a Checked)> {
    computed.steps.iter().filter_map(|(name, checked)| {
        run.workflow.steps.iter().find(|step| step.name == *name).map(|step| (step, checked))
    })
}

/// Those whose target is another system.
fn outside<'a>(run: &'a Run, computed: &'a Computed) -> impl Iterator<Item = (&'a Step, &'a Checked)> {
    of_steps(run, computed).filter(|(step, _)| matches!(step.target, Some(Target::Remote { .. } | Target::File { .. })))
}

fn receipt_text(receipt: &Receipt) -> String {
    format!("{} rows, {}", receipt.rows, receipt.reference)
}

/// A point at which a test can end the process as `kill -9` would: `AQUEDUCT_CRASH_AT=<name>`, debug builds only.
pub(super) fn failpoint(name: &str) -> Result<()> {
    #[cfg(debug_assertions)]
    if std::env::var("AQUEDUCT_CRASH_AT").is_ok_and(|at| at == name) {
        std::process::abort();
    }
    let _ = name;
    Ok(())
}
