//! An engine of a test's own, on a data folder of its own.

use aqueduct::base::clock::SystemClock;
use aqueduct::base::{Clock, Config, Error};
use aqueduct::engine::Engine;
use aqueduct::query::Rows;
use aqueduct::session::{Response, Session};
use aqueduct::statement;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One answer: column names and rows as text, NULL as `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Option<String>>>,
}

impl Table {
    pub async fn of(rows: Rows) -> Result<Table, Error> {
        let columns = rows.schema.fields().iter().map(|field| field.name().clone()).collect();
        let mut table = Table { columns, rows: vec![] };
        for batch in rows.collect().await? {
            table.rows.extend(texts(&batch));
        }
        Ok(table)
    }

    /// The values of a column.
    pub fn column(&self, name: &str) -> Vec<Option<String>> {
        let at = self.columns.iter().position(|column| column == name);
        let at = at.unwrap_or_else(|| panic!("no column {name} in {:?}", self.columns));
        self.rows.iter().map(|row| row[at].clone()).collect()
    }

    /// The only value of the only row.
    pub fn value(&self) -> &str {
        assert_eq!((self.columns.len(), self.rows.len()), (1, 1), "{self:?}");
        self.rows[0][0].as_deref().unwrap_or("")
    }
}

pub struct Instance {
    pub engine: Arc<Engine>,
    pub data: PathBuf,
    folder: Option<tempfile::TempDir>,
}

impl Instance {
    /// A new, empty one.
    pub async fn new() -> Instance {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let mut instance = Instance::open(&data).await;
        instance.folder = Some(folder);
        instance
    }

    /// One on a data folder that stays.
    pub async fn open(data: &Path) -> Instance {
        Instance::open_at(data, Arc::new(SystemClock)).await
    }

    /// One whose clock the test moves.
    pub async fn open_at(data: &Path, clock: Arc<dyn Clock>) -> Instance {
        let instance = Instance::open_asleep(data, clock).await;
        instance.engine.recover().await.unwrap();
        instance
    }

    /// One that leaves the runs of a dead process where they are.
    pub async fn open_asleep(data: &Path, clock: Arc<dyn Clock>) -> Instance {
        let mut config = Config::load(data).unwrap();
        config.roots = vec![repository(), data.parent().unwrap().to_path_buf()];
        let engine = Engine::open(config, clock, statement::runner).await.unwrap();
        Instance { engine, data: data.to_path_buf(), folder: None }
    }

    /// Runs statements and answers with the last one's rows.
    pub async fn sql(&self, text: &str) -> Result<Table, Error> {
        let mut last = Table::default();
        let mut session = Session::new(self.engine.clone(), "aqueduct");
        for parsed in statement::parse(text)? {
            session.arm();
            last = match statement::execute(&mut session, &parsed, &[]).await? {
                Response::Rows { rows, .. } => Table::of(rows).await?,
                Response::Done { .. } | Response::Empty => Table::default(),
                Response::CopyIn(_) | Response::CopyOut { .. } => panic!("{text} copies to a client"),
            };
            session.finish().await?;
        }
        Ok(last)
    }

    /// As [`Instance::sql`], for what must work.
    pub async fn ok(&self, text: &str) -> Table {
        self.sql(text).await.unwrap_or_else(|error| panic!("{text}\n{error:?}"))
    }

    /// The error of what must not work.
    pub async fn error(&self, text: &str) -> Error {
        match self.sql(text).await {
            Ok(table) => panic!("{text} answered {table:?}"),
            Err(error) => error,
        }
    }

    /// Waits until no run is going, and what follows from its ending is done.
    pub async fn quiet(&self) {
        for row in self.ok("SELECT run_id FROM aqueduct.runs").await.column("run_id") {
            self.engine.workflows.wait(&row.unwrap()).await;
        }
    }

    /// The invariants hold.
    pub async fn verify(&self) {
        assert_eq!(self.engine.verify().await.unwrap(), Vec::<String>::new());
    }

    pub async fn close(self) {
        self.engine.close().await;
    }
}

/// The repository's folder.
pub fn repository() -> PathBuf {
    PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap())
}

/// The Python that has the libraries which tests compare with.
pub fn python() -> PathBuf {
    let python = std::env::var_os("AQUEDUCT_PYTHON").map(PathBuf::from);
    let python =
        python.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/aqueduct-venv/bin/python")));
    let python = python.filter(|python| python.exists());
    python.expect("tests need Python with the libraries of tests/python/requirements.txt: run `make test`")
}

fn texts(batch: &RecordBatch) -> Vec<Vec<Option<String>>> {
    let options = FormatOptions::default();
    let columns: Vec<_> =
        batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
    let cell = |column: usize, row: usize| {
        (!batch.column(column).is_null(row)).then(|| columns[column].value(row).to_string())
    };
    (0..batch.num_rows()).map(|row| (0..columns.len()).map(|column| cell(column, row)).collect()).collect()
}
