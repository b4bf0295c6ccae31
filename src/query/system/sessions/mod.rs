//! The sessions of a server as they see each other: who they are, what they do, what they tell each other, and
//! the advisory locks that they hold.

mod locks;
mod notes;

pub use locks::{Key, Locks, Mode, Scope};
pub use notes::{Listen, Mark, Note};

use crate::base::{Result, Type};
use chrono::{DateTime, Utc};
use notes::Pending;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Everybody who is connected.
#[derive(Debug, Default)]
pub struct Sessions {
    members: Mutex<BTreeMap<i32, Weak<Member>>>,
    locks: Locks,
    last: AtomicU64,
}

/// How others reach what a session does now.
pub trait Signals: Send + Sync {
    /// Stops the statement that runs, if one does.
    fn cancel(&self);

    /// Ends the session.
    fn terminate(&self);
}

/// One session, as functions and others see it.
#[derive(Default)]
pub struct Member {
    sessions: Arc<Sessions>,
    id: u64,
    activity: Mutex<Activity>,
    signals: Mutex<Option<Arc<dyn Signals>>>,
    /// Trips when the statement that runs now must stop.
    stop: Mutex<CancellationToken>,
    /// Cursors that are open, for `pg_cursors`.
    pub cursors: Mutex<Vec<OpenCursor>>,
    /// Statements that are kept under a name, for `pg_prepared_statements`.
    pub prepared: Mutex<BTreeMap<String, KeptStatement>>,
    /// Warnings of functions, for the end of the statement.
    pub warnings: Mutex<Vec<String>>,
    pending: Mutex<Pending>,
    channels: Mutex<BTreeSet<String>>,
    inbox: Mutex<Vec<Note>>,
    arrived: Notify,
}

/// What `pg_stat_activity` tells of a session.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    pub pid: i32,
    pub user: String,
    pub application: String,
    pub client: Option<SocketAddr>,
    pub started_at: DateTime<Utc>,
    pub transaction_at: Option<DateTime<Utc>>,
    pub query_at: Option<DateTime<Utc>>,
    pub changed_at: DateTime<Utc>,
    pub state: &'static str,
    pub query: String,
    /// Waits for an advisory lock.
    pub waits: bool,
}

/// One row of `pg_cursors`.
#[derive(Clone, Debug)]
pub struct OpenCursor {
    pub name: String,
    pub statement: String,
    pub hold: bool,
    pub binary: bool,
    pub scroll: bool,
    pub made_at: DateTime<Utc>,
}

/// One row of `pg_prepared_statements`.
#[derive(Clone, Debug)]
pub struct KeptStatement {
    pub text: String,
    pub parameters: Vec<Type>,
    pub prepared_at: DateTime<Utc>,
    pub from_sql: bool,
}

impl Sessions {
    /// A session that nobody sees yet.
    pub fn member(self: &Arc<Self>) -> Arc<Member> {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        Arc::new(Member { sessions: self.clone(), id, ..Member::default() })
    }

    /// Lets the others see a session.
    pub fn enroll(&self, member: &Arc<Member>, signals: Arc<dyn Signals>, activity: Activity) {
        self.members.lock().insert(activity.pid, Arc::downgrade(member));
        *member.signals.lock() = Some(signals);
        *member.activity.lock() = activity;
    }

    /// The session of a number.
    pub fn of(&self, pid: i32) -> Option<Arc<Member>> {
        self.members.lock().get(&pid).and_then(Weak::upgrade)
    }

    /// What each does now, by its number.
    pub fn activities(&self) -> Vec<Activity> {
        self.all().iter().map(|member| member.activity.lock().clone()).collect()
    }

    /// The advisory locks that are held or waited for: whose, which, how, and whether it is held.
    pub fn locks(&self) -> Vec<(i32, Key, Mode, bool)> {
        let pids: BTreeMap<_, _> = self.all().iter().map(|member| (member.id, member.pid())).collect();
        let pid = |id| pids.get(&id).copied().unwrap_or_default();
        self.locks.list().into_iter().map(|(id, key, mode, held)| (pid(id), key, mode, held)).collect()
    }

    fn all(&self) -> Vec<Arc<Member>> {
        self.members.lock().values().filter_map(Weak::upgrade).collect()
    }
}

impl Member {
    pub fn pid(&self) -> i32 {
        self.activity.lock().pid
    }

    pub fn sessions(&self) -> &Arc<Sessions> {
        &self.sessions
    }

    /// Changes what others see it do.
    pub fn show(&self, change: impl FnOnce(&mut Activity)) {
        change(&mut self.activity.lock());
    }

    pub fn signals(&self) -> Option<Arc<dyn Signals>> {
        self.signals.lock().clone()
    }

    /// A statement starts that `stop` ends.
    pub fn watch(&self, stop: CancellationToken) {
        *self.stop.lock() = stop;
    }

    /// What a function watches while it waits.
    pub fn stop(&self) -> CancellationToken {
        self.stop.lock().clone()
    }

    /// Waits for an advisory lock; an error when the statement must stop first.
    pub async fn lock(&self, key: Key, mode: Mode, scope: Scope) -> Result<()> {
        if self.sessions.locks.take(self.id, key, mode, scope) {
            return Ok(());
        }
        self.show(|activity| activity.waits = true);
        let outcome = self.sessions.locks.wait(self.id, key, mode, scope, &self.stop()).await;
        self.show(|activity| activity.waits = false);
        outcome
    }

    /// Takes an advisory lock when nobody is in the way.
    pub fn try_lock(&self, key: Key, mode: Mode, scope: Scope) -> bool {
        self.sessions.locks.take(self.id, key, mode, scope)
    }

    /// Gives back one hold of a session's lock; false when it has none.
    pub fn unlock(&self, key: Key, mode: Mode) -> bool {
        self.sessions.locks.give(self.id, key, mode)
    }

    pub fn unlock_all(&self) {
        self.sessions.locks.give_all(self.id, Scope::Session);
    }

    /// The transaction is over.
    pub fn over(&self, committed: bool) {
        let pending = std::mem::take(&mut *self.pending.lock());
        if committed && !pending.is_empty() {
            self.publish(pending);
        }
        self.sessions.locks.give_all(self.id, Scope::Transaction);
    }

    /// The session ends: nothing of it is left with the others.
    pub fn leave(&self) {
        self.sessions.members.lock().remove(&self.pid());
        self.sessions.locks.give_all(self.id, Scope::Transaction);
        self.sessions.locks.give_all(self.id, Scope::Session);
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Member({})", self.id)
    }
}
