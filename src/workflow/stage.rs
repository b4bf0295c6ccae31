//! Rows of a step on the disk, where no reader looks yet.

use super::Workflows;
use super::audit::{Checked, SetAside};
use super::execute::Work;
use super::run::Run;
use crate::base::digest::sha256_of_files;
use crate::base::error::did_you_mean;
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::workflow::{Step, Target};
use crate::catalog::{Column, NewFile, Relation, Schema, Snapshot, Table};
use crate::connect::Spool;
use crate::query::assignment::{Assignment, unsized_type};
use crate::query::{Bound, Context, ModelUse, Query, Rows};
use datafusion::arrow::array::{RecordBatch, RecordBatchOptions, new_null_array};
use datafusion::arrow::datatypes::{DataType, Schema as ArrowSchema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Rows up to this size are also kept in memory for the steps that read them.
const MEMORY_BYTES_MAX: usize = 32 << 20;

/// The staged rows of one step.
#[derive(Clone, Debug)]
pub(super) struct Staged {
    /// The table whose files these are: the target, one that will be made, or one of the run's own.
    pub table: Arc<Table>,
    pub files: Vec<NewFile>,
    pub rows: u64,
    pub bytes: u64,
    /// Of the files' contents, in order.
    pub sha256: String,
    /// The same rows, while they are few.
    batches: Option<Vec<RecordBatch>>,
}

/// Staged rows that a process before this one left.
pub(super) struct Recalled {
    pub staged: Staged,
    pub set_aside: Vec<SetAside>,
    /// Versions of models that the run has used so far.
    pub models: BTreeSet<ModelUse>,
    /// They passed their checks.
    pub checked: bool,
}

/// What a restart needs to find a step's rows again; JSON in the ledger.
#[derive(Debug, Serialize, Deserialize)]
struct Notes {
    rows: Note,
    aside: Vec<(Name, Note)>,
    /// Versions of models that the run had used by then.
    #[serde(default)]
    models: BTreeSet<ModelUse>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Note {
    folder: String,
    columns: Vec<(String, crate::base::Type, bool)>,
    files: Vec<NewFile>,
    rows: u64,
    bytes: u64,
    sha256: String,
}

/// How the rows of a step go into a table: the same rules as INSERT's.
#[derive(Debug)]
pub(super) struct Fit {
    table: Arc<Table>,
    /// For each of the table's columns.
    sources: Vec<Source>,
    assignment: Assignment,
}

#[derive(Debug)]
enum Source {
    /// The step's column.
    Column(usize),
    /// The step leaves it out, and it has a default.
    Default(Bound),
    Null(DataType),
}

impl Fit {
    /// Refuses columns that the table does not have, types that do not go together, and NOT NULL left out.
    pub(super) async fn new(query: &Query, context: &Context, table: &Arc<Table>, schema: &SchemaRef) -> Result<Fit> {
        for field in schema.fields() {
            if table.column(field.name()).is_none() {
                let message = format!("column \"{}\" does not exist in target \"{}\"", field.name(), table.name);
                let known = table.columns.iter().map(|column| column.name.as_str());
                return Err(Error::new(Kind::UndefinedColumn, message).hint(did_you_mean(field.name(), known)));
            }
        }
        let (mut sources, mut fields) = (vec![], vec![]);
        for column in &table.columns {
            let ty = unsized_type(&column.ty);
            let (source, field) = match (schema.index_of(&column.name), &column.default) {
                (Ok(index), _) => (Source::Column(index), schema.field(index).clone()),
                (Err(_), Some(default)) => {
                    let text = format!("CAST(({default}) AS {ty})");
                    let bound = query.expression(context, &text, &Arc::new(ArrowSchema::empty())).await?;
                    let field = bound.ty().field(&column.name, true);
                    (Source::Default(bound), field)
                }
                (Err(_), None) if column.nullable => (Source::Null(ty.arrow()), ty.field(&column.name, true)),
                (Err(_), None) => {
                    let message = format!("target \"{}\" needs column \"{}\"", table.name, column.name);
                    return Err(Error::new(Kind::NotNullViolation, message)
                        .detail("it is NOT NULL and the step does not have it"));
                }
            };
            sources.push(source);
            fields.push(field);
        }
        let fields = Arc::new(ArrowSchema::new(fields));
        let assignment = Assignment::new(table, &table.columns, &fields, context.time_zone())
            .map_err(|error| Error { hint: Some("cast the column in the step".to_string()), ..error })?;
        let assignment = assignment.checked(query, context, table).await?;
        Ok(Fit { table: table.clone(), sources, assignment })
    }

    /// The batch with the table's columns, in its order and types.
    fn arrange(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let rows = RecordBatch::try_new_with_options(Arc::new(ArrowSchema::empty()), vec![], &options)?;
        let array = |source: &Source| match source {
            Source::Column(index) => Ok(batch.column(*index).clone()),
            Source::Default(default) => default.evaluate(&rows),
            Source::Null(ty) => Ok(new_null_array(ty, batch.num_rows())),
        };
        let arrays = self.sources.iter().map(array).collect::<Result<Vec<_>>>()?;
        self.assignment.batch(&self.table.schema(), &arrays)
    }
}

impl Staged {
    /// Whether these are rows for a table that was to be made, and `table`, made since, has the same columns.
    pub(super) fn fits_new(&self, table: &Table) -> bool {
        let same = |(one, other): (&Column, &Column)| {
            one.id == other.id && one.name == other.name && one.ty == other.ty && one.nullable == other.nullable
        };
        self.table.id == 0
            && table.rules.is_empty()
            && self.table.columns.len() == table.columns.len()
            && self.table.columns.iter().zip(&table.columns).all(same)
    }
}

impl Workflows {
    /// The table to whose folder a step's rows are written.
    pub(super) fn staging_table(
        &self,
        snapshot: &Snapshot,
        run: &Run,
        step: &Step,
        schema: &SchemaRef,
    ) -> Result<Arc<Table>> {
        match &step.target {
            Some(Target::Table(name)) => match snapshot.relation(name) {
                Some(Relation::Table(table)) => Ok(table.clone()),
                Some(_) => Err(Error::new(Kind::WrongObjectType, format!("target \"{name}\" is not a managed table"))),
                None => Ok(Arc::new(Table::staged(snapshot.schema(&name.schema)?, name, columns(schema)))),
            },
            _ => Ok(Arc::new(Table::staged(&spool(run), &Name::new("spool", &step.name), columns(schema)))),
        }
    }

    /// Writes rows into new files of `table`, each on the disk before this returns.
    pub(super) async fn stage(
        &self,
        context: &Context,
        table: Arc<Table>,
        mut rows: Rows,
        progress: &super::execute::Progress,
    ) -> Result<Staged> {
        let fit = Fit::new(&self.query, context, &table, &rows.schema).await?;
        let mut writer = self.lake.writer(&table);
        let (mut count, mut memory, mut kept) = (0, 0, Some(vec![]));
        while let Some(batch) = rows.next().await {
            let batch = fit.arrange(&batch?)?;
            writer.write(&batch).await?;
            count += batch.num_rows() as u64;
            memory += batch.get_array_memory_size();
            progress.add(batch.num_rows() as u64);
            if memory > MEMORY_BYTES_MAX {
                kept = None;
            }
            if let Some(kept) = &mut kept {
                kept.push(batch);
            }
        }
        let files = writer.finish().await?;
        let bytes = files.iter().map(|file| file.bytes as u64).sum();
        let sha256 = self.hash(&table, &files).await?;
        Ok(Staged { table, files, rows: count, bytes, sha256, batches: kept })
    }

    /// The staged rows as a relation.
    pub(super) fn staged_relation(&self, staged: &Staged) -> Result<Arc<dyn TableProvider>> {
        match &staged.batches {
            Some(batches) => Ok(Arc::new(MemTable::try_new(staged.table.schema(), vec![batches.clone()])?)),
            None => self.lake.staged(&staged.table, &staged.files),
        }
    }

    /// What the ledger keeps of staged rows, and of those that were set aside from them.
    pub(super) fn note(&self, staged: &Staged, set_aside: &[SetAside], models: &BTreeSet<ModelUse>) -> Option<String> {
        let aside = set_aside.iter().map(|aside| (aside.target.clone(), Note::of(aside.rows.staged()))).collect();
        serde_json::to_string(&Notes { rows: Note::of(staged), aside, models: models.clone() }).ok()
    }

    /// Staged rows of a process that is gone, when they are still what they were; `None` recomputes the step.
    pub(super) async fn recall(&self, work: &Work<'_>, step: &Step, notes: &str, checked: bool) -> Option<Recalled> {
        let notes: Notes = serde_json::from_str(notes).ok()?;
        let target = match &step.target {
            Some(Target::Table(name)) => Some(name),
            _ => None,
        };
        let staged = self.staged_of(work, target, &step.name, notes.rows).await?;
        let mut set_aside = vec![];
        for (target, note) in notes.aside {
            let staged = self.staged_of(work, Some(&target), "quarantine", note).await?;
            work.quarantines.lock().insert(target.clone(), staged.table.clone());
            set_aside.push(SetAside { target, rows: Checked::recalled(staged) });
        }
        Some(Recalled { staged, set_aside, models: notes.models, checked })
    }

    /// Staged rows as a sink reads them.
    pub(super) fn spool(&self, staged: &Staged) -> Spool {
        Spool {
            schema: staged.table.schema(),
            files: self.lake.paths(&staged.table, &staged.files),
            rows: staged.rows,
            bytes: staged.bytes,
        }
    }

    /// The same from the ledger's note of them.
    pub(super) fn spool_of(&self, notes: &str) -> Result<Spool> {
        let (table, note) = noted(notes)?;
        Ok(Spool {
            schema: table.schema(),
            files: self.lake.paths(&table, &note.files),
            rows: note.rows,
            bytes: note.bytes,
        })
    }

    /// Rows of a step that has ended well, by the ledger's note of them.
    pub(super) async fn noted_relation(&self, run: &Run, step: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let rows = self
            .catalog
            .store()
            .query(
                "SELECT staged FROM aqueduct_step_run WHERE run_id = ? AND step = ? AND status IN ('succeeded', 'reused')
                   AND staged IS NOT NULL ORDER BY attempt DESC LIMIT 1",
                &[run.id.clone().into(), step.into()],
            )
            .await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (table, note) = noted(row.text("staged")?)?;
        self.lake.staged(&table, &note.files).map(Some)
    }

    async fn staged_of(&self, work: &Work<'_>, target: Option<&Name>, step: &str, note: Note) -> Option<Staged> {
        let columns: Vec<Column> =
            note.columns.iter().map(|(name, ty, nullable)| Column::new(name.clone(), ty.clone(), *nullable)).collect();
        let snapshot = &work.context.snapshot;
        let table = match target.map(|name| (name, snapshot.relation(name))) {
            Some((_, Some(Relation::Table(table)))) => table.clone(),
            Some((_, Some(_))) => return None,
            Some((name, None)) => {
                let fresh = Table::staged(snapshot.schema(&name.schema).ok()?, name, columns.clone());
                Arc::new(Table { folder: note.folder.clone(), ..fresh })
            }
            None => {
                let schema = Table::staged(&spool(work.run), &Name::new("spool", step), columns.clone());
                Arc::new(Table { folder: note.folder.clone(), ..schema })
            }
        };
        let same = |(column, noted): (&Column, &Column)| column.name == noted.name && column.ty == noted.ty;
        if table.folder != note.folder
            || table.columns.len() != columns.len()
            || !table.columns.iter().zip(&columns).all(same)
        {
            return None;
        }
        let sha256 = self.hash(&table, &note.files).await.ok()?;
        (sha256 == note.sha256).then_some(Staged {
            table,
            files: note.files,
            rows: note.rows,
            bytes: note.bytes,
            sha256,
            batches: None,
        })
    }

    async fn hash(&self, table: &Table, files: &[NewFile]) -> Result<String> {
        let paths = self.lake.paths(table, files);
        let hashed = tokio::task::spawn_blocking(move || sha256_of_files(paths)).await;
        Ok(hashed.map_err(|error| Error::internal(format!("hashing must end: {error}")))??)
    }
}

/// The table and the note of a step's rows.
fn noted(notes: &str) -> Result<(Table, Note)> {
    let notes: Notes = serde_json::from_str(notes)
        .map_err(|error| Error::internal(format!("the ledger's note of staged rows must be readable: {error}")))?;
    let note = notes.rows;
    let home = Schema { id: 0, uuid: String::new(), name: "spool".into(), path: String::new() };
    let columns = note.columns.iter().map(|(name, ty, nullable)| Column::new(name.clone(), ty.clone(), *nullable));
    let table = Table::staged(&home, &Name::new("spool", "spool"), columns.collect());
    Ok((Table { folder: note.folder.clone(), ..table }, note))
}

impl Note {
    fn of(staged: &Staged) -> Note {
        let column = |column: &Column| (column.name.clone(), column.ty.clone(), column.nullable);
        Note {
            folder: staged.table.folder.clone(),
            columns: staged.table.columns.iter().map(column).collect(),
            files: staged.files.clone(),
            rows: staged.rows,
            bytes: staged.bytes,
            sha256: staged.sha256.clone(),
        }
    }
}

/// The run's own files lie in the lake's folder and are never named by the catalog.
fn spool(run: &Run) -> Schema {
    Schema { id: 0, uuid: String::new(), name: "spool".into(), path: format!("{SPOOL}{}/", run.id) }
}

/// Folder of all runs' own files below the lake's.
pub(super) const SPOOL: &str = ".spool/";

pub(super) fn columns(schema: &SchemaRef) -> Vec<Column> {
    let column = |field: &Arc<datafusion::arrow::datatypes::Field>| {
        Column::new(field.name().clone(), crate::base::Type::of(field), true)
    };
    schema.fields().iter().map(column).collect()
}
