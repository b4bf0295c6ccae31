//! What sessions do to each other, and rows by COPY in binary.

use super::{Server, eventually};
use futures::{SinkExt, StreamExt, pin_mut, stream};
use std::future::poll_fn;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, NoTls, Notification};

/// A client and what it hears.
async fn listener(server: &Server) -> (Client, UnboundedReceiver<Notification>) {
    let (client, mut connection) = tokio_postgres::connect(&server.target(), NoTls).await.unwrap();
    let (sender, heard) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(notification) = message {
                let _ = sender.send(notification);
            }
        }
    });
    (client, heard)
}

#[tokio::test]
async fn what_a_session_says_is_heard_by_those_who_listen_when_it_commits() {
    let server = Server::start().await;
    let (hears, mut heard) = listener(&server).await;
    let (speaks, mut own) = listener(&server).await;
    hears.batch_execute("LISTEN jobs; LISTEN \"Jobs\"").await.unwrap();
    let channels = hears.query("SELECT pg_listening_channels() AS c ORDER BY c", &[]).await.unwrap();
    assert_eq!(channels.iter().map(|row| row.get(0)).collect::<Vec<String>>(), ["Jobs", "jobs"]);
    speaks.batch_execute("LISTEN jobs").await.unwrap();
    speaks.batch_execute("BEGIN; NOTIFY jobs, 'lost'; ROLLBACK; BEGIN; NOTIFY jobs, 'a'").await.unwrap();
    speaks.execute("SELECT pg_notify('jobs', 'b''c')", &[]).await.unwrap();
    speaks.batch_execute("NOTIFY jobs, 'a'; NOTIFY other; COMMIT; NOTIFY \"Jobs\"").await.unwrap();
    for (channel, payload) in [("jobs", "a"), ("jobs", "b'c"), ("Jobs", "")] {
        let heard = heard.recv().await.unwrap();
        assert_eq!((heard.channel(), heard.payload()), (channel, payload));
        let pid: i32 = speaks.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
        assert_eq!(heard.process_id(), pid);
    }
    assert_eq!(own.recv().await.unwrap().payload(), "a");

    // Within a block it waits for the block's end.
    hears.batch_execute("BEGIN").await.unwrap();
    speaks.batch_execute("NOTIFY jobs, 'later'").await.unwrap();
    hears.query("SELECT 1", &[]).await.unwrap();
    assert!(heard.try_recv().is_err());
    hears.batch_execute("COMMIT").await.unwrap();
    assert_eq!(heard.recv().await.unwrap().payload(), "later");
    hears.batch_execute("UNLISTEN *").await.unwrap();
    speaks.batch_execute("NOTIFY jobs, 'nobody'").await.unwrap();
    hears.query("SELECT 1", &[]).await.unwrap();
    assert!(heard.try_recv().is_err());
}

#[tokio::test]
async fn a_session_stops_what_another_does_or_the_other() {
    let server = Server::start().await;
    let (stopped, stops) = (server.client().await, server.client().await);
    let pid: i32 = stopped.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let sleeps = async || stopped.batch_execute("SELECT pg_sleep(600)").await.unwrap_err();
    let does = async |function: &str| {
        let sleeping = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND query LIKE '%pg_sleep%' AND state = 'active'"
        );
        eventually(async || stops.query_one(&sleeping, &[]).await.unwrap().get::<_, i64>(0) == 1).await;
        stops.query_one(&format!("SELECT {function}({pid})"), &[]).await.unwrap().get::<_, bool>(0)
    };
    let (ended, done) = tokio::join!(sleeps(), does("pg_cancel_backend"));
    assert_eq!((ended.code(), done), (Some(&SqlState::QUERY_CANCELED), true));
    let (ended, done) = tokio::join!(sleeps(), does("pg_terminate_backend"));
    assert_eq!((ended.code(), done), (Some(&SqlState::ADMIN_SHUTDOWN), true));
    assert!(stopped.batch_execute("SELECT 1").await.unwrap_err().is_closed());
    // One that does nothing is ended, too.
    let idle = server.client().await;
    let pid: i32 = idle.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    stops.query_one(&format!("SELECT pg_terminate_backend({pid})"), &[]).await.unwrap();
    eventually(async || idle.is_closed()).await;
}

#[tokio::test]
async fn who_waits_for_a_lock_goes_on_when_it_is_given_back() {
    let server = Server::start().await;
    let (holds, waits) = (server.client().await, server.client().await);
    holds.batch_execute("SELECT pg_advisory_lock(1)").await.unwrap();
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
    let lock = waits.batch_execute("SELECT pg_advisory_lock(1)");
    let give = async {
        eventually(async || holds.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 1).await;
        holds.batch_execute("SELECT pg_advisory_unlock(1)").await.unwrap();
    };
    let (locked, ()) = tokio::join!(lock, give);
    locked.unwrap();
    assert!(!holds.query_one("SELECT pg_try_advisory_lock(1)", &[]).await.unwrap().get::<_, bool>(0));
    drop(waits);
    eventually(async || holds.query_one("SELECT pg_try_advisory_lock(1)", &[]).await.unwrap().get(0)).await;
}

#[tokio::test]
async fn rows_travel_by_copy_in_binary_and_a_row_is_a_message() {
    let server = Server::start().await;
    let client = server.client().await;
    client
        .batch_execute(
            "CREATE TABLE t (i int4, t text, f float8, d date, a int8[], n numeric(6,2));
             INSERT INTO t VALUES (1, 'é', 1.5, '2024-02-29', ARRAY[1, 2], 12.34), (NULL, NULL, NULL, NULL, NULL, NULL);
             CREATE TABLE back (i int4, t text, f float8, d date, a int8[], n numeric(6,2), late int4 DEFAULT 7)",
        )
        .await
        .unwrap();
    let out = client.copy_out("COPY t TO STDOUT (FORMAT binary)").await.unwrap();
    pin_mut!(out);
    let mut messages = vec![];
    while let Some(message) = out.next().await {
        messages.push(message.unwrap());
    }
    // Two rows, the head before the first, and the end.
    assert_eq!(messages.len(), 3);
    let bytes = messages.concat();
    assert!(bytes.starts_with(b"PGCOPY\n\xff\r\n\0") && bytes.ends_with(b"\xff\xff"));

    let sink = client.copy_in("COPY back (i, t, f, d, a, n) FROM STDIN (FORMAT binary)").await.unwrap();
    pin_mut!(sink);
    // However it is cut.
    let pieces = bytes.chunks(5).map(|piece| Ok(bytes::Bytes::copy_from_slice(piece))).collect::<Vec<_>>();
    sink.send_all(&mut stream::iter(pieces)).await.unwrap();
    assert_eq!(sink.finish().await.unwrap(), 2);
    let same = "SELECT count(*) FROM t JOIN back USING (i, t, f, d, a, n) WHERE late = 7";
    assert_eq!(client.query_one(same, &[]).await.unwrap().get::<_, i64>(0), 1);

    for (bytes, message) in [
        (&b"not at all this"[..], "COPY file signature not recognized"),
        (&bytes[..bytes.len() - 3], "unexpected EOF in COPY data"),
        (&[&bytes[..19], b"\0\x01"].concat(), "row field count is 1, expected 6"),
        (&[&bytes[..], b"x"].concat(), "received copy data after EOF marker"),
    ] {
        let sink = client.copy_in("COPY back (i, t, f, d, a, n) FROM STDIN (FORMAT binary)").await.unwrap();
        pin_mut!(sink);
        let _ = sink.send(bytes::Bytes::copy_from_slice(bytes)).await;
        let refused = sink.finish().await.unwrap_err();
        assert_eq!(refused.as_db_error().unwrap().message(), message);
    }
    assert_eq!(client.query_one("SELECT count(*) FROM back", &[]).await.unwrap().get::<_, i64>(0), 2);
}
