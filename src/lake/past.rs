//! Tables as they were.

use super::Lake;
use crate::base::clock::stamp;
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::{self, Table};
use crate::store::Store;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Which past.
#[derive(Clone, Debug, PartialEq)]
pub enum At {
    /// `FOR VERSION AS OF n`: the lake's snapshot.
    Version(i64),
    /// `FOR TIMESTAMP AS OF t`: the last snapshot at or before it.
    Timestamp(DateTime<Utc>),
    /// `FOR VERSION AS OF 'run id'`: the snapshot that the run's publication made.
    Run(String),
}

impl Lake {
    /// The table that had this name then.
    pub async fn table_at(&self, store: &Store, name: &Name, at: &At) -> Result<Arc<Table>> {
        let lake = version(store, at).await?;
        catalog::table_at(store, name, lake).await?.ok_or_else(|| {
            let text = name.to_string().replace('"', "");
            Error::new(Kind::UndefinedTable, format!("relation \"{text}\" did not exist at version {lake}"))
        })
    }
}

async fn version(store: &Store, at: &At) -> Result<i64> {
    let (sql, value) = match at {
        At::Version(version) => {
            ("SELECT max(snapshot_id) AS version FROM ducklake_snapshot WHERE snapshot_id = ?", (*version).into())
        }
        At::Timestamp(at) => {
            ("SELECT max(snapshot_id) AS version FROM ducklake_snapshot WHERE snapshot_time <= ?", stamp(*at).into())
        }
        At::Run(run) => (
            "SELECT max(snapshot_id) AS version FROM ducklake_snapshot_changes WHERE commit_message = ?",
            run.as_str().into(),
        ),
    };
    let rows = store.query(sql, &[value]).await?;
    let found = rows.first().map_or(Ok(None), |row| row.optional_int("version"))?;
    found.ok_or_else(|| {
        let message = match at {
            At::Version(version) => format!("version {version} does not exist"),
            At::Timestamp(at) => format!("there is no version as old as {}", stamp(*at)),
            At::Run(run) => format!("run \"{run}\" has published no version"),
        };
        Error::new(Kind::UndefinedObject, message)
    })
}
