//! The rows of `pg_catalog`; a table that is not in the list has none.

mod class;
mod constraint;
mod foreign;
mod kinds;
mod proc;
mod roles;
mod server;
mod session;

pub use class::schema_description;
pub use constraint::{
    Indexed, actions, constraint_definition, constraint_descriptions, index_definition, indexes, mentioned,
};
pub use kinds::io_functions;
pub use proc::{Procedure, arguments, procedures, result};
pub use roles::{acl, role_oid};
pub use server::{parameter, parameters};

use super::schema::{Filled, Needs};

pub(super) const FILLED: &[Filled] = &[
    Filled::new("pg_am", class::pg_am, Needs::Nothing),
    Filled::new("pg_attrdef", class::pg_attrdef, Needs::Nothing),
    Filled::new("pg_attribute", class::pg_attribute, Needs::Shapes),
    Filled::new("pg_auth_members", roles::pg_auth_members, Needs::Nothing),
    Filled::new("pg_authid", roles::pg_authid, Needs::Nothing),
    Filled::new("pg_class", class::pg_class, Needs::Nothing),
    Filled::new("pg_collation", kinds::pg_collation, Needs::Nothing),
    Filled::new("pg_constraint", constraint::pg_constraint, Needs::Nothing),
    Filled::new("pg_cursors", session::pg_cursors, Needs::Session),
    Filled::new("pg_database", server::pg_database, Needs::Nothing),
    Filled::new("pg_description", class::pg_description, Needs::Shapes),
    Filled::new("pg_foreign_data_wrapper", foreign::pg_foreign_data_wrapper, Needs::Nothing),
    Filled::new("pg_foreign_server", foreign::pg_foreign_server, Needs::Nothing),
    Filled::new("pg_foreign_table", foreign::pg_foreign_table, Needs::Nothing),
    Filled::new("pg_group", roles::pg_group, Needs::Nothing),
    Filled::new("pg_index", constraint::pg_index, Needs::Nothing),
    Filled::new("pg_indexes", constraint::pg_indexes, Needs::Nothing),
    Filled::new("pg_language", proc::pg_language, Needs::Nothing),
    Filled::new("pg_locks", session::pg_locks, Needs::Session),
    Filled::new("pg_matviews", class::pg_matviews, Needs::Nothing),
    Filled::new("pg_namespace", class::pg_namespace, Needs::Nothing),
    Filled::new("pg_prepared_statements", session::pg_prepared_statements, Needs::Session),
    Filled::new("pg_proc", proc::pg_proc, Needs::Shapes),
    Filled::new("pg_rewrite", class::pg_rewrite, Needs::Nothing),
    Filled::new("pg_roles", roles::pg_roles, Needs::Nothing),
    Filled::new("pg_sequence", constraint::pg_sequence, Needs::Nothing),
    Filled::new("pg_settings", server::pg_settings, Needs::Session),
    Filled::new("pg_shadow", roles::pg_shadow, Needs::Nothing),
    Filled::new("pg_stat_activity", session::pg_stat_activity, Needs::Session),
    Filled::new("pg_stat_user_tables", class::pg_stat_user_tables, Needs::Nothing),
    Filled::new("pg_tables", class::pg_tables, Needs::Nothing),
    Filled::new("pg_tablespace", server::pg_tablespace, Needs::Nothing),
    Filled::new("pg_type", kinds::pg_type, Needs::Nothing),
    Filled::new("pg_user", roles::pg_user, Needs::Nothing),
    Filled::new("pg_views", class::pg_views, Needs::Nothing),
];
