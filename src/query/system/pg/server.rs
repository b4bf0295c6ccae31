//! The server itself: its database, settings and sessions.

use crate::base::name::DATABASE;
use crate::query::Context;
use crate::query::system::oid;
use crate::query::system::page::{Cell, Page, row};
use crate::query::system::schema::Scope;

/// What cannot be set but is asked for: name, value, what it is.
const FIXED: &[(&str, &str, &str)] = &[
    ("block_size", "8192", "size of a page as relpages counts them"),
    ("lc_collate", "C", "order of text"),
    ("lc_ctype", "C.UTF-8", "case of text"),
    ("max_connections", "200", "connections at one time"),
    ("max_index_keys", "32", "columns of an index"),
    ("wal_level", "replica", "always replica"),
];

/// A setting by any spelling of its name, as the session sees it.
pub fn parameter(context: &Context, name: &str) -> Option<String> {
    parameters(context).into_iter().find(|(known, ..)| known.eq_ignore_ascii_case(name)).map(|(_, value, ..)| value)
}

/// Name, value, default and description of every setting.
pub fn parameters(context: &Context) -> Vec<(&'static str, String, &'static str, &'static str)> {
    let fixed = FIXED.iter().map(|(name, value, about)| (*name, (*value).to_string(), *value, *about));
    let session = context.settings.iter().map(|it| (it.name, it.value.clone(), it.default, it.about));
    let mut all: Vec<_> = session.chain(fixed).collect();
    all.sort_by_key(|(name, ..)| name.to_lowercase());
    all
}

pub fn pg_settings(scope: &Scope<'_>) -> Page {
    let rows = parameters(scope.context).into_iter().map(|(name, value, default, about)| {
        let fixed = FIXED.iter().any(|(known, ..)| *known == name);
        let source = if value == default { "default" } else { "session" };
        row![
            name,
            value,
            "Client Connection Defaults",
            about,
            if fixed { "internal" } else { "user" },
            "string",
            source,
            default,
            default,
            false,
        ]
    });
    Page::of(
        [
            "name",
            "setting",
            "category",
            "short_desc",
            "context",
            "vartype",
            "source",
            "boot_val",
            "reset_val",
            "pending_restart",
        ],
        rows,
    )
}

pub fn pg_database(_: &Scope<'_>) -> Page {
    let row = row![oid::DATABASE, DATABASE, oid::ROLE, 6, "c", false, true, -1, 1663, "C", "C.UTF-8"];
    Page::of(
        [
            "oid",
            "datname",
            "datdba",
            "encoding",
            "datlocprovider",
            "datistemplate",
            "datallowconn",
            "datconnlimit",
            "dattablespace",
            "datcollate",
            "datctype",
        ],
        [row],
    )
}

pub fn pg_tablespace(_: &Scope<'_>) -> Page {
    Page::of(["oid", "spcname", "spcowner"], [row![1663, "pg_default", oid::ROLE], row![1664, "pg_global", oid::ROLE]])
}

/// The asking session only: sessions do not see each other.
pub fn pg_stat_activity(scope: &Scope<'_>) -> Page {
    let now = Cell::Instant(scope.context.now.timestamp_micros());
    let application = parameter(scope.context, "application_name").unwrap_or_default();
    let row = row![
        oid::DATABASE,
        DATABASE,
        std::process::id(),
        oid::ROLE,
        &scope.context.user,
        application,
        "active",
        "client backend"
    ];
    let [a, b, c, d, e, f, g, h] = row;
    Page::of(
        ["datid", "datname", "pid", "usesysid", "usename", "application_name", "state", "backend_type", "query_start"],
        [[a, b, c, d, e, f, g, h, now]],
    )
}
