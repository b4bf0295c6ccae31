//! Rows that were written are the rows that are read, less those that were deleted.

use super::*;
use crate::base::clock::{Clock, ManualClock, SystemClock};
use crate::base::{Kind, Name, Type};
use crate::catalog::{Change, Column, Commit, Live};
use crate::store::Store;
use datafusion::arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::Int64Type;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::{SessionConfig, SessionContext};

struct House {
    folder: tempfile::TempDir,
    lake: Lake,
    live: Live,
}

fn name() -> Name {
    Name::public("t")
}

impl House {
    async fn new() -> House {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(folder.path()).unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let clock = ManualClock::at(chrono::DateTime::UNIX_EPOCH);
        let live = Live::load(store, clock, &lake.data_path()).await.unwrap();
        let columns = vec![
            Column::new("id", Type::Int8, false),
            Column::new("s", Type::Varchar(Some(20)), true),
            Column::new("f", Type::Float8, true),
        ];
        let house = House { folder, lake, live };
        house.commit(vec![Change::CreateTable { name: name(), columns, folder: None }]).await;
        house
    }

    async fn commit(&self, changes: Vec<Change>) {
        self.live.commit(Commit { changes, message: "run-7".into(), ..Commit::default() }).await.unwrap();
        let problems = self.lake.verify(self.live.store(), &self.live.snapshot(), later()).await.unwrap();
        assert_eq!(problems, Vec::<String>::new());
    }

    fn table(&self) -> Arc<Table> {
        self.live.snapshot().table(&name()).unwrap().clone()
    }

    async fn staged(&self, ids: impl Iterator<Item = i64>, file_bytes: usize) -> Vec<NewFile> {
        let mut writer = self.lake.writer(&self.table()).with_file_bytes(file_bytes);
        writer.write(&batch(ids)).await.unwrap();
        writer.finish().await.unwrap()
    }

    async fn append(&self, ids: impl Iterator<Item = i64>) {
        let files = self.staged(ids, usize::MAX).await;
        self.commit(publish::append(&self.table(), files)).await;
    }

    async fn delete(&self, wanted: &str) {
        let rows = self.query_positions(&format!("SELECT __file, __position FROM t WHERE {wanted}")).await;
        let mut positions = Positions::default();
        for batch in rows {
            let column = |at: usize| batch.column(at).as_primitive::<Int64Type>().values().to_vec();
            for (file, at) in column(0).into_iter().zip(column(1)) {
                positions.add(file, at as u64);
            }
        }
        let deletes = self.lake.delete(&self.table(), &positions).await.unwrap();
        self.commit(vec![Change::DeleteRows { table: name(), deletes }]).await;
    }

    async fn query_positions(&self, sql: &str) -> Vec<RecordBatch> {
        run(self.lake.provider_with_positions(&self.table()), sql).await
    }

    async fn query(&self, sql: &str) -> String {
        show(run(self.lake.provider(&self.table()), sql).await)
    }

    async fn explain(&self, sql: &str) -> String {
        self.query(&format!("EXPLAIN ANALYZE {sql}")).await
    }

    async fn ids(&self) -> Vec<i64> {
        let batches = run(self.lake.provider(&self.table()), "SELECT id FROM t ORDER BY id").await;
        batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
    }
}

async fn run(provider: Arc<dyn TableProvider>, sql: &str) -> Vec<RecordBatch> {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    context.register_table("t", provider).unwrap();
    context.sql(sql).await.unwrap().collect().await.unwrap()
}

fn show(batches: Vec<RecordBatch>) -> String {
    pretty_format_batches(&batches).unwrap().to_string()
}

fn batch(ids: impl Iterator<Item = i64>) -> RecordBatch {
    let ids: Vec<_> = ids.collect();
    let text = ids.iter().map(|id| (id % 10 != 3).then(|| format!("row {id}")));
    let floats = ids.iter().map(|id| Some(if id % 10 == 4 { f64::NAN } else { *id as f64 / 2.0 }));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(ids.clone())),
        Arc::new(text.collect::<StringArray>()),
        Arc::new(floats.collect::<Float64Array>()),
    ];
    RecordBatch::try_from_iter(["id", "s", "f"].into_iter().zip(columns)).unwrap()
}

#[tokio::test]
async fn what_is_written_is_read() {
    let house = House::new().await;
    assert_eq!(house.ids().await, Vec::<i64>::new());
    house.append(0..5).await;
    house.append(5..10).await;
    assert_eq!(house.ids().await, (0..10).collect::<Vec<_>>());
    let rows = house.query("SELECT id, s FROM t WHERE id IN (3, 7) ORDER BY id").await;
    assert!(rows.contains("| 3  |       |\n| 7  | row 7 |"), "{rows}");
    let stats = &house.table().files[0].stats;
    assert_eq!((stats[0].min.as_deref(), stats[0].max.as_deref(), stats[0].nulls), (Some("0"), Some("4"), 0));
    assert_eq!((stats[1].min.as_deref(), stats[1].nulls, stats[1].values), (Some("row 0"), 1, 4));
    assert_eq!((stats[2].max.as_deref(), stats[2].contains_nan), (Some("1.5"), Some(true)));
}

#[tokio::test]
async fn a_deleted_row_is_gone_whatever_is_asked() {
    let house = House::new().await;
    house.append(0..1000).await;
    house.append(1000..1010).await;
    let left = |ids: std::ops::Range<i64>| ids.filter(|id| id % 7 != 0 && *id != 500).collect::<Vec<_>>();
    house.delete("id % 7 = 0").await;
    house.delete("id = 500").await;
    assert_eq!(house.ids().await, left(0..1010));
    let expected = left(0..1010).len();
    assert!(house.query("SELECT count(*) FROM t").await.contains(&format!("| {expected} ")));
    assert!(house.query("SELECT min(id) FROM t").await.contains("| 1 "));
    assert!(house.query("SELECT count(*) FROM t WHERE id = 500").await.contains("| 0 "));
    house.delete("id < 1000").await;
    assert_eq!(house.table().files.len(), 1, "a file without rows is not kept");
    assert_eq!(house.ids().await, left(1000..1010));
}

#[tokio::test]
async fn a_position_is_the_rows_place_in_its_file_after_any_filter() {
    let house = House::new().await;
    house.append(0..300_000).await;
    house.delete("id >= 100 AND id < 200000 AND id % 2 = 0").await;
    let rows = house.query_positions("SELECT id, __position FROM t WHERE id > 150000 AND s LIKE '%7'").await;
    let mut found = 0;
    for batch in rows {
        let column = |at: usize| batch.column(at).as_primitive::<Int64Type>().values().to_vec();
        assert_eq!(column(0), column(1));
        found += batch.num_rows();
    }
    assert_eq!(found, 15_000);
}

#[tokio::test]
async fn files_that_cannot_have_a_row_are_not_opened() {
    let house = House::new().await;
    for start in [0, 100, 200, 300] {
        house.append(start..start + 100).await;
    }
    let files = |plan: &str| plan.matches(".parquet").count();
    assert_eq!(files(&house.explain("SELECT * FROM t WHERE id = 150").await), 1);
    assert_eq!(files(&house.explain("SELECT * FROM t WHERE id > 250").await), 2);
    assert_eq!(files(&house.explain("SELECT * FROM t WHERE s = 'row 42'").await), 1);
    assert_eq!(files(&house.explain("SELECT * FROM t WHERE s < 'a'").await), 0);
    assert_eq!(files(&house.explain("SELECT * FROM t WHERE f > 1e9").await), 4, "NaN is greater than any number");
    assert_eq!(files(&house.explain("SELECT count(*), max(id) FROM t").await), 0);
}

#[tokio::test]
async fn a_large_write_is_split_and_a_dropped_one_leaves_nothing() {
    let house = House::new().await;
    let mut writer = house.lake.writer(&house.table()).with_file_bytes(100_000);
    for start in (0..200_000).step_by(20_000) {
        writer.write(&batch(start..start + 20_000)).await.unwrap();
    }
    let files = writer.finish().await.unwrap();
    assert!(files.len() > 2, "{}", files.len());
    assert_eq!(files.iter().map(|file| file.rows).sum::<i64>(), 200_000);
    house.commit(publish::append(&house.table(), files)).await;
    let before = house.lake.files().unwrap().len();
    let mut writer = house.lake.writer(&house.table());
    writer.write(&batch(0..10)).await.unwrap();
    let done = writer.given_up();
    done.await;
    assert_eq!(house.lake.files().unwrap().len(), before);
}

#[tokio::test]
async fn a_null_is_refused_where_the_column_refuses_it() {
    let house = House::new().await;
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0]));
    let bad = RecordBatch::try_from_iter([("id", ids), ("s", text), ("f", floats)]).unwrap();
    let error = house.lake.writer(&house.table()).write(&bad).await.unwrap_err();
    assert_eq!(error.kind, Kind::NotNullViolation);
}

#[tokio::test]
async fn upsert_replaces_rows_with_the_same_key_and_adds_the_others() {
    let house = House::new().await;
    house.append(0..100).await;
    house.append(100..200).await;
    house.delete("id = 195").await;
    let staged = house.staged(190..210, usize::MAX).await;
    let key = ["id".to_string()];
    let changes = house.lake.upsert(&house.table(), staged, &key, false).await.unwrap();
    house.commit(changes).await;
    assert_eq!(house.ids().await, (0..210).collect::<Vec<_>>());
    assert!(house.table().files[0].deletes.is_none(), "a file that cannot have the keys is left alone");
    let staged = house.staged(50..60, usize::MAX).await;
    let changes = house.lake.upsert(&house.table(), staged, &key, true).await.unwrap();
    house.commit(changes).await;
    assert_eq!(house.ids().await, (50..60).collect::<Vec<_>>());
    for (rows, key) in [([1, 1], "id"), ([3, 13], "s")] {
        let staged = house.staged(rows.into_iter(), usize::MAX).await;
        let error = house.lake.upsert(&house.table(), staged, &[key.to_string()], false).await.unwrap_err();
        assert_eq!(error.kind, Kind::CardinalityViolation, "{error}");
    }
}

#[tokio::test]
async fn the_past_can_be_read() {
    let house = House::new().await;
    house.append(0..3).await;
    let then = house.live.snapshot().lake;
    house.delete("id = 1").await;
    let staged = house.staged(7..9, usize::MAX).await;
    house.commit(publish::replace(&house.table(), staged)).await;
    let store = house.live.store();
    let ids = async |at: At| -> Vec<i64> {
        let table = house.lake.table_at(store, &name(), &at).await.unwrap();
        let batches = run(house.lake.provider(&table), "SELECT id FROM t ORDER BY id").await;
        batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
    };
    assert_eq!(ids(At::Version(then)).await, [0, 1, 2]);
    assert_eq!(ids(At::Version(then + 1)).await, [0, 2]);
    assert_eq!(ids(At::Run("run-7".into())).await, [7, 8]);
    assert_eq!(ids(At::Timestamp(chrono::DateTime::UNIX_EPOCH)).await, [7, 8]);
    for at in [At::Version(99), At::Run("none".into()), At::Timestamp(chrono::DateTime::<chrono::Utc>::MIN_UTC)] {
        assert_eq!(house.lake.table_at(store, &name(), &at).await.unwrap_err().kind, Kind::UndefinedObject);
    }
}

/// After everything that a test writes.
fn later() -> chrono::DateTime<chrono::Utc> {
    SystemClock.now() + chrono::Duration::hours(1)
}

#[tokio::test]
async fn what_belongs_to_nothing_is_told_and_then_collected() {
    let house = House::new().await;
    house.append(0..3).await;
    house.delete("id = 1").await;
    let staged = house.staged(7..9, usize::MAX).await;
    let path = house.lake.paths(&house.table(), &staged).remove(0);
    let store = house.live.store();
    let problems = house.lake.verify(store, &house.live.snapshot(), later()).await.unwrap();
    assert_eq!(problems, [format!("file {} belongs to nothing", path.display())]);
    let early = chrono::DateTime::UNIX_EPOCH;
    let problems = house.lake.verify(store, &house.live.snapshot(), early).await.unwrap();
    assert!(problems.is_empty(), "a young file may be staged: {problems:?}");
    assert_eq!(house.lake.collect(store, early).await.unwrap(), Vec::<PathBuf>::new());
    assert_eq!(house.lake.collect(store, later()).await.unwrap(), [path]);
    assert_eq!(house.ids().await, [0, 2]);
    let file = house.lake.paths(&house.table(), &[]);
    assert!(file.is_empty());
    let data = house.folder.path().join("lake").join(&house.table().folder).join(&house.table().files[0].path);
    std::fs::write(&data, "short").unwrap();
    let problems = house.lake.verify(store, &house.live.snapshot(), later()).await.unwrap();
    assert!(problems.len() == 1 && problems[0].contains("has 5 bytes"), "{problems:?}");
}
