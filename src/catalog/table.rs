//! Managed tables: columns and the files that hold their rows at one snapshot of the lake.

use super::Rules;
use crate::base::{Name, Type};
use datafusion::arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A managed table as of one snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// DuckLake's table id; with [`Snapshot::oid`](super::Snapshot::oid) it is also the relation's OID.
    pub id: i64,
    pub uuid: String,
    pub name: Name,
    /// Folder of its files, relative to the lake's data path, ending in `/`.
    pub folder: String,
    pub columns: Vec<Column>,
    pub rules: Rules,
    /// Files in the order in which they were added.
    pub files: Vec<Arc<DataFile>>,
    pub next_row_id: i64,
    /// Next unused column id.
    pub next_column_id: i64,
    /// Why its rows cannot be read: another writer used a form that we don't know.
    pub unreadable: Option<String>,
}

/// A column of a managed table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// DuckLake's column id, which is the Parquet field id; 0 until the table exists.
    pub id: i64,
    pub name: String,
    pub ty: Type,
    pub nullable: bool,
    /// Default as SQL text.
    pub default: Option<String>,
    /// The value in rows that are older than the column, as DuckLake writes it.
    pub initial: Option<String>,
}

/// A Parquet file with rows of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteFile {
    pub id: i64,
    /// Relative to the table's folder.
    pub path: String,
    pub rows: i64,
    pub bytes: i64,
    pub footer_bytes: i64,
}

/// What is known of one column of one file; values as DuckLake writes them as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// A table that does not exist yet, so that its files can be written before [`Change::CreateTable`]
    /// (with this table's folder) names both in one commit.
    ///
    /// [`Change::CreateTable`]: super::Change::CreateTable
    pub fn staged(schema: &super::Schema, name: &Name, columns: Vec<Column>) -> Table {
        let uuid = uuid::Uuid::new_v4().to_string();
        let folder = format!("{}{}/", schema.path, folder(&name.name, &uuid));
        Table::new(0, uuid, name.clone(), folder, columns)
    }

    /// An empty table; its columns get their ids here.
    pub(super) fn new(id: i64, uuid: String, name: Name, folder: String, mut columns: Vec<Column>) -> Table {
        let mut next = 1;
        for column in &mut columns {
            column.id = next;
            next += column.ids();
        }
        let rules = Rules::default();
        let (files, unreadable) = (vec![], None);
        Table { id, uuid, name, folder, columns, rules, files, next_row_id: 0, next_column_id: next, unreadable }
    }

    /// Rows that a reader sees.
    pub fn rows(&self) -> i64 {
        self.files.iter().map(|file| file.rows - file.deletes.as_ref().map_or(0, |deletes| deletes.rows)).sum()
    }

    /// Whether it is the same table, with the same columns and rules.
    pub(super) fn has_shape_of(&self, other: &Table) -> bool {
        self.id == other.id && self.columns == other.columns && self.rules == other.rules
    }

    /// What its rows are in: data files and their delete files.
    pub(super) fn contents(&self) -> impl Iterator<Item = (i64, Option<i64>)> {
        self.files.iter().map(|file| (file.id, file.deletes.as_ref().map(|deletes| deletes.id)))
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The table's columns as queries see them.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(ArrowSchema::new(self.columns.iter().map(Column::field).collect::<Vec<_>>()))
    }

    /// As [`Table::schema`], with the Parquet field ids by which readers of the lake find columns.
    pub fn file_schema(&self) -> SchemaRef {
        Arc::new(ArrowSchema::new(self.columns.iter().map(Column::file_field).collect::<Vec<_>>()))
    }
}

impl Column {
    pub fn new(name: impl Into<String>, ty: Type, nullable: bool) -> Self {
        Column { id: 0, name: name.into(), ty, nullable, default: None, initial: None }
    }

    /// How many column ids it takes: an array's elements have one of their own, the next.
    pub fn ids(&self) -> i64 {
        if matches!(self.ty, Type::Array(_)) { 2 } else { 1 }
    }

    pub fn field(&self) -> Field {
        self.with_element(|element| element)
    }

    fn file_field(&self) -> Field {
        numbered(self.with_element(|element| numbered(element, self.id + 1)), self.id)
    }

    /// An array's element has the name that Parquet gives it.
    fn with_element(&self, change: impl Fn(Field) -> Field) -> Field {
        let field = self.ty.field(&self.name, self.nullable);
        let DataType::List(element) = field.data_type() else { return field };
        let element = change(element.as_ref().clone().with_name("element"));
        field.with_data_type(DataType::List(Arc::new(element)))
    }
}

fn numbered(field: Field, id: i64) -> Field {
    let mut metadata = field.metadata().clone();
    metadata.insert(PARQUET_FIELD_ID_META_KEY.to_string(), id.to_string());
    field.with_metadata(metadata)
}

/// A folder name that no other object ever has, readable when the name is plain.
pub(super) fn folder(name: &str, uuid: &str) -> String {
    let plain = !name.is_empty()
        && name.len() <= 63
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let short: String = uuid.chars().filter(|c| *c != '-').take(12).collect();
    if plain { format!("{name}-{short}") } else { format!("object-{short}") }
}
