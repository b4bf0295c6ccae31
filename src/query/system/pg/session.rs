//! The sessions: what each does, what the asking one has open, and the advisory locks of all.

use crate::base::name;
use crate::query::system::oid;
use crate::query::system::page::{Cell, Page, row};
use crate::query::system::schema::Scope;
use crate::query::system::sessions::{Key, Mode};
use chrono::{DateTime, Utc};

fn instant(at: DateTime<Utc>) -> Cell {
    Cell::Instant(at.timestamp_micros())
}

pub fn pg_stat_activity(scope: &Scope<'_>) -> Page {
    let rows = scope.system.sessions.activities().into_iter().map(|it| {
        let wait =
            it.waits.then_some(("Lock", "advisory")).or((it.state != "active").then_some(("Client", "ClientRead")));
        row![
            oid::DATABASE,
            name::database(),
            it.pid,
            oid::ROLE,
            it.user,
            it.application,
            it.client.map(|client| client.ip().to_canonical().to_string()),
            it.client.map_or(-1, |client| i64::from(client.port())),
            instant(it.started_at),
            it.transaction_at.map_or(Cell::Null, instant),
            it.query_at.map_or(Cell::Null, instant),
            instant(it.changed_at),
            wait.map(|(kind, _)| kind.to_string()),
            wait.map(|(_, event)| event.to_string()),
            it.state,
            it.query,
            "client backend",
        ]
    });
    Page::of(
        [
            "datid",
            "datname",
            "pid",
            "usesysid",
            "usename",
            "application_name",
            "client_addr",
            "client_port",
            "backend_start",
            "xact_start",
            "query_start",
            "state_change",
            "wait_event_type",
            "wait_event",
            "state",
            "query",
            "backend_type",
        ],
        rows,
    )
}

pub fn pg_cursors(scope: &Scope<'_>) -> Page {
    let open = scope.context.member.as_ref().map(|member| member.cursors.lock().clone()).unwrap_or_default();
    let rows =
        open.into_iter().map(|it| row![it.name, it.statement, it.hold, it.binary, it.scroll, instant(it.made_at)]);
    Page::of(["name", "statement", "is_holdable", "is_binary", "is_scrollable", "creation_time"], rows)
}

pub fn pg_prepared_statements(scope: &Scope<'_>) -> Page {
    let kept = scope.context.member.as_ref().map(|member| member.prepared.lock().clone()).unwrap_or_default();
    let rows = kept.into_iter().map(|(name, it)| {
        let oids: Vec<String> = it.parameters.iter().map(|ty| ty.oid().to_string()).collect();
        row![name, it.text, instant(it.prepared_at), Cell::List(oids), it.from_sql, 0, 0]
    });
    let columns = ["name", "statement", "prepare_time", "parameter_types", "from_sql", "generic_plans", "custom_plans"];
    Page::of(columns, rows)
}

/// Advisory locks; nothing else is locked.
pub fn pg_locks(scope: &Scope<'_>) -> Page {
    let rows = scope.system.sessions.locks().into_iter().map(|(pid, key, mode, granted)| {
        let (class, object, kind) = match key {
            Key::One(key) => ((key >> 32) as u32, key as u32, 1),
            Key::Two(class, object) => (class as u32, object as u32, 2),
        };
        let mode = if mode == Mode::Shared { "ShareLock" } else { "ExclusiveLock" };
        row!["advisory", oid::DATABASE, class, object, kind, pid, mode, granted, false]
    });
    let columns = ["locktype", "database", "classid", "objid", "objsubid", "pid", "mode", "granted", "fastpath"];
    Page::of(columns, rows)
}
