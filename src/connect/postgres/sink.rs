//! Publishing to a table of a PostgreSQL server, exactly once.
//!
//! One transaction: lock the target's head row, record the run in the ledger, COPY the staged rows
//! into a temporary table, move them into the target, commit. When the answer to the COMMIT is
//! lost, the ledger has it, and is only asked under the same lock.

use super::column::quoted;
use super::encode::Encoder;
use super::fit::{Assignment, check_key, create, fit};
use super::ledger::Ledger;
use super::remote::{Remote, Session};
use super::shape::{self, Shape};
use super::write;
use crate::base::{Error, Kind, Result};
use crate::catalog::workflow::Mode;
use crate::connect::{Act, Guarantee, Receipt, Sink, Spool, spool};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use datafusion::arrow::datatypes::SchemaRef;
use futures::SinkExt;
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_postgres::types::{ToSql, Type as Wire};

/// Bytes of one piece of a COPY.
const PIECE: usize = 256 << 10;

/// A table of a server, to be published to.
pub(in crate::connect) struct PostgresSink {
    remote: Arc<Remote>,
    schema: String,
    table: String,
    ledger: Ledger,
}

impl PostgresSink {
    pub fn new(remote: Arc<Remote>, schema: &str, table: &str) -> Self {
        let ledger = Ledger::new(remote.options.ledger_schema.as_deref().unwrap_or(schema));
        PostgresSink { remote, schema: schema.to_string(), table: table.to_string(), ledger }
    }

    /// As the user says it.
    fn label(&self) -> String {
        format!("{}.{}.{}", self.remote.name, self.schema, self.table)
    }

    fn name(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.table))
    }

    /// Does the act, or finds that it is done.
    async fn act(&self, act: &Act) -> Result<Receipt> {
        let locked = self.ledger.lock(&self.remote, &act.marker).await?;
        if let Some(receipt) = self.ledger.receipt(&locked, &act.marker).await? {
            locked.session.give_back().await;
            return Ok(receipt);
        }
        locked.admit(&act.marker)?;
        if !self.ledger.record(&locked, act, mode_name(&act.mode)).await? {
            return Err(Error::internal("a ledger row must not appear while its head is locked"));
        }
        self.write(&locked.session, act).await?;
        let receipt = self.ledger.receipt(&locked, &act.marker).await?;
        locked.session.execute(&format!("{}; COMMIT", self.ledger.advance(&act.marker))).await?;
        locked.session.keep();
        self.remote.forget(&self.schema, &self.table);
        receipt.ok_or_else(|| Error::internal("a ledger row must be there once it is recorded"))
    }

    /// The rows of the act, inside the transaction that is open.
    async fn write(&self, session: &Session, act: &Act) -> Result<()> {
        let schema = &act.spool.schema;
        check_key(&act.mode, schema)?;
        let assignments = self.target(session, schema, &act.mode).await?;
        session.execute(&write::stage(&assignments)).await?;
        self.copy(session, &act.spool).await?;
        let mut unique = false;
        if let Mode::Upsert { key, .. } = &act.mode {
            self.check_keys(session, key).await?;
            unique = self.has_unique_index(session, key).await?;
        }
        for statement in write::statements(&self.name(), &assignments, &act.mode, unique) {
            session.execute(&statement).await?;
        }
        Ok(())
    }

    /// Looks at the target, which is created when there is none.
    async fn target(&self, session: &Session, schema: &SchemaRef, mode: &Mode) -> Result<Vec<Assignment>> {
        match shape::look_up(session, &self.schema, &self.table).await? {
            Some(_) if *mode == Mode::Fail => return Err(self.exists()),
            Some(shape) => return fit(&self.label(), &shape, schema),
            None => session.execute(&create(&self.name(), schema, mode)).await?,
        }
        match shape::look_up(session, &self.schema, &self.table).await? {
            Some(shape) => fit(&self.label(), &shape, schema),
            None => Err(Error::internal("a table must be there once it is created")),
        }
    }

    fn exists(&self) -> Error {
        Error::new(Kind::DuplicateTable, format!("target \"{}\" already exists", self.label()))
            .hint("MODE FAIL writes only what is not there yet".to_string())
    }

    async fn copy(&self, session: &Session, spool: &Spool) -> Result<()> {
        let statement = format!("COPY {} FROM STDIN (FORMAT binary)", write::STAGE);
        let copy = session.client.copy_in::<_, Bytes>(&statement).await.map_err(|error| session.failed(error))?;
        let mut copy = pin!(copy);
        let mut pieces = encoded(spool);
        while let Some(piece) = pieces.recv().await {
            // When the server has refused something, the reason is in its answer and not in the failed send.
            if copy.send(piece?).await.is_err() {
                break;
            }
        }
        let rows = copy.as_mut().finish().await.map_err(|error| session.failed(error))?;
        if rows != spool.rows {
            let message = format!("{rows} of {} staged rows arrived at \"{}\"", spool.rows, self.label());
            return Err(Error::new(Kind::DataCorrupted, message));
        }
        Ok(())
    }

    async fn check_keys(&self, session: &Session, key: &[String]) -> Result<()> {
        for (what, query) in write::bad_keys(key) {
            let rows = session.client.query_typed(&query, &[]).await.map_err(|error| session.failed(error))?;
            if let Some(row) = rows.first() {
                let value: String = row.try_get(0).map_err(|error| session.failed(error))?;
                let message = format!("upsert key ({}) {what} in the rows for \"{}\"", key.join(", "), self.label());
                return Err(Error::new(Kind::CardinalityViolation, message).detail(format!("the key is ({value})")));
            }
        }
        Ok(())
    }

    /// Whether a unique index has exactly the key's columns, so that ON CONFLICT can use it.
    async fn has_unique_index(&self, session: &Session, key: &[String]) -> Result<bool> {
        let query = "SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid \
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
            WHERE n.nspname = $1 AND c.relname = $2 AND i.indisunique AND i.indisvalid AND i.indimmediate \
            AND i.indpred IS NULL AND i.indexprs IS NULL AND \
            (SELECT pg_catalog.array_agg(a.attname::text ORDER BY a.attname::text) FROM pg_catalog.pg_attribute a \
             WHERE a.attrelid = c.oid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])) = $3";
        let mut sorted = key.to_vec();
        sorted.sort();
        let parameters: [(&(dyn ToSql + Sync), Wire); 3] =
            [(&self.schema, Wire::TEXT), (&self.table, Wire::TEXT), (&sorted, Wire::TEXT_ARRAY)];
        let rows = session.client.query_typed(query, &parameters).await.map_err(|error| session.failed(error))?;
        Ok(!rows.is_empty())
    }

    /// Refuses what the role may not do to the table in this mode.
    async fn check_privileges(&self, session: &Session, shape: Option<&Shape>, mode: &Mode) -> Result<()> {
        let needed = match (shape, mode) {
            (None, _) => {
                return self.check_create(session).await;
            }
            (Some(_), Mode::Append | Mode::Fail) => vec!["INSERT"],
            (Some(_), Mode::Replace) => vec!["INSERT", "DELETE"],
            (Some(_), Mode::Upsert { delete_missing: true, .. }) => vec!["INSERT", "UPDATE", "DELETE", "SELECT"],
            (Some(_), Mode::Upsert { delete_missing: false, .. }) => vec!["INSERT", "UPDATE", "SELECT"],
        };
        let name = self.name();
        let query = "SELECT p FROM pg_catalog.unnest($2) p WHERE NOT pg_catalog.has_table_privilege($1, p)";
        let parameters: [(&(dyn ToSql + Sync), Wire); 2] = [(&name, Wire::TEXT), (&needed, Wire::TEXT_ARRAY)];
        let rows = session.client.query_typed(query, &parameters).await.map_err(|error| session.failed(error))?;
        let Some(row) = rows.first() else { return Ok(()) };
        let missing: String = row.try_get(0).map_err(|error| session.failed(error))?;
        Err(self
            .denied(&format!("GRANT {} ON {name} TO {}", needed.join(", "), quoted(&self.remote.options.user)))
            .detail(format!("{missing} on the table is missing")))
    }

    async fn check_create(&self, session: &Session) -> Result<()> {
        let schema = quoted(&self.schema);
        let query = "SELECT pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace($1), 'CREATE')";
        let rows = session.client.query_typed(query, &[(&schema, Wire::TEXT)]).await;
        let rows = rows.map_err(|error| session.failed(error))?;
        let allowed = rows.first().map(|row| row.try_get::<_, Option<bool>>(0)).transpose();
        match allowed.map_err(|error| session.failed(error))?.flatten() {
            Some(true) => Ok(()),
            Some(false) => {
                let user = quoted(&self.remote.options.user);
                Err(self.denied(&format!("GRANT CREATE ON SCHEMA {schema} TO {user}")))
            }
            None => Err(session
                .named(Error::new(Kind::UndefinedSchema, format!("schema \"{}\" does not exist", self.schema)))
                .hint(format!("create it on the server: CREATE SCHEMA {schema}"))),
        }
    }

    fn denied(&self, grant: &str) -> Error {
        let message = format!("user \"{}\" may not publish to \"{}\"", self.remote.options.user, self.label());
        Error::new(Kind::InsufficientPrivilege, message).hint(format!("on the server: {grant}"))
    }
}

#[async_trait]
impl Sink for PostgresSink {
    fn guarantee(&self) -> Guarantee {
        Guarantee::ExactlyOnce
    }

    async fn check(&self, schema: &SchemaRef, mode: &Mode) -> Result<()> {
        check_key(mode, schema)?;
        Encoder::new(schema)?;
        let session = self.remote.begin_read().await?;
        let shape = shape::look_up(&session, &self.schema, &self.table).await?;
        match &shape {
            Some(_) if *mode == Mode::Fail => return Err(self.exists()),
            Some(shape) => drop(fit(&self.label(), shape, schema)?),
            None => {}
        }
        self.check_privileges(&session, shape.as_ref(), mode).await?;
        self.ledger.check(&session).await?;
        session.give_back().await;
        Ok(())
    }

    async fn publish(&self, act: &Act) -> Result<Receipt> {
        match self.act(act).await {
            // The COMMIT may have landed: only the ledger knows. When it cannot be asked, the act stays in doubt.
            Err(lost) if lost.kind == Kind::ConnectionFailure => match self.probe(act).await {
                Ok(Some(receipt)) => Ok(receipt),
                Ok(None) | Err(_) => Err(lost),
            },
            other => other,
        }
    }

    async fn probe(&self, act: &Act) -> Result<Option<Receipt>> {
        let locked = self.ledger.lock(&self.remote, &act.marker).await?;
        let receipt = self.ledger.receipt(&locked, &act.marker).await?;
        let end = match receipt {
            None if !locked.overtaken(&act.marker) => format!("{}; COMMIT", self.ledger.fence(&act.marker)),
            _ => "ROLLBACK".to_string(),
        };
        locked.session.execute(&end).await?;
        locked.session.keep();
        Ok(receipt)
    }
}

fn mode_name(mode: &Mode) -> &'static str {
    match mode {
        Mode::Replace => "replace",
        Mode::Append => "append",
        Mode::Fail => "fail",
        Mode::Upsert { delete_missing: false, .. } => "upsert",
        Mode::Upsert { delete_missing: true, .. } => "upsert delete missing",
    }
}

/// The staged rows as pieces of a COPY, made on a thread that may wait for the disk.
fn encoded(spool: &Spool) -> mpsc::Receiver<Result<Bytes>> {
    let (send, receive) = mpsc::channel(4);
    let spool = spool.clone();
    tokio::task::spawn_blocking(move || {
        if let Err(error) = encode(&spool, &send) {
            // Nobody listens when the server has refused something; then its error is the one to tell.
            let _ = send.blocking_send(Err(error));
        }
    });
    receive
}

fn encode(spool: &Spool, send: &mpsc::Sender<Result<Bytes>>) -> Result<()> {
    let encoder = Encoder::new(&spool.schema)?;
    let mut out = BytesMut::with_capacity(2 * PIECE);
    encoder.header(&mut out);
    for batch in spool::batches(spool) {
        encoder.batch(&batch?, &mut out)?;
        while out.len() >= PIECE {
            let piece = out.split_to(PIECE.min(out.len())).freeze();
            if send.blocking_send(Ok(piece)).is_err() {
                return Ok(());
            }
        }
    }
    encoder.trailer(&mut out);
    let _ = send.blocking_send(Ok(out.freeze()));
    Ok(())
}
