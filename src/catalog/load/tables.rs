//! Managed tables as of a snapshot of the lake, now or in the past.

use super::{Source, schema_name};
use crate::base::{Error, Kind, Name, Result, Type};
use crate::catalog::{Column, ColumnStats, DataFile, DeleteFile, Rules, Schema, Table};
use crate::store::{Row, Store, Value};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The table that had this name at a snapshot; `None` when there was none.
pub async fn table_at(store: &Store, name: &Name, lake: i64) -> Result<Option<Arc<Table>>> {
    let mut source = Source::Store(store);
    let schemas = super::schemas(&mut source, lake).await?;
    let Some(schema) = schemas.get(&name.schema) else { return Ok(None) };
    let rows = source
        .rows(
            "SELECT table_id FROM ducklake_table WHERE table_name = ?2 AND schema_id = ?3 \
             AND begin_snapshot <= ?1 AND (end_snapshot IS NULL OR end_snapshot > ?1)",
            &[lake.into(), name.name.as_str().into(), schema.id.into()],
        )
        .await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let tables = tables(&mut source, &schemas, lake, Some(row.int("table_id")?)).await?;
    Ok(tables.into_iter().next())
}

/// All tables, or one of them, as of a snapshot.
pub(super) async fn tables(
    source: &mut Source<'_>,
    schemas: &BTreeMap<String, Arc<Schema>>,
    lake: i64,
    table: Option<i64>,
) -> Result<Vec<Arc<Table>>> {
    let values = [lake.into(), table.into()];
    let mut columns = columns(source, &values).await?;
    let mut files = files(source, &values).await?;
    let inlined = inlined(source, &values).await?;
    let mut rules = rules(source, &values).await?;
    let rows = source
        .rows(
            "SELECT t.table_id, table_uuid, schema_id, table_name, path, path_is_relative, next_row_id \
             FROM ducklake_table t LEFT JOIN ducklake_table_stats s ON s.table_id = t.table_id \
             WHERE begin_snapshot <= ?1 AND (end_snapshot IS NULL OR end_snapshot > ?1) \
             AND (?2 IS NULL OR t.table_id = ?2)",
            &values,
        )
        .await?;
    let mut tables = vec![];
    for row in &rows {
        let Some(schema) = schema_name(schemas, row.int("schema_id")?) else { continue };
        let id = row.int("table_id")?;
        let shape = columns.remove(&id).unwrap_or_default();
        let held = files.remove(&id).unwrap_or_default();
        let unreadable = shape.unreadable.or(held.unreadable).or_else(|| inlined.get(&id).cloned());
        tables.push(Arc::new(Table {
            id,
            uuid: row.text("table_uuid")?.to_string(),
            name: Name::new(schema, row.text("table_name")?),
            folder: match (row.int("path_is_relative")?, schemas.get(schema)) {
                (1, Some(schema)) => format!("{}{}", schema.path, row.text("path")?),
                _ => row.text("path")?.to_string(),
            },
            columns: shape.columns,
            rules: rules.remove(&id).unwrap_or_default(),
            files: held.files.into_iter().map(Arc::new).collect(),
            next_row_id: row.optional_int("next_row_id")?.unwrap_or_default(),
            next_column_id: shape.next_id,
            unreadable,
        }));
    }
    Ok(tables)
}

async fn rules(source: &mut Source<'_>, values: &[Value]) -> Result<HashMap<i64, Rules>> {
    let rows = source
        .rows(
            "SELECT table_id, rules FROM aqueduct_table WHERE begin_snapshot <= ?1 \
             AND (end_snapshot IS NULL OR end_snapshot > ?1) AND (?2 IS NULL OR table_id = ?2)",
            values,
        )
        .await?;
    let read = |row: &Row| {
        let rules = serde_json::from_str(row.text("rules")?).map_err(|error| {
            Error::new(Kind::DataCorrupted, "the store's constraints of a table cannot be read")
                .detail(error.to_string())
        });
        Ok((row.int("table_id")?, rules?))
    };
    rows.iter().map(read).collect()
}

#[derive(Default)]
struct Shape {
    columns: Vec<Column>,
    next_id: i64,
    unreadable: Option<String>,
}

async fn columns(source: &mut Source<'_>, values: &[Value]) -> Result<HashMap<i64, Shape>> {
    let rows = source
        .rows(
            "SELECT c.table_id, c.column_id, column_name, column_type, default_value, nulls_allowed, parent_column, \
             default_value_type, initial_default, type, default_sql, \
             (SELECT max(a.column_id) FROM ducklake_column a WHERE a.table_id = c.table_id) + 1 AS next_id \
             FROM ducklake_column c LEFT JOIN aqueduct_column o ON o.table_id = c.table_id \
             AND o.column_id = c.column_id AND o.begin_snapshot = c.begin_snapshot \
             WHERE c.begin_snapshot <= ?1 AND (c.end_snapshot IS NULL OR c.end_snapshot > ?1) \
             AND (?2 IS NULL OR c.table_id = ?2) ORDER BY c.table_id, c.column_order, c.column_id",
            values,
        )
        .await?;
    let mut elements = HashMap::new();
    for row in &rows {
        if let Some(parent) = row.optional_int("parent_column")? {
            elements.insert((row.int("table_id")?, parent), (row.int("column_id")?, row.text("column_type")?));
        }
    }
    let mut shapes: HashMap<i64, Shape> = HashMap::new();
    for row in rows.iter() {
        if row.optional_int("parent_column")?.is_some() {
            continue;
        }
        let shape = shapes.entry(row.int("table_id")?).or_default();
        shape.next_id = row.int("next_id")?;
        let (id, name) = (row.int("column_id")?, row.text("column_name")?);
        let element = elements.get(&(row.int("table_id")?, id));
        let Some(ty) = column_type(row, id, element)? else {
            let ty = row.text("column_type")?;
            shape.unreadable = Some(format!("column \"{name}\" has type {ty} of another writer"));
            continue;
        };
        shape.columns.push(Column {
            id,
            name: name.to_string(),
            ty,
            nullable: row.int("nulls_allowed")? == 1,
            default: default(row)?,
            initial: row.optional_text("initial_default")?.map(str::to_string),
        });
    }
    Ok(shapes)
}

/// The exact SQL type: ours when we made the column, else what DuckLake's word means.
fn column_type(row: &Row, id: i64, element: Option<&(i64, &str)>) -> Result<Option<Type>> {
    if let Some(ours) = row.optional_text("type")? {
        return Ok(Type::parse(ours));
    }
    match (row.text("column_type")?, element) {
        ("list", Some((element, ty))) if *element == id + 1 => {
            Ok(Type::from_ducklake(ty).map(|ty| Type::Array(Box::new(ty))))
        }
        (ty, _) => Ok(Type::from_ducklake(ty)),
    }
}

/// The default as SQL.
fn default(row: &Row) -> Result<Option<String>> {
    if row.optional_text("type")?.is_some() {
        return Ok(row.optional_text("default_sql")?.map(str::to_string));
    }
    let (kind, text) = (row.optional_text("default_value_type")?, row.optional_text("default_value")?);
    Ok(match (kind, text) {
        (_, None | Some("NULL")) => None,
        (Some("literal"), Some(text)) => Some(crate::base::quote_literal(text)),
        (_, Some(text)) => Some(text.to_string()),
    })
}

#[derive(Default)]
struct Held {
    files: Vec<DataFile>,
    unreadable: Option<String>,
}

async fn files(source: &mut Source<'_>, values: &[Value]) -> Result<HashMap<i64, Held>> {
    let mut stats = file_stats(source, values).await?;
    let rows = source
        .rows(
            "SELECT f.table_id, f.data_file_id, f.begin_snapshot, f.path, f.path_is_relative, file_format, record_count, \
             f.file_size_bytes, f.footer_size, row_id_start, f.encryption_key, mapping_id, f.partial_max, \
             delete_file_id, d.path AS delete_path, d.path_is_relative AS delete_relative, format, delete_count, \
             d.file_size_bytes AS delete_bytes, d.footer_size AS delete_footer, d.partial_max AS delete_partial \
             FROM ducklake_data_file f LEFT JOIN ducklake_delete_file d ON d.data_file_id = f.data_file_id \
             AND d.begin_snapshot <= ?1 AND (d.end_snapshot IS NULL OR d.end_snapshot > ?1) \
             WHERE f.begin_snapshot <= ?1 AND (f.end_snapshot IS NULL OR f.end_snapshot > ?1) \
             AND (?2 IS NULL OR f.table_id = ?2) ORDER BY f.data_file_id",
            values,
        )
        .await?;
    let mut tables: HashMap<i64, Held> = HashMap::new();
    for row in &rows {
        let held = tables.entry(row.int("table_id")?).or_default();
        let id = row.int("data_file_id")?;
        if let Some(reason) = foreign_form(row, values)? {
            held.unreadable = Some(format!("file {id} {reason}"));
        }
        held.files.push(DataFile {
            id,
            path: row.text("path")?.to_string(),
            rows: row.int("record_count")?,
            bytes: row.int("file_size_bytes")?,
            footer_bytes: row.optional_int("footer_size")?.unwrap_or_default(),
            row_id_start: row.optional_int("row_id_start")?.unwrap_or_default(),
            begin_snapshot: row.int("begin_snapshot")?,
            stats: stats.remove(&id).unwrap_or_default(),
            deletes: delete_file(row)?,
        });
    }
    Ok(tables)
}

/// What about a file of another writer we cannot read.
fn foreign_form(row: &Row, values: &[Value]) -> Result<Option<&'static str>> {
    let past = |column| -> Result<bool> {
        Ok(matches!((row.optional_int(column)?, &values[0]), (Some(newest), Value::Int(at)) if newest > *at))
    };
    Ok(if row.optional_text("file_format")?.is_some_and(|format| format != "parquet") {
        Some("is not Parquet")
    } else if row.optional_text("format")?.is_some_and(|format| format != "parquet") {
        Some("has deletes that are not Parquet")
    } else if row.optional_text("encryption_key")?.is_some() {
        Some("is encrypted")
    } else if row.optional_int("mapping_id")?.is_some() {
        Some("has columns without field ids")
    } else if past("partial_max")? || past("delete_partial")? {
        Some("was merged by another writer with later changes")
    } else {
        None
    })
}

fn delete_file(row: &Row) -> Result<Option<DeleteFile>> {
    let Some(id) = row.optional_int("delete_file_id")? else { return Ok(None) };
    Ok(Some(DeleteFile {
        id,
        path: row.text("delete_path")?.to_string(),
        rows: row.int("delete_count")?,
        bytes: row.int("delete_bytes")?,
        footer_bytes: row.optional_int("delete_footer")?.unwrap_or_default(),
    }))
}

async fn file_stats(source: &mut Source<'_>, values: &[Value]) -> Result<HashMap<i64, Vec<ColumnStats>>> {
    let rows = source
        .rows(
            "SELECT s.data_file_id, s.column_id, column_size_bytes, value_count, null_count, min_value, max_value, \
             contains_nan FROM ducklake_file_column_stats s JOIN ducklake_data_file f \
             ON f.data_file_id = s.data_file_id \
             WHERE f.begin_snapshot <= ?1 AND (f.end_snapshot IS NULL OR f.end_snapshot > ?1) \
             AND (?2 IS NULL OR f.table_id = ?2) ORDER BY s.data_file_id, s.column_id",
            values,
        )
        .await?;
    let mut stats: HashMap<i64, Vec<ColumnStats>> = HashMap::new();
    for row in &rows {
        let (Some(values), Some(nulls)) = (row.optional_int("value_count")?, row.optional_int("null_count")?) else {
            continue;
        };
        stats.entry(row.int("data_file_id")?).or_default().push(ColumnStats {
            column_id: row.int("column_id")?,
            bytes: row.optional_int("column_size_bytes")?.unwrap_or_default(),
            values,
            nulls,
            min: row.optional_text("min_value")?.map(str::to_string),
            max: row.optional_text("max_value")?.map(str::to_string),
            contains_nan: row.optional_int("contains_nan")?.map(|nan| nan != 0),
        });
    }
    Ok(stats)
}

/// Tables of which another writer keeps rows, or deletes, inside the store.
async fn inlined(source: &mut Source<'_>, values: &[Value]) -> Result<HashMap<i64, String>> {
    let mut tables = HashMap::new();
    let mut places = vec![];
    for row in source.rows("SELECT table_id, table_name FROM ducklake_inlined_data_tables", &[]).await? {
        places.push((row.int("table_id")?, row.text("table_name")?.to_string(), true));
    }
    let deletes = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'ducklake_inlined_delete_%'";
    for row in source.rows(deletes, &[]).await? {
        let name = row.text("name")?.to_string();
        let table = name.rsplit('_').next().and_then(|id| id.parse().ok());
        places.extend(table.map(|table| (table, name, false)));
    }
    for (table, place, ends) in places {
        if matches!(values[1], Value::Int(wanted) if wanted != table) {
            continue;
        }
        let end = if ends { "AND (end_snapshot IS NULL OR end_snapshot > ?1)" } else { "" };
        let place = place.replace('"', "");
        let sql = format!("SELECT 1 FROM \"{place}\" WHERE begin_snapshot <= ?1 {end} LIMIT 1");
        if !source.rows(&sql, &values[..1]).await?.is_empty() {
            let reason = "another writer keeps rows of it inside the catalog; ducklake_flush_inlined_data moves them";
            tables.insert(table, reason.to_string());
        }
    }
    Ok(tables)
}
