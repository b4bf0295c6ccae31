//! From names to OIDs and back, and what an unqualified name would find.

use super::{Call, Entry};
use crate::base::value::textual::NUMBERED;
use crate::base::{Error, Kind, Result, Textual, Type, quote_identifier};
use crate::query::system::objects::Relation;
use crate::query::system::page::Cell;
use crate::query::system::pg;
use std::sync::Arc;

/// What casts to `regclass` and its like become: the OID of a name, the name of an OID.
pub const IDENTITY: &str = "aqueduct_oid";
pub const SHOWN: &str = "aqueduct_name";

pub const ALL: &[Entry] = &[
    ("aqueduct_name(text, regclass) text", shown),
    ("aqueduct_regclass(text, regclass) regclass", numbered),
    ("aqueduct_regnamespace(text, regclass) regnamespace", numbered),
    ("aqueduct_regoperator(text, regclass) regoperator", shown),
    ("aqueduct_regproc(text, regclass) regproc", numbered),
    ("aqueduct_regprocedure(text, regclass) regprocedure", numbered),
    ("aqueduct_regrole(text, regclass) regrole", numbered),
    ("aqueduct_regtype(text, regclass) regtype", numbered),
    ("aqueduct_oid(text, regclass) oid", identity),
    ("format_type(oid, int4) text", format_type),
    ("pg_collation_is_visible(oid) bool", |_| Ok(true.into())),
    ("pg_conversion_is_visible(oid) bool", |_| Ok(true.into())),
    ("pg_function_is_visible(oid) bool", |_| Ok(true.into())),
    ("pg_get_userbyid(oid) name", role),
    ("pg_opclass_is_visible(oid) bool", |_| Ok(true.into())),
    ("pg_operator_is_visible(oid) bool", |_| Ok(true.into())),
    ("pg_opfamily_is_visible(oid) bool", |_| Ok(true.into())),
    ("pg_statistics_obj_is_visible(oid) bool", |_| Ok(true.into())),
    ("pg_table_is_visible(oid) bool", visible),
    ("pg_ts_config_is_visible(oid) bool", |_| Ok(true.into())),
    ("pg_ts_dict_is_visible(oid) bool", |_| Ok(true.into())),
    ("pg_ts_parser_is_visible(oid) bool", |_| Ok(true.into())),
    ("pg_ts_template_is_visible(oid) bool", |_| Ok(true.into())),
    ("pg_type_is_visible(oid) bool", |call| Ok(call.oid(0).is_some_and(|oid| Type::from_oid(oid).is_some()).into())),
    ("to_regclass(text) regclass", |call| {
        Ok(call.relation(0).map(|it| format!("{}{NUMBERED}{}", it.shown(call.path()), it.oid)).into())
    }),
    ("to_regnamespace(text) regnamespace", |call| {
        Ok(call.text(0).and_then(|name| Some(format!("{name}{NUMBERED}{}", namespace(call, name)?))).into())
    }),
    ("to_regproc(text) regproc", |call| {
        Ok(call.text(0).and_then(|name| Some(format!("{name}{NUMBERED}{}", procedure(call, name)?))).into())
    }),
    ("to_regrole(text) regrole", |call| {
        Ok(call.text(0).and_then(|name| Some(format!("{name}{NUMBERED}{}", role_named(call, name)?))).into())
    }),
    ("to_regtype(text) regtype", |call| Ok(call.text(0).and_then(Type::parse).map(|ty| ty.to_string()).into())),
];

/// Parts of a dotted name, folded and unquoted.
pub fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in text.trim().chars() {
        match (c, parts.last_mut()) {
            ('"', _) => quoted = !quoted,
            ('.', _) if !quoted => parts.push(String::new()),
            (c, Some(part)) if quoted => part.push(c),
            (c, Some(part)) => part.extend(c.to_lowercase()),
            (_, None) => {}
        }
    }
    parts
}

pub fn relation_named<'a>(call: &'a Call<'_>, text: &str) -> Option<&'a Arc<Relation>> {
    let parts = parts(text);
    match parts.as_slice() {
        [name] => call.objects().relation_named(None, name, call.path()),
        [.., schema, name] => call.objects().relation_named(Some(schema), name, &[]),
        [] => None,
    }
}

fn namespace(call: &Call<'_>, name: &str) -> Option<u32> {
    let name = parts(name).pop()?;
    call.objects().namespaces.iter().find(|(_, known)| *known == name).map(|(oid, _)| *oid)
}

fn role_named(call: &Call<'_>, name: &str) -> Option<u32> {
    let name = parts(name).pop()?;
    call.objects().snapshot.role(&name).ok().map(|role| pg::role_oid(&role.name))
}

fn procedure(call: &Call<'_>, name: &str) -> Option<u32> {
    let name = name.split('(').next().and_then(|name| parts(name).pop())?;
    pg::procedures(call.scope).into_iter().find(|known| known.name == name).map(|known| known.oid)
}

/// `aqueduct_oid('regclass', x)`: the OID that a name or number stands for.
fn identity(call: &Call<'_>) -> Result<Cell> {
    if let Some(oid) = call.oid(1) {
        return Ok(oid.into());
    }
    if let Some((_, oid)) = call.text(1).and_then(|text| text.split_once(NUMBERED)) {
        return Ok(oid.parse::<i64>().map_or(Cell::Null, Cell::Int));
    }
    let (Some(kind), Some(name)) = (call.text(0), call.text(1)) else { return Ok(Cell::Null) };
    let (found, missing, what) = match kind {
        "regclass" => (relation_named(call, name).map(|it| it.oid), Kind::UndefinedTable, "relation"),
        "regtype" => (Type::parse(name).map(|ty| ty.oid()), Kind::UndefinedObject, "type"),
        "regoperator" => return Ok(call.text(1).map_or(Cell::Null, |text| text.into())),
        "regnamespace" => (namespace(call, name), Kind::UndefinedSchema, "schema"),
        "regrole" => (role_named(call, name), Kind::UndefinedObject, "role"),
        _ => (procedure(call, name), Kind::UndefinedFunction, "function"),
    };
    found.map(Cell::from).ok_or_else(|| Error::new(missing, format!("{what} \"{name}\" does not exist")))
}

/// `aqueduct_regclass('regclass', x)`: the name with the number that it stands for.
fn numbered(call: &Call<'_>) -> Result<Cell> {
    match (shown(call)?, identity(call)?) {
        (Cell::Text(name), Cell::Int(oid)) => Ok(format!("{name}{NUMBERED}{oid}").into()),
        (name, _) => Ok(name),
    }
}

/// `aqueduct_name('regclass', x)`: as Postgres prints a value of that type.
fn shown(call: &Call<'_>) -> Result<Cell> {
    let Some(kind) = call.text(0) else { return Ok(Cell::Null) };
    // Of an operator the name is all that there is.
    if kind == "regoperator" {
        return Ok(call.text(1).map(String::from).or_else(|| call.oid(1).map(|oid| oid.to_string())).into());
    }
    let oid = match identity(call)? {
        Cell::Int(oid) => u32::try_from(oid).unwrap_or_default(),
        _ => return Ok(Cell::Null),
    };
    let name = match kind {
        "regclass" => call.objects().relation(oid).map(|it| it.shown(call.path())),
        "regtype" => Type::from_oid(oid).map(|ty| ty.to_string()),
        "regnamespace" => call.objects().namespace(oid).map(quote_identifier),
        "regrole" => role_name(call, oid).map(|name| quote_identifier(&name)),
        _ => pg::procedures(call.scope).into_iter().find(|known| known.oid == oid).map(|known| known.name),
    };
    // An OID of nothing prints as its number, and 0 as a dash.
    Ok(name.unwrap_or_else(|| if oid == 0 { "-".into() } else { oid.to_string() }).into())
}

pub(super) fn role_name(call: &Call<'_>, oid: u32) -> Option<String> {
    let roles = call.objects().snapshot.all_roles();
    roles.iter().find(|role| pg::role_oid(&role.name) == oid).map(|role| role.name.clone())
}

fn role(call: &Call<'_>) -> Result<Cell> {
    let Some(oid) = call.oid(0) else { return Ok(Cell::Null) };
    Ok(role_name(call, oid).unwrap_or_else(|| format!("unknown (OID={oid})")).into())
}

fn format_type(call: &Call<'_>) -> Result<Cell> {
    let Some(oid) = call.oid(0) else { return Ok(Cell::Null) };
    let Some(ty) = Type::from_oid(oid) else { return Ok(if oid == 0 { "-" } else { "???" }.into()) };
    Ok(sized(ty, call.int(1).unwrap_or(-1)).to_string().into())
}

/// The type with the length or precision that a type modifier holds.
fn sized(ty: Type, typmod: i64) -> Type {
    let rest = typmod - 4;
    match ty {
        Type::Array(element) => Type::Array(Box::new(sized(*element, typmod))),
        Type::Numeric(_) if rest >= 0 => {
            let scale = i8::try_from(((rest & 0x7ff) ^ 1024) - 1024).unwrap_or_default();
            Type::Numeric(Some((u8::try_from(rest >> 16).unwrap_or_default(), scale)))
        }
        Type::Varchar(_) if rest >= 0 => Type::Varchar(u32::try_from(rest).ok()),
        Type::Char(_) if rest >= 0 => Type::Char(u32::try_from(rest).ok()),
        Type::Textual(Textual::Bit(_)) => Type::Textual(Textual::Bit(u32::try_from(typmod).ok())),
        Type::Textual(Textual::Varbit(_)) => Type::Textual(Textual::Varbit(u32::try_from(typmod).ok())),
        ty => ty,
    }
}

/// Whether the bare name finds this relation: its schema is on the path and nothing before it has the name.
fn visible(call: &Call<'_>) -> Result<Cell> {
    let Some(relation) = call.relation(0) else { return Ok(Cell::Null) };
    let found = call.objects().relation_named(None, &relation.name, call.path());
    Ok(found.is_some_and(|found| found.oid == relation.oid).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_and_unquote() {
        assert_eq!(parts("Public.\"My.Table\""), ["public", "My.Table"]);
    }

    #[test]
    fn a_type_modifier_gives_its_size_back() {
        for ty in [Type::Numeric(Some((10, 2))), Type::Varchar(Some(20)), Type::Numeric(Some((5, -2))), Type::Int4] {
            let plain = Type::from_oid(ty.oid()).unwrap();
            assert_eq!(sized(plain, ty.typmod().into()), ty);
        }
    }
}
