//! What a table of a PostgreSQL server looks like, from its `pg_catalog`.

use super::column::{Column, type_of};
use super::remote::Session;
use crate::base::{Name, Result};
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use std::sync::Arc;
use tokio_postgres::types::Type as Wire;

/// A table or view of the server.
#[derive(Clone, Debug)]
pub(in crate::connect) struct Shape {
    /// As in `pg_class.relkind`.
    pub kind: char,
    /// The server's estimate.
    pub rows: Option<usize>,
    pub columns: Vec<Column>,
    /// Whether any text can be sent to the server.
    pub utf8: bool,
}

impl Shape {
    pub fn schema(&self) -> SchemaRef {
        let fields: Vec<_> =
            self.columns.iter().map(|column| column.ty.field(&column.name, !column.not_null)).collect();
        Arc::new(Schema::new(fields))
    }
}

/// One row per column; domains are followed to the type below them. The two vectors (22, 30) are no arrays to
/// the server's casts.
const COLUMNS: &str = "
WITH RECURSIVE relation AS (
  SELECT c.oid, c.relkind, c.reltuples
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
), below AS (
  SELECT a.attnum, a.atttypid AS typid, a.atttypmod AS typmod, a.atthasdef AS filled
  FROM pg_catalog.pg_attribute a JOIN relation r ON r.oid = a.attrelid
  WHERE a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT b.attnum, t.typbasetype, CASE WHEN t.typtypmod = -1 THEN b.typmod ELSE t.typtypmod END,
         b.filled OR t.typdefault IS NOT NULL
  FROM below b JOIN pg_catalog.pg_type t ON t.oid = b.typid
  WHERE t.typtype = 'd'
)
SELECT r.relkind::text, r.reltuples::float8, a.attname::text,
       a.attnotnull AND r.relkind <> 'f', b.typid::int8, b.typmod::int4,
       CASE WHEN t.typcategory = 'A' AND t.typlen = -1 AND t.oid NOT IN (22, 30) THEN t.typelem::int8 END,
       pg_catalog.format_type(a.atttypid, a.atttypmod), pg_catalog.format_type(b.typid, -1),
       a.attgenerated <> '' OR a.attidentity = 'a', b.filled OR a.attidentity <> '',
       coalesce(k.collisdeterministic, true)
FROM relation r
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN (below b JOIN pg_catalog.pg_type t ON t.oid = b.typid AND t.typtype <> 'd') ON b.attnum = a.attnum
LEFT JOIN pg_catalog.pg_collation k ON k.oid = a.attcollation
ORDER BY a.attnum";

/// The table's columns, `None` when there is no such table.
pub(super) async fn look_up(session: &Session, schema: &str, table: &str) -> Result<Option<Shape>> {
    let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Wire); 2] =
        [(&schema, Wire::TEXT), (&table, Wire::TEXT)];
    let rows = session.client.query_typed(COLUMNS, &parameters).await.map_err(|error| session.failed(error))?;
    let Some(first) = rows.first() else { return Ok(None) };
    let kind: String = first.try_get(0).map_err(|error| session.failed(error))?;
    let estimate: f64 = first.try_get(1).map_err(|error| session.failed(error))?;
    let columns = rows.iter().filter_map(|row| column(row).transpose());
    Ok(Some(Shape {
        kind: kind.chars().next().unwrap_or('r'),
        rows: (estimate > 0.0).then_some(estimate as usize),
        columns: columns.collect::<Result<_, _>>().map_err(|error| session.failed(error))?,
        utf8: session.facts.utf8,
    }))
}

/// The column of a row; a table without columns has one row without any.
fn column(row: &tokio_postgres::Row) -> Result<Option<Column>, tokio_postgres::Error> {
    let Some(name) = row.try_get::<_, Option<String>>(2)? else { return Ok(None) };
    let element: Option<i64> = row.try_get(6)?;
    let (ty, as_text) =
        type_of(row.try_get::<_, i64>(4)? as u32, row.try_get(5)?, element.map(|element| element as u32));
    Ok(Some(Column {
        name,
        ty,
        as_text,
        not_null: row.try_get(3)?,
        declared: row.try_get(7)?,
        base: row.try_get(8)?,
        generated: row.try_get(9)?,
        optional: row.try_get(10)?,
        deterministic: row.try_get(11)?,
    }))
}

const TABLES: &str = "
SELECT n.nspname::text, c.relname::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname !~ '^pg_(toast|temp)'
  AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
ORDER BY 1, 2";

/// Every table and view that the role may read.
pub(super) async fn tables(session: &Session) -> Result<Vec<Name>> {
    let rows = session.client.query_typed(TABLES, &[]).await.map_err(|error| session.failed(error))?;
    rows.iter()
        .map(|row| Ok(Name::new(row.try_get::<_, String>(0)?, row.try_get::<_, String>(1)?)))
        .collect::<Result<_, _>>()
        .map_err(|error| session.failed(error))
}
