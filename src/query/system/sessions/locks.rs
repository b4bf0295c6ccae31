//! Advisory locks: they lock nothing but each other, for programs that agree on their numbers.

use crate::base::{Error, Kind, Result};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What is locked: one number, or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    One(i64),
    Two(i32, i32),
}

/// Whether others may hold it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Shared,
    Exclusive,
}

/// How long it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Until it is given back, or the session ends.
    Session,
    /// Until the transaction ends.
    Transaction,
}

#[derive(Debug, Default)]
pub struct Locks {
    held: Mutex<Held>,
    given: Notify,
}

#[derive(Debug, Default)]
struct Held {
    locks: BTreeMap<Key, BTreeMap<u64, Holds>>,
    waiting: BTreeMap<u64, (Key, Mode)>,
}

/// How often one session holds a lock, in each way.
#[derive(Clone, Copy, Debug, Default)]
struct Holds {
    session: [usize; 2],
    transaction: [usize; 2],
}

impl Holds {
    fn of(&mut self, scope: Scope, mode: Mode) -> &mut usize {
        let counts = match scope {
            Scope::Session => &mut self.session,
            Scope::Transaction => &mut self.transaction,
        };
        &mut counts[usize::from(mode == Mode::Exclusive)]
    }

    fn has(&self, mode: Mode) -> bool {
        let at = usize::from(mode == Mode::Exclusive);
        self.session[at] + self.transaction[at] > 0
    }

    fn is_none(&self) -> bool {
        !self.has(Mode::Shared) && !self.has(Mode::Exclusive)
    }
}

impl Held {
    /// The sessions whose holds exclude this one.
    fn in_the_way(&self, id: u64, key: Key, mode: Mode) -> Vec<u64> {
        let excludes = |holds: &Holds| mode == Mode::Exclusive || holds.has(Mode::Exclusive);
        let holders = self.locks.get(&key).into_iter().flatten();
        holders.filter(|(holder, holds)| **holder != id && excludes(holds)).map(|(holder, _)| *holder).collect()
    }

    fn take(&mut self, id: u64, key: Key, mode: Mode, scope: Scope) -> bool {
        let free = self.in_the_way(id, key, mode).is_empty();
        if free {
            *self.locks.entry(key).or_default().entry(id).or_default().of(scope, mode) += 1;
        }
        free
    }

    /// Whether who waits for `key` would wait for itself.
    fn is_deadlock(&self, id: u64, key: Key, mode: Mode) -> bool {
        let (mut seen, mut ahead) = (BTreeSet::new(), self.in_the_way(id, key, mode));
        while let Some(holder) = ahead.pop() {
            if holder == id {
                return true;
            }
            if let (true, Some((key, mode))) = (seen.insert(holder), self.waiting.get(&holder)) {
                ahead.extend(self.in_the_way(holder, *key, *mode));
            }
        }
        false
    }

    fn forget_empty(&mut self) {
        self.locks.values_mut().for_each(|holders| holders.retain(|_, holds| !holds.is_none()));
        self.locks.retain(|_, holders| !holders.is_empty());
    }
}

impl Locks {
    pub(super) fn take(&self, id: u64, key: Key, mode: Mode, scope: Scope) -> bool {
        self.held.lock().take(id, key, mode, scope)
    }

    pub(super) async fn wait(
        &self,
        id: u64,
        key: Key,
        mode: Mode,
        scope: Scope,
        stop: &CancellationToken,
    ) -> Result<()> {
        let _waiting = Waiting(self, id);
        loop {
            let given = self.given.notified();
            tokio::pin!(given);
            // From here on, what is given back is noticed.
            given.as_mut().enable();
            {
                let mut held = self.held.lock();
                if held.take(id, key, mode, scope) {
                    return Ok(());
                }
                if held.is_deadlock(id, key, mode) {
                    return Err(Error::new(Kind::Deadlock, "deadlock detected")
                        .detail("each of the sessions waits for an advisory lock of another")
                        .hint("take advisory locks in the same order everywhere".to_string()));
                }
                held.waiting.insert(id, (key, mode));
            }
            tokio::select! {
                () = given => {}
                () = stop.cancelled() => {
                    return Err(Error::new(Kind::Cancelled, "canceling statement due to user request"));
                }
            }
        }
    }

    pub(super) fn give(&self, id: u64, key: Key, mode: Mode) -> bool {
        let mut held = self.held.lock();
        let Some(holds) = held.locks.get_mut(&key).and_then(|holders| holders.get_mut(&id)) else { return false };
        let count = holds.of(Scope::Session, mode);
        if *count == 0 {
            return false;
        }
        *count -= 1;
        held.forget_empty();
        drop(held);
        self.given.notify_waiters();
        true
    }

    pub(super) fn give_all(&self, id: u64, scope: Scope) {
        let mut held = self.held.lock();
        if held.locks.is_empty() {
            return;
        }
        for holds in held.locks.values_mut().filter_map(|holders| holders.get_mut(&id)) {
            *holds.of(scope, Mode::Shared) = 0;
            *holds.of(scope, Mode::Exclusive) = 0;
        }
        held.forget_empty();
        drop(held);
        self.given.notify_waiters();
    }

    /// Who holds or waits for what; true when it is held.
    pub(super) fn list(&self) -> Vec<(u64, Key, Mode, bool)> {
        let held = self.held.lock();
        let mut all = vec![];
        for (key, holders) in &held.locks {
            for (id, holds) in holders {
                let modes = [Mode::Shared, Mode::Exclusive].into_iter().filter(|mode| holds.has(*mode));
                all.extend(modes.map(|mode| (*id, *key, mode, true)));
            }
        }
        all.extend(held.waiting.iter().map(|(id, (key, mode))| (*id, *key, *mode, false)));
        all
    }
}

/// Whoever stops waiting is no longer said to wait.
struct Waiting<'a>(&'a Locks, u64);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.held.lock().waiting.remove(&self.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const KEY: Key = Key::One(7);

    #[test]
    fn a_lock_is_held_as_often_as_it_was_taken() {
        let locks = Locks::default();
        let take = |id, mode| locks.take(id, KEY, mode, Scope::Session);
        assert!(take(1, Mode::Exclusive) && take(1, Mode::Exclusive) && take(1, Mode::Shared));
        assert!(!take(2, Mode::Shared));
        assert!(locks.give(1, KEY, Mode::Exclusive) && locks.give(1, KEY, Mode::Exclusive));
        assert!(!locks.give(1, KEY, Mode::Exclusive));
        assert!(take(2, Mode::Shared) && !take(2, Mode::Exclusive));
        locks.give_all(1, Scope::Session);
        assert!(take(2, Mode::Exclusive));
        assert!(locks.take(3, Key::Two(0, 7), Mode::Exclusive, Scope::Transaction));
        locks.give_all(3, Scope::Session);
        assert!(!locks.take(2, Key::Two(0, 7), Mode::Shared, Scope::Session));
        locks.give_all(3, Scope::Transaction);
        locks.give_all(2, Scope::Session);
        assert!(locks.list().is_empty());
    }

    #[tokio::test]
    async fn who_would_wait_for_itself_is_told() {
        let locks = Arc::new(Locks::default());
        let other = Key::One(8);
        assert!(locks.take(1, KEY, Mode::Exclusive, Scope::Session));
        assert!(locks.take(2, other, Mode::Exclusive, Scope::Session));
        let waits = {
            let locks = locks.clone();
            tokio::spawn(async move {
                locks.wait(1, other, Mode::Exclusive, Scope::Session, &CancellationToken::new()).await
            })
        };
        while locks.list().len() < 3 {
            tokio::task::yield_now().await;
        }
        let stop = CancellationToken::new();
        let refused = locks.wait(2, KEY, Mode::Exclusive, Scope::Session, &stop).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Deadlock);
        locks.give_all(2, Scope::Session);
        waits.await.unwrap().unwrap();
        stop.cancel();
        assert_eq!(locks.wait(2, KEY, Mode::Shared, Scope::Session, &stop).await.unwrap_err().kind, Kind::Cancelled);
    }
}
