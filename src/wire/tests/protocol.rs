//! What a well-behaved client meets, by tokio-postgres.

use super::stub::{COPIED, ENDLESS};
use super::{Server, eventually};
use crate::wire::door::Limits;
use futures::{SinkExt, StreamExt, pin_mut};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{NoTls, SimpleQueryMessage};

fn state(error: &tokio_postgres::Error) -> &SqlState {
    error.code().unwrap_or_else(|| panic!("not an error of the server: {error:?}"))
}

#[tokio::test]
async fn several_statements_are_answered_one_by_one_up_to_the_first_error() {
    let server = Server::start().await;
    let client = server.client().await;
    let answers = client.simple_query("rows 2; write; rows 0;").await.unwrap();
    let shown: Vec<_> = answers
        .iter()
        .map(|message| match message {
            SimpleQueryMessage::Row(row) => format!("{} {}", row.get(0).unwrap(), row.get(1).unwrap()),
            SimpleQueryMessage::CommandComplete(rows) => format!("complete {rows}"),
            SimpleQueryMessage::RowDescription(columns) => format!("{} columns", columns.len()),
            _ => "?".into(),
        })
        .collect();
    assert_eq!(shown, ["2 columns", "0 row 0", "1 row 1", "complete 2", "complete 1", "2 columns", "complete 0"]);

    let stream = client.simple_query_raw("rows 1; wrong x; write").await.unwrap();
    pin_mut!(stream);
    let mut rows = 0;
    let error = loop {
        match stream.next().await.unwrap() {
            Ok(SimpleQueryMessage::Row(_)) => rows += 1,
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!((rows, state(&error)), (1, &SqlState::UNDEFINED_COLUMN));
    let position = error.as_db_error().unwrap().position().cloned();
    assert_eq!(position, Some(tokio_postgres::error::ErrorPosition::Original(15)));
    assert_eq!(client.simple_query("").await.unwrap().len(), 1);
}

#[tokio::test]
async fn parameters_and_rows_travel_in_binary() {
    let server = Server::start().await;
    let client = server.client().await;
    let types = [
        Type::INT4,
        Type::TEXT,
        Type::FLOAT8,
        Type::BOOL,
        Type::INT8,
        Type::BYTEA,
        Type::TIMESTAMPTZ,
        Type::INT4_ARRAY,
    ];
    let statement = client.prepare_typed("echo", &types).await.unwrap();
    assert_eq!(statement.params(), types);
    let at = chrono::DateTime::from_timestamp(1_700_000_000, 123_456_000).unwrap();
    let bytes = vec![0u8, 255];
    let list = vec![Some(1), None];
    let row = client
        .query_one(&statement, &[&7i32, &"grüße", &1.5f64, &true, &(1i64 << 40), &bytes, &at, &list])
        .await
        .unwrap();
    assert_eq!((row.get::<_, i32>(0), row.get::<_, &str>(1), row.get::<_, f64>(2)), (7, "grüße", 1.5));
    assert_eq!((row.get::<_, bool>(3), row.get::<_, i64>(4), row.get::<_, Vec<u8>>(5)), (true, 1 << 40, bytes));
    assert_eq!((row.get::<_, chrono::DateTime<chrono::Utc>>(6), row.get::<_, Vec<Option<i32>>>(7)), (at, list));
}

#[tokio::test]
async fn a_portal_gives_its_rows_in_portions() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let transaction = client.transaction().await.unwrap();
    let statement = transaction.prepare("rows 2500").await.unwrap();
    let portal = transaction.bind(&statement, &[]).await.unwrap();
    let mut seen = vec![];
    loop {
        let rows = transaction.query_portal(&portal, 700).await.unwrap();
        if rows.is_empty() {
            break;
        }
        assert!(rows.len() <= 700);
        seen.extend(rows.iter().map(|row| row.get::<_, i32>(0)));
    }
    assert_eq!(seen, (0..2500).collect::<Vec<_>>());
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn a_pipeline_is_answered_in_order_and_skips_to_sync_after_an_error() {
    let server = Server::start().await;
    let client = server.client().await;
    let (first, wrong, last) =
        tokio::join!(client.query("rows 3", &[]), client.query("wrong x", &[]), client.query("rows 2", &[]));
    assert_eq!(first.unwrap().len(), 3);
    assert_eq!(state(&wrong.unwrap_err()), &SqlState::UNDEFINED_COLUMN);
    assert_eq!(last.unwrap().len(), 2);
}

#[tokio::test]
async fn a_block_fails_as_a_whole() {
    let server = Server::start().await;
    let client = server.client().await;
    let refused = async |text: &str| state(&client.simple_query(text).await.unwrap_err()).clone();
    client.simple_query("begin; rows 1; write").await.unwrap();
    assert_eq!(refused("wrong x").await, SqlState::UNDEFINED_COLUMN);
    assert_eq!(refused("rows 1").await, SqlState::IN_FAILED_SQL_TRANSACTION);
    assert_eq!(state(&client.prepare("rows 1").await.unwrap_err()), &SqlState::IN_FAILED_SQL_TRANSACTION);
    client.simple_query("commit; write").await.unwrap();

    client.simple_query("begin; set statement_timeout = '1h'; savepoint a").await.unwrap();
    assert_eq!(refused("wrong x").await, SqlState::UNDEFINED_COLUMN);
    client.simple_query("rollback to a; rows 1; rollback").await.unwrap();
    assert_eq!(show(&client, "statement_timeout").await, "0");
    client.simple_query("begin read only; set local jit = on; commit").await.unwrap();
    assert_eq!(show(&client, "jit").await, "off");
    assert_eq!(refused("savepoint a").await, SqlState::NO_ACTIVE_SQL_TRANSACTION);
    client.simple_query("set default_transaction_read_only = on").await.unwrap();
    assert_eq!(refused("write").await, SqlState::READ_ONLY_SQL_TRANSACTION);
}

async fn show(client: &tokio_postgres::Client, name: &str) -> String {
    client.query_one(&format!("show {name}"), &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn settings_come_with_the_login_and_go_back_to_it() {
    let server = Server::start().await;
    let client = server.client_with("application_name=tests options='-c statement_timeout=7s -c search_path=a'").await;
    assert_eq!(show(&client, "application_name").await, "tests");
    client.simple_query("set statement_timeout = 500; reset statement_timeout").await.unwrap();
    assert_eq!(show(&client, "statement_timeout").await, "7s");
    client.simple_query("set search_path = \"B\", c").await.unwrap();
    assert_eq!(show(&client, "search_path").await, "\"B\", c");
    client.simple_query("discard all").await.unwrap();
    assert_eq!(show(&client, "search_path").await, "a");
    let all = client.query("show all", &[]).await.unwrap();
    assert!(all.len() > 100, "{}", all.len());
}

#[tokio::test]
async fn statements_are_prepared_by_message_and_by_sql_under_the_same_names() {
    let server = Server::start().await;
    let client = server.client().await;
    client.simple_query("prepare p as show jit").await.unwrap();
    let again = client.simple_query("prepare p as show jit").await.unwrap_err();
    assert_eq!(state(&again), &SqlState::DUPLICATE_PSTATEMENT);
    let row = client.query_one("execute p", &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "off");
    client.simple_query("deallocate p").await.unwrap();
    let gone = client.simple_query("execute p").await.unwrap_err();
    assert_eq!(state(&gone), &SqlState::INVALID_SQL_STATEMENT_NAME);
}

#[tokio::test]
async fn a_cancel_request_stops_what_runs_and_nothing_else() {
    let server = Server::start().await;
    let client = server.client().await;
    let token = client.cancel_token();
    for text in ["stuck", "endless"] {
        let before = ENDLESS.load(Ordering::SeqCst);
        let (error, ()) = tokio::join!(async { client.simple_query(text).await.unwrap_err() }, async {
            eventually(async || ENDLESS.load(Ordering::SeqCst) > before).await;
            token.cancel_query(NoTls).await.unwrap();
        });
        assert_eq!(state(&error), &SqlState::QUERY_CANCELED);
        assert_eq!(error.as_db_error().unwrap().message(), "canceling statement due to user request");
    }
    token.cancel_query(NoTls).await.unwrap();
    assert_eq!(client.query("rows 1", &[]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_stopped() {
    let server = Server::start().await;
    let client = server.client().await;
    client.simple_query("set statement_timeout = 30").await.unwrap();
    for outcome in [client.simple_query("stuck").await.map(drop), client.query("endless", &[]).await.map(drop)] {
        let error = outcome.unwrap_err();
        assert_eq!(state(&error), &SqlState::QUERY_CANCELED);
        assert_eq!(error.as_db_error().unwrap().message(), "canceling statement due to statement timeout");
    }
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_query_with_it() {
    let server = Server::start().await;
    for text in ["stuck", "endless"] {
        let before = ENDLESS.load(Ordering::SeqCst);
        let (client, connection) = tokio_postgres::connect(&server.target(), NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let query = tokio::spawn(async move { client.simple_query(text).await.map(drop) });
        eventually(async || ENDLESS.load(Ordering::SeqCst) > before).await;
        connection.abort();
        query.abort();
        eventually(async || ENDLESS.load(Ordering::SeqCst) <= before).await;
    }
}

#[tokio::test]
async fn rows_are_copied_out_and_in() {
    let server = Server::start().await;
    let client = server.client().await;
    let chunks: Vec<_> = client.copy_out("copy out").await.unwrap().collect().await;
    let lines = chunks.iter().flat_map(|chunk| chunk.as_ref().unwrap().iter()).filter(|byte| **byte == b'\n').count();
    assert_eq!(lines, 2000);

    let sink = client.copy_in::<_, bytes::Bytes>("copy in").await.unwrap();
    pin_mut!(sink);
    for at in 0..100 {
        sink.send(bytes::Bytes::from(format!("in {at}\n"))).await.unwrap();
    }
    assert_eq!(sink.finish().await.unwrap(), 100);
    assert!(COPIED.lock().iter().any(|(text, kept)| *kept && text.starts_with("in 0\nin 1\n")));

    // A sink that is dropped sends CopyFail.
    let mut sink = Box::pin(client.copy_in::<_, bytes::Bytes>("copy in").await.unwrap());
    sink.send(bytes::Bytes::from("half\n")).await.unwrap();
    sink.flush().await.unwrap();
    drop(sink);
    eventually(async || COPIED.lock().iter().any(|(text, kept)| !*kept && text == "half\n")).await;

    let sink = client.copy_in::<_, bytes::Bytes>("copy in").await.unwrap();
    pin_mut!(sink);
    sink.send(bytes::Bytes::from("bad\n")).await.unwrap();
    sink.send(bytes::Bytes::from(vec![b'x'; 1 << 20])).await.unwrap();
    assert_eq!(state(&sink.finish().await.unwrap_err()), &SqlState::INVALID_TEXT_REPRESENTATION);
    assert_eq!(client.query("rows 1", &[]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn notices_arrive_unless_they_are_not_wanted() {
    let server = Server::start().await;
    let (client, mut connection) = tokio_postgres::connect(&server.target(), NoTls).await.unwrap();
    let (sender, mut heard) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|context| connection.poll_message(context)).await {
            if let tokio_postgres::AsyncMessage::Notice(notice) = message {
                sender.send(notice.message().to_string()).unwrap();
            }
        }
    });
    client.simple_query("notice; set client_min_messages = warning; notice; commit").await.unwrap();
    assert_eq!(heard.recv().await.as_deref(), Some("so you know"));
    assert_eq!(heard.recv().await.as_deref(), Some("there is no transaction in progress"));
}

#[tokio::test]
async fn a_panic_ends_one_connection_and_not_the_server() {
    let server = Server::start().await;
    let (victim, other) = (server.client().await, server.client().await);
    assert!(victim.simple_query("panic").await.unwrap_err().is_closed());
    assert_eq!(other.query("rows 1", &[]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_shutdown_ends_idle_sessions_and_waits_for_the_others() {
    let server =
        Server::with(|config, _| config, Limits { drain: Duration::from_millis(50), ..Limits::default() }).await;
    let (idle, busy) = (server.client().await, server.client().await);
    let before = ENDLESS.load(Ordering::SeqCst);
    let running = tokio::spawn(async move { busy.simple_query("stuck").await.map(drop) });
    eventually(async || ENDLESS.load(Ordering::SeqCst) > before).await;
    server.shutdown.cancel();
    eventually(async || idle.is_closed()).await;
    let error = running.await.unwrap().unwrap_err();
    assert_eq!(state(&error), &SqlState::ADMIN_SHUTDOWN);
    server.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_session_that_idles_too_long_is_ended() {
    let server = Server::start().await;
    let client = server.client().await;
    client.simple_query("set idle_in_transaction_session_timeout = 20; begin").await.unwrap();
    eventually(async || client.is_closed()).await;
}
