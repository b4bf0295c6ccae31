//! Who may do what: the only role may do everything to what is there.

use super::{Call, Entry};
use crate::base::{Error, Kind, Result};
use crate::query::system::page::Cell;

pub const ALL: &[Entry] = &[
    ("has_any_column_privilege(regclass, text) bool", |call| relation(call, 0)),
    ("has_any_column_privilege(regclass, regclass, text) bool", |call| relation(call, 1)),
    ("has_column_privilege(regclass, any, text) bool", |call| relation(call, 0)),
    ("has_column_privilege(regclass, regclass, any, text) bool", |call| relation(call, 1)),
    ("has_database_privilege(any, text) bool", |_| Ok(true.into())),
    ("has_database_privilege(any, any, text) bool", |_| Ok(true.into())),
    ("has_foreign_data_wrapper_privilege(any, text) bool", |_| Ok(true.into())),
    ("has_function_privilege(any, text) bool", |_| Ok(true.into())),
    ("has_function_privilege(any, any, text) bool", |_| Ok(true.into())),
    ("has_language_privilege(any, text) bool", |_| Ok(true.into())),
    ("has_schema_privilege(any, text) bool", |_| Ok(true.into())),
    ("has_schema_privilege(any, any, text) bool", |_| Ok(true.into())),
    ("has_sequence_privilege(any, text) bool", |_| Ok(true.into())),
    ("has_sequence_privilege(any, any, text) bool", |_| Ok(true.into())),
    ("has_server_privilege(any, text) bool", |_| Ok(true.into())),
    ("has_table_privilege(regclass, text) bool", |call| relation(call, 0)),
    ("has_table_privilege(regclass, regclass, text) bool", |call| relation(call, 1)),
    ("has_tablespace_privilege(any, text) bool", |_| Ok(true.into())),
    ("has_type_privilege(any, text) bool", |_| Ok(true.into())),
    ("pg_has_role(any, text) bool", |_| Ok(true.into())),
    ("pg_has_role(any, any, text) bool", |_| Ok(true.into())),
    ("row_security_active(regclass) bool", |_| Ok(false.into())),
];

/// A number of nothing is NULL, as in Postgres; a name of nothing an error.
fn relation(call: &Call<'_>, at: usize) -> Result<Cell> {
    match (call.relation(at), call.oid(at), call.text(at)) {
        (Some(_), ..) => Ok(true.into()),
        (None, None, Some(name)) => {
            Err(Error::new(Kind::UndefinedTable, format!("relation \"{name}\" does not exist")))
        }
        _ => Ok(Cell::Null),
    }
}
