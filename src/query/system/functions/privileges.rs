//! Who may do what: a superuser everything, another role what it was granted.

use super::lookup::role_name;
use super::{Call, Entry};
use crate::base::{Error, Kind, Result};
use crate::catalog::{OWNER, PRIVILEGES, PUBLIC, Privilege, Snapshot, Subject};
use crate::query::system::page::Cell;

pub const ALL: &[Entry] = &[
    ("has_any_column_privilege(regclass, text) bool", |call| relation(call, None, 0)),
    ("has_any_column_privilege(any, regclass, text) bool", |call| relation(call, Some(0), 1)),
    ("has_column_privilege(regclass, any, text) bool", |call| column(call, None, 0)),
    ("has_column_privilege(any, regclass, any, text) bool", |call| column(call, Some(0), 1)),
    ("has_database_privilege(any, text) bool", |call| named(call, None, 0, |_| Subject::Database)),
    ("has_database_privilege(any, any, text) bool", |call| named(call, Some(0), 1, |_| Subject::Database)),
    ("has_foreign_data_wrapper_privilege(any, text) bool", |_| Ok(true.into())),
    ("has_function_privilege(any, text) bool", |_| Ok(true.into())),
    ("has_function_privilege(any, any, text) bool", |_| Ok(true.into())),
    ("has_language_privilege(any, text) bool", |_| Ok(true.into())),
    ("has_schema_privilege(any, text) bool", |call| named(call, None, 0, Subject::Schema)),
    ("has_schema_privilege(any, any, text) bool", |call| named(call, Some(0), 1, Subject::Schema)),
    ("has_sequence_privilege(regclass, text) bool", |call| relation(call, None, 0)),
    ("has_sequence_privilege(any, regclass, text) bool", |call| relation(call, Some(0), 1)),
    ("has_server_privilege(any, text) bool", |call| named(call, None, 0, Subject::Connection)),
    ("has_server_privilege(any, any, text) bool", |call| named(call, Some(0), 1, Subject::Connection)),
    ("has_table_privilege(regclass, text) bool", |call| relation(call, None, 0)),
    ("has_table_privilege(any, regclass, text) bool", |call| relation(call, Some(0), 1)),
    ("has_tablespace_privilege(any, text) bool", |_| Ok(true.into())),
    ("has_type_privilege(any, text) bool", |_| Ok(true.into())),
    ("pg_has_role(any, text) bool", |call| member(call, None, 0)),
    ("pg_has_role(any, any, text) bool", |call| member(call, Some(0), 1)),
    ("row_security_active(regclass) bool", |_| Ok(false.into())),
];

fn snapshot<'a>(call: &'a Call<'_>) -> &'a Snapshot {
    &call.objects().snapshot
}

/// The role that an argument names or numbers; whoever asks, when there is none.
fn role(call: &Call<'_>, at: Option<usize>) -> Result<String> {
    let Some(at) = at else { return Ok(call.scope.context.user.clone()) };
    match (call.oid(at), call.text(at)) {
        (Some(oid), _) => Ok(role_name(call, oid).unwrap_or_default()),
        (None, Some(PUBLIC)) => Ok(PUBLIC.to_string()),
        (None, name) => Ok(snapshot(call).role(name.unwrap_or_default())?.name.clone()),
    }
}

/// `SELECT, UPDATE WITH GRANT OPTION`
fn wanted(call: &Call<'_>, at: usize) -> Result<Vec<(Privilege, bool)>> {
    let one = |text: &str| {
        let upper = text.trim().to_uppercase();
        let (name, option) = match upper.strip_suffix(" WITH GRANT OPTION") {
            Some(name) => (name.trim(), true),
            None => (upper.as_str(), false),
        };
        let name = if name == "TEMP" { "TEMPORARY" } else { name };
        let known = PRIVILEGES.iter().find(|(_, known, _)| *known == name).map(|(privilege, ..)| *privilege);
        known.map(|privilege| (privilege, option)).ok_or_else(|| {
            let message = format!("unrecognized privilege type: \"{}\"", text.trim());
            Error::new(Kind::InvalidParameterValue, message)
        })
    };
    call.text(at).unwrap_or_default().split(',').map(one).collect()
}

/// Whether one of the privileges is there.
fn may(call: &Call<'_>, role_at: Option<usize>, subjects: &[Subject], privilege_at: usize) -> Result<Cell> {
    let (role, wanted) = (role(call, role_at)?, wanted(call, privilege_at)?);
    let any = wanted.iter().any(|(privilege, option)| {
        subjects.iter().any(|subject| snapshot(call).may(&role, *privilege, subject, *option))
    });
    Ok(any.into())
}

/// A number of nothing is NULL, as in Postgres; a name of nothing an error.
fn subject(call: &Call<'_>, at: usize) -> Result<Option<Subject>> {
    match (call.relation(at), call.oid(at), call.text(at)) {
        (Some(relation), ..) => Ok(Some(relation.subject())),
        (None, None, Some(name)) => {
            Err(Error::new(Kind::UndefinedTable, format!("relation \"{name}\" does not exist")))
        }
        _ => Ok(None),
    }
}

fn relation(call: &Call<'_>, role_at: Option<usize>, at: usize) -> Result<Cell> {
    let Some(subject) = subject(call, at)? else { return Ok(Cell::Null) };
    if call.relation(at).is_some_and(|relation| relation.is_system()) {
        let read = wanted(call, at + 1)?.contains(&(Privilege::Select, false));
        return Ok((read || role(call, role_at)? == OWNER).into());
    }
    may(call, role_at, &[subject], at + 1)
}

/// What holds for the whole relation holds for its columns.
fn column(call: &Call<'_>, role_at: Option<usize>, at: usize) -> Result<Cell> {
    let Some(subject) = subject(call, at)? else { return Ok(Cell::Null) };
    let mut subjects = vec![subject.clone()];
    if let (Subject::Relation(name), Some(column)) = (subject, call.text(at + 1)) {
        subjects.push(Subject::Column(name, column.to_string()));
    }
    may(call, role_at, &subjects, at + 2)
}

fn named(call: &Call<'_>, role_at: Option<usize>, at: usize, subject: fn(String) -> Subject) -> Result<Cell> {
    let name = match (call.oid(at), call.text(at)) {
        (Some(oid), _) => call.objects().namespace(oid).map(str::to_string),
        (None, name) => name.map(str::to_string),
    };
    let subject = subject(name.unwrap_or_default());
    if let Subject::Schema(name) = &subject {
        if matches!(name.as_str(), "pg_catalog" | "information_schema" | "aqueduct") {
            return Ok(true.into());
        }
        snapshot(call).schema(name)?;
    }
    may(call, role_at, &[subject], at + 1)
}

/// Whether a role is a member of another.
fn member(call: &Call<'_>, role_at: Option<usize>, at: usize) -> Result<Cell> {
    let (role, of) = (role(call, role_at)?, role(call, Some(at))?);
    let superuser = snapshot(call).role(&role).is_ok_and(|role| role.superuser);
    Ok((superuser || snapshot(call).is_member(&role, &of)).into())
}
