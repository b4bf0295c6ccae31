//! The contract that every sink keeps, and what PostgreSQL promises beyond it.
//!
//! A connector is finished when [`contract`] passes for its sink.

use aqueduct::base::{Kind, Type};
use aqueduct::catalog::workflow::Mode;
use aqueduct::connect::{Act, Marker, Receipt, Sink, Spool};
use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use std::path::Path;
use std::sync::Arc;

/// Columns of the contract's rows: a key, a text, an instant.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Type::Int8.field("id", true),
        Type::Text.field("name", true),
        Type::Timestamptz.field("at", true),
    ]))
}

/// Rows of the contract: `name` in each, and in the first what is lost most easily.
pub fn rows(ids: &[i64], name: &str) -> RecordBatch {
    let names = ids.iter().map(|id| match id {
        0 => Some("žluťoučký 'kůň' \"🐎\"\\\t|,\n".to_string()),
        1 => None,
        _ => Some(name.to_string()),
    });
    let instants = ids.iter().map(|id| (*id != 1).then_some(1_767_225_600_000_001 + id));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(ids.to_vec())),
        Arc::new(names.collect::<StringArray>()),
        Arc::new(instants.collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

/// Stages batches as the engine does: Parquet files that never change. Parquet has no interval; it is staged as text.
pub fn spool(folder: &Path, name: &str, batches: &[RecordBatch]) -> Spool {
    let schema = batches[0].schema();
    let mut files = vec![];
    for (number, batch) in batches.iter().enumerate() {
        let columns = batch.columns().iter().map(|column| match column.data_type() {
            DataType::Interval(_) => cast(column, &DataType::Utf8).unwrap(),
            DataType::List(item) if matches!(item.data_type(), DataType::Interval(_)) => {
                cast(column, &DataType::new_list(DataType::Utf8, true)).unwrap()
            }
            _ => Arc::clone(column),
        });
        let columns: Vec<_> =
            columns.zip(schema.fields()).map(|(column, field)| (field.name().clone(), column)).collect();
        let stored =
            RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
                .unwrap();
        let path = folder.join(format!("{name}-{number}.parquet"));
        let mut writer = ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), stored.schema(), None).unwrap();
        writer.write(&stored).unwrap();
        writer.close().unwrap();
        files.push(path);
    }
    let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
    let bytes = files.iter().map(|file| file.metadata().unwrap().len()).sum();
    Spool { schema, files, rows, bytes }
}

pub fn marker(run: &str, seq: i64, epoch: i64) -> Marker {
    Marker {
        server: "test server".into(),
        target: "the 'target'".into(),
        run_id: run.into(),
        seq,
        epoch,
        sha256: format!("sha of {run}"),
    }
}

/// A target of the contract: a sink that publishes there, and what a reader sees of it.
pub trait Subject {
    fn sink(&self) -> Arc<dyn Sink>;
    /// Ids and names in order, as `id=name;…`; `None` when there is nothing to read yet.
    async fn seen(&self) -> Option<String>;
    /// Whether the target knows which publication it holds, and not only its bytes.
    fn orders(&self) -> bool;
    /// Whether the target remembers that it was asked.
    fn fences(&self) -> bool;
}

const FIRST: &str = "0=žluťoučký 'kůň' \"🐎\"\\\t|,\n;1=;2=a";

/// What every sink must do.
pub async fn contract(subject: &impl Subject) {
    let folder = tempfile::tempdir().unwrap();
    let act = |run: &str, seq, epoch, mode, batches: &[RecordBatch]| Act {
        marker: marker(run, seq, epoch),
        mode,
        spool: spool(folder.path(), run, batches),
    };
    let sink = subject.sink();
    let first = act("first", 1, 1, Mode::Replace, &[rows(&[0, 1], "a"), rows(&[2], "a")]);

    // Nothing is there, and asking makes nothing.
    sink.check(&first.spool.schema, &Mode::Replace).await.unwrap();
    assert_eq!(sink.probe(&first).await.unwrap(), None);
    assert_eq!(subject.seen().await, None);

    // Publishing twice is publishing once, and values survive.
    let receipt = sink.publish(&first).await.unwrap();
    assert_eq!(receipt.rows, 3);
    assert_eq!(subject.seen().await.as_deref(), Some(FIRST));
    assert_eq!(sink.publish(&first).await.unwrap(), receipt);
    assert_eq!(subject.sink().probe(&first).await.unwrap(), Some(receipt));
    assert_eq!(subject.seen().await.as_deref(), Some(FIRST));

    // The next one replaces all of it; the one before it is over.
    let second = act("second", 2, 1, Mode::Replace, &[rows(&[7], "b")]);
    assert_eq!(sink.probe(&second).await.unwrap(), None);
    sink.publish(&second).await.unwrap();
    assert_eq!(subject.seen().await.as_deref(), Some("7=b"));
    if subject.orders() {
        let late = act("late", 1, 1, Mode::Replace, &[rows(&[8], "late")]);
        assert_eq!(sink.publish(&late).await.unwrap_err().kind, Kind::WrongState);
        assert_eq!(subject.seen().await.as_deref(), Some("7=b"));
    }

    // Once a newer owner of the run has been told "not landed", an older one can no longer land.
    let newer = act("third", 3, 2, Mode::Replace, &[rows(&[9], "c")]);
    let older = Act { marker: marker("third", 3, 1), ..newer.clone() };
    assert_eq!(sink.probe(&newer).await.unwrap(), None);
    if subject.fences() {
        let error = sink.publish(&older).await.unwrap_err();
        assert_eq!(error.kind, Kind::WrongState, "{error}");
        assert_eq!(subject.seen().await.as_deref(), Some("7=b"));
    }
    sink.publish(&newer).await.unwrap();
    assert_eq!(subject.seen().await.as_deref(), Some("9=c"));

    // A refused act leaves what was there.
    let fail = act("fourth", 4, 1, Mode::Fail, &[rows(&[1], "d")]);
    assert_eq!(sink.publish(&fail).await.unwrap_err().kind, Kind::DuplicateTable);
    assert_eq!(subject.seen().await.as_deref(), Some("9=c"));

    // Two at the same moment are one.
    let fifth = act("fifth", 5, 1, Mode::Replace, &[rows(&[3, 4], "e")]);
    let (a, b) = (subject.sink(), subject.sink());
    let (a, b): (Result<Receipt, _>, Result<Receipt, _>) = tokio::join!(a.publish(&fifth), b.publish(&fifth));
    assert_eq!(a.unwrap(), b.unwrap());
    assert_eq!(subject.seen().await.as_deref(), Some("3=e;4=e"));

    // No rows are rows as well.
    let empty = act("sixth", 6, 1, Mode::Replace, &[rows(&[], "")]);
    assert_eq!(sink.publish(&empty).await.unwrap().rows, 0);
    assert_eq!(subject.seen().await.as_deref(), Some(""));
}

/// `id=name;…` of batches with those two columns.
pub fn seen(batches: &[RecordBatch]) -> String {
    let mut rows = vec![];
    for batch in batches {
        let ids = cast(batch.column_by_name("id").unwrap(), &DataType::Int64).unwrap();
        let names = cast(batch.column_by_name("name").unwrap(), &DataType::Utf8).unwrap();
        let ids = ids.as_primitive::<datafusion::arrow::datatypes::Int64Type>().iter();
        rows.extend(
            ids.zip(names.as_string::<i32>().iter()).map(|(id, name)| (id.unwrap(), name.unwrap_or("").to_string())),
        );
    }
    rows.sort();
    rows.iter().map(|(id, name)| format!("{id}={name}")).collect::<Vec<_>>().join(";")
}
