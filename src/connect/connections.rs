//! The way to everything outside: connections, external tables, sinks.

use super::Sink;
use super::kind::{ConnectionKind, KINDS, kind_of};
use crate::base::{Error, Name, Result, Roots, Type};
use crate::catalog::workflow::Target;
use crate::catalog::{Connection, External, Snapshot};
use datafusion::catalog::{CatalogProvider, TableProvider};
use std::collections::BTreeMap;
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
    #[allow(dead_code)]
    roots: Roots,
    #[allow(dead_code)]
    io: Handle,
}

impl Connections {
    /// `io` is the runtime that serves sockets: queries may run on another one.
    pub fn new(roots: Roots, io: Handle) -> Self {
        Connections { roots, io }
    }

    /// Every kind of connection with its options, for the manual.
    pub fn kinds() -> &'static [ConnectionKind] {
        KINDS
    }

    /// Refuses a definition with an unknown kind or option, without connecting.
    pub fn check(&self, connection: &Connection) -> Result<()> {
        kind_of(connection).map(drop)
    }

    /// The connection as a catalog. Nothing is asked of the other system until a table is looked up.
    pub fn catalog(&self, connection: &Connection, snapshot: &Snapshot) -> Result<Arc<dyn CatalogProvider>> {
        let _ = (connection, snapshot);
        Err(Error::unsupported("connections are not ready yet"))
    }

    /// Names of the tables and views that can be read through a connection.
    pub async fn tables(&self, connection: &Connection, snapshot: &Snapshot) -> Result<Vec<Name>> {
        let _ = (connection, snapshot);
        Err(Error::unsupported("connections are not ready yet"))
    }

    /// Connects and asks for the version.
    pub async fn test(&self, connection: &Connection, snapshot: &Snapshot) -> Result<Tested> {
        let _ = (connection, snapshot);
        Err(Error::unsupported("connections are not ready yet"))
    }

    /// The external table, ready to be scanned. Its files are looked for when it is.
    pub fn external(&self, external: &External) -> Result<Arc<dyn TableProvider>> {
        let _ = external;
        Err(Error::unsupported("external tables are not ready yet"))
    }

    /// The columns of an external table that was created without any; refuses unknown formats and options.
    pub async fn infer(
        &self,
        format: &str,
        location: &str,
        options: &BTreeMap<String, String>,
    ) -> Result<Vec<ExternalColumn>> {
        let _ = (format, location, options);
        Err(Error::unsupported("external tables are not ready yet"))
    }

    /// Where rows for `target` go; a managed table is no such target.
    pub fn sink(&self, target: &Target, snapshot: &Snapshot) -> Result<Arc<dyn Sink>> {
        let _ = (target, snapshot);
        Err(Error::unsupported("sinks are not ready yet"))
    }
}
