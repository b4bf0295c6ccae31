//! `ON DELETE CASCADE`: rows that go with those that they refer to.

use super::Lake;
use super::constraints::{Changed, changed};
use super::deletes::Positions;
use super::keys::{Keys, in_thread};
use crate::base::Result;
use crate::catalog::{Action, Change, Snapshot, Table};
use std::sync::Arc;

impl Lake {
    /// Rows of one other table that go with rows that were there before; to be asked again with these gone, until
    /// there are none. A statement that also adds rows to a table has changed rows, and takes none along.
    pub async fn cascade(&self, before: &Snapshot, after: &Snapshot) -> Result<Option<(Arc<Table>, Vec<Change>)>> {
        let all = changed(before, after);
        for it in all.values().filter(|it| it.loses() && it.new_files().next().is_none()) {
            let own = it.after.rules.foreign_keys().filter(|(_, _, other, _)| *other == it.after.id);
            let own = own.map(|(name, ..)| (&it.after, name));
            for (child, name) in after.referring(it.after.id).chain(own).collect::<Vec<_>>() {
                if child.rules.on_delete(name) != Action::Cascade {
                    continue;
                }
                let positions = self.orphans(it, child, name).await?;
                if positions.rows() > 0 {
                    let deletes = self.delete(child, &positions).await?;
                    let gone = Change::DeleteRows { table: child.name.clone(), deletes };
                    return Ok(Some((child.clone(), vec![Change::Expect { table: child.clone(), rows: true }, gone])));
                }
            }
        }
        Ok(None)
    }

    /// The child's rows whose row in the table has gone.
    async fn orphans(&self, it: &Changed, child: &Arc<Table>, constraint: &str) -> Result<Positions> {
        let Some((columns, references)) = child.rules.foreign_key(constraint) else { return Ok(Positions::default()) };
        let known = Keys::new(&it.after, references)?;
        let keys = Keys::new(child, columns)?.comparable(&known);
        let gone = self.rows_that_go(it).await?;
        let there = self.parts(child, child.files.iter()).await?;
        in_thread(move || {
            let (missing, mut orphans) = (known.read_gone(&gone)?, Positions::default());
            for part in &there {
                keys.read_part(part, |key| {
                    if missing.contains(key.bytes) {
                        orphans.add(part.file, key.position);
                    }
                    Ok(())
                })?;
            }
            Ok(orphans)
        })
        .await
    }
}
