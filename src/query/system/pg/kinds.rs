//! Types and collations.

use crate::base::{Span, Textual, Type};
use crate::query::system::oid;
use crate::query::system::page::{Page, row};
use crate::query::system::schema::Scope;

/// How Postgres would hold values of a type.
pub struct Storage {
    pub by_value: bool,
    pub align: char,
    pub storage: char,
}

impl Storage {
    pub fn of(ty: &Type) -> Storage {
        let align = match ty.length() {
            1 => 'c',
            2 => 's',
            8 => 'd',
            16 if *ty == Type::Interval => 'd',
            16 | 64 => 'c',
            -1 if matches!(ty, Type::Record) => 'd',
            _ => 'i',
        };
        let storage = match ty {
            Type::Numeric(_) => 'm',
            ty if ty.length() == -1 && !ty.is_vector() => 'x',
            _ => 'p',
        };
        Storage { by_value: (1..=8).contains(&ty.length()), align, storage }
    }
}

/// OID of the collation of a type's values, 0 when order is no matter of language.
pub fn collation(ty: &Type) -> u32 {
    match ty {
        Type::Text | Type::Varchar(_) | Type::Char(_) => 100,
        Type::Name => 950,
        Type::Array(element) => collation(element),
        _ => 0,
    }
}

pub fn pg_collation(_: &Scope<'_>) -> Page {
    let rows = [(100u32, "default", "d"), (950, "C", "c"), (951, "POSIX", "c")]
        .map(|(oid, name, provider)| row![oid, name, oid::PG_CATALOG, oid::ROLE, provider, true, -1]);
    let columns =
        ["oid", "collname", "collnamespace", "collowner", "collprovider", "collisdeterministic", "collencoding"];
    Page::of(columns, rows)
}

pub fn pg_type(_: &Scope<'_>) -> Page {
    let plain = Type::all().cloned();
    let arrays = Type::all().map(|ty| Type::Array(Box::new(ty.clone())));
    let rows = plain.chain(arrays).map(|ty| {
        let storage = Storage::of(&ty);
        let (category, preferred) = category(&ty);
        let (element, array) = match &ty {
            Type::Array(element) => (element.oid(), 0),
            Type::Int2Vector => (Type::Int2.oid(), ty.array_oid()),
            Type::OidVector => (Type::Oid.oid(), ty.array_oid()),
            Type::Name => (Type::InternalChar.oid(), ty.array_oid()),
            ty => (0, ty.array_oid()),
        };
        let kind = match &ty {
            Type::Record => 'p',
            Type::Textual(Textual::Range(_)) => 'r',
            Type::Textual(Textual::Multirange(_)) => 'm',
            ty if ty.oid() == 2287 => 'p',
            _ => 'b',
        };
        let io = |what| oid::of_name("function", &io_name(&ty, what));
        row![
            ty.oid(),
            ty.internal_name(),
            oid::PG_CATALOG,
            oid::ROLE,
            ty.length(),
            storage.by_value,
            kind,
            category,
            preferred,
            true,
            ",",
            element,
            array,
            io("in"),
            io("out"),
            io("recv"),
            io("send"),
            storage.align,
            storage.storage,
            -1,
            collation(&ty),
        ]
    });
    Page::of(
        [
            "oid",
            "typname",
            "typnamespace",
            "typowner",
            "typlen",
            "typbyval",
            "typtype",
            "typcategory",
            "typispreferred",
            "typisdefined",
            "typdelim",
            "typelem",
            "typarray",
            "typinput",
            "typoutput",
            "typreceive",
            "typsend",
            "typalign",
            "typstorage",
            "typtypmod",
            "typcollation",
        ],
        rows,
    )
}

fn category(ty: &Type) -> (char, bool) {
    match ty {
        Type::Bool => ('B', true),
        Type::Int2 | Type::Int4 | Type::Int8 | Type::Float4 | Type::Numeric(_) => ('N', false),
        Type::Float8 | Type::Oid => ('N', true),
        Type::Regclass | Type::Regtype | Type::Regproc => ('N', false),
        Type::Text => ('S', true),
        Type::Varchar(_) | Type::Char(_) | Type::Name => ('S', false),
        Type::InternalChar => ('Z', false),
        Type::Date | Type::Time | Type::Timestamp => ('D', false),
        Type::Timestamptz => ('D', true),
        Type::Interval => ('T', true),
        Type::Bytea | Type::Uuid | Type::Json | Type::Jsonb => ('U', false),
        Type::Textual(ty) => match ty {
            Textual::Timetz => ('D', false),
            Textual::Inet => ('I', true),
            Textual::Cidr => ('I', false),
            Textual::Bit(_) => ('V', false),
            Textual::Varbit(_) => ('V', true),
            Textual::Range(_) | Textual::Multirange(_) => ('R', false),
            ty if ty.is_reference() => ('N', false),
            _ => ('U', false),
        },
        Type::Record => ('P', false),
        Type::Array(_) | Type::Int2Vector | Type::OidVector => ('A', false),
    }
}

/// The name of the function that reads (`in`, `recv`) or writes (`out`, `send`) values of a type.
fn io_name(ty: &Type, what: &str) -> String {
    let name = match ty {
        Type::Array(_) => "array".to_string(),
        Type::Textual(Textual::Range(_)) => "range".to_string(),
        Type::Textual(Textual::Multirange(_)) => "multirange".to_string(),
        ty => ty.internal_name(),
    };
    let apart = matches!(
        name.as_str(),
        "array"
            | "date"
            | "time"
            | "timestamp"
            | "timestamptz"
            | "interval"
            | "uuid"
            | "json"
            | "jsonb"
            | "numeric"
            | "record"
            | "timetz"
            | "inet"
            | "cidr"
            | "macaddr"
            | "macaddr8"
            | "bit"
            | "varbit"
            | "pg_lsn"
            | "jsonpath"
            | "range"
            | "multirange"
    );
    format!("{name}{}{what}", if apart { "_" } else { "" })
}

/// Names of all such functions: drivers find out by them how a type travels.
pub fn io_functions() -> Vec<String> {
    let types = Type::all().cloned().chain([Type::Array(Box::new(Type::Text))]);
    let types = types.filter(
        |ty| !matches!(ty, Type::Textual(Textual::Range(span) | Textual::Multirange(span)) if *span != Span::Int4),
    );
    types.flat_map(|ty| ["in", "out", "recv", "send"].map(|what| io_name(&ty, what))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_by_the_functions_that_postgres_has() {
        for (ty, name) in [
            (Type::Bool, "boolin"),
            (Type::Timestamptz, "timestamptz_in"),
            (Type::Char(None), "bpcharin"),
            (Type::InternalChar, "charin"),
            (Type::Array(Box::new(Type::Int4)), "array_in"),
        ] {
            assert_eq!(io_name(&ty, "in"), name);
        }
    }
}
