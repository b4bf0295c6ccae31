//! Every way in which what exists can change.

use super::{Column, ColumnStats, Connection, External, ModelVersion, Secret, View, Workflow};
use crate::base::Name;

/// One change of the catalog. A statement yields a list of them; a commit applies the list as one.
#[derive(Clone, Debug)]
pub enum Change {
    CreateSchema {
        name: String,
    },
    DropSchema {
        name: String,
    },

    /// Column ids are given by the catalog.
    CreateTable {
        name: Name,
        columns: Vec<Column>,
    },
    DropTable {
        name: Name,
    },
    /// A table, view or external table.
    RenameRelation {
        from: Name,
        to: Name,
    },
    /// Files that are on the disk, fsynced, below the table's folder.
    AppendFiles {
        table: Name,
        files: Vec<NewFile>,
    },
    /// Files whose rows are gone.
    RemoveFiles {
        table: Name,
        files: Vec<i64>,
    },
    /// Replaces the delete files of these data files.
    DeleteRows {
        table: Name,
        deletes: Vec<NewDelete>,
    },

    /// Creates or replaces.
    PutView(View),
    DropView {
        name: Name,
    },
    PutExternal(External),
    DropExternal {
        name: Name,
    },

    PutSecret(Secret),
    DropSecret {
        name: String,
    },
    PutConnection(Connection),
    DropConnection {
        name: String,
    },

    /// A model's first version or a further one.
    AddModelVersion {
        name: Name,
        version: ModelVersion,
    },
    DropModel {
        name: Name,
    },

    /// A new definition gets the next version; `PAUSE` and the like keep it (`same_version`).
    PutWorkflow {
        workflow: Workflow,
        same_version: bool,
    },
    DropWorkflow {
        name: Name,
    },
}

/// A data file that is ready to be named.
#[derive(Clone, Debug, PartialEq)]
pub struct NewFile {
    /// Relative to the table's folder.
    pub path: String,
    pub rows: i64,
    pub bytes: i64,
    pub footer_bytes: i64,
    /// `column_id` is the position of the column (0, 1, …) here; the catalog puts the id in its place.
    pub stats: Vec<ColumnStats>,
}

/// A delete file that is ready to be named: all deleted positions of one data file.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDelete {
    pub data_file: i64,
    /// Relative to the table's folder.
    pub path: String,
    pub rows: i64,
    pub bytes: i64,
    pub footer_bytes: i64,
}
