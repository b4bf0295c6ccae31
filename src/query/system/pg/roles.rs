//! Who may log in: one role, which may do everything.

use crate::query::system::oid;
use crate::query::system::page::{Page, row};
use crate::query::system::schema::Scope;

/// Roles by name; whoever asks is one.
pub fn names(user: &str) -> Vec<(u32, String)> {
    let mut names = vec![(oid::ROLE, "aqueduct".to_string())];
    if user != "aqueduct" {
        names.push((oid::of_name("role", user), user.to_string()));
    }
    names
}

pub fn pg_roles(scope: &Scope<'_>) -> Page {
    let rows = names(&scope.context.user)
        .into_iter()
        .map(|(oid, name)| row![oid, name, true, true, true, true, true, false, -1, "********", true]);
    Page::of(
        [
            "oid",
            "rolname",
            "rolsuper",
            "rolinherit",
            "rolcreaterole",
            "rolcreatedb",
            "rolcanlogin",
            "rolreplication",
            "rolconnlimit",
            "rolpassword",
            "rolbypassrls",
        ],
        rows,
    )
}

pub fn pg_authid(scope: &Scope<'_>) -> Page {
    let rows = names(&scope.context.user)
        .into_iter()
        .map(|(oid, name)| row![oid, name, true, true, true, true, true, true, -1]);
    Page::of(
        [
            "oid",
            "rolname",
            "rolsuper",
            "rolinherit",
            "rolcreaterole",
            "rolcreatedb",
            "rolcanlogin",
            "rolbypassrls",
            "rolconnlimit",
        ],
        rows,
    )
}

pub fn pg_user(scope: &Scope<'_>) -> Page {
    let rows =
        names(&scope.context.user).into_iter().map(|(oid, name)| row![name, oid, true, true, false, true, "********"]);
    Page::of(["usename", "usesysid", "usecreatedb", "usesuper", "userepl", "usebypassrls", "passwd"], rows)
}

pub fn pg_shadow(scope: &Scope<'_>) -> Page {
    let rows = names(&scope.context.user).into_iter().map(|(oid, name)| row![name, oid, true, true, false, true]);
    Page::of(["usename", "usesysid", "usecreatedb", "usesuper", "userepl", "usebypassrls"], rows)
}
