//! Files: read as external tables, written as targets.

use super::postgres::connections;
use super::sinks::{Subject, contract, marker, rows, seen, spool};
use aqueduct::base::{Error, Kind, Name, Type};
use aqueduct::catalog::workflow::{Mode, Target};
use aqueduct::catalog::{External, Snapshot};
use aqueduct::connect::{Act, Connections, Sink};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::prelude::SessionContext;
use std::sync::Arc;

/// A folder with files, and an engine that may read them.
struct Files {
    folder: tempfile::TempDir,
    connections: Connections,
}

impl Files {
    fn new(files: &[(&str, &str)]) -> Files {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let connections = connections(folder.path());
        Files { folder, connections }
    }

    /// `columns` as in CREATE EXTERNAL TABLE; none are inferred.
    async fn table(
        &self,
        format: &str,
        location: &str,
        columns: &str,
        options: &[(&str, &str)],
    ) -> Result<SessionContext, Error> {
        let options = options.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let declared = columns.split(", ").filter(|column| !column.is_empty()).map(|column| {
            let (name, ty) = column.split_once(' ').unwrap();
            let (ty, nullable) = match ty.strip_suffix(" NOT NULL") {
                Some(ty) => (ty, false),
                None => (ty, true),
            };
            (name.to_string(), Type::parse(ty).unwrap(), nullable)
        });
        let mut declared: Vec<_> = declared.collect();
        if declared.is_empty() {
            declared = self.connections.infer(format, location, &options).await?;
        }
        let external = External {
            name: Name::public("t"),
            format: format.into(),
            location: location.into(),
            options,
            columns: declared,
        };
        let context = SessionContext::new();
        context.register_table("t", self.connections.external(&external)?)?;
        Ok(context)
    }

    async fn read(
        &self,
        format: &str,
        location: &str,
        columns: &str,
        options: &[(&str, &str)],
    ) -> Result<String, Error> {
        ask(&self.table(format, location, columns, options).await?, "SELECT * FROM t").await
    }
}

async fn ask(context: &SessionContext, query: &str) -> Result<String, Error> {
    let batches = context.sql(query).await?.collect().await?;
    Ok(print(&batches))
}

fn print(batches: &[RecordBatch]) -> String {
    let format = FormatOptions::default().with_null("NULL");
    let mut rows = vec![];
    for batch in batches {
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &format).unwrap()).collect();
        let row = |row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|");
        rows.extend((0..batch.num_rows()).map(row));
    }
    rows.join(";")
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_is_read_as_it_was_written() {
    let files = Files::new(&[
        ("a.csv", "n,t\n1,one\n2,\n3,\"\"\n4,\"x,\"\"y\"\"\nz\"\n"),
        ("b.tsv", "1;'a;b';-\n2;c;7\n"),
        ("many/1.csv", "b,a\nx,1\n"),
        ("many/sub/2.csv", "a,b,c\n2,y,extra\n"),
        ("many/notes.txt", "no table"),
    ]);
    assert_eq!(files.read("csv", "a.csv", "", &[]).await.unwrap(), "1|one;2|NULL;3|;4|x,\"y\"\nz");
    let options = [("delimiter", ";"), ("quote", "'"), ("null", "-"), ("header", "false")];
    assert_eq!(files.read("csv", "b.tsv", "", &options).await.unwrap(), "1|a;b|NULL;2|c|7");
    assert_eq!(
        files.read("csv", "b.tsv", "n int, t text, m numeric(4,1)", &options).await.unwrap(),
        "1|a;b|NULL;2|c|7.0"
    );
    // Columns go by name, whatever their order in a file.
    let many = files.table("csv", "many", "a int, b text", &[]).await.unwrap();
    assert_eq!(ask(&many, "SELECT a, b FROM t ORDER BY a").await.unwrap(), "1|x;2|y");
    assert_eq!(ask(&many, "SELECT count(*) FROM t").await.unwrap(), "2");
    assert_eq!(ask(&many, "SELECT b FROM t WHERE a > 1").await.unwrap(), "y");
    assert_eq!(files.read("csv", "many/*.csv", "a int", &[]).await.unwrap(), "1");
    let one = files.table("csv", "a.csv", "", &[]).await.unwrap();
    assert_eq!(ask(&one, "SELECT n FROM t LIMIT 2").await.unwrap(), "1;2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_row_is_named_by_file_line_and_column() {
    let files = Files::new(&[
        ("type.csv", "id,delay\n1,\"two\nlines\"\n2,x\n"),
        ("short.csv", "id,delay\n1,2\n3\n"),
        ("long.csv", "id,delay\n1,2\n3,4,5\n"),
        ("quote.csv", "id,delay\n1,\"2\n"),
        ("bytes.csv", ""),
        ("names.csv", "id,dealy\n1,2\n"),
        ("many/a.json", "{\"id\": 1, \"delay\": 2}\n"),
        ("many/b.json", "\n{\"id\": 1, \"delay\": \"late\"}\n"),
        ("cut.json", "{\"id\": 1, \"delay\": 2}\n{\"id\": 1, \"del"),
    ]);
    std::fs::write(files.folder.path().join("bytes.csv"), b"id,delay\n1,\xff\n").unwrap();
    let check = async |format: &str, location: &str, columns: &str, expect: (Kind, &str, &str)| {
        let error = files.read(format, location, columns, &[]).await.unwrap_err();
        assert_eq!((error.kind, error.message.as_str(), error.detail.as_deref().unwrap_or("")), expect);
    };
    let columns = "id int, delay int";
    check(
        "csv",
        "type.csv",
        "id int, delay text, more int",
        (Kind::UndefinedColumn, "the header has no column \"more\"", "file \"type.csv\", line 1"),
    )
    .await;
    check(
        "csv",
        "type.csv",
        columns,
        (
            Kind::InvalidText,
            "invalid input syntax for type integer: \"two\nlines\"",
            "file \"type.csv\", line 2, column \"delay\"",
        ),
    )
    .await;
    check(
        "csv",
        "short.csv",
        columns,
        (Kind::BadCopyFileFormat, "missing data for column \"delay\"", "file \"short.csv\", line 3"),
    )
    .await;
    check(
        "csv",
        "long.csv",
        columns,
        (
            Kind::BadCopyFileFormat,
            "extra data after last expected column: 3 fields instead of 2",
            "file \"long.csv\", line 3",
        ),
    )
    .await;
    check(
        "csv",
        "quote.csv",
        columns,
        (Kind::BadCopyFileFormat, "unterminated CSV quoted field", "file \"quote.csv\", line 2"),
    )
    .await;
    check(
        "csv",
        "bytes.csv",
        columns,
        (Kind::BadCopyFileFormat, "invalid byte sequence for encoding \"UTF8\"", "file \"bytes.csv\", line 2"),
    )
    .await;
    check(
        "csv",
        "short.csv",
        "id int, delay int NOT NULL, x int",
        (Kind::UndefinedColumn, "the header has no column \"x\"", "file \"short.csv\", line 1"),
    )
    .await;
    check(
        "json",
        "many",
        columns,
        (
            Kind::InvalidText,
            "invalid input syntax for type integer: \"late\"",
            "file \"many/b.json\", line 2, column \"delay\"",
        ),
    )
    .await;
    check(
        "json",
        "cut.json",
        columns,
        (
            Kind::BadCopyFileFormat,
            "a line is not a JSON object: EOF while parsing a string, character 14",
            "file \"cut.json\", line 2",
        ),
    )
    .await;
    let error = files.read("csv", "names.csv", "id int, delay int", &[]).await.unwrap_err();
    assert_eq!(error.hint.as_deref(), Some("did you mean \"dealy\"?"));
    // What is not asked for is not judged.
    let table = files.table("csv", "type.csv", columns, &[]).await.unwrap();
    assert_eq!(ask(&table, "SELECT id FROM t").await.unwrap(), "1;2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_null_where_none_may_be_is_an_error() {
    let files = Files::new(&[("a.csv", "id,n\n1,\n2,3\n")]);
    let error = files.read("csv", "a.csv", "id int, n int NOT NULL", &[]).await.unwrap_err();
    assert_eq!(error.kind, Kind::NotNullViolation);
    assert_eq!(error.detail.as_deref(), Some("file \"a.csv\", line 2, column \"n\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_read_with_its_arrays_and_objects() {
    let files =
        Files::new(&[("a.jsonl", "{\"n\": 1, \"l\": [1, null], \"o\": {\"k\": \"v\"}, \"t\": \"x\"}\n{\"n\": 2.5}\n")]);
    assert_eq!(
        files.read("json", "a.jsonl", "", &[]).await.unwrap(),
        "1.0|[1, NULL]|{\"k\":\"v\"}|x;2.5|NULL|NULL|NULL"
    );
    assert_eq!(files.read("json", "a.jsonl", "t text, missing int", &[]).await.unwrap(), "x|NULL;NULL|NULL");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_files_below_the_roots_are_read_at_create_and_at_scan() {
    let files = Files::new(&[("in/a.csv", "n\n1\n")]);
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret.csv"), "n\n42\n").unwrap();
    let error = files.read("csv", "/etc/passwd", "", &[]).await.unwrap_err();
    assert_eq!(error.kind, Kind::InsufficientPrivilege);
    let spooled = spool(outside.path(), "s", &[rows(&[1], "a")]);
    let table = files.table("csv", "in", "", &[]).await.unwrap();
    assert_eq!(ask(&table, "SELECT * FROM t").await.unwrap(), "1");
    std::os::unix::fs::symlink(outside.path().join("secret.csv"), files.folder.path().join("in/b.csv")).unwrap();
    assert_eq!(ask(&table, "SELECT * FROM t").await.unwrap_err().kind, Kind::InsufficientPrivilege);
    // A link that is changed between planning and reading.
    let parquet = files.folder.path().join("p.parquet");
    std::fs::copy(&spooled.files[0], &parquet).unwrap();
    let table = files.table("parquet", "p.parquet", "", &[]).await.unwrap();
    let plan = table.sql("SELECT id FROM t").await.unwrap().create_physical_plan().await.unwrap();
    std::fs::remove_file(&parquet).unwrap();
    std::os::unix::fs::symlink(&spooled.files[0], &parquet).unwrap();
    let error = datafusion::physical_plan::collect(plan, table.task_ctx()).await.unwrap_err();
    assert!(Error::from(error).message.contains("outside the allowed roots"));
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_files_are_read_by_the_names_of_their_columns() {
    let files = Files::new(&[("bad.parquet", "no parquet")]);
    let staged = spool(files.folder.path(), "part", &[rows(&[2, 3], "a"), rows(&[4], "b")]);
    assert_eq!(staged.files.len(), 2);
    let table = files.table("parquet", "part*.parquet", "", &[]).await.unwrap();
    assert_eq!(ask(&table, "SELECT id, name FROM t WHERE id > 2 ORDER BY id").await.unwrap(), "3|a;4|b");
    let table = files.table("parquet", "part-0.parquet", "missing int, id int", &[]).await.unwrap();
    assert_eq!(ask(&table, "SELECT * FROM t").await.unwrap(), "NULL|2;NULL|3");
    let error = files.read("parquet", "bad.parquet", "", &[]).await.unwrap_err();
    assert_eq!(error.kind, Kind::BadCopyFileFormat, "{error}");
    assert!(error.message.starts_with("file \"bad.parquet\" is not a Parquet file"), "{error}");
}

/// One file as a target.
struct Published {
    files: Files,
    uri: &'static str,
}

impl Subject for Published {
    fn sink(&self) -> Arc<dyn Sink> {
        let target = Target::File { uri: self.uri.into(), format: String::new() };
        self.files.connections.sink(&target, &Snapshot::default()).unwrap()
    }

    async fn seen(&self) -> Option<String> {
        if !self.files.folder.path().join(self.uri).exists() {
            return None;
        }
        let format = self.uri.rsplit('.').next().unwrap();
        let columns = "id bigint, name text, at timestamptz";
        let table = self.files.table(format, self.uri, columns, &[]).await.unwrap();
        Some(seen(&table.sql("SELECT * FROM t").await.unwrap().collect().await.unwrap()))
    }

    fn orders(&self) -> bool {
        self.uri.ends_with("parquet")
    }

    // One server writes a file; its own lease is what keeps an older owner away.
    fn fences(&self) -> bool {
        false
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_keep_the_contract() {
    for uri in ["out/p.parquet", "out/c.csv", "out/j.json"] {
        let published = Published { files: Files::new(&[]), uri };
        contract(&published).await;
        let left: Vec<_> = std::fs::read_dir(published.files.folder.path().join("out")).unwrap().collect();
        assert_eq!(left.len(), 1, "only the target: {left:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_to_a_file_is_read_back() {
    let files = Files::new(&[]);
    let context = SessionContext::new();
    let query = "SELECT 1::bigint AS i, 1.5::double AS f, true AS b, 'a,\"b\"\n' AS t, '' AS empty, CAST(NULL AS varchar) AS none,
        DATE '2026-01-02' AS d, TIMESTAMP '2026-01-02 03:04:05.000006' AS at, 1.25::decimal(10,2) AS n,
        TIME '01:02:03' AS time, X'00ff' AS x, [1, NULL] AS l, ['a b', NULL, ''] AS lt";
    let columns = "i bigint, f float8, b bool, t text, empty text, none text, d date, at timestamp, n numeric(10,2),
        time time, x bytea, l bigint[], lt text[]"
        .replace("\n        ", " ");
    let batches = context.sql(query).await.unwrap().collect().await.unwrap();
    for format in ["parquet", "csv", "json"] {
        let uri = format!("x.{format}");
        let target = Target::File { uri: uri.clone(), format: format.into() };
        let sink = files.connections.sink(&target, &Snapshot::default()).unwrap();
        let act =
            Act { marker: marker("a", 1, 1), mode: Mode::Replace, spool: spool(files.folder.path(), "s", &batches) };
        sink.publish(&act).await.unwrap();
        let found = files.read(format, &uri, &columns, &[]).await.unwrap();
        let expect = "1|1.5|true|a,\"b\"\n||NULL|2026-01-02|2026-01-02T03:04:05.000006|1.25|01:02:03|00ff|[1, NULL]|[a b, NULL, ]";
        assert_eq!(found, expect, "{format}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_outside_the_roots_or_of_no_format_is_no_target() {
    let files = Files::new(&[("folder.csv/x", "")]);
    let check = async |uri: &str, format: &str, mode: Mode| {
        let target = Target::File { uri: uri.into(), format: format.into() };
        let sink = files.connections.sink(&target, &Snapshot::default()).map_err(|error| error.kind)?;
        sink.check(&super::sinks::schema(), &mode).await.map_err(|error| error.kind)
    };
    assert_eq!(check("a.csv", "", Mode::Replace).await, Ok(()));
    assert_eq!(check("../a.csv", "", Mode::Replace).await, Err(Kind::InsufficientPrivilege));
    assert_eq!(check("a.xls", "", Mode::Replace).await, Err(Kind::FeatureNotSupported));
    assert_eq!(check("a.csv", "", Mode::Append).await, Err(Kind::FeatureNotSupported));
    assert_eq!(check("folder.csv", "", Mode::Replace).await, Err(Kind::WrongObjectType));
    assert_eq!(check("folder.csv/x", "csv", Mode::Fail).await, Err(Kind::DuplicateTable));
}
