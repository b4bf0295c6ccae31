//! A wire to PostgreSQL that is cut at a message of one's choice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// The direction in which a message is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cut {
    ToServer,
    ToClient,
}

/// Forwards messages until the n-th in one direction; that one is lost, and both ends of its wire with it.
/// Every connection after that one is left alone.
pub struct Proxy {
    pub port: u16,
    cut: Arc<AtomicBool>,
    listening: tokio::task::JoinHandle<()>,
}

struct Wire {
    cut: Cut,
    left: AtomicUsize,
    done: Arc<AtomicBool>,
    broken: Notify,
}

impl Proxy {
    pub async fn start(server: u16, cut: Cut, message: usize) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let done = Arc::new(AtomicBool::new(false));
        let wire = Wire { cut, left: AtomicUsize::new(message), done: Arc::clone(&done), broken: Notify::new() };
        let listening = tokio::spawn(listen(listener, server, Arc::new(wire)));
        Proxy { port, cut: done, listening }
    }

    pub fn has_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, server: u16, wire: Arc<Wire>) {
    while let Ok((client, _)) = listener.accept().await {
        let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
        // Messages go one by one; waiting to fill a packet would cost 40 ms each.
        client.set_nodelay(true).unwrap();
        server.set_nodelay(true).unwrap();
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let wire = Arc::clone(&wire);
        tokio::spawn(async move {
            tokio::select! {
                _ = forward(from_client, to_server, Cut::ToServer, &wire) => {}
                _ = forward(from_server, to_client, Cut::ToClient, &wire) => {}
                _ = wire.broken.notified() => {}
            }
        });
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, direction: Cut, wire: &Wire) -> std::io::Result<()> {
    // Only what a client says first has no tag.
    let mut tagged = direction == Cut::ToClient;
    loop {
        let mut message = vec![0; 4 + usize::from(tagged)];
        from.read_exact(&mut message).await?;
        let length = u32::from_be_bytes(message[message.len() - 4..].try_into().unwrap()) as usize;
        let start = message.len();
        message.resize(start + length - 4, 0);
        from.read_exact(&mut message[start..]).await?;
        tagged = true;
        if direction == wire.cut && !wire.done.load(Ordering::SeqCst) && wire.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            wire.done.store(true, Ordering::SeqCst);
            wire.broken.notify_waiters();
            return Ok(());
        }
        to.write_all(&message).await?;
    }
}
