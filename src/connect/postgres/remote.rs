//! One connection's server: how to reach it, sessions kept open, what is known of its tables.

use super::error::{failed, unreachable};
use super::options::Options;
use super::shape::{self, Shape};
use super::tls;
use crate::base::{Error, Kind, Name, Result, Roots};
use crate::catalog::{Connection, Secret};
use crate::connect::{Tested, secret};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio_postgres::Client;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Sessions that wait for their next use, and for how long.
const IDLE_SESSIONS_MAX: usize = 8;
const IDLE: Duration = Duration::from_secs(30);
/// For how long the shape of a table is believed.
const FRESH: Duration = Duration::from_secs(5);

/// What a session is told before it reads or writes, so that nothing depends on the server's or the
/// role's settings. In the transaction and not at login: a pooler between us forgets the latter.
pub(super) const SETTINGS: &str = "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; \
    SET LOCAL IntervalStyle = 'postgres'; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; \
    SET LOCAL standard_conforming_strings = on";

/// A PostgreSQL database behind a connection.
pub(in crate::connect) struct Remote {
    /// The connection's name.
    pub name: String,
    pub options: Options,
    definition: Connection,
    password: Option<Arc<Secret>>,
    roots: Roots,
    io: Handle,
    idle: Mutex<Vec<(Instant, Arc<Client>, Facts)>>,
    shapes: Mutex<HashMap<Name, (Instant, Arc<Shape>)>>,
}

/// What a server said of itself at login.
#[derive(Clone, Debug)]
pub(in crate::connect) struct Facts {
    pub version: String,
    /// Whether any text can be sent to it.
    pub utf8: bool,
}

impl Remote {
    pub fn new(definition: &Connection, password: Option<Arc<Secret>>, roots: Roots, io: Handle) -> Result<Self> {
        Ok(Remote {
            name: definition.name.clone(),
            options: Options::read(definition)?,
            definition: definition.clone(),
            password,
            roots,
            io,
            idle: Mutex::default(),
            shapes: Mutex::default(),
        })
    }

    /// Whether this is what the definition still says.
    pub fn is(&self, definition: &Connection, password: Option<&Arc<Secret>>) -> bool {
        self.definition == *definition && self.password.as_ref() == password
    }

    /// A session inside a transaction that `statements` opened.
    pub async fn begin(self: &Arc<Self>, statements: &str) -> Result<Session> {
        // A server that went away since the last use shows only now; a new session then tells the truth.
        while let Some(session) = self.idle_session() {
            match session.client.batch_execute(statements).await {
                Ok(()) => return Ok(session),
                Err(error) => match failed(&self.name, &error) {
                    gone if gone.kind == Kind::ConnectionFailure => {}
                    error => return Err(error),
                },
            }
        }
        let session = self.connect().await?;
        session.client.batch_execute(statements).await.map_err(|error| failed(&self.name, &error))?;
        Ok(session)
    }

    /// A transaction that can only read, each statement on a snapshot of its own.
    pub async fn begin_read(self: &Arc<Self>) -> Result<Session> {
        self.begin(&format!("BEGIN READ ONLY; {SETTINGS}")).await
    }

    fn idle_session(self: &Arc<Self>) -> Option<Session> {
        let mut idle = self.idle.lock();
        idle.retain(|(since, client, _)| since.elapsed() < IDLE && !client.is_closed());
        let (_, client, facts) = idle.pop()?;
        Some(Session { client, facts, remote: Arc::clone(self), busy: true })
    }

    /// A session of its own, logged in now.
    pub async fn connect(self: &Arc<Self>) -> Result<Session> {
        let tls = self.tls()?;
        let mut config = tokio_postgres::Config::new();
        config
            .host(&self.options.host)
            .port(self.options.port)
            .dbname(&self.options.dbname)
            .user(&self.options.user)
            .ssl_mode(self.options.encryption.ssl_mode())
            .connect_timeout(self.options.connect_timeout)
            .application_name(&self.options.application_name)
            .keepalives_idle(Duration::from_secs(30));
        if let Some(secret) = &self.password {
            config.password(secret::value(secret, &self.roots)?);
        }
        let login = self.io.spawn(async move {
            let (client, connection) = config.connect(tls).await?;
            let parameter = |name| connection.parameter(name).unwrap_or_default().to_string();
            let facts = Facts { version: parameter("server_version"), utf8: parameter("server_encoding") == "UTF8" };
            // The driver's own end says nothing that the next use of the client would not say.
            tokio::spawn(async move { drop(connection.await) });
            Ok((client, facts))
        });
        // The driver bounds only the first packet; a server that accepts and is silent is unreachable as well.
        let Ok(login) = tokio::time::timeout(self.options.connect_timeout, login).await else {
            return Err(Error::new(
                Kind::ConnectionFailure,
                format!("connection \"{}\": could not connect to {}: timed out", self.name, self.options.place()),
            ));
        };
        let (client, facts) = login
            .map_err(|_| Error::new(Kind::Shutdown, "the server is shutting down"))?
            .map_err(|error| unreachable(&self.name, &self.options, &error))?;
        Ok(Session { client: Arc::new(client), facts, remote: Arc::clone(self), busy: true })
    }

    fn tls(&self) -> Result<MakeRustlsConnect> {
        tls::connector(&self.options, &self.roots)
    }

    /// The columns of a table, `None` when there is no such table. Believed for a few seconds.
    pub async fn shape(self: &Arc<Self>, schema: &str, table: &str) -> Result<Option<Arc<Shape>>> {
        let key = Name::new(schema, table);
        if let Some((since, shape)) = self.shapes.lock().get(&key)
            && since.elapsed() < FRESH
        {
            return Ok(Some(Arc::clone(shape)));
        }
        let session = self.begin_read().await?;
        let Some(shape) = shape::look_up(&session, schema, table).await? else {
            session.give_back().await;
            return Ok(None);
        };
        session.give_back().await;
        let shape = Arc::new(shape);
        self.shapes.lock().insert(key, (Instant::now(), Arc::clone(&shape)));
        Ok(Some(shape))
    }

    /// Every table and view that the role may read.
    pub async fn tables(self: &Arc<Self>) -> Result<Vec<Name>> {
        let session = self.begin_read().await?;
        let tables = shape::tables(&session).await?;
        session.give_back().await;
        Ok(tables)
    }

    /// Logs in anew, so that nothing that is open already hides a fault.
    pub async fn test(self: &Arc<Self>) -> Result<Tested> {
        let started = Instant::now();
        let session = self.connect().await?;
        session.execute("SELECT 1").await?;
        let latency = started.elapsed();
        let tables = shape::tables(&session).await?.len() as u64;
        let version = format!("PostgreSQL {}", session.facts.version);
        session.keep();
        Ok(Tested { version, latency, tables })
    }

    /// Forgets what a table looks like, after an error or a change.
    pub fn forget(&self, schema: &str, table: &str) {
        self.shapes.lock().remove(&Name::new(schema, table));
    }
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Remote({})", self.name)
    }
}

/// A login that is in use. Dropped in the middle of something, it cancels that on the server.
pub(in crate::connect) struct Session {
    pub client: Arc<Client>,
    pub facts: Facts,
    remote: Arc<Remote>,
    busy: bool,
}

impl Session {
    /// Names the connection in an error of this session.
    pub fn failed(&self, error: tokio_postgres::Error) -> Error {
        failed(&self.remote.name, &error)
    }

    /// Names the connection in an error of ours.
    pub fn named(&self, error: Error) -> Error {
        let message = format!("connection \"{}\": {}", self.remote.name, error.message);
        Error { message, ..error }
    }

    /// Runs statements that return nothing.
    pub async fn execute(&self, statements: &str) -> Result<()> {
        self.client.batch_execute(statements).await.map_err(|error| self.failed(error))
    }

    /// Ends a transaction in which nothing was written and keeps the session for its next use.
    pub async fn give_back(self) {
        if self.client.batch_execute("ROLLBACK").await.is_ok() {
            self.keep();
        }
    }

    /// Keeps the session, which is in no transaction, for its next use.
    pub fn keep(mut self) {
        self.busy = false;
        let mut idle = self.remote.idle.lock();
        if idle.len() < IDLE_SESSIONS_MAX {
            idle.push((Instant::now(), Arc::clone(&self.client), self.facts.clone()));
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.busy || self.client.is_closed() {
            return;
        }
        let token = self.client.cancel_token();
        if let Ok(tls) = self.remote.tls() {
            // Nobody waits for the answer: the session ends either way.
            self.remote.io.spawn(async move { drop(token.cancel_query(tls).await) });
        }
    }
}
