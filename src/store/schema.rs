//! The store's tables and their versions.

use super::{Store, Write};
use crate::base::{Error, Kind, Result};

/// One script per format; `scripts[n]` leads from format n to n + 1, and says so at its end. Statements end in
/// `;` at a line's end.
const SCRIPTS: &[&str] = &[
    concat!(include_str!("../../sql/store/001_ducklake.sql"), "\n", include_str!("../../sql/store/001_aqueduct.sql")),
    include_str!("../../sql/store/002_aqueduct.sql"),
];

/// Brings the tables to this binary's format, in one transaction. A newer store is refused.
pub(super) async fn upgrade(store: &Store) -> Result<()> {
    let mut transaction = store.begin().await?;
    let found = transaction.query("PRAGMA user_version", &[]).await?;
    let format = found.first().map_or(Ok(0), |row| row.int("user_version"))? as usize;
    if format > SCRIPTS.len() {
        return Err(Error::new(
            Kind::WrongState,
            format!("the store has format {format}, this binary knows up to {}", SCRIPTS.len()),
        )
        .hint("start a newer aqueduct on this data folder".to_string()));
    }
    if format == SCRIPTS.len() {
        return Ok(());
    }
    for script in &SCRIPTS[format..] {
        for statement in script.split_inclusive(";\n").map(str::trim).filter(|statement| !statement.is_empty()) {
            transaction.execute(&Write::new(statement, [])).await?;
        }
    }
    transaction.commit().await
}
