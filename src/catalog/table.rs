//! Managed tables: columns and the files that hold their rows at one snapshot of the lake.

use crate::base::{Name, Type};
use datafusion::arrow::datatypes::{Field, Schema as ArrowSchema, SchemaRef};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;
use std::sync::Arc;

/// A managed table as of one snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// DuckLake's table id; with [`Snapshot::oid`](super::Snapshot::oid) it is also the relation's OID.
    pub id: i64,
    pub uuid: String,
    pub name: Name,
    /// Folder of its files, relative to the schema's, ending in `/`.
    pub path: String,
    pub columns: Vec<Column>,
    /// Files in the order in which they were added.
    pub files: Vec<Arc<DataFile>>,
    pub next_row_id: i64,
    /// Next unused column id.
    pub next_column_id: i64,
}

/// A column of a managed table.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// DuckLake's column id, which is the Parquet field id; 0 until the table exists.
    pub id: i64,
    pub name: String,
    pub ty: Type,
    pub nullable: bool,
    /// Default as SQL text.
    pub default: Option<String>,
}

/// A Parquet file with rows of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct DataFile {
    pub id: i64,
    /// Relative to the table's folder.
    pub path: String,
    pub rows: i64,
    pub bytes: i64,
    /// Length of the Parquet footer.
    pub footer_bytes: i64,
    pub row_id_start: i64,
    pub begin_snapshot: i64,
    pub stats: Vec<ColumnStats>,
    /// Rows of this file that are deleted.
    pub deletes: Option<DeleteFile>,
}

/// A Parquet file with the positions of deleted rows of one data file, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct DeleteFile {
    pub id: i64,
    /// Relative to the table's folder.
    pub path: String,
    pub rows: i64,
    pub bytes: i64,
    pub footer_bytes: i64,
}

/// What is known of one column of one file; values as DuckLake writes them as text.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnStats {
    pub column_id: i64,
    pub bytes: i64,
    pub values: i64,
    pub nulls: i64,
    pub min: Option<String>,
    pub max: Option<String>,
    pub contains_nan: Option<bool>,
}

impl Table {
    /// Rows that a reader sees.
    pub fn rows(&self) -> i64 {
        self.files.iter().map(|file| file.rows - file.deletes.as_ref().map_or(0, |deletes| deletes.rows)).sum()
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The table's columns as Arrow fields that carry their Parquet field ids.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(ArrowSchema::new(self.columns.iter().map(Column::field).collect::<Vec<_>>()))
    }
}

impl Column {
    pub fn new(name: impl Into<String>, ty: Type, nullable: bool) -> Self {
        Column { id: 0, name: name.into(), ty, nullable, default: None }
    }

    pub fn field(&self) -> Field {
        let field = self.ty.field(&self.name, self.nullable);
        let mut metadata = field.metadata().clone();
        metadata.insert(PARQUET_FIELD_ID_META_KEY.to_string(), self.id.to_string());
        field.with_metadata(metadata)
    }
}
