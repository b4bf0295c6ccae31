//! The server itself: its database and settings.

use crate::base::name;
use crate::query::system::oid;
use crate::query::system::page::{Page, row};
use crate::query::system::schema::Scope;
use crate::query::{Context, Setting};

/// A setting by any spelling of its name, as the session sees it.
pub fn parameter(context: &Context, name: &str) -> Option<String> {
    parameters(context).into_iter().find(|known| known.name.eq_ignore_ascii_case(name)).map(|known| known.value)
}

/// Every setting, by name.
pub fn parameters(context: &Context) -> Vec<Setting> {
    let mut all = context.settings.to_vec();
    all.sort_by_key(|setting| setting.name.to_lowercase());
    all
}

pub fn pg_settings(scope: &Scope<'_>) -> Page {
    let rows = parameters(scope.context).into_iter().map(|Setting { name, value, default, about }| {
        let source = if value == default { "default" } else { "session" };
        row![
            name.as_ref(),
            value,
            "Client Connection Defaults",
            about,
            "user",
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
    let row = row![oid::DATABASE, name::database(), oid::ROLE, 6, "c", false, true, -1, 1663, "C", "C.UTF-8"];
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
