//! Reads the catalog from the store.

mod objects;
mod tables;

use super::{Change, Relation, Schema, Snapshot, View, writes};
use crate::base::{Name, Result};
use crate::store::{Row, Store, Transaction, Value, Write};
use std::collections::BTreeMap;
use std::sync::Arc;

pub use tables::table_at;

/// Where rows are read from: a transaction sees all of them as of one instant.
pub(super) enum Source<'a> {
    Store(&'a Store),
    Transaction(&'a mut Transaction),
}

impl Source<'_> {
    async fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
        match self {
            Source::Store(store) => store.query(sql, values).await,
            Source::Transaction(transaction) => transaction.query(sql, values).await,
        }
    }
}

/// What the store holds. A new store gets its first snapshot, with schema `public`; all of them learn
/// where the lake is now, so that DuckDB finds its files after the data folder was moved.
pub(super) async fn snapshot(store: &Store, at: &str, lake_path: &str) -> Result<Snapshot> {
    let mut transaction = store.begin().await?;
    if newest(&mut transaction).await?.is_none() {
        for write in first(at)? {
            transaction.execute(&write).await?;
        }
    }
    for write in metadata(lake_path) {
        transaction.execute(&write).await?;
    }
    let snapshot = current(&mut transaction).await?;
    transaction.commit().await?;
    Ok(snapshot)
}

/// The newest snapshot of the lake; `None` in a new store.
pub(super) async fn newest(transaction: &mut Transaction) -> Result<Option<i64>> {
    let rows = transaction.query("SELECT max(snapshot_id) AS newest FROM ducklake_snapshot", &[]).await?;
    rows.first().map_or(Ok(None), |row| row.optional_int("newest"))
}

/// Everything as of the last commit.
pub(super) async fn current(transaction: &mut Transaction) -> Result<Snapshot> {
    let mut source = Source::Transaction(transaction);
    let newest = source
        .rows(
            "SELECT snapshot_id, schema_version, next_catalog_id, next_file_id FROM ducklake_snapshot \
             ORDER BY snapshot_id DESC LIMIT 1",
            &[],
        )
        .await?;
    let mut snapshot = Snapshot::default();
    for row in &newest {
        snapshot.lake = row.int("snapshot_id")?;
        snapshot.schema_version = row.int("schema_version")?;
        snapshot.next_catalog_id = row.int("next_catalog_id")?;
        snapshot.next_file_id = row.int("next_file_id")?;
    }
    snapshot.schemas = schemas(&mut source, snapshot.lake).await?;
    let tables = tables::tables(&mut source, &snapshot.schemas, snapshot.lake, None).await?;
    snapshot.relations = tables.into_iter().map(|table| (table.name.clone(), Relation::Table(table))).collect();
    for view in views(&mut source, &snapshot.schemas, snapshot.lake).await? {
        snapshot.relations.insert(view.name.clone(), Relation::View(Arc::new(view)));
    }
    objects::objects(&mut source, &mut snapshot).await?;
    Ok(snapshot)
}

async fn schemas(source: &mut Source<'_>, lake: i64) -> Result<BTreeMap<String, Arc<Schema>>> {
    let rows = source
        .rows(
            "SELECT schema_id, schema_uuid, schema_name, path FROM ducklake_schema \
             WHERE begin_snapshot <= ?1 AND (end_snapshot IS NULL OR end_snapshot > ?1)",
            &[lake.into()],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let name = row.text("schema_name")?.to_string();
            let schema = Schema {
                id: row.int("schema_id")?,
                uuid: row.text("schema_uuid")?.to_string(),
                name: name.clone(),
                path: row.text("path")?.to_string(),
            };
            Ok((name, Arc::new(schema)))
        })
        .collect()
}

async fn views(source: &mut Source<'_>, schemas: &BTreeMap<String, Arc<Schema>>, lake: i64) -> Result<Vec<View>> {
    let rows = source
        .rows(
            "SELECT view_id, view_uuid, schema_id, view_name, sql, column_aliases FROM ducklake_view \
             WHERE begin_snapshot <= ?1 AND (end_snapshot IS NULL OR end_snapshot > ?1)",
            &[lake.into()],
        )
        .await?;
    let mut views = vec![];
    for row in &rows {
        let Some(schema) = schema_name(schemas, row.int("schema_id")?) else { continue };
        views.push(View {
            id: row.int("view_id")?,
            uuid: row.text("view_uuid")?.to_string(),
            name: Name::new(schema, row.text("view_name")?),
            // DuckDB's own views name its catalog so.
            sql: row.text("sql")?.replace("{DUCKLAKE_CATALOG}.", ""),
            column_aliases: aliases(row.optional_text("column_aliases")?.unwrap_or_default()),
        });
    }
    Ok(views)
}

fn schema_name(schemas: &BTreeMap<String, Arc<Schema>>, id: i64) -> Option<&str> {
    schemas.values().find(|schema| schema.id == id).map(|schema| schema.name.as_str())
}

/// Reads `"a","b ""x"""`.
fn aliases(text: &str) -> Vec<String> {
    let mut names = vec![];
    let mut rest = text;
    while let Some(start) = rest.strip_prefix('"') {
        let mut name = String::new();
        let mut after = start;
        while let Some(end) = after.find('"') {
            name.push_str(&after[..end]);
            after = &after[end + 1..];
            let Some(quote) = after.strip_prefix('"') else { break };
            name.push('"');
            after = quote;
        }
        names.push(name);
        rest = after.trim_start_matches([',', ' ']);
    }
    names
}

/// Rows of the first snapshot.
fn first(at: &str) -> Result<Vec<Write>> {
    let nothing = Snapshot { lake: -1, schema_version: -1, ..Snapshot::default() };
    let public = Change::CreateSchema { name: crate::base::name::DEFAULT_SCHEMA.into(), uuid: None };
    let first = nothing.apply_all(&[public])?;
    let mut rows = writes::writes(&nothing, &first, "", "", at)?;
    for (key, value) in [
        ("version", "1.0"),
        ("created_by", concat!("aqueduct ", env!("CARGO_PKG_VERSION"))),
        ("encrypted", "false"),
        // Other writers must not keep rows inside the store, where we would not see them.
        ("data_inlining_row_limit", "0"),
    ] {
        rows.push(Write::new("INSERT INTO ducklake_metadata(key, value) VALUES (?, ?)", [key.into(), value.into()]));
    }
    Ok(rows)
}

fn metadata(lake_path: &str) -> [Write; 2] {
    [
        Write::new(
            "DELETE FROM ducklake_metadata WHERE key = 'data_path' AND scope IS NULL AND value <> ?",
            [lake_path.into()],
        ),
        Write::new(
            "INSERT INTO ducklake_metadata(key, value) SELECT 'data_path', ? \
             WHERE NOT EXISTS (SELECT 1 FROM ducklake_metadata WHERE key = 'data_path' AND scope IS NULL)",
            [lake_path.into()],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_of_a_view_are_read_as_duckdb_writes_them() {
        assert_eq!(aliases(r#""A b","c""d""#), ["A b", "c\"d"]);
        assert_eq!(aliases(""), Vec::<String>::new());
    }
}
