//! Privileges as `information_schema` tells of them: those that were granted, and those that an object's owner has.

use super::objects::Relation;
use super::page::{Page, row};
use super::schema::Scope;
use crate::base::name;
use crate::catalog::{Grant, OWNER, PUBLIC, Privilege, Subject};

/// `PUBLIC` is shown in capitals, as in Postgres.
fn shown(grantee: &str) -> &str {
    if grantee == PUBLIC { "PUBLIC" } else { grantee }
}

fn yes(it: bool) -> &'static str {
    if it { "YES" } else { "NO" }
}

/// Whoever may do something with a relation, what, and whether they may grant it.
fn of_relation<'a>(scope: &'a Scope<'_>, relation: &Relation) -> Vec<(&'a str, Privilege, bool)> {
    if relation.is_system() {
        return vec![("PUBLIC", Privilege::Select, false)];
    }
    let subject = Subject::Relation(crate::base::Name::new(&relation.schema, &relation.name));
    let own = Privilege::all(&subject).iter().map(|privilege| (OWNER, *privilege, true));
    let granted = scope.objects.snapshot.granted(&subject).flat_map(given);
    own.chain(granted).collect()
}

fn given(grant: &Grant) -> impl Iterator<Item = (&str, Privilege, bool)> {
    grant.privileges.iter().map(|(privilege, option)| (shown(&grant.grantee), *privilege, *option))
}

pub fn table_privileges(scope: &Scope<'_>) -> Page {
    privileges_of_tables(scope, true)
}

/// As `table_privileges`, without what everybody may do.
pub fn role_table_grants(scope: &Scope<'_>) -> Page {
    privileges_of_tables(scope, false)
}

fn privileges_of_tables(scope: &Scope<'_>, public: bool) -> Page {
    let relations = scope.objects.relations.iter().filter(|relation| !matches!(relation.kind, 'm' | 'i' | 'S'));
    let rows = relations.flat_map(|relation| {
        let all = of_relation(scope, relation).into_iter().filter(move |(grantee, ..)| public || *grantee != "PUBLIC");
        all.map(move |(grantee, privilege, option)| {
            let hierarchy = yes(privilege == Privilege::Select);
            let (schema, name) = (&relation.schema, &relation.name);
            row![OWNER, grantee, name::database(), schema, name, privilege.name(), yes(option), hierarchy]
        })
    });
    let columns = [
        "grantor",
        "grantee",
        "table_catalog",
        "table_schema",
        "table_name",
        "privilege_type",
        "is_grantable",
        "with_hierarchy",
    ];
    Page::of(columns, rows)
}

/// A privilege on a relation is one on each of its columns.
pub fn column_privileges(scope: &Scope<'_>) -> Page {
    let relations = scope.objects.relations.iter().filter(|relation| !matches!(relation.kind, 'm' | 'i' | 'S'));
    let rows = relations.flat_map(|relation| {
        let name = crate::base::Name::new(&relation.schema, &relation.name);
        let whole = of_relation(scope, relation);
        scope.objects.columns(relation).iter().flat_map(move |column| {
            let subject = Subject::Column(name.clone(), column.name.clone());
            let mut all = whole.clone();
            all.extend(scope.objects.snapshot.granted(&subject).flat_map(given));
            let of_columns = Privilege::all(&subject);
            let all = all.into_iter().filter(move |(_, privilege, _)| of_columns.contains(privilege));
            all.map(move |(grantee, privilege, option)| {
                let (schema, table) = (&relation.schema, &relation.name);
                row![OWNER, grantee, name::database(), schema, table, &column.name, privilege.name(), yes(option)]
            })
        })
    });
    let columns = [
        "grantor",
        "grantee",
        "table_catalog",
        "table_schema",
        "table_name",
        "column_name",
        "privilege_type",
        "is_grantable",
    ];
    Page::of(columns, rows)
}

/// Sequences and foreign servers.
pub fn usage_privileges(scope: &Scope<'_>) -> Page {
    let snapshot = &scope.objects.snapshot;
    let rows = snapshot.grants.values().flat_map(|grant| {
        let (schema, name, kind) = match &grant.subject {
            Subject::Sequence(name) => (name.schema.as_str(), name.name.as_str(), "SEQUENCE"),
            Subject::Connection(name) => ("", name.as_str(), "FOREIGN SERVER"),
            _ => return vec![],
        };
        let usage = given(grant).filter(|(_, privilege, _)| *privilege == Privilege::Usage);
        usage
            .map(|(grantee, _, option)| {
                row![OWNER, grantee, name::database(), schema, name, kind, "USAGE", yes(option)]
            })
            .collect()
    });
    let columns = [
        "grantor",
        "grantee",
        "object_catalog",
        "object_schema",
        "object_name",
        "object_type",
        "privilege_type",
        "is_grantable",
    ];
    Page::of(columns, rows)
}

/// Roles of which others are members.
pub fn applicable_roles(scope: &Scope<'_>) -> Page {
    let roles = scope.objects.snapshot.roles.values();
    let rows = roles.flat_map(|role| role.member_of.iter().map(move |(of, admin)| row![&role.name, of, yes(*admin)]));
    Page::of(["grantee", "role_name", "is_grantable"], rows)
}

/// All roles: whoever asks is a superuser.
pub fn enabled_roles(scope: &Scope<'_>) -> Page {
    Page::of(["role_name"], scope.objects.snapshot.all_roles().into_iter().map(|role| row![&role.name]))
}
