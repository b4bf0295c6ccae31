//! Schemas, relations and their columns.

use super::acl;
use super::kinds::{self, Storage};
use crate::base::Type;
use crate::catalog::Subject;
use crate::query::system::objects::Relation;
use crate::query::system::oid;
use crate::query::system::page::{Cell, Page, row};
use crate::query::system::schema::Scope;

/// The access method of managed tables.
const LAKE: &str = "ducklake";
/// That of indexes.
const BTREE: u32 = 403;

pub fn pg_namespace(scope: &Scope<'_>) -> Page {
    let rows =
        scope.objects.namespaces.iter().map(|(oid, name)| {
            row![*oid, name, oid::ROLE, acl(&scope.objects.snapshot, &Subject::Schema(name.clone()))]
        });
    Page::of(["oid", "nspname", "nspowner", "nspacl"], rows)
}

pub fn pg_am(_: &Scope<'_>) -> Page {
    let rows = [row![2u32, "heap", "t"], row![BTREE, "btree", "i"], row![oid::of_name("am", LAKE), LAKE, "t"]];
    Page::of(["oid", "amname", "amtype"], rows)
}

pub fn pg_class(scope: &Scope<'_>) -> Page {
    let rows = scope.objects.relations.iter().map(|relation| {
        let stored = matches!(relation.kind, 'r' | 'm');
        let method = match (stored, relation.is_system()) {
            (false, _) => 0,
            (true, true) => 2,
            (true, false) => oid::of_name("am", LAKE),
        };
        let (method, owned) = match relation.kind {
            'i' => (BTREE, true),
            _ => (method, stored),
        };
        let rules = relation.rules.unwrap_or_default();
        row![
            relation.oid,
            &relation.name,
            relation.schema_oid(scope.objects),
            oid::ROLE,
            method,
            if owned { relation.oid } else { 0 },
            pages(relation),
            relation.rows.unwrap_or(-1) as f64,
            if relation.is_temporary() { "t" } else { "p" },
            relation.kind,
            rules.indexed,
            rules.checks,
            rules.refers,
            scope.objects.columns(relation).len(),
            matches!(relation.kind, 'v' | 'm'),
            true,
            if stored && !relation.is_system() { "d" } else { "n" },
            acl(&scope.objects.snapshot, &relation.subject()),
        ]
    });
    Page::of(
        [
            "oid",
            "relname",
            "relnamespace",
            "relowner",
            "relam",
            "relfilenode",
            "relpages",
            "reltuples",
            "relpersistence",
            "relkind",
            "relhasindex",
            "relchecks",
            "relhastriggers",
            "relnatts",
            "relhasrules",
            "relispopulated",
            "relreplident",
            "relacl",
        ],
        rows,
    )
}

impl Relation {
    fn acl_of(&self, scope: &Scope<'_>, column: &str) -> Cell {
        match self.subject() {
            Subject::Relation(name) => acl(&scope.objects.snapshot, &Subject::Column(name, column.to_string())),
            _ => Cell::Null,
        }
    }
}

fn pages(relation: &Relation) -> i64 {
    (relation.bytes + 8191) / 8192
}

pub fn pg_attribute(scope: &Scope<'_>) -> Page {
    let rows = scope.objects.relations.iter().flat_map(|relation| {
        scope.objects.columns(relation).iter().zip(1i64..).map(|(column, number)| {
            let storage = Storage::of(&column.ty);
            row![
                relation.oid,
                &column.name,
                column.ty.oid(),
                -1,
                column.ty.length(),
                number,
                i64::from(matches!(column.ty, Type::Array(_))),
                -1,
                column.ty.typmod(),
                storage.by_value,
                storage.align,
                storage.storage,
                !column.nullable,
                column.default.is_some() || column.identity.is_some(),
                column.identity.map_or("", |always| if always { "a" } else { "d" }),
                true,
                kinds::collation(&column.ty),
                relation.acl_of(scope, &column.name),
            ]
        })
    });
    Page::of(
        [
            "attrelid",
            "attname",
            "atttypid",
            "attstattarget",
            "attlen",
            "attnum",
            "attndims",
            "attcacheoff",
            "atttypmod",
            "attbyval",
            "attalign",
            "attstorage",
            "attnotnull",
            "atthasdef",
            "attidentity",
            "attislocal",
            "attcollation",
            "attacl",
        ],
        rows,
    )
}

pub fn pg_attrdef(scope: &Scope<'_>) -> Page {
    let rows = scope.objects.relations.iter().flat_map(|relation| {
        relation.columns.iter().flatten().zip(1i64..).filter_map(|(column, number)| {
            let oid = oid::of_name("default", &format!("{}.{number}", relation.oid));
            column.default.as_ref().map(|default| row![oid, relation.oid, number, default])
        })
    });
    Page::of(["oid", "adrelid", "adnum", "adbin"], rows)
}

/// Every view has the rule that makes it one.
pub fn pg_rewrite(scope: &Scope<'_>) -> Page {
    let views = scope.objects.relations.iter().filter(|relation| relation.definition.is_some());
    let rows = views
        .map(|relation| row![oid::of_name("rule", &relation.oid.to_string()), "_RETURN", relation.oid, "1", "O", true]);
    Page::of(["oid", "rulename", "ev_class", "ev_type", "ev_enabled", "is_instead"], rows)
}

pub fn pg_description(scope: &Scope<'_>) -> Page {
    let schemas =
        scope.objects.namespaces.iter().filter_map(|(oid, name)| {
            schema_description(scope, name).map(|about| row![*oid, oid::PG_NAMESPACE, 0, about])
        });
    let relations = scope.objects.relations.iter().flat_map(|relation| {
        let own = relation.about.iter().map(|about| row![relation.oid, oid::PG_CLASS, 0, about]);
        let columns = scope.objects.columns(relation).iter().zip(1i64..);
        let columns = columns.filter_map(|(column, number)| {
            column.about.as_ref().map(|about| row![relation.oid, oid::PG_CLASS, number, about])
        });
        own.chain(columns).collect::<Vec<_>>()
    });
    let functions = super::procedures(scope).into_iter();
    let functions = functions.filter_map(|it| it.about.map(|about| row![it.oid, oid::PG_PROC, 0, about]));
    let constraints = super::constraint_descriptions(scope);
    let constraints = constraints.map(|(oid, about)| row![oid, oid::PG_CONSTRAINT, 0, about]);
    let rows = schemas.chain(relations).chain(functions).chain(constraints);
    Page::of(["objoid", "classoid", "objsubid", "description"], rows)
}

/// What `\dn+` says of a schema.
pub fn schema_description<'a>(scope: &'a Scope<'_>, name: &str) -> Option<&'a str> {
    let said = scope.objects.snapshot.comment(&Subject::Schema(name.to_string()));
    said.or(match name {
        "pg_catalog" => Some("system catalog schema"),
        "aqueduct" => Some("workflows, runs, checks, metrics, models and what happened to them"),
        "public" => Some("standard public schema"),
        _ => None,
    })
}

pub fn pg_tables(scope: &Scope<'_>) -> Page {
    let tables = scope.objects.relations.iter().filter(|relation| relation.kind == 'r');
    let rows = tables.map(|relation| {
        row![
            &relation.schema,
            &relation.name,
            "aqueduct",
            relation.rules.unwrap_or_default().indexed,
            false,
            false,
            false
        ]
    });
    Page::of(["schemaname", "tablename", "tableowner", "hasindexes", "hasrules", "hastriggers", "rowsecurity"], rows)
}

pub fn pg_views(scope: &Scope<'_>) -> Page {
    let views = scope.objects.relations.iter().filter(|relation| relation.kind == 'v');
    let rows = views.map(|relation| row![&relation.schema, &relation.name, "aqueduct", relation.definition.as_deref()]);
    Page::of(["schemaname", "viewname", "viewowner", "definition"], rows)
}

pub fn pg_matviews(scope: &Scope<'_>) -> Page {
    let views = scope.objects.relations.iter().filter(|relation| relation.kind == 'm');
    let rows = views.map(|relation| {
        row![&relation.schema, &relation.name, "aqueduct", false, true, relation.definition.as_deref()]
    });
    Page::of(["schemaname", "matviewname", "matviewowner", "hasindexes", "ispopulated", "definition"], rows)
}

pub fn pg_stat_user_tables(scope: &Scope<'_>) -> Page {
    let tables = scope.objects.relations.iter().filter(|it| matches!(it.kind, 'r' | 'm') && !it.is_system());
    let rows = tables.map(|it| row![it.oid, &it.schema, &it.name, Cell::from(it.rows), 0i64]);
    Page::of(["relid", "schemaname", "relname", "n_live_tup", "n_dead_tup"], rows)
}
