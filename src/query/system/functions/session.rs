//! Who and where one is.

use super::{Call, Entry};
use crate::base::error::did_you_mean;
use crate::base::name;
use crate::base::{Error, Kind, Result};
use crate::catalog::temporary;
use crate::query::system::page::Cell;
use crate::query::system::{oid, pg};

pub const ALL: &[Entry] = &[
    ("current_catalog() name", |_| Ok(name::database().into())),
    ("current_database() name", |_| Ok(name::database().into())),
    ("current_query() text", |_| Ok(Cell::Null)),
    ("current_role() name", user),
    ("current_schema() name", |call| Ok(on_path(call).first().cloned().into())),
    ("current_schemas(bool) name[]", schemas),
    ("current_setting(text) text", setting),
    ("current_setting(text, bool) text", setting),
    ("current_user() name", user),
    ("inet_client_addr() text", |_| Ok(Cell::Null)),
    ("inet_client_port() int4", |_| Ok(Cell::Null)),
    ("inet_server_addr() text", |_| Ok(Cell::Null)),
    ("inet_server_port() int4", |_| Ok(Cell::Null)),
    ("pg_backend_pid() int4", |call| Ok(call.scope.context.pid.into())),
    ("pg_conf_load_time() timestamptz", started_at),
    ("pg_current_xact_id() text", |call| Ok(call.objects().snapshot.lake.to_string().into())),
    ("pg_current_xact_id_if_assigned() text", |_| Ok(Cell::Null)),
    ("pg_is_in_recovery() bool", |_| Ok(false.into())),
    ("pg_is_other_temp_schema(oid) bool", |_| Ok(false.into())),
    ("pg_is_wal_replay_paused() bool", |_| Ok(false.into())),
    ("pg_my_temp_schema() oid", temporary_schema),
    ("pg_postmaster_start_time() timestamptz", started_at),
    ("pg_stat_get_numscans(oid) int8", |_| Ok(0.into())),
    ("session_user() name", user),
    ("set_config(text, text, bool) text", set),
    ("txid_current() int8", |call| Ok(call.objects().snapshot.lake.into())),
    ("txid_current_if_assigned() int8", |_| Ok(Cell::Null)),
    ("user() name", user),
    ("version() text", version),
];

fn user(call: &Call<'_>) -> Result<Cell> {
    Ok(call.scope.context.user.as_str().into())
}

/// The schemas of the search path that exist.
fn on_path(call: &Call<'_>) -> Vec<String> {
    let exists = |name: &&String| call.objects().namespaces.iter().any(|(_, known)| known == *name);
    // As in Postgres, the schema of temporary tables is looked up first and is not said to be.
    call.path().iter().filter(|name| *name != temporary::SCHEMA).filter(exists).cloned().collect()
}

fn schemas(call: &Call<'_>) -> Result<Cell> {
    let mut schemas = on_path(call);
    let implied = call.values.first() == Some(&Cell::Bool(true));
    if implied && !schemas.iter().any(|name| name == "pg_catalog") {
        schemas.insert(0, "pg_catalog".into());
    }
    if implied && call.path().iter().any(|name| name == temporary::SCHEMA) {
        schemas.insert(0, temporary::SCHEMA.into());
    }
    Ok(schemas.into())
}

fn setting(call: &Call<'_>) -> Result<Cell> {
    let Some(name) = call.text(0) else { return Ok(Cell::Null) };
    if let Some(value) = pg::parameter(call.scope.context, name) {
        return Ok(value.into());
    }
    if call.values.get(1) == Some(&Cell::Bool(true)) {
        return Ok(Cell::Null);
    }
    Err(unknown(call, name))
}

fn unknown(call: &Call<'_>, name: &str) -> Error {
    let known: Vec<_> = pg::parameters(call.scope.context).into_iter().map(|it| it.name).collect();
    Error::new(Kind::UndefinedObject, format!("unrecognized configuration parameter \"{name}\""))
        .hint(did_you_mean(name, known.iter().map(AsRef::as_ref)))
}

/// Tells the session what to set once the statement is done.
fn set(call: &Call<'_>) -> Result<Cell> {
    let (Some(name), Some(value)) = (call.text(0), call.text(1)) else { return Ok(Cell::Null) };
    if pg::parameter(call.scope.context, name).is_none() {
        return Err(unknown(call, name));
    }
    call.scope.context.settings_wanted.lock().push((name.to_string(), Some(value.to_string())));
    Ok(value.into())
}

fn started_at(call: &Call<'_>) -> Result<Cell> {
    Ok(Cell::Instant(call.scope.system.started_at.timestamp_micros()))
}

/// Clients read PostgreSQL's version from the front of it.
fn version(call: &Call<'_>) -> Result<Cell> {
    let postgres = pg::parameter(call.scope.context, "server_version").unwrap_or_else(|| "15.0".into());
    Ok(format!("PostgreSQL {postgres} (Aqueduct {})", env!("CARGO_PKG_VERSION")).into())
}

fn temporary_schema(call: &Call<'_>) -> Result<Cell> {
    let own = call.objects().snapshot.schemas.get(temporary::SCHEMA);
    Ok(own.map_or(0, |schema| oid::of_lake(schema.id)).into())
}
