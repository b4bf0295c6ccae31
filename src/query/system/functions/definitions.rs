//! What an object was defined as, and what was said about it.

use super::{Call, Entry};
use crate::base::{Name, Result, quote_literal};
use crate::query::system::page::Cell;
use crate::query::system::pg::{self, Procedure};
use crate::query::system::{oid, page::row};

pub const ALL: &[Entry] = &[
    ("col_description(oid, int4) text", column_description),
    ("obj_description(oid) text", description),
    ("obj_description(oid, name) text", description),
    ("pg_get_constraintdef(oid) text", constraint),
    ("pg_get_constraintdef(oid, bool) text", constraint),
    ("pg_get_expr(text, oid) text", expression),
    ("pg_get_expr(text, oid, bool) text", expression),
    ("pg_get_function_arg_default(oid, int4) text", |_| Ok(Cell::Null)),
    ("pg_get_function_arguments(oid) text", arguments),
    ("pg_get_function_identity_arguments(oid) text", arguments),
    ("pg_get_function_result(oid) text", result),
    ("pg_get_function_sqlbody(oid) text", |_| Ok(Cell::Null)),
    ("pg_get_functiondef(oid) text", function),
    ("pg_get_indexdef(oid) text", index),
    ("pg_get_indexdef(oid, int4, bool) text", index),
    ("pg_get_partition_constraintdef(oid) text", |_| Ok(Cell::Null)),
    ("pg_get_partkeydef(oid) text", |_| Ok(Cell::Null)),
    ("pg_get_ruledef(oid) text", |_| Ok(Cell::Null)),
    ("pg_get_ruledef(oid, bool) text", |_| Ok(Cell::Null)),
    ("pg_get_statisticsobjdef(oid) text", |_| Ok(Cell::Null)),
    ("pg_get_statisticsobjdef_columns(oid) text", |_| Ok(Cell::Null)),
    ("pg_get_triggerdef(oid) text", |_| Ok(Cell::Null)),
    ("pg_get_triggerdef(oid, bool) text", |_| Ok(Cell::Null)),
    ("pg_get_viewdef(regclass) text", view),
    ("pg_get_viewdef(regclass, bool) text", view),
    ("shobj_description(oid, name) text", shared_description),
];

/// Expressions are kept as text.
fn expression(call: &Call<'_>) -> Result<Cell> {
    Ok(call.text(0).into())
}

fn view(call: &Call<'_>) -> Result<Cell> {
    let definition = call.relation(0).and_then(|relation| relation.definition.as_deref());
    Ok(definition.map(|sql| format!(" {};", sql.trim().trim_end_matches(';').trim_end())).into())
}

fn constraint(call: &Call<'_>) -> Result<Cell> {
    let pretty = call.values.get(1) == Some(&Cell::Bool(true));
    Ok(call.oid(0).and_then(|oid| pg::constraint_definition(call.scope, oid, pretty)).into())
}

fn index(call: &Call<'_>) -> Result<Cell> {
    let pretty = call.values.get(2) == Some(&Cell::Bool(true));
    let column = call.int(1).unwrap_or(0);
    Ok(call.oid(0).and_then(|oid| pg::index_definition(call.scope, oid, column, pretty)).into())
}

fn procedure(call: &Call<'_>) -> Option<Procedure> {
    let oid = call.oid(0)?;
    pg::procedures(call.scope).into_iter().find(|procedure| procedure.oid == oid)
}

fn arguments(call: &Call<'_>) -> Result<Cell> {
    Ok(procedure(call).map(|it| pg::arguments(&it)).into())
}

fn result(call: &Call<'_>) -> Result<Cell> {
    Ok(procedure(call).map(|it| pg::result(&it)).into())
}

/// The statement that made a model; other functions are built in.
fn function(call: &Call<'_>) -> Result<Cell> {
    let text = procedure(call).and_then(|it| {
        let name = Name::new(&it.schema, &it.name);
        let model = call.objects().snapshot.models.get(&name)?;
        let version = model.versions.last()?;
        Some(format!("CREATE MODEL {name} FROM {} FORMAT {}\n", quote_literal(&version.source), version.format))
    });
    Ok(text.into())
}

/// What `pg_description` has for an object, of any catalog when none is named.
fn description(call: &Call<'_>) -> Result<Cell> {
    let Some(oid) = call.oid(0) else { return Ok(Cell::Null) };
    let class = call.text(1);
    let relation = || call.objects().relation(oid).and_then(|relation| relation.about.clone());
    let procedure = || procedure(call).and_then(|procedure| procedure.about);
    let schema =
        || call.objects().namespace(oid).and_then(|name| pg::schema_description(call.scope, name)).map(String::from);
    let constraint = || {
        let mut all = pg::constraint_descriptions(call.scope);
        all.find(|(constraint, _)| *constraint == oid).map(|(_, about)| about.to_string())
    };
    let about = match class {
        Some("pg_class") => relation(),
        Some("pg_proc") => procedure(),
        Some("pg_namespace") => schema(),
        Some("pg_constraint") => constraint(),
        None => relation().or_else(procedure).or_else(schema).or_else(constraint),
        Some(_) => None,
    };
    Ok(about.into())
}

fn column_description(call: &Call<'_>) -> Result<Cell> {
    let column = call.relation(0).and_then(|relation| {
        let at = usize::try_from(call.int(1)?.checked_sub(1)?).ok()?;
        call.objects().columns(relation).get(at)?.about.clone()
    });
    Ok(column.into())
}

fn shared_description(call: &Call<'_>) -> Result<Cell> {
    let [about] = row!["prediction infrastructure in SQL"];
    let ours = call.oid(0) == Some(oid::DATABASE) && call.text(1) == Some("pg_database");
    Ok(if ours { about } else { Cell::Null })
}
