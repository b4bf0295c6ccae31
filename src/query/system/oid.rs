//! OIDs: the same for the same object, at every start and on every node.

use crate::base::name::DEFAULT_SCHEMA;
use crate::catalog::{Schema, Snapshot};

/// The only role.
pub const ROLE: u32 = 10;
/// The only database.
pub const DATABASE: u32 = 5;
pub const PG_CATALOG: u32 = 11;
pub const INFORMATION_SCHEMA: u32 = 13_000;
pub const PUBLIC: u32 = 2200;
/// Catalogs that `classoid` names.
pub const PG_CLASS: u32 = 1259;
pub const PG_PROC: u32 = 1255;
pub const PG_NAMESPACE: u32 = 2615;
pub const PG_CONSTRAINT: u32 = 2606;

/// The first OID that Postgres gives to a user's object.
const FIRST_USER: u32 = 16_384;

/// Temporary objects of a session, which are numbered below zero, are found from here on.
const FIRST_TEMPORARY: u32 = 0x2000_0000;

/// Of a schema, table or view: the lake has numbered them.
pub fn of_lake(id: i64) -> u32 {
    let first = if id < 0 { FIRST_TEMPORARY } else { FIRST_USER };
    first.saturating_add(u32::try_from(id.abs()).unwrap_or(0))
}

/// Of what nobody has numbered: its name decides. Above all lake ids, and positive for clients that think in int4.
pub fn of_name(kind: &str, name: &str) -> u32 {
    let bytes = kind.bytes().chain([0]).chain(name.bytes());
    // FNV-1a: the standard library's hash may change between versions, an OID must not.
    let hash = bytes.fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    0x4000_0000 | (hash & 0x3fff_ffff)
}

/// Of a schema by its name, system schemas included.
pub fn of_schema(snapshot: &Snapshot, name: &str) -> u32 {
    match name {
        "pg_catalog" => PG_CATALOG,
        "information_schema" => INFORMATION_SCHEMA,
        DEFAULT_SCHEMA => PUBLIC,
        name => snapshot.schemas.get(name).map_or_else(|| of_name("schema", name), |schema| numbered(schema)),
    }
}

fn numbered(schema: &Schema) -> u32 {
    of_lake(schema.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_oid_depends_on_kind_and_name_only() {
        assert_eq!(of_name("model", "public.delay"), of_name("model", "public.delay"));
        assert_ne!(of_name("model", "public.delay"), of_name("server", "public.delay"));
        assert!(of_name("a", "b") < 0x8000_0000 && of_name("a", "b") > of_lake(1_000_000));
    }
}
