//! `COPY`: rows between a table and a file or the client.

mod binary;
mod files;
mod load;
mod options;
mod unload;

use super::assignment::Assignment;
use super::insert::{position, template};
use super::selection::writable;
use super::target::{Written, folded, ident_offset, refuse};
use super::{AnyStatement, Description, Response, Session, Statement};
use crate::base::value::Style;
use crate::base::{Error, Kind, Result};
use crate::catalog::Table;
use crate::lake::{Lake, Writer, publish};
use crate::query::{Context, Plan, Rows};
use crate::session::{Chunk, CopyIn, Effect, Stop, Uncommitted};
use bytes::Bytes;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    CopySource, CopyTarget, Expr, Ident, Query, SelectItem, SetExpr, Statement as Tree, TableFactor,
};
use load::{Filling, Load, Reader};
use options::{Format, Options};
use std::fmt;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use unload::Lines;

/// Bytes of the client that are read at a time.
const PIECE_BYTES: usize = 256 << 10;

#[derive(Debug)]
struct Copy {
    tree: Tree,
    text: String,
    way: Way,
    options: Options,
}

#[derive(Debug)]
enum Way {
    In { target: Written, columns: Vec<Ident>, file: Option<String> },
    Out { query: Box<Query>, file: Option<String> },
}

pub fn read(tree: Tree, text: &str) -> Result<Arc<dyn AnyStatement>> {
    let Tree::Copy { source, to, target, options, legacy_options, values } = &tree else {
        return Err(Error::internal("the statement must be COPY"));
    };
    refuse(!values.is_empty(), "COPY with rows in the statement")?;
    let file = match target {
        CopyTarget::Stdin | CopyTarget::Stdout => None,
        CopyTarget::File { filename } => Some(filename.clone()),
        CopyTarget::Program { .. } => return Err(Error::unsupported("COPY … PROGRAM is not supported")),
    };
    let options = Options::new(options, legacy_options, file.as_deref())?;
    if file.is_none() && options.format == Format::Parquet {
        return Err(Error::unsupported("COPY format \"parquet\" is for files"));
    }
    let way = match (source, to) {
        (CopySource::Table { table_name, columns }, false) => {
            Way::In { target: Written::new(table_name, text)?, columns: columns.clone(), file }
        }
        (CopySource::Table { table_name, columns }, true) => {
            let mut query = template("SELECT * FROM source")?;
            if let SetExpr::Select(select) = query.body.as_mut() {
                if let Some(TableFactor::Table { name, .. }) = select.from.first_mut().map(|from| &mut from.relation) {
                    *name = table_name.clone();
                }
                if !columns.is_empty() {
                    let item = |column: &Ident| SelectItem::UnnamedExpr(Expr::Identifier(column.clone()));
                    select.projection = columns.iter().map(item).collect();
                }
            }
            Way::Out { query: Box::new(query), file }
        }
        (CopySource::Query(query), true) => Way::Out { query: query.clone(), file },
        (CopySource::Query(_), false) => return Err(Error::new(Kind::Syntax, "COPY FROM needs a table")),
    };
    Ok(Arc::new(Copy { text: text.to_string(), way, options, tree }))
}

impl fmt::Display for Copy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree.fmt(f)
    }
}

impl Statement for Copy {
    fn effect(&self) -> Effect {
        match self.way {
            Way::In { .. } => Effect::Write,
            Way::Out { .. } => Effect::Read,
        }
    }

    async fn describe(&self, _: &Session, _: &[Option<crate::base::Type>]) -> Result<Description> {
        Ok(Description::default())
    }

    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let context = session.context();
        match &self.way {
            Way::In { target, columns, file } => {
                let load = self.load(session, &context, target, columns, file.as_deref()).await?;
                let landing = Landing::new(session, load);
                match file {
                    Some(file) => {
                        let path = session.engine.roots.resolve(file)?;
                        let rows = files::batches(path, landing.load.clone(), self.options.clone());
                        Ok(Response::Done { tag: format!("COPY {}", landing.all(rows).await?) })
                    }
                    None => Ok(self.copy_in(landing)),
                }
            }
            Way::Out { query, file } => {
                let plan = self.plan(session, &context, query).await?;
                let rows = session.engine.query.run(&plan, &[], session.cancel.clone()).await?;
                match file {
                    Some(file) => {
                        let path = session.engine.roots.resolve(file)?;
                        let count = files::write(path, rows, self.options.clone(), context.time_zone()).await?;
                        Ok(Response::Done { tag: format!("COPY {count}") })
                    }
                    None => Ok(self.copy_out(rows, context.time_zone(), session.settings.style())),
                }
            }
        }
    }
}

impl Copy {
    async fn plan(&self, session: &Session, context: &Context, query: &Query) -> Result<Plan> {
        session.engine.query.plan(context, &Tree::Query(Box::new(query.clone())), &self.text).await
    }

    async fn load(
        &self,
        session: &Session,
        context: &Context,
        target: &Written,
        columns: &[Ident],
        file: Option<&str>,
    ) -> Result<Load> {
        let table = target.table(context, "copy to")?;
        writable(context, &table, target)?;
        let mut positions = vec![];
        for column in columns {
            let (name, at) = (folded(column), ident_offset(&self.text, column));
            let position = position(&table, &name).map_err(|error| error.at(at))?;
            if positions.contains(&position) {
                let message = format!("column \"{name}\" specified more than once");
                return Err(Error::new(Kind::DuplicateColumn, message).at(at));
            }
            positions.push(position);
        }
        if positions.is_empty() {
            positions = (0..table.columns.len()).collect();
        }
        let given: Vec<_> = positions.iter().map(|at| table.columns[*at].clone()).collect();
        let fields: Vec<_> = given.iter().map(|column| Field::new(&column.name, DataType::Utf8, true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let mut fillings = vec![];
        for (at, column) in table.columns.iter().enumerate() {
            fillings.push(match (positions.iter().position(|position| *position == at), &column.default) {
                (Some(at), _) => Filling::Given(at),
                (None, Some(text)) => Filling::Default(session.engine.query.expression(context, text, &schema).await?),
                (None, None) => Filling::Null,
            });
        }
        let zone = context.time_zone().to_string();
        let assignment = Assignment::unchecked(&table, &table.columns, &zone);
        let assignment = assignment.checked(&session.engine.query, context, &table).await?;
        let source = match file {
            Some(file) => format!("file \"{file}\""),
            None => format!("COPY {}", table.name.name),
        };
        Ok(Load { table, given, fillings, assignment, zone, source })
    }

    fn copy_in(&self, landing: Landing) -> Response {
        let (data, received) = mpsc::channel(4);
        let (answer, done) = oneshot::channel();
        let columns = landing.load.given.len();
        let reader = Reading::new(landing.load.clone(), self.options.clone());
        let binary = self.options.format == Format::Binary;
        tokio::spawn(async move {
            let (batches, rows) = mpsc::channel(2);
            let reading = tokio::spawn(read_client(received, reader, batches));
            let outcome = landing.all(rows).await;
            reading.abort();
            // When nobody waits any more, the client has gone and was told nothing.
            let _ = answer.send(outcome);
        });
        Response::CopyIn(CopyIn { binary, columns, data, done })
    }

    fn copy_out(&self, mut rows: Rows, zone: &str, style: Style) -> Response {
        let (sender, chunks) = mpsc::channel(2);
        let binary = self.options.format == Format::Binary;
        let lines = Lines::new(self.options.clone(), zone);
        let columns = rows.schema.fields().len();
        if self.options.format == Format::Parquet {
            return Response::CopyOut { binary: false, columns, chunks };
        }
        tokio::spawn(async move {
            // As in PostgreSQL, the head of the binary form is sent with what comes first.
            let mut head = if binary { binary::HEADER } else { &[] };
            if let Some(header) = lines.header(&rows.schema)
                && sender.send(Ok(Chunk::frame(header))).await.is_err()
            {
                return;
            }
            while let Some(batch) = rows.next().await {
                let (lines, style) = (lines.clone(), style.clone());
                let chunk = match batch {
                    Ok(batch) if binary => {
                        let head = std::mem::take(&mut head);
                        let rows = move || binary::rows(head, &batch, &style);
                        blocking(rows).await.map(|(data, ends)| Chunk::rows(data, ends))
                    }
                    Ok(batch) => {
                        blocking(move || lines.lines(&batch).map(|(data, ends)| Chunk::rows(data, ends))).await
                    }
                    Err(error) => Err(error),
                };
                let failed = chunk.is_err();
                if sender.send(chunk).await.is_err() || failed {
                    return;
                }
            }
            if binary {
                // Whoever received has its reasons to have gone.
                let _ = sender.send(Ok(Chunk::frame([head, binary::TRAILER].concat()))).await;
            }
        });
        Response::CopyOut { binary, columns, chunks }
    }
}

/// Rows that come, in one of their forms.
enum Reading {
    Lines(Reader),
    Binary(binary::Binary),
}

impl Reading {
    fn new(load: Arc<Load>, options: Options) -> Reading {
        match options.format {
            Format::Binary => Reading::Binary(binary::Binary::new(load)),
            Format::Text | Format::Csv | Format::Parquet => Reading::Lines(Reader::new(load, options)),
        }
    }

    fn read(&mut self, bytes: &[u8], last: bool) -> Result<Vec<RecordBatch>> {
        match self {
            Reading::Lines(reader) => reader.read(bytes, last),
            Reading::Binary(reader) => reader.read(bytes, last),
        }
    }
}

/// Gathers what the client sends into pieces worth reading, and reads them.
async fn read_client(
    mut received: mpsc::Receiver<Result<Bytes>>,
    mut reader: Reading,
    batches: mpsc::Sender<files::Come>,
) {
    let mut last = false;
    while !last {
        let mut piece = vec![];
        while piece.len() < PIECE_BYTES {
            match received.recv().await {
                Some(Ok(bytes)) => piece.extend_from_slice(&bytes),
                Some(Err(error)) => return drop(batches.send(Err(error)).await),
                None => {
                    last = true;
                    break;
                }
            }
        }
        let read = blocking(move || {
            let read = reader.read(&piece, last);
            Ok((reader, read))
        });
        let (back, read) = match read.await {
            Ok(done) => done,
            Err(error) => return drop(batches.send(Err(error)).await),
        };
        reader = back;
        let failed = read.is_err();
        for batch in files::each(read) {
            if batches.send(batch).await.is_err() || failed {
                return;
            }
        }
    }
    // Whoever receives has its reasons to have gone.
    let _ = batches.send(Ok(None)).await;
}

/// Work for a thread that may be busy for a while.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::internal(format!("copying must not panic: {error}")))?
}

/// Rows on their way into a table, until they are part of the transaction.
struct Landing {
    load: Arc<Load>,
    writer: Writer,
    lake: Arc<Lake>,
    uncommitted: Uncommitted,
    stop: Stop,
}

impl Landing {
    fn new(session: &Session, load: Load) -> Landing {
        let lake = session.engine.lake.clone();
        Landing {
            writer: lake.writer(&load.table),
            lake,
            load: Arc::new(load),
            uncommitted: session.transaction.uncommitted.clone(),
            stop: session.stop.clone(),
        }
    }

    /// Writes all rows: all or none.
    async fn all(mut self, mut rows: mpsc::Receiver<files::Come>) -> Result<u64> {
        let mut count = 0;
        loop {
            let next = tokio::select! {
                biased;
                () = self.stop.token().cancelled() => return Err(self.stop.error()),
                next = rows.recv() => next,
            };
            // A reader that stops without a word has lost rows.
            let next = next.ok_or_else(|| Error::internal("rows that come must come to an end"))?;
            let Some(batch) = next? else { break };
            count += batch.num_rows() as u64;
            self.writer.write(&batch).await?;
        }
        let files = self.writer.finish().await?;
        if !files.is_empty() {
            let table: &Arc<Table> = &self.load.table;
            self.uncommitted.write(&self.lake, table, publish::append(table, files), "COPY").await?;
        }
        Ok(count)
    }
}
