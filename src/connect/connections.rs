//! The way to everything outside: connections, external tables, sinks.

use super::Sink;
use super::file::{ExternalTable, FORMATS, FileFormat, FileSink, infer};
use super::kind::{ConnectionKind, KINDS, kind_of};
use super::postgres::{PostgresSink, Remote, RemoteCatalog};
use crate::base::{Error, Name, Result, Roots, Type};
use crate::catalog::workflow::Target;
use crate::catalog::{Connection, External, Secret, SecretSource, Snapshot};
use datafusion::catalog::{CatalogProvider, TableProvider};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// A column of an external table: name, type, nullable.
pub type ExternalColumn = (String, Type, bool);

/// What `TEST CONNECTION` answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Tested {
    /// The other system's own name and version.
    pub version: String,
    /// Time to connect and to ask once.
    pub latency: Duration,
    /// Tables that the connection may read.
    pub tables: u64,
}

/// Other systems, with the open connections to them.
#[derive(Debug)]
pub struct Connections {
    roots: Roots,
    io: Handle,
    /// By the connection's name.
    remotes: Mutex<HashMap<String, Arc<Remote>>>,
}

impl Connections {
    /// `io` is the runtime that serves sockets: queries may run on another one.
    pub fn new(roots: Roots, io: Handle) -> Self {
        Connections { roots, io, remotes: Mutex::default() }
    }

    /// Every format of files with its options, for the manual.
    pub fn formats() -> &'static [FileFormat] {
        FORMATS
    }

    /// Every kind of connection with its options, for the manual.
    pub fn kinds() -> &'static [ConnectionKind] {
        KINDS
    }

    /// Refuses a definition with an unknown kind, option or value, without connecting.
    pub fn check(&self, connection: &Connection) -> Result<()> {
        kind_of(connection)?;
        Remote::new(connection, None, self.roots.clone(), self.io.clone()).map(drop)
    }

    /// The connection as a catalog. Nothing is asked of the other system until a table is looked up.
    pub fn catalog(&self, connection: &Connection, snapshot: &Snapshot) -> Result<Arc<dyn CatalogProvider>> {
        Ok(Arc::new(RemoteCatalog(self.remote(connection, snapshot)?)))
    }

    /// Names of the tables and views that can be read through a connection.
    pub async fn tables(&self, connection: &Connection, snapshot: &Snapshot) -> Result<Vec<Name>> {
        self.remote(connection, snapshot)?.tables().await
    }

    /// Connects anew, and asks for the version and the tables.
    pub async fn test(&self, connection: &Connection, snapshot: &Snapshot) -> Result<Tested> {
        self.remote(connection, snapshot)?.test().await
    }

    /// The external table, ready to be scanned. Its files are looked for when it is.
    pub fn external(&self, external: &External) -> Result<Arc<dyn TableProvider>> {
        Ok(Arc::new(ExternalTable::new(self.roots.clone(), external)?))
    }

    /// The columns of an external table that was created without any; refuses unknown formats and options.
    pub async fn infer(
        &self,
        format: &str,
        location: &str,
        options: &BTreeMap<String, String>,
    ) -> Result<Vec<ExternalColumn>> {
        let (roots, format, location, options) =
            (self.roots.clone(), format.to_string(), location.to_string(), options.clone());
        let columns = tokio::task::spawn_blocking(move || infer(&roots, &format, &location, &options)).await;
        columns.map_err(|error| Error::internal(format!("reading columns must not panic: {error}")))?
    }

    /// Where rows for `target` go; a managed table is no such target.
    pub fn sink(&self, target: &Target, snapshot: &Snapshot) -> Result<Arc<dyn Sink>> {
        match target {
            Target::Remote { connection, schema, table } => {
                let remote = self.remote(snapshot.connection(connection)?, snapshot)?;
                Ok(Arc::new(PostgresSink::new(remote, schema, table)))
            }
            Target::File { uri, format } => Ok(Arc::new(FileSink::new(self.roots.clone(), uri, format)?)),
            Target::Table(name) => Err(Error::internal(format!("managed table \"{name}\" must not be a sink"))),
        }
    }

    /// Closes what is open to connections that are gone.
    pub fn prune(&self, snapshot: &Snapshot) {
        self.remotes.lock().retain(|name, _| snapshot.connections.contains_key(name));
    }

    /// One line for each secret that is kept here and cannot be read.
    pub fn verify(&self, snapshot: &Snapshot) -> Vec<String> {
        let kept = |secret: &&Arc<Secret>| matches!(secret.source, SecretSource::Value(_));
        let read = |secret: &Arc<Secret>| super::secret::value(secret, &self.roots).err();
        snapshot.secrets.values().filter(kept).filter_map(read).map(|error| error.to_string()).collect()
    }

    /// The server of a connection, with the sessions that are open already unless the definition changed.
    fn remote(&self, connection: &Connection, snapshot: &Snapshot) -> Result<Arc<Remote>> {
        kind_of(connection)?;
        let password = connection.secrets.get("password").map(|name| snapshot.secret(name).cloned()).transpose()?;
        let mut remotes = self.remotes.lock();
        if let Some(remote) = remotes.get(&connection.name).filter(|remote| remote.is(connection, password.as_ref())) {
            return Ok(Arc::clone(remote));
        }
        let remote = Arc::new(Remote::new(connection, password, self.roots.clone(), self.io.clone())?);
        remotes.insert(connection.name.clone(), Arc::clone(&remote));
        Ok(remote)
    }
}
