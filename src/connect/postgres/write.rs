//! From the staging table into the target, in each mode.

use super::column::quoted;
use super::fit::Assignment;
use crate::catalog::workflow::Mode;

/// The staging table: of this session only, gone with the transaction.
pub(super) const STAGE: &str = "pg_temp.aqueduct_stage";

/// Creates the staging table.
pub(super) fn stage(assignments: &[Assignment]) -> String {
    let columns: Vec<_> = assignments.iter().map(|column| format!("{} {}", column.name, column.staged)).collect();
    format!("CREATE TEMPORARY TABLE aqueduct_stage ({}) ON COMMIT DROP", columns.join(", "))
}

/// What makes the staged rows the target's, as statements in order.
///
/// `unique` says whether a unique index of the target has exactly the key's columns.
pub(super) fn statements(table: &str, assignments: &[Assignment], mode: &Mode, unique: bool) -> Vec<String> {
    let insert = insert(table, assignments);
    match mode {
        Mode::Append | Mode::Fail => vec![insert],
        // Not TRUNCATE: readers keep the old rows until the commit. The lock lets them read, and
        // keeps other writers from adding rows that neither the DELETE nor they would see.
        Mode::Replace => vec![lock(table), format!("DELETE FROM {table}"), insert],
        Mode::Upsert { key, delete_missing } => {
            let keys: Vec<_> = key.iter().map(|name| quoted(name)).collect();
            let keys: Vec<_> = assignments.iter().filter(|column| keys.contains(&column.name)).collect();
            let mut all = vec![format!("ANALYZE {STAGE}")];
            if *delete_missing || !unique {
                all.push(lock(table));
            }
            if *delete_missing {
                all.push(format!(
                    "DELETE FROM {table} t WHERE NOT EXISTS (SELECT FROM {STAGE} s WHERE {})",
                    same(&keys)
                ));
            }
            match unique {
                true => all.push(format!("{insert} {}", on_conflict(assignments, &keys))),
                false => all.extend(by_join(table, assignments, &keys)),
            }
            all
        }
    }
}

fn lock(table: &str) -> String {
    format!("LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
}

fn insert(table: &str, assignments: &[Assignment]) -> String {
    let names: Vec<_> = assignments.iter().map(|column| column.name.as_str()).collect();
    let values: Vec<_> = assignments.iter().map(Assignment::value).collect();
    if names.is_empty() {
        return format!("INSERT INTO {table} SELECT FROM {STAGE} s");
    }
    format!("INSERT INTO {table} ({}) SELECT {} FROM {STAGE} s", names.join(", "), values.join(", "))
}

fn same(keys: &[&Assignment]) -> String {
    let equal: Vec<_> = keys.iter().map(|column| format!("t.{} = {}", column.name, column.key())).collect();
    equal.join(" AND ")
}

fn others<'a>(assignments: &'a [Assignment], keys: &[&Assignment]) -> Vec<&'a Assignment> {
    assignments.iter().filter(|column| keys.iter().all(|key| key.name != column.name)).collect()
}

fn on_conflict(assignments: &[Assignment], keys: &[&Assignment]) -> String {
    let names: Vec<_> = keys.iter().map(|column| column.name.as_str()).collect();
    let set: Vec<_> =
        others(assignments, keys).iter().map(|column| format!("{0} = excluded.{0}", column.name)).collect();
    let action = if set.is_empty() { "NOTHING".to_string() } else { format!("UPDATE SET {}", set.join(", ")) };
    format!("ON CONFLICT ({}) DO {action}", names.join(", "))
}

/// Without a unique index: the lock makes the two statements one.
fn by_join(table: &str, assignments: &[Assignment], keys: &[&Assignment]) -> Vec<String> {
    let set: Vec<_> =
        others(assignments, keys).iter().map(|column| format!("{} = {}", column.name, column.value())).collect();
    let update = (!set.is_empty())
        .then(|| format!("UPDATE {table} t SET {} FROM {STAGE} s WHERE {}", set.join(", "), same(keys)));
    let insert =
        format!("{} WHERE NOT EXISTS (SELECT FROM {table} t WHERE {})", insert(table, assignments), same(keys));
    update.into_iter().chain([insert]).collect()
}

/// A query for a key that an upsert cannot have: one with a NULL, or the second of two. It has a row when
/// there is one, which says the key as text.
pub(super) fn bad_keys(key: &[String]) -> [(&'static str, String); 2] {
    let keys: Vec<_> = key.iter().map(|name| quoted(name)).collect();
    let text = format!("pg_catalog.concat_ws(', ', {})", keys.join(", "));
    let null: Vec<_> = keys.iter().map(|name| format!("{name} IS NULL")).collect();
    let keys = keys.join(", ");
    [
        ("is NULL", format!("SELECT {text} FROM {STAGE} WHERE {} LIMIT 1", null.join(" OR "))),
        ("comes twice", format!("SELECT {text} FROM {STAGE} GROUP BY {keys} HAVING count(*) > 1 LIMIT 1")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mode: Mode, unique: bool, expect: &[&str]) {
        let column = |name: &str, cast: Option<&str>| Assignment {
            name: quoted(name),
            staged: String::new(),
            cast: cast.map(str::to_string),
            compared: "int".into(),
        };
        let found = statements("t", &[column("id", None), column("m", Some("mood"))], &mode, unique);
        assert_eq!(found, expect);
    }

    #[test]
    fn each_mode_has_its_statements() {
        let insert = "INSERT INTO t (\"id\", \"m\") SELECT s.\"id\", s.\"m\"::mood FROM pg_temp.aqueduct_stage s";
        let lock = "LOCK TABLE t IN SHARE ROW EXCLUSIVE MODE";
        let analyze = "ANALYZE pg_temp.aqueduct_stage";
        check(Mode::Append, false, &[insert]);
        check(Mode::Replace, false, &[lock, "DELETE FROM t", insert]);
        let upsert = |delete_missing| Mode::Upsert { key: vec!["id".into()], delete_missing };
        let conflict = format!("{insert} ON CONFLICT (\"id\") DO UPDATE SET \"m\" = excluded.\"m\"");
        check(upsert(false), true, &[analyze, &conflict]);
        let missing =
            "DELETE FROM t t WHERE NOT EXISTS (SELECT FROM pg_temp.aqueduct_stage s WHERE t.\"id\" = s.\"id\"::int)";
        check(upsert(true), true, &[analyze, lock, missing, &conflict]);
        let update =
            "UPDATE t t SET \"m\" = s.\"m\"::mood FROM pg_temp.aqueduct_stage s WHERE t.\"id\" = s.\"id\"::int";
        let new = format!("{insert} WHERE NOT EXISTS (SELECT FROM t t WHERE t.\"id\" = s.\"id\"::int)");
        check(upsert(false), false, &[analyze, lock, update, &new]);
    }
}
