//! The embedded store: SQLite in WAL mode, every commit on the disk before it is acknowledged.

use super::{Row, Value, Write, schema};
use crate::base::{Error, Kind, Result};
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Column, Row as _, Sqlite, TypeInfo, ValueRef};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The database file inside the data folder. DuckDB attaches this very file.
pub const FILE: &str = "aqueduct.db";

/// The open database: one connection that writes, a few that read.
#[derive(Clone, Debug)]
pub struct Store {
    writer: SqlitePool,
    readers: SqlitePool,
}

/// A write transaction; dropped without [`Transaction::commit`] it never happened.
pub struct Transaction {
    inner: sqlx::Transaction<'static, Sqlite>,
}

impl Store {
    /// Opens the store in `folder`, creating it or bringing its tables up to date.
    pub async fn open(folder: &Path) -> Result<Store> {
        let options = SqliteConnectOptions::new()
            .filename(folder.join(FILE))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL, not NORMAL: in WAL mode NORMAL acknowledges commits that a power cut takes back.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(30))
            .statement_cache_capacity(512);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone())
            .await
            .map_err(failed)?;
        let store = Store {
            readers: SqlitePoolOptions::new()
                .max_connections(4)
                .idle_timeout(None)
                .max_lifetime(None)
                .connect_with(options)
                .await
                .map_err(failed)?,
            writer,
        };
        schema::upgrade(&store).await?;
        Ok(store)
    }

    /// Starts a write transaction, waiting for the one before it.
    pub async fn begin(&self) -> Result<Transaction> {
        let inner = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        Ok(Transaction { inner })
    }

    /// All writes in one transaction, or none.
    pub async fn write(&self, writes: &[Write]) -> Result<()> {
        let mut transaction = self.begin().await?;
        for write in writes {
            transaction.execute(write).await?;
        }
        transaction.commit().await
    }

    /// Rows as of the last commit.
    pub async fn query(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
        let rows = bind(sql, values).fetch_all(&self.readers).await.map_err(failed)?;
        decode(&rows)
    }

    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl Transaction {
    /// Runs one statement and tells how many rows it changed.
    pub async fn execute(&mut self, write: &Write) -> Result<u64> {
        let done = bind(write.sql, &write.values).execute(&mut *self.inner).await.map_err(failed)?;
        Ok(done.rows_affected())
    }

    /// Rows as this transaction sees them.
    pub async fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
        let rows = bind(sql, values).fetch_all(&mut *self.inner).await.map_err(failed)?;
        decode(&rows)
    }

    /// Returns once the commit is on the disk.
    pub async fn commit(self) -> Result<()> {
        self.inner.commit().await.map_err(failed)
    }
}

fn bind<'q>(sql: &str, values: &[Value]) -> sqlx::query::Query<'q, Sqlite, SqliteArguments> {
    // Statements are constants of this crate; only their values come from users.
    let query = sqlx::query(AssertSqlSafe(sql.to_string()));
    values.iter().fold(query, |query, value| match value {
        Value::Null => query.bind(None::<i64>),
        Value::Int(value) => query.bind(*value),
        Value::Real(value) => query.bind(*value),
        Value::Text(value) => query.bind(value.clone()),
    })
}

fn decode(rows: &[SqliteRow]) -> Result<Vec<Row>> {
    let Some(first) = rows.first() else { return Ok(vec![]) };
    let names: Arc<[String]> = first.columns().iter().map(|column| column.name().to_string()).collect();
    rows.iter()
        .map(|row| {
            let values = (0..names.len()).map(|at| value(row, at)).collect::<Result<_>>()?;
            Ok(Row { names: names.clone(), values })
        })
        .collect()
}

fn value(row: &SqliteRow, at: usize) -> Result<Value> {
    let raw = row.try_get_raw(at).map_err(failed)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let ty = raw.type_info().name().to_string();
    let value = match ty.as_str() {
        "INTEGER" | "BOOLEAN" => row.try_get_unchecked::<i64, _>(at).map(Value::Int),
        "REAL" => row.try_get_unchecked::<f64, _>(at).map(Value::Real),
        _ => row.try_get_unchecked::<String, _>(at).map(Value::Text),
    };
    value.map_err(failed)
}

/// The store's faults are ours or the disk's, never the user's statement's.
fn failed(error: sqlx::Error) -> Error {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default().parse::<i32>().unwrap_or_default();
            match code & 0xff {
                5 | 6 => Error::new(Kind::ObjectInUse, "the store is locked by another process"),
                8 => Error::new(Kind::InsufficientPrivilege, "the store is read-only"),
                10 => Error::new(Kind::Io, format!("the store could not be read or written: {}", error.message())),
                11 | 26 => Error::new(Kind::DataCorrupted, format!("the store is damaged: {}", error.message())),
                13 => Error::new(Kind::DiskFull, "no space left for the store"),
                14 => Error::new(Kind::Io, "the store's file could not be opened"),
                19 => Error::new(Kind::UniqueViolation, error.message().to_string()),
                _ => Error::internal(format!("the store refused a statement: {}", error.message())),
            }
        }
        sqlx::Error::Io(error) => Error::from(error),
        sqlx::Error::PoolTimedOut => Error::new(Kind::ObjectInUse, "the store is busy"),
        sqlx::Error::PoolClosed => Error::new(Kind::Shutdown, "the store is closed"),
        other => Error::internal(format!("the store failed: {other}")),
    }
}
