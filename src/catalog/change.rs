//! Every way in which what exists can change.

use super::{
    Column, ColumnStats, Connection, DataFile, External, ModelVersion, Privilege, Role, Rules, Secret, Sequence,
    Subject, Table, View, Workflow,
};
use crate::base::Name;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One change of the catalog. A statement yields a list of them; a commit applies the list as one.
#[derive(Clone, Debug)]
pub enum Change {
    CreateSchema {
        name: String,
        /// `None` when it has none yet.
        uuid: Option<String>,
    },
    DropSchema {
        name: String,
    },

    /// Column ids are given by the catalog.
    CreateTable {
        name: Name,
        columns: Vec<Column>,
        /// Where its first files lie already ([`Table::staged`]); `None` when it starts empty.
        folder: Option<String>,
    },
    /// Changes nothing: fails with 40001 unless the table is still the one that was read, with the
    /// same columns and, when `rows` is set, the same rows.
    Expect {
        table: Arc<Table>,
        rows: bool,
    },
    /// Changes nothing: fails with 42P07 when a relation has this name.
    Vacant {
        name: Name,
    },
    DropTable {
        name: Name,
    },
    /// Other columns; its rows stay as they are. A column with id 0 is new, and gets its id.
    SetColumns {
        table: Name,
        columns: Vec<Column>,
    },
    /// Other constraints and indexes, which its rows hold already.
    SetRules {
        table: Name,
        rules: Rules,
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
    /// All rows that the table has when the change is made.
    Truncate {
        table: Name,
    },
    /// Takes rows away from data files.
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

    /// What is said about an object; `None` takes it back.
    Comment {
        subject: Subject,
        text: Option<String>,
    },

    PutRole {
        role: Role,
        /// What it takes the place of; fails when that has changed, or exists where nothing should.
        replaces: Option<Arc<Role>>,
    },
    DropRole {
        name: String,
    },
    Grant {
        subject: Subject,
        grantee: String,
        privileges: Vec<Privilege>,
        /// Whether the grantee may grant them.
        option: bool,
    },
    Revoke {
        subject: Subject,
        grantee: String,
        privileges: Vec<Privilege>,
        /// Takes the option to grant them alone.
        option_only: bool,
    },

    PutSequence {
        sequence: Sequence,
        /// The table and column with which it goes.
        owned_by: Option<(Name, String)>,
    },
    DropSequence {
        name: Name,
    },
    /// Numbers were given out.
    AdvanceSequence {
        name: Name,
        uuid: String,
        last: Option<i64>,
    },

    PutSecret {
        secret: Secret,
        /// Else there must be none of its name.
        or_replace: bool,
    },
    DropSecret {
        name: String,
    },
    PutConnection {
        connection: Connection,
        /// Else there must be none of its name.
        or_replace: bool,
    },
    DropConnection {
        name: String,
    },

    /// A model's first version or a further one.
    AddModelVersion {
        name: Name,
        version: ModelVersion,
        /// Whether there must be a model of this name already; `None` when it does not matter.
        known: Option<bool>,
    },
    DropModel {
        name: Name,
    },

    /// A new definition, with the next version.
    PutWorkflow {
        workflow: Box<Workflow>,
        /// Version of the definition that it takes the place of; fails when there is another by now.
        replaces: Option<i64>,
    },
    /// PAUSE and RESUME, which are no new version.
    PauseWorkflow {
        name: Name,
        paused: bool,
    },
    DropWorkflow {
        name: Name,
    },
}

impl Change {
    /// Whether something is not there after it, so that what goes with it goes too.
    pub(super) fn takes_away(&self) -> bool {
        matches!(
            self,
            Change::DropSchema { .. }
                | Change::DropTable { .. }
                | Change::SetColumns { .. }
                | Change::SetRules { .. }
                | Change::DropView { .. }
                | Change::DropExternal { .. }
                | Change::DropModel { .. }
                | Change::DropWorkflow { .. }
        )
    }
}

/// A data file that is ready to be named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewFile {
    /// Relative to the table's folder.
    pub path: String,
    pub rows: i64,
    pub bytes: i64,
    pub footer_bytes: i64,
    /// `column_id` is the position of the column (0, 1, …) here; the catalog puts the id in its place.
    pub stats: Vec<ColumnStats>,
}

impl NewFile {
    /// The file as one of a table's.
    pub fn named(self, columns: &[Column], id: i64, row_id_start: i64, begin_snapshot: i64) -> DataFile {
        let mut stats = self.stats;
        for stat in &mut stats {
            stat.column_id = columns.get(stat.column_id as usize).map_or(0, |column| column.id);
        }
        DataFile {
            id,
            path: self.path,
            rows: self.rows,
            bytes: self.bytes,
            footer_bytes: self.footer_bytes,
            row_id_start,
            begin_snapshot,
            stats,
            deletes: None,
        }
    }
}

/// All deleted rows of one data file, those that were deleted before among them.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDelete {
    pub data_file: i64,
    /// Id of the delete file that this one was made from; when it is another by now, the commit fails with 40001.
    pub replaces: Option<i64>,
    /// `None` when no row is left: the data file goes away.
    pub file: Option<NewDeleteFile>,
}

/// A delete file that is ready to be named.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDeleteFile {
    /// Relative to the table's folder.
    pub path: String,
    pub rows: i64,
    pub bytes: i64,
    pub footer_bytes: i64,
}
