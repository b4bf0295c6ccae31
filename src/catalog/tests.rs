//! What is written of a commit reads back as the snapshot that the commit made.

use super::workflow::{RunClauses, Schedule, Workflow};
use super::*;
use crate::base::clock::ManualClock;
use crate::base::{Kind, Name, Type};
use crate::store::{Store, Write};
use std::collections::BTreeMap;
use std::sync::Arc;

struct House {
    _folder: tempfile::TempDir,
    live: Live,
}

impl House {
    async fn new() -> House {
        let folder = tempfile::tempdir().unwrap();
        let live = House::load(Store::open(folder.path()).await.unwrap()).await;
        House { _folder: folder, live }
    }

    async fn load(store: Store) -> Live {
        let clock = ManualClock::at(chrono::DateTime::UNIX_EPOCH);
        Live::load(store, clock, "/lake/").await.unwrap()
    }

    /// Commits, and holds what the store then has to what the commit answered.
    async fn commit(&self, changes: Vec<Change>) -> Arc<Snapshot> {
        let commit = Commit { changes, writes: vec![], author: "me".into(), message: "TEST".into() };
        let after = self.live.commit(commit).await.unwrap();
        assert_eq!(*self.stored().await, *after);
        after
    }

    async fn stored(&self) -> Arc<Snapshot> {
        House::load(self.live.store().clone()).await.snapshot()
    }

    async fn refused(&self, changes: Vec<Change>) -> Kind {
        let before = self.live.snapshot();
        let error = self.live.commit(Commit { changes, ..Commit::default() }).await.unwrap_err();
        assert_eq!(*self.live.snapshot(), *before);
        assert_eq!(*self.stored().await, *before);
        error.kind
    }

    async fn words(&self) -> Vec<String> {
        let sql = "SELECT changes_made FROM ducklake_snapshot_changes ORDER BY snapshot_id";
        let rows = self.live.store().query(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.text("changes_made").unwrap().to_string()).collect()
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column { default: Some("now()".into()), ..Column::new("at", Type::Timestamptz, false) },
        Column::new("tags", Type::Array(Box::new(Type::Varchar(Some(3)))), true),
        Column::new("id", Type::Uuid, true),
        Column { default: Some("'it''s'".into()), ..Column::new("a \"b\"", Type::Varchar(Some(10)), true) },
        Column::new("n", Type::Numeric(None), true),
    ]
}

fn create(name: &str) -> Change {
    Change::CreateTable { name: Name::public(name), columns: columns(), folder: None }
}

fn file(path: &str, rows: i64, (min, max): (&str, &str)) -> NewFile {
    let bound = |text: &str| Some(text.to_string());
    let stats = ColumnStats {
        column_id: 4,
        bytes: 9,
        values: rows,
        nulls: 0,
        min: bound(min),
        max: bound(max),
        contains_nan: None,
    };
    NewFile { path: path.into(), rows, bytes: 100, footer_bytes: 10, stats: vec![stats] }
}

fn delete(data_file: i64, replaces: Option<i64>, rows: i64) -> NewDelete {
    let file = NewDeleteFile { path: format!("d{rows}"), rows, bytes: 5, footer_bytes: 4 };
    NewDelete { data_file, replaces, file: (rows > 0).then_some(file) }
}

fn append(files: Vec<NewFile>) -> Change {
    Change::AppendFiles { table: Name::public("t"), files }
}

#[tokio::test]
async fn tables_and_their_rows_read_back_after_each_commit() {
    let house = House::new().await;
    assert_eq!(*house.stored().await, *house.live.snapshot());
    let table = |snapshot: &Snapshot| snapshot.table(&Name::public("t")).unwrap().clone();
    house.commit(vec![create("t")]).await;
    let after = house.commit(vec![append(vec![file("a", 10, ("-5", "9.5")), file("b", 20, ("10", "30"))])]).await;
    let ids: Vec<_> = table(&after).files.iter().map(|file| file.id).collect();
    let range = stats::range(&table(&after).columns[4], &table(&after).files);
    assert_eq!((range.min.as_deref(), range.max.as_deref()), (Some("-5"), Some("30")));
    let deletes = vec![delete(ids[0], None, 3)];
    let after = house.commit(vec![Change::DeleteRows { table: Name::public("t"), deletes }]).await;
    assert_eq!(table(&after).rows(), 27);
    let replaces = table(&after).files[0].deletes.as_ref().map(|deletes| deletes.id);
    let stale = vec![delete(ids[0], None, 4)];
    let refused = house.refused(vec![Change::DeleteRows { table: Name::public("t"), deletes: stale }]).await;
    assert_eq!(refused, Kind::SerializationFailure);
    let deletes = vec![delete(ids[0], replaces, 4), delete(ids[1], None, 0)];
    let after = house
        .commit(vec![Change::DeleteRows { table: Name::public("t"), deletes }, append(vec![file("c", 1, ("1", "1"))])])
        .await;
    assert_eq!(table(&after).rows(), 7);
    let from = Name::public("t");
    house.commit(vec![Change::RenameRelation { from, to: Name::public("u") }]).await;
    house.commit(vec![create("t"), Change::DropTable { name: Name::public("u") }]).await;
    let words = house.words().await;
    assert_eq!(words[0], "created_schema:\"public\"");
    assert_eq!(words[1], "created_table:\"public\".\"t\"");
    assert_eq!(words[2], "inserted_into_table:1");
    assert_eq!(words[4], "inserted_into_table:1,deleted_from_table:1");
    assert_eq!(words[6], "dropped_table:1,created_table:\"public\".\"t\"");
}

#[tokio::test]
async fn the_past_stays_as_it_was() {
    let house = House::new().await;
    house.commit(vec![create("t"), append(vec![file("a", 10, ("1", "2"))])]).await;
    let then = house.live.snapshot();
    let name = Name::public("t");
    let deletes = vec![delete(then.table(&name).unwrap().files[0].id, None, 0)];
    house.commit(vec![Change::DeleteRows { table: name.clone(), deletes }]).await;
    house.commit(vec![Change::DropTable { name: name.clone() }]).await;
    let store = house.live.store();
    let past = table_at(store, &name, then.lake).await.unwrap().unwrap();
    assert_eq!(past, *then.table(&name).unwrap());
    assert_eq!(table_at(store, &name, then.lake + 1).await.unwrap().unwrap().files, vec![]);
    assert_eq!(table_at(store, &name, then.lake + 2).await.unwrap(), None);
    assert_eq!(table_at(store, &name, 0).await.unwrap(), None);
}

#[tokio::test]
async fn every_other_object_reads_back_and_its_history_is_kept() {
    let house = House::new().await;
    let name = Name::new("ml", "x");
    house.commit(vec![Change::CreateSchema { name: "ml".into(), uuid: None }]).await;
    let view = View {
        id: 0,
        uuid: String::new(),
        name: Name::new("ml", "v"),
        sql: "SELECT 1".into(),
        column_aliases: vec!["a \"b\"".into(), "c".into()],
    };
    house.commit(vec![Change::PutView(view.clone())]).await;
    house.commit(vec![Change::PutView(View { sql: "SELECT 2".into(), ..view })]).await;
    let secret = |value: &str| Change::PutSecret {
        secret: Secret { name: "s".into(), source: SecretSource::Value(value.to_string()) },
        or_replace: true,
    };
    let connection = Connection {
        name: "ops".into(),
        kind: "postgres".into(),
        options: BTreeMap::from([("host".into(), "h".into())]),
        secrets: BTreeMap::from([("password".into(), "s".into())]),
    };
    house
        .commit(vec![secret("canary"), Change::PutConnection { connection: connection.clone(), or_replace: false }])
        .await;
    house.commit(vec![secret("other"), Change::PutConnection { connection, or_replace: true }]).await;
    let external = External {
        name: Name::public("e"),
        format: "csv".into(),
        location: "x.csv".into(),
        options: BTreeMap::new(),
        columns: vec![("a".into(), Type::Int4, true)],
    };
    let before = house.live.snapshot().lake;
    house.commit(vec![Change::PutExternal(external)]).await;
    house.commit(vec![Change::RenameRelation { from: Name::public("e"), to: Name::new("ml", "e2") }]).await;
    let version = |sha256: &str| Change::AddModelVersion {
        name: name.clone(),
        version: ModelVersion {
            version: 0,
            sha256: sha256.into(),
            bytes: 1,
            format: "lightgbm".into(),
            source: "m.txt".into(),
            inputs: vec![],
            labels: vec![],
            created_at: "now".into(),
        },
        known: None,
    };
    house.commit(vec![version("one")]).await;
    house.commit(vec![version("two")]).await;
    let workflow = Workflow { name: name.clone(), ..workflow() };
    let put = |replaces| Change::PutWorkflow { workflow: Box::new(workflow.clone()), replaces };
    house.commit(vec![put(None)]).await;
    house.commit(vec![Change::PauseWorkflow { name: name.clone(), paused: true }]).await;
    house.commit(vec![put(Some(1))]).await;
    let now = house.live.snapshot().workflow(&name).unwrap().clone();
    assert_eq!((now.version, now.paused), (2, true), "a new definition leaves it paused");
    for (late, kind) in [(put(None), Kind::DuplicateObject), (put(Some(1)), Kind::SerializationFailure)] {
        let refused = house.live.commit(Commit { changes: vec![late], ..Commit::default() }).await;
        assert_eq!(refused.unwrap_err().kind, kind, "somebody else was faster");
    }
    assert_eq!(house.live.snapshot().lake, before, "these are not the lake's");
    house.commit(vec![Change::DropModel { name: name.clone() }, Change::DropWorkflow { name: name.clone() }]).await;
    house.commit(vec![version("three"), put(None)]).await;
    house.commit(vec![Change::DropConnection { name: "ops".into() }, Change::DropSecret { name: "s".into() }]).await;
    let rows = house.live.store().query("SELECT * FROM aqueduct_object", &[]).await.unwrap();
    let text = format!("{rows:?}");
    assert!(!text.contains("canary") && !text.contains("other"), "a secret's value outlives it");
    let versions = rows.iter().filter(|row| row.text("kind").unwrap() == "model");
    assert_eq!(versions.map(|row| row.int("version").unwrap()).collect::<Vec<_>>(), [1, 2, 1]);
}

fn workflow() -> Workflow {
    let text = r#"{"name":{"schema":"public","name":"w"},"version":1,"text":"","schedule":null,"run":null,"params":[],
        "steps":[],"checks":[],"metrics":[],"finally":[],"materialized_view":false,"paused":false,"owner":"me"}"#;
    let mut value: serde_json::Value = serde_json::from_str(text).unwrap();
    value["schedule"] = serde_json::to_value(Schedule::default()).unwrap();
    value["run"] = serde_json::to_value(RunClauses::default()).unwrap();
    serde_json::from_value(value).unwrap()
}

#[tokio::test]
async fn a_commit_of_another_program_is_a_conflict_and_then_seen() {
    let house = House::new().await;
    house.commit(vec![create("t")]).await;
    for sql in [
        "INSERT INTO ducklake_snapshot SELECT snapshot_id + 1, snapshot_time, schema_version + 1, next_catalog_id + 1, \
         next_file_id FROM ducklake_snapshot ORDER BY snapshot_id DESC LIMIT 1",
        "INSERT INTO ducklake_schema SELECT next_catalog_id - 1, 'u', snapshot_id, NULL, 'duck', 'duck/', 1 \
         FROM ducklake_snapshot ORDER BY snapshot_id DESC LIMIT 1",
    ] {
        house.live.store().write(&[Write::new(sql, [])]).await.unwrap();
    }
    let error = house.live.commit(Commit { changes: vec![create("u")], ..Commit::default() }).await.unwrap_err();
    assert_eq!(error.kind, Kind::SerializationFailure);
    assert!(house.live.snapshot().schemas.contains_key("duck"));
    house.commit(vec![create("u")]).await;
}

#[tokio::test]
async fn a_table_that_another_statement_made_anew_is_not_the_one_that_was_read() {
    let house = House::new().await;
    let before = house.commit(vec![create("t")]).await;
    let read = before.table(&Name::public("t")).unwrap().clone();
    let expect = |rows| Change::Expect { table: read.clone(), rows };
    house.commit(vec![append(vec![file("a", 1, ("1", "1"))])]).await;
    house.commit(vec![expect(false), append(vec![file("b", 1, ("1", "1"))])]).await;
    assert_eq!(house.refused(vec![expect(true)]).await, Kind::SerializationFailure);
    house.commit(vec![Change::DropTable { name: Name::public("t") }, create("t")]).await;
    assert_eq!(house.refused(vec![expect(false)]).await, Kind::SerializationFailure);
}

#[tokio::test]
async fn a_draft_is_made_again_on_what_others_have_committed_since() {
    let house = House::new().await;
    house.commit(vec![create("t"), append(vec![file("a", 10, ("1", "2"))])]).await;
    let name = Name::public("t");
    let mine = Name::public("mine");
    let mut draft = Draft::on(house.live.snapshot(), None);
    let ids = |draft: &Draft| -> Vec<i64> {
        draft.snapshot().table(&Name::public("t")).unwrap().files.iter().map(|file| file.id).collect()
    };
    // Deletes from a committed file and from one of its own, and from a table of its own.
    draft.add([append(vec![file("b", 5, ("3", "4"))])], vec![]).unwrap();
    for change in [
        Change::DeleteRows {
            table: name.clone(),
            deletes: vec![delete(ids(&draft)[0], None, 3), delete(ids(&draft)[1], None, 1)],
        },
        Change::RenameRelation { from: name.clone(), to: Name::public("u") },
        create("t"),
        Change::CreateTable { name: mine.clone(), columns: columns(), folder: None },
        Change::AppendFiles { table: mine.clone(), files: vec![file("c", 2, ("5", "6"))] },
    ] {
        draft.add([change], vec![]).unwrap();
    }
    let own = draft.snapshot().table(&mine).unwrap().clone();
    let expect = Change::Expect { table: own.clone(), rows: true };
    draft.add([expect, Change::RemoveFiles { table: mine.clone(), files: vec![own.files[0].id] }], vec![]).unwrap();
    let saved = draft.clone();

    let others = vec![create("other"), append(vec![file("d", 7, ("7", "8")), file("e", 7, ("7", "8"))])];
    house.commit(others).await;
    house.live.commit_draft(&mut draft, "me", "BLOCK").await.unwrap();
    let after = house.live.snapshot();
    assert_eq!(*house.stored().await, *after);
    assert_eq!(*draft.snapshot(), after);
    let moved = after.table(&Name::public("u")).unwrap();
    assert_eq!(moved.rows(), 10 - 3 + 5 - 1 + 14);
    assert_eq!(after.table(&mine).unwrap().folder, own.folder, "its files lie there already");
    assert_eq!(after.table(&name).unwrap().rows(), 0);

    // What the draft deleted from has been deleted from since: the second one is refused, and leaves nothing.
    let mut late = saved;
    let error = house.live.commit_draft(&mut late, "me", "BLOCK").await.unwrap_err();
    assert_eq!(error.kind, Kind::SerializationFailure);
    assert_eq!(*house.live.snapshot(), *after);
}

#[tokio::test]
async fn what_one_session_has_of_its_own_reaches_no_store() {
    let house = House::new().await;
    let before = house.commit(vec![create("t")]).await;
    let own = Name::new(temporary::SCHEMA, "t");
    let mut draft = Draft::on(before.clone(), None);
    draft.allow_temporary(|| "/elsewhere/".into());
    let created = Change::CreateTable { name: own.clone(), columns: columns(), folder: None };
    let rows = Change::AppendFiles { table: own.clone(), files: vec![file("a", 10, ("1", "2"))] };
    draft.add([created, rows], vec![]).unwrap();
    house.live.commit_draft(&mut draft, "me", "TEST").await.unwrap();
    assert!(Arc::ptr_eq(&house.live.snapshot(), &before), "nothing was committed");
    let kept = draft.snapshot().temporary().map(Arc::new).unwrap();
    assert_eq!(kept.files().collect::<Vec<_>>().len(), 1);

    let mut next = Draft::on(before, Some(kept));
    assert_eq!(next.snapshot().table(&own).unwrap().rows(), 10);
    house.commit(vec![create("other")]).await;
    next.add([append(vec![file("b", 5, ("3", "4"))]), Change::DropTable { name: own.clone() }], vec![]).unwrap();
    house.live.commit_draft(&mut next, "me", "TEST").await.unwrap();
    assert_eq!(*house.stored().await, *house.live.snapshot());
    assert!(next.snapshot().schemas.contains_key(temporary::SCHEMA));
    assert!(!house.live.snapshot().schemas.contains_key(temporary::SCHEMA));
}

#[tokio::test]
async fn what_a_draft_relies_upon_must_stay_however_often_it_is_made_again() {
    let house = House::new().await;
    let base = house.commit(vec![create("read"), create("t")]).await;
    let mut draft = Draft::on(base, None);
    draft.add([append(vec![file("a", 1, ("1", "2"))])], vec![]).unwrap();
    draft.rely_upon([Name::public("read")].into());
    draft.rebase(&house.commit(vec![create("other")]).await).unwrap();
    let rows = Change::AppendFiles { table: Name::public("read"), files: vec![file("b", 1, ("1", "2"))] };
    let newest = house.commit(vec![rows]).await;
    assert_eq!(draft.rebase(&newest).unwrap_err().kind, Kind::SerializationFailure);
}

#[tokio::test]
async fn a_commit_without_changes_waits_for_the_numbers_that_were_given_out() {
    let house = House::new().await;
    let sequence = Sequence::new(Name::public("s"), 100);
    let base = house.commit(vec![Change::PutSequence { sequence, owned_by: None }]).await;
    let sequence = base.sequences[&Name::public("s")].clone();
    let mut nothing = Draft::on(base.clone(), None);
    house.live.commit_draft(&mut nothing, "me", "").await.unwrap();
    assert!(Arc::ptr_eq(&house.live.snapshot(), &base), "there was nothing to write");

    assert_eq!(house.live.next_number(&sequence).unwrap(), 1);
    assert_eq!(house.live.next_number(&sequence).unwrap(), 2);
    house.commit(vec![create("t")]).await;
    assert_eq!(house.stored().await.sequences[&sequence.name].last, Some(2), "with another's commit");

    assert_eq!(house.live.next_number(&sequence).unwrap(), 3);
    // A reader's draft is on what was before; nothing that it has read matters for that.
    nothing.rely_upon([Name::public("t")].into());
    house.live.commit_draft(&mut nothing, "me", "").await.unwrap();
    assert_eq!(house.stored().await.sequences[&sequence.name].last, Some(3));
}

#[tokio::test]
async fn of_two_changes_of_one_role_the_later_one_is_refused() {
    let house = House::new().await;
    let put = |role: Role, replaces| Change::PutRole { role, replaces };
    house.commit(vec![put(Role::new("a"), None)]).await;
    let before = house.live.snapshot().role("a").unwrap();
    let joined = Role { member_of: [("b".to_string(), false)].into(), ..Role::new("a") };
    house.commit(vec![put(joined, Some(before.clone()))]).await;
    let late = Role { create_db: true, ..Role::new("a") };
    assert_eq!(house.refused(vec![put(late.clone(), Some(before.clone()))]).await, Kind::SerializationFailure);
    assert_eq!(house.refused(vec![put(late.clone(), None)]).await, Kind::DuplicateObject);
    house.commit(vec![Change::DropRole { name: "a".into() }]).await;
    assert_eq!(house.refused(vec![put(late, Some(before))]).await, Kind::SerializationFailure);
}
