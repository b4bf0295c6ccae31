//! From checked rows to rows that everybody can read, once.
//!
//! Targets of other systems first ([`super::outside`]); then all managed tables with the run's ledger in one commit, so
//! that readers here never run ahead of the copy outside.

use super::Workflows;
use super::audit::{Checked, SetAside};
use super::execute::{Computed, canceled};
use super::record::{self, Reservation};
use super::run::{Ending, Run, Status};
use super::stage::Staged;
use super::target::{self, ModeName};
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::workflow::{Mode, Step, Target, Violation};
use crate::catalog::{Change, Draft, Relation, Snapshot};
use crate::lake;
use crate::store::Write;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Commits that lose against another writer are decided again, at most so often.
const CONFLICTS_MAX: u32 = 20;

impl Workflows {
    pub(super) async fn publish(&self, run: &Run, mut computed: Computed) -> Result<Ending> {
        let mut writes = std::mem::take(&mut computed.writes);
        writes.extend(record::status(run, Status::Publishing, None, self.clock.now()));
        self.write(writes).await?;
        let _turns = self.turns(run).await?;
        if outside(run, &computed).next().is_some() {
            // What the managed tables will refuse must be refused before another system has its rows.
            let snapshot = self.catalog.snapshot();
            let (changes, _) = self.managed_changes(&snapshot, run, &computed).await?;
            self.draft(snapshot, changes, vec![]).await?;
        }
        for (step, checked) in outside(run, &computed) {
            self.publish_outside(run, step, checked).await?;
        }
        failpoint("before_flip")?;
        let warned = self.warned(run).await?;
        let status = if warned { Status::SucceededWithWarnings } else { Status::Succeeded };
        self.flip(run, &computed, status).await?;
        failpoint("after_flip")?;
        Ok(Ending { status, reason: None, error: None })
    }

    /// One publication at a time for each target: those of steps, and those that checks set rows aside into.
    /// A run that has begun to publish waits whatever happens; another may still be cancelled.
    async fn turns(&self, run: &Run) -> Result<Vec<tokio::sync::OwnedMutexGuard<()>>> {
        // In the order of their names, so that two runs cannot wait for each other.
        let targets = run.workflow.steps.iter().filter_map(|step| step.target.as_ref()).map(target::name);
        let quarantines = run.workflow.checks.iter().filter_map(|check| match &check.on_violation {
            Violation::Quarantine(table) => Some(table.to_string()),
            Violation::Warn | Violation::Block | Violation::DropRows => None,
        });
        let names: BTreeSet<String> = targets.chain(quarantines).collect();
        let begun = run.epoch > 1 && self.has_begun_to_publish(run).await?;
        let mut turns = vec![];
        for name in names {
            let turn = self.turns.lock().entry(name).or_default().clone();
            tokio::select! {
                turn = turn.lock_owned() => turns.push(turn),
                () = run.cancel.cancelled(), if !begun => return Err(canceled()),
            }
        }
        Ok(turns)
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
            let mut draft = self.draft(snapshot, changes, writes).await?;
            match self.lake.commit(&self.catalog, &mut draft, &run.user, &run.id).await {
                Ok(()) => return Ok(()),
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
        Ok((changes, writes))
    }

    /// The changes, after which all constraints hold.
    async fn draft(&self, snapshot: Arc<Snapshot>, changes: Vec<Change>, writes: Vec<Write>) -> Result<Draft> {
        let mut draft = Draft::on(snapshot, None);
        draft.add(changes, writes)?;
        let looked_at = self.lake.check_constraints(draft.base(), draft.snapshot()).await?;
        draft.constraints_hold(looked_at);
        Ok(draft)
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

/// A point at which a test can end the process as `kill -9` would: `AQUEDUCT_CRASH_AT=<name>`, debug builds only.
pub(super) fn failpoint(name: &str) -> Result<()> {
    #[cfg(debug_assertions)]
    if std::env::var("AQUEDUCT_CRASH_AT").is_ok_and(|at| at == name) {
        std::process::abort();
    }
    let _ = name;
    Ok(())
}
