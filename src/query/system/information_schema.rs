//! The rows of `information_schema`; a view that is not in the list has none.

use super::information_constraints as constraints;
use super::information_privileges as privileges;
use super::objects::{Column, Relation};
use super::page::{Cell, Page, row};
use super::pg;
use super::schema::{Filled, Needs, Scope};
use crate::base::Type;
use crate::base::name;

pub(super) const FILLED: &[Filled] = &[
    Filled::new("applicable_roles", privileges::applicable_roles, Needs::Nothing),
    Filled::new("character_sets", character_sets, Needs::Nothing),
    Filled::new("check_constraints", constraints::check_constraints, Needs::Nothing),
    Filled::new("column_privileges", privileges::column_privileges, Needs::Shapes),
    Filled::new("columns", columns, Needs::Shapes),
    Filled::new("constraint_column_usage", constraints::constraint_column_usage, Needs::Nothing),
    Filled::new("enabled_roles", privileges::enabled_roles, Needs::Nothing),
    Filled::new("information_schema_catalog_name", catalog_name, Needs::Nothing),
    Filled::new("key_column_usage", constraints::key_column_usage, Needs::Nothing),
    Filled::new("parameters", parameters, Needs::Shapes),
    Filled::new("referential_constraints", constraints::referential_constraints, Needs::Nothing),
    Filled::new("role_table_grants", privileges::role_table_grants, Needs::Nothing),
    Filled::new("routines", routines, Needs::Shapes),
    Filled::new("schemata", schemata, Needs::Nothing),
    Filled::new("table_constraints", constraints::table_constraints, Needs::Nothing),
    Filled::new("table_privileges", privileges::table_privileges, Needs::Nothing),
    Filled::new("tables", tables, Needs::Nothing),
    Filled::new("usage_privileges", privileges::usage_privileges, Needs::Nothing),
    Filled::new("views", views, Needs::Nothing),
];

fn catalog_name(_: &Scope<'_>) -> Page {
    Page::of(["catalog_name"], [row![name::database()]])
}

fn character_sets(_: &Scope<'_>) -> Page {
    let columns = [
        "character_set_name",
        "character_repertoire",
        "form_of_use",
        "default_collate_catalog",
        "default_collate_schema",
        "default_collate_name",
    ];
    Page::of(columns, [row!["UTF8", "UCS", "UTF8", name::database(), "pg_catalog", "C"]])
}

fn schemata(scope: &Scope<'_>) -> Page {
    let rows = scope.objects.namespaces.iter().map(|(_, name)| row![name::database(), name, "aqueduct"]);
    Page::of(["catalog_name", "schema_name", "schema_owner"], rows)
}

/// Materialized views, indexes and sequences are no tables here, as in Postgres.
fn shown<'a>(scope: &'a Scope<'_>) -> impl Iterator<Item = &'a Relation> {
    scope
        .objects
        .relations
        .iter()
        .map(AsRef::as_ref)
        .filter(|relation: &&Relation| !matches!(relation.kind, 'm' | 'i' | 'S'))
}

fn tables(scope: &Scope<'_>) -> Page {
    let rows = shown(scope).map(|relation| {
        let kind = match relation.kind {
            'v' => "VIEW",
            'f' => "FOREIGN",
            _ if relation.is_temporary() => "LOCAL TEMPORARY",
            _ => "BASE TABLE",
        };
        let insertable = relation.kind == 'r' && !relation.is_system();
        row![name::database(), &relation.schema, &relation.name, kind, yes(insertable), "NO"]
    });
    Page::of(["table_catalog", "table_schema", "table_name", "table_type", "is_insertable_into", "is_typed"], rows)
}

fn views(scope: &Scope<'_>) -> Page {
    let views = shown(scope).filter(|relation| relation.kind == 'v');
    let rows = views.map(|it| {
        row![name::database(), &it.schema, &it.name, it.definition.as_deref(), "NONE", "NO", "NO", "NO", "NO", "NO"]
    });
    Page::of(
        [
            "table_catalog",
            "table_schema",
            "table_name",
            "view_definition",
            "check_option",
            "is_updatable",
            "is_insertable_into",
            "is_trigger_updatable",
            "is_trigger_deletable",
            "is_trigger_insertable_into",
        ],
        rows,
    )
}

fn columns(scope: &Scope<'_>) -> Page {
    let rows = shown(scope).flat_map(|relation| {
        let columns = scope.objects.columns(relation).iter().zip(1i64..);
        columns.map(move |(column, number)| column_row(relation, column, number))
    });
    Page::of(
        [
            "table_catalog",
            "table_schema",
            "table_name",
            "column_name",
            "ordinal_position",
            "column_default",
            "is_nullable",
            "data_type",
            "character_maximum_length",
            "character_octet_length",
            "numeric_precision",
            "numeric_precision_radix",
            "numeric_scale",
            "datetime_precision",
            "udt_catalog",
            "udt_schema",
            "udt_name",
            "dtd_identifier",
            "is_self_referencing",
            "is_identity",
            "identity_generation",
            "is_generated",
            "is_updatable",
        ],
        rows,
    )
}

fn column_row(relation: &Relation, column: &Column, number: i64) -> [Cell; 23] {
    let measures = Measures::of(&column.ty);
    row![
        name::database(),
        &relation.schema,
        &relation.name,
        &column.name,
        number,
        column.default.as_deref(),
        yes(column.nullable),
        standard_name(&column.ty),
        measures.characters,
        measures.octets,
        measures.precision,
        measures.radix,
        measures.scale,
        measures.fraction,
        name::database(),
        "pg_catalog",
        column.ty.internal_name(),
        number.to_string(),
        "NO",
        yes(column.identity.is_some()),
        column.identity.map(|always| if always { "ALWAYS" } else { "BY DEFAULT" }),
        "NEVER",
        yes(relation.kind == 'r' && !relation.is_system()),
    ]
}

/// Lengths and digits as the standard counts them.
#[derive(Default)]
struct Measures {
    characters: Option<i64>,
    octets: Option<i64>,
    precision: Option<i64>,
    radix: Option<i64>,
    scale: Option<i64>,
    fraction: Option<i64>,
}

impl Measures {
    fn of(ty: &Type) -> Measures {
        let binary = |bits, scale| Measures { precision: Some(bits), radix: Some(2), scale, ..Measures::default() };
        match ty {
            Type::Int2 => binary(16, Some(0)),
            Type::Int4 => binary(32, Some(0)),
            Type::Int8 => binary(64, Some(0)),
            Type::Float4 => binary(24, None),
            Type::Float8 => binary(53, None),
            Type::Numeric(digits) => Measures {
                precision: digits.map(|(precision, _)| precision.into()),
                radix: Some(10),
                scale: digits.map(|(_, scale)| scale.into()),
                ..Measures::default()
            },
            Type::Varchar(length) | Type::Char(length) => Measures {
                characters: length.map(i64::from),
                octets: Some(length.map_or(1 << 30, |length| i64::from(length) * 4)),
                ..Measures::default()
            },
            Type::Text => Measures { octets: Some(1 << 30), ..Measures::default() },
            Type::Date => Measures { fraction: Some(0), ..Measures::default() },
            Type::Time | Type::Timestamp | Type::Timestamptz | Type::Interval => {
                Measures { fraction: Some(6), ..Measures::default() }
            }
            _ => Measures::default(),
        }
    }
}

/// The type without length; every array is just that.
fn standard_name(ty: &Type) -> String {
    match ty {
        Type::Array(_) => "ARRAY".into(),
        Type::Numeric(_) => Type::Numeric(None).to_string(),
        Type::Varchar(_) => Type::Varchar(None).to_string(),
        Type::Char(_) => Type::Char(None).to_string(),
        ty => ty.to_string(),
    }
}

fn routines(scope: &Scope<'_>) -> Page {
    let rows = pg::procedures(scope).into_iter().map(|it| {
        let specific = format!("{}_{}", it.name, it.oid);
        row![
            name::database(),
            &it.schema,
            specific,
            name::database(),
            &it.schema,
            &it.name,
            "FUNCTION",
            standard_name(&it.result),
            name::database(),
            "pg_catalog",
            it.result.internal_name(),
            "EXTERNAL",
            it.language.to_uppercase(),
        ]
    });
    Page::of(
        [
            "specific_catalog",
            "specific_schema",
            "specific_name",
            "routine_catalog",
            "routine_schema",
            "routine_name",
            "routine_type",
            "data_type",
            "type_udt_catalog",
            "type_udt_schema",
            "type_udt_name",
            "routine_body",
            "external_language",
        ],
        rows,
    )
}

fn parameters(scope: &Scope<'_>) -> Page {
    let procedures = pg::procedures(scope);
    let rows = procedures.iter().flat_map(|it| {
        it.arguments.iter().zip(1i64..).map(move |((name, ty), number)| {
            let specific = format!("{}_{}", it.name, it.oid);
            let name = (!name.is_empty()).then_some(name.as_str());
            row![
                name::database(),
                &it.schema,
                specific,
                number,
                "IN",
                "NO",
                "NO",
                name,
                standard_name(ty),
                ty.internal_name(),
            ]
        })
    });
    Page::of(
        [
            "specific_catalog",
            "specific_schema",
            "specific_name",
            "ordinal_position",
            "parameter_mode",
            "is_result",
            "as_locator",
            "parameter_name",
            "data_type",
            "udt_name",
        ],
        rows,
    )
}

fn yes(is: bool) -> &'static str {
    if is { "YES" } else { "NO" }
}
