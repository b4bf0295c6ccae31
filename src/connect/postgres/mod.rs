//! PostgreSQL: read by binary COPY, published to by one transaction that carries the marker.
//!
//! This is our own reader on tokio-postgres and not datafusion-table-providers: that one brings a
//! further TLS stack, refuses a whole table for one `jsonb` column, sends our functions to the
//! server, and inserts with literals at a tenth of the speed of COPY.

mod catalog;
mod column;
mod decode;
mod encode;
mod error;
mod filter;
mod fit;
mod ledger;
mod literal;
mod options;
mod read;
mod remote;
mod shape;
mod sink;
mod table;
mod tls;
mod write;

use super::kind::{ConnectionKind, ConnectionOption, option};
pub(super) use catalog::RemoteCatalog;
pub(super) use remote::Remote;
pub(super) use sink::PostgresSink;

pub(super) const KIND: ConnectionKind = ConnectionKind {
    name: "postgres",
    summary: "A database of a PostgreSQL server (12 or later), as a catalog: its schemas and their tables.",
    options: &[
        option("host", "localhost", "Name or address of the server, or the folder of its Unix socket."),
        option("port", "5432", "Port of the server."),
        option("dbname", "the user's name", "Name of the database."),
        option("user", "", "Role to log in as; required."),
        ConnectionOption { name: "password", default: "", summary: "The role's password.", secret: true },
        option("sslmode", "prefer", "`disable`, `prefer`, `require` (encrypted) or `verify-full` (and authenticated)."),
        option("sslrootcert", "the public ones", "PEM file of the certificate authorities that `verify-full` trusts."),
        option("connect_timeout", "10", "Seconds to wait for a connection."),
        option("application_name", "aqueduct", "Name of the connections in the server's `pg_stat_activity`."),
        option("ledger_schema", "the target's", "Schema of the tables in which publications are recorded."),
    ],
};
