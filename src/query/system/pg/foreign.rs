//! Other systems: connections as foreign servers, external tables as foreign tables of the server `files`.

use crate::query::system::oid;
use crate::query::system::page::{Page, row};
use crate::query::system::schema::Scope;
use std::collections::BTreeSet;

/// Server and wrapper of external tables.
const FILES: &str = "files";

/// Name, wrapper and options (never a secret's) of every server.
pub fn servers(scope: &Scope<'_>) -> Vec<(String, String, Vec<String>)> {
    let mut servers: Vec<_> = scope
        .objects
        .snapshot
        .connections
        .values()
        .map(|connection| {
            let options = connection.options.iter().map(|(key, value)| format!("{key}={value}"));
            (connection.name.clone(), connection.kind.clone(), options.collect())
        })
        .collect();
    if scope.objects.relations.iter().any(|relation| relation.kind == 'f') {
        servers.push((FILES.into(), FILES.into(), vec![]));
    }
    servers.sort();
    servers
}

pub fn pg_foreign_server(scope: &Scope<'_>) -> Page {
    let rows = servers(scope).into_iter().map(|(name, wrapper, options)| {
        let options = (!options.is_empty()).then_some(options);
        row![oid::of_name("server", &name), name, oid::ROLE, oid::of_name("wrapper", &wrapper), options]
    });
    Page::of(["oid", "srvname", "srvowner", "srvfdw", "srvoptions"], rows)
}

pub fn pg_foreign_data_wrapper(scope: &Scope<'_>) -> Page {
    let wrappers: BTreeSet<_> = servers(scope).into_iter().map(|(_, wrapper, _)| wrapper).collect();
    let rows = wrappers.into_iter().map(|name| row![oid::of_name("wrapper", &name), name, oid::ROLE]);
    Page::of(["oid", "fdwname", "fdwowner"], rows)
}

pub fn pg_foreign_table(scope: &Scope<'_>) -> Page {
    let tables = scope.objects.relations.iter().filter(|relation| relation.kind == 'f');
    let rows = tables.map(|relation| row![relation.oid, oid::of_name("server", FILES), relation.options.clone()]);
    Page::of(["ftrelid", "ftserver", "ftoptions"], rows)
}
