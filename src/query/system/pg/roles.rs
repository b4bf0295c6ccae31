//! Roles, memberships, and what was granted.

use crate::base::password;
use crate::catalog::{OWNER, PRIVILEGES, PUBLIC, Privilege, Role, Snapshot, Subject};
use crate::query::system::oid;
use crate::query::system::page::{Cell, Page, row};
use crate::query::system::schema::Scope;
use std::sync::Arc;

pub fn role_oid(name: &str) -> u32 {
    if name == OWNER { oid::ROLE } else { oid::of_name("role", name) }
}

fn roles(scope: &Scope<'_>) -> Vec<(u32, Arc<Role>)> {
    scope.objects.snapshot.all_roles().into_iter().map(|role| (role_oid(&role.name), role)).collect()
}

pub fn pg_roles(scope: &Scope<'_>) -> Page {
    let row = |(oid, role): (u32, Arc<Role>)| {
        let Role { name, superuser, login, create_role, create_db, inherit, .. } = &*role;
        row![oid, name, *superuser, *inherit, *create_role, *create_db, *login, false, -1, "********", *superuser]
    };
    let columns = [
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
    ];
    Page::of(columns, roles(scope).into_iter().map(row))
}

/// Passwords are shown to nobody.
pub fn pg_authid(scope: &Scope<'_>) -> Page {
    let row = |(oid, role): (u32, Arc<Role>)| {
        let Role { name, superuser, login, create_role, create_db, inherit, .. } = &*role;
        let kept = if *login { format!("{}$", password::SCRAM).into() } else { Cell::Null };
        row![oid, name, *superuser, *inherit, *create_role, *create_db, *login, *superuser, -1, kept]
    };
    let columns = [
        "oid",
        "rolname",
        "rolsuper",
        "rolinherit",
        "rolcreaterole",
        "rolcreatedb",
        "rolcanlogin",
        "rolbypassrls",
        "rolconnlimit",
        "rolpassword",
    ];
    Page::of(columns, roles(scope).into_iter().map(row))
}

pub fn pg_user(scope: &Scope<'_>) -> Page {
    let rows = roles(scope).into_iter().filter(|(_, role)| role.login).map(|(oid, role)| {
        let superuser = role.superuser;
        row![&role.name, oid, role.create_db, superuser, false, superuser, "********"]
    });
    Page::of(["usename", "usesysid", "usecreatedb", "usesuper", "userepl", "usebypassrls", "passwd"], rows)
}

pub fn pg_shadow(scope: &Scope<'_>) -> Page {
    let rows = roles(scope).into_iter().filter(|(_, role)| role.login);
    let rows = rows.map(|(oid, role)| row![&role.name, oid, role.create_db, role.superuser, false, role.superuser]);
    Page::of(["usename", "usesysid", "usecreatedb", "usesuper", "userepl", "usebypassrls"], rows)
}

/// Roles that do not log in, with their members.
pub fn pg_group(scope: &Scope<'_>) -> Page {
    let all = roles(scope);
    let groups = all.iter().filter(|(_, role)| !role.login).map(|(oid, group)| {
        let members = all.iter().filter(|(_, role)| role.member_of.contains_key(&group.name));
        row![&group.name, *oid, members.map(|(oid, _)| oid.to_string()).collect::<Vec<_>>()]
    });
    Page::of(["groname", "grosysid", "grolist"], groups.collect::<Vec<_>>())
}

pub fn pg_auth_members(scope: &Scope<'_>) -> Page {
    let rows = roles(scope).into_iter().flat_map(|(member, role)| {
        let of = role.member_of.iter().map(|(of, admin)| row![role_oid(of), member, oid::ROLE, *admin]);
        of.collect::<Vec<_>>()
    });
    Page::of(["roleid", "member", "grantor", "admin_option"], rows)
}

/// What was granted on an object, as an `aclitem[]`; NULL when nothing was.
pub fn acl(snapshot: &Snapshot, subject: &Subject) -> Cell {
    let mut items: Vec<_> = snapshot
        .granted(subject)
        .map(|grant| item(&grant.grantee, grant.privileges.iter().map(|(privilege, option)| (*privilege, *option))))
        .collect();
    if items.is_empty() {
        return Cell::Null;
    }
    if !matches!(subject, Subject::Column(..)) {
        items.insert(0, item(OWNER, Privilege::all(subject).iter().map(|privilege| (*privilege, false))));
    }
    items.into()
}

/// `reader=r*w/aqueduct`
fn item(grantee: &str, privileges: impl Iterator<Item = (Privilege, bool)>) -> String {
    let mut item = if grantee == PUBLIC { String::new() } else { grantee.to_string() };
    item.push('=');
    for (privilege, option) in privileges {
        item.extend(PRIVILEGES.iter().find(|(known, ..)| *known == privilege).map(|(.., letter)| *letter));
        item.extend(option.then_some('*'));
    }
    item.push('/');
    item.push_str(OWNER);
    item
}
