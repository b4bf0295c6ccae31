//! The threads that plan and run queries, and what they may use.
//!
//! They are not the threads that serve sockets: a join that does not yield must not stop a login.

use crate::base::{Config, Error, Kind, Result};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use std::future::Future;
use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

/// Stack of a query thread: planning uses some for every level of a statement.
const STACK_BYTES: usize = 128 << 20;
/// Consumers that are named when memory runs out.
const CONSUMERS_SHOWN: NonZeroUsize = NonZeroUsize::new(3).unwrap();

/// Threads, memory and disk of all queries together.
#[derive(Debug)]
pub struct Threads {
    runtime: Option<Runtime>,
    pub count: usize,
    pub environment: Arc<RuntimeEnv>,
}

impl Threads {
    pub fn new(config: &Config) -> Result<Threads> {
        let cores = || std::thread::available_parallelism().map_or(2, NonZeroUsize::get);
        let count = if config.threads == 0 { cores() } else { config.threads };
        let runtime = Builder::new_multi_thread()
            .worker_threads(count)
            .thread_name("query")
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()?;
        let spill = config.data.join("tmp");
        std::fs::create_dir_all(&spill)?;
        let pool = TrackConsumersPool::new(FairSpillPool::new(config.memory_bytes), CONSUMERS_SHOWN);
        let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Directories(vec![spill]));
        let environment =
            RuntimeEnvBuilder::new().with_memory_pool(Arc::new(pool)).with_disk_manager_builder(disk).build_arc()?;
        Ok(Threads { runtime: Some(runtime), count, environment })
    }

    /// Does `work` on a query thread; the caller gets an answer at once when the work must stop, whether or not
    /// it has come to a point where it can.
    pub async fn run<T: Send + 'static>(
        &self,
        limits: &Limits,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let task = Task(self.handle()?.spawn(guarded(work)));
        tokio::select! {
            biased;
            stopped = limits.stopped() => Err(stopped),
            done = task => done,
        }
    }

    /// Starts `work` on a query thread. Dropping the answer stops it at its next pause.
    pub fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Result<Abort> {
        Ok(Abort(self.handle()?.spawn(async move {
            work.await;
        })))
    }

    fn handle(&self) -> Result<&tokio::runtime::Handle> {
        self.runtime.as_ref().map(Runtime::handle).ok_or_else(|| Error::internal("query threads must be running"))
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Waiting for the threads is not allowed on those of another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A panic inside the work is its error.
pub async fn guarded<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    use futures::FutureExt;
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(done) => done,
        Err(panic) => {
            let message = panic.downcast_ref::<&str>().map(|text| text.to_string());
            let message = message.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            let line = message.lines().next().unwrap_or_default().to_string();
            Err(Error::internal("the query stopped on a bug of this server").detail(line))
        }
    }
}

/// When work must stop before it is done.
#[derive(Clone, Debug)]
pub struct Limits {
    pub cancel: CancellationToken,
    pub deadline: Option<Instant>,
}

impl Limits {
    /// Waits until the work must stop, and says why.
    pub async fn stopped(&self) -> Error {
        let late = async {
            match self.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.cancel.cancelled() => Error::new(Kind::Cancelled, "canceling statement due to user request"),
            () = late => Error::new(Kind::Cancelled, "canceling statement due to statement timeout"),
        }
    }
}

/// A task that stops when nobody waits for it any more.
struct Task<T>(tokio::task::JoinHandle<Result<T>>);

impl<T> Future for Task<T> {
    type Output = Result<T>;

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(context).map(|joined| match joined {
            Ok(done) => done,
            Err(_) => Err(Error::new(Kind::Shutdown, "the server is shutting down")),
        })
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Stops a task when it is dropped.
#[derive(Debug)]
pub struct Abort(tokio::task::JoinHandle<()>);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}
