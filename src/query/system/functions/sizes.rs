//! How much there is.

use super::{Call, Entry};
use crate::base::Result;
use crate::query::system::page::Cell;

pub const ALL: &[Entry] = &[
    ("pg_database_size(any) int8", |call| Ok(call.objects().relations.iter().map(|it| it.bytes).sum::<i64>().into())),
    ("pg_indexes_size(regclass) int8", |_| Ok(0.into())),
    ("pg_relation_filenode(regclass) oid", |call| Ok(call.relation(0).map(|it| it.oid).into())),
    // No table has partitions.
    ("pg_partition_ancestors(any) oid", |_| Ok(Cell::Null)),
    ("pg_relation_is_publishable(regclass) bool", |call| Ok(call.relation(0).map(|it| it.kind == 'r').into())),
    ("pg_relation_size(regclass) int8", size),
    ("pg_relation_size(regclass, text) int8", size),
    ("pg_size_pretty(int8) text", pretty),
    ("pg_table_size(regclass) int8", size),
    ("pg_tablespace_location(oid) text", |_| Ok("".into())),
    ("pg_tablespace_size(any) int8", |_| Ok(0.into())),
    ("pg_total_relation_size(regclass) int8", size),
];

/// Bytes of the files that hold a table's rows and the positions of its deleted ones.
fn size(call: &Call<'_>) -> Result<Cell> {
    Ok(call.relation(0).map(|relation| relation.bytes).into())
}

fn pretty(call: &Call<'_>) -> Result<Cell> {
    Ok(call.int(0).map(shown).into())
}

/// In the largest unit that leaves it above ten of it, rounded, as Postgres does.
fn shown(bytes: i64) -> String {
    const UNITS: [&str; 6] = ["bytes", "kB", "MB", "GB", "TB", "PB"];
    let mut size = bytes;
    let mut unit = 0;
    // Half a unit below ten thousand of the next smaller one is still shown in the smaller.
    while size.unsigned_abs() >= 10 * 1024 && unit + 1 < UNITS.len() {
        size = (size / 512 + size.signum()) / 2;
        unit += 1;
    }
    format!("{size} {}", UNITS.get(unit).unwrap_or(&"PB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_in_postgres() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (10_239, "10239 bytes"),
            (10_240, "10 kB"),
            (1_000_000, "977 kB"),
            (-1_000_000, "-977 kB"),
            (123_456_789, "118 MB"),
            (5_000_000_000_000, "4657 GB"),
        ] {
            assert_eq!(shown(bytes), text);
        }
    }
}
