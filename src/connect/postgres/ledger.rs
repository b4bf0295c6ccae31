//! The record of publications inside the target's database, and the lock that orders them.
//!
//! `aqueduct_ledger` has a row for each publication that landed, written in the transaction that
//! made the rows visible. `aqueduct_ledger_head` has a row for each target. Whoever publishes or
//! asks locks that row first: then no older transaction can still be about to commit, and what
//! the ledger does not have will never be in it.

use super::column::quoted;
use super::literal::text_literal;
use super::remote::{Remote, SETTINGS, Session};
use crate::base::{Error, Kind, Result};
use crate::connect::{Act, Marker, Receipt};
use std::sync::Arc;
use tokio_postgres::types::{ToSql, Type as Wire};

/// A lock is waited for this long: by then the server has ended a transaction whose client is gone.
const WAITS: &str = "SET LOCAL lock_timeout = '60s'; SET LOCAL statement_timeout = 0; \
    SET LOCAL idle_in_transaction_session_timeout = '50s'";

/// The two tables in one schema.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    schema: String,
    ledger: String,
    head: String,
}

/// A transaction that holds the head row of a target.
pub(super) struct Locked {
    pub session: Session,
    head: Head,
}

#[derive(Debug)]
struct Head {
    run_id: String,
    seq: i64,
    epoch: i64,
}

impl Ledger {
    pub fn new(schema: &str) -> Self {
        let table = |name| format!("{}.{}", quoted(schema), quoted(name));
        Ledger { schema: schema.to_string(), ledger: table("aqueduct_ledger"), head: table("aqueduct_ledger_head") }
    }

    /// Opens the transaction of an act: the head row is there, ours, and says what came before.
    pub async fn lock(&self, remote: &Arc<Remote>, marker: &Marker) -> Result<Locked> {
        let session = match remote.begin(&self.enter(marker)).await {
            Err(error) if error.kind == Kind::UndefinedTable => {
                self.create(remote).await?;
                remote.begin(&self.enter(marker)).await?
            }
            other => other?,
        };
        // READ COMMITTED, so that what is read after the lock is what was committed before it was given.
        session.execute(&format!("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {SETTINGS}; {WAITS}")).await?;
        let query =
            format!("SELECT run_id, seq, epoch FROM {} WHERE server = $1 AND target = $2 FOR UPDATE", self.head);
        let row = self.one(&session, &query, &[(&marker.server, Wire::TEXT), (&marker.target, Wire::TEXT)]).await?;
        let row = row.ok_or_else(|| Error::new(Kind::DataCorrupted, format!("a row of {} was deleted", self.head)))?;
        let head = (|| Ok(Head { run_id: row.try_get(0)?, seq: row.try_get(1)?, epoch: row.try_get(2)? }))()
            .map_err(|error| session.failed(error))?;
        Ok(Locked { session, head })
    }

    /// Makes sure that the head row is there, in a transaction of its own: one that only the act would
    /// create could not be locked by who asks about that act.
    fn enter(&self, marker: &Marker) -> String {
        format!(
            "INSERT INTO {} (server, target) VALUES ({}, {}) ON CONFLICT DO NOTHING",
            self.head,
            text_literal(&marker.server),
            text_literal(&marker.target),
        )
    }

    /// Creates the tables, unless somebody else does at the same time.
    async fn create(&self, remote: &Arc<Remote>) -> Result<()> {
        let tables = self.definition();
        let statements = format!("BEGIN; SELECT pg_catalog.pg_advisory_xact_lock(4711814720260105); {tables}; COMMIT");
        match remote.begin(&statements).await {
            Ok(session) => {
                session.keep();
                Ok(())
            }
            Err(error) if error.kind == Kind::InsufficientPrivilege => Err(self.forbidden(&error.message)),
            Err(error) => Err(error),
        }
    }

    fn definition(&self) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} (server text NOT NULL, target text NOT NULL, \
             run_id text NOT NULL DEFAULT '', seq bigint NOT NULL DEFAULT 0, epoch bigint NOT NULL DEFAULT 0, \
             PRIMARY KEY (server, target)); \
             CREATE TABLE IF NOT EXISTS {} (server text NOT NULL, target text NOT NULL, run_id text NOT NULL, \
             seq bigint NOT NULL, epoch bigint NOT NULL, mode text NOT NULL, rows bigint NOT NULL, \
             sha256 text NOT NULL, transaction_id text NOT NULL DEFAULT pg_catalog.txid_current()::text, \
             published_at timestamptz NOT NULL DEFAULT pg_catalog.now(), PRIMARY KEY (server, target, run_id))",
            self.head, self.ledger
        )
    }

    fn forbidden(&self, message: &str) -> Error {
        Error::new(Kind::InsufficientPrivilege, message)
            .detail(format!("publications are recorded in {} and {}", self.head, self.ledger))
            .hint(format!(
                "let the role create tables in schema \"{}\", or have its owner run: {}",
                self.schema,
                self.definition()
            ))
    }

    /// Refuses a role that could not record a publication.
    pub async fn check(&self, session: &Session) -> Result<()> {
        let query = "SELECT pg_catalog.to_regnamespace($1) IS NOT NULL, \
            coalesce(pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace($1), 'CREATE'), false) OR \
            (coalesce(pg_catalog.has_table_privilege(pg_catalog.to_regclass($2), 'SELECT, INSERT, UPDATE'), false) \
             AND coalesce(pg_catalog.has_table_privilege(pg_catalog.to_regclass($3), 'SELECT, INSERT'), false))";
        let quoted_schema = quoted(&self.schema);
        let parameters: [(&(dyn ToSql + Sync), Wire); 3] =
            [(&quoted_schema, Wire::TEXT), (&self.head, Wire::TEXT), (&self.ledger, Wire::TEXT)];
        let Some(row) = self.one(session, query, &parameters).await? else {
            return Err(Error::internal("a SELECT of values must give a row"));
        };
        let flags = (|| Ok((row.try_get::<_, bool>(0)?, row.try_get::<_, bool>(1)?)))();
        match flags.map_err(|error| session.failed(error))? {
            (false, _) => {
                Err(session
                    .named(Error::new(Kind::UndefinedSchema, format!("schema \"{}\" does not exist", self.schema))))
            }
            (true, false) => Err(self.forbidden("the role may not record publications")),
            (true, true) => Ok(()),
        }
    }

    async fn one(
        &self,
        session: &Session,
        query: &str,
        parameters: &[(&(dyn ToSql + Sync), Wire)],
    ) -> Result<Option<tokio_postgres::Row>> {
        let rows = session.client.query_typed(query, parameters).await.map_err(|error| session.failed(error))?;
        Ok(rows.into_iter().next())
    }

    /// The receipt of an act that landed.
    pub async fn receipt(&self, locked: &Locked, marker: &Marker) -> Result<Option<Receipt>> {
        let query = format!(
            "SELECT rows, transaction_id FROM {} WHERE server = $1 AND target = $2 AND run_id = $3",
            self.ledger
        );
        let parameters: [(&(dyn ToSql + Sync), Wire); 3] =
            [(&marker.server, Wire::TEXT), (&marker.target, Wire::TEXT), (&marker.run_id, Wire::TEXT)];
        let Some(row) = self.one(&locked.session, &query, &parameters).await? else { return Ok(None) };
        let receipt = (|| {
            let rows: i64 = row.try_get(0)?;
            Ok(Receipt { rows: rows as u64, reference: format!("transaction {}", row.try_get::<_, String>(1)?) })
        })();
        receipt.map(Some).map_err(|error| locked.session.failed(error))
    }

    /// Records the act inside its own transaction; `false` when it is recorded already.
    pub async fn record(&self, locked: &Locked, act: &Act, mode: &str) -> Result<bool> {
        let statement = format!(
            "INSERT INTO {} (server, target, run_id, seq, epoch, mode, rows, sha256) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            self.ledger
        );
        let (marker, rows) = (&act.marker, act.spool.rows as i64);
        let parameters: [(&(dyn ToSql + Sync), Wire); 8] = [
            (&marker.server, Wire::TEXT),
            (&marker.target, Wire::TEXT),
            (&marker.run_id, Wire::TEXT),
            (&marker.seq, Wire::INT8),
            (&marker.epoch, Wire::INT8),
            (&mode, Wire::TEXT),
            (&rows, Wire::INT8),
            (&marker.sha256, Wire::TEXT),
        ];
        let session = &locked.session;
        let recorded = session.client.execute_typed(&statement, &parameters).await;
        Ok(recorded.map_err(|error| session.failed(error))? == 1)
    }

    /// What moves the head to this act; later in the same transaction.
    pub fn advance(&self, marker: &Marker) -> String {
        format!(
            "UPDATE {} SET run_id = {}, seq = greatest(seq, {}), epoch = {} WHERE server = {} AND target = {}",
            self.head,
            text_literal(&marker.run_id),
            marker.seq,
            marker.epoch,
            text_literal(&marker.server),
            text_literal(&marker.target),
        )
    }

    /// What keeps an older epoch of the same run from landing after we have said that it did not.
    pub fn fence(&self, marker: &Marker) -> String {
        format!(
            "UPDATE {} SET run_id = {}, epoch = {} WHERE server = {} AND target = {}",
            self.head,
            text_literal(&marker.run_id),
            marker.epoch,
            text_literal(&marker.server),
            text_literal(&marker.target),
        )
    }
}

impl Locked {
    /// Whether a later owner of the same run was here.
    pub fn overtaken(&self, marker: &Marker) -> bool {
        self.head.run_id == marker.run_id && marker.epoch < self.head.epoch
    }

    /// Refuses an act that comes too late: its run has a newer owner, or a later publication was here.
    pub fn admit(&self, marker: &Marker) -> Result<()> {
        let head = &self.head;
        let reason = if self.overtaken(marker) {
            format!("run {} continues with epoch {}, this is epoch {}", head.run_id, head.epoch, marker.epoch)
        } else if marker.seq > 0 && marker.seq <= head.seq {
            format!("publication {} was here, this is publication {}", head.seq, marker.seq)
        } else {
            return Ok(());
        };
        let message = format!("publication to \"{}\" comes too late", marker.target);
        Err(Error::new(Kind::WrongState, message).detail(reason))
    }
}
