//! `LISTEN` and `NOTIFY`: what a transaction says is heard when it commits, by whoever listens by then.

use super::Member;
use crate::base::{Error, Kind, Result};

/// What somebody said on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub pid: i32,
    pub channel: String,
    pub payload: String,
}

/// What a session wants to hear from its next commit on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    On(String),
    Off(String),
    AllOff,
}

/// What a transaction has asked for; a commit does it.
#[derive(Debug, Default)]
pub struct Pending {
    notes: Vec<(String, String)>,
    listens: Vec<Listen>,
}

/// How far a transaction's wishes were at a savepoint.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark {
    notes: usize,
    listens: usize,
}

/// Bytes of a payload are fewer than this, as in PostgreSQL.
const PAYLOAD_BYTES_END: usize = 8000;
/// Bytes of a channel's name are fewer than this.
const CHANNEL_BYTES_END: usize = 64;

impl Pending {
    pub fn is_empty(&self) -> bool {
        self.notes.is_empty() && self.listens.is_empty()
    }
}

impl Member {
    /// Says something on a channel, when the transaction commits. The same twice is said once.
    pub fn notify(&self, channel: &str, payload: &str) -> Result<()> {
        let invalid = |message: &str| Err(Error::new(Kind::InvalidParameterValue, message));
        match (channel.len(), payload.len()) {
            (0, _) => return invalid("channel name cannot be empty"),
            (CHANNEL_BYTES_END.., _) => return invalid("channel name too long"),
            (_, PAYLOAD_BYTES_END..) => return invalid("payload string too long"),
            _ => {}
        }
        let note = (channel.to_string(), payload.to_string());
        let mut pending = self.pending.lock();
        if !pending.notes.contains(&note) {
            pending.notes.push(note);
        }
        Ok(())
    }

    /// Listens, or no longer, when the transaction commits.
    pub fn listen(&self, listen: Listen) {
        self.pending.lock().listens.push(listen);
    }

    /// Channels that it hears, by name.
    pub fn channels(&self) -> Vec<String> {
        self.channels.lock().iter().cloned().collect()
    }

    /// At a savepoint.
    pub fn mark(&self) -> Mark {
        let pending = self.pending.lock();
        Mark { notes: pending.notes.len(), listens: pending.listens.len() }
    }

    /// Back to a savepoint.
    pub fn back_to(&self, mark: Mark) {
        let mut pending = self.pending.lock();
        pending.notes.truncate(mark.notes);
        pending.listens.truncate(mark.listens);
    }

    /// Waits until something was said that it hears. Can be dropped and called again.
    pub async fn heard(&self) {
        while self.inbox.lock().is_empty() {
            self.arrived.notified().await;
        }
    }

    /// What it heard since the last time, in the order in which it was said.
    pub fn hear(&self) -> Vec<Note> {
        std::mem::take(&mut *self.inbox.lock())
    }

    pub(super) fn publish(&self, pending: Pending) {
        for listen in pending.listens {
            let mut channels = self.channels.lock();
            match listen {
                Listen::On(channel) => drop(channels.insert(channel)),
                Listen::Off(channel) => drop(channels.remove(&channel)),
                Listen::AllOff => channels.clear(),
            }
        }
        if pending.notes.is_empty() {
            return;
        }
        let pid = self.pid();
        for member in self.sessions.all() {
            let channels = member.channels.lock();
            let heard = pending.notes.iter().filter(|(channel, _)| channels.contains(channel));
            let notes: Vec<_> = heard
                .map(|(channel, payload)| Note { pid, channel: channel.clone(), payload: payload.clone() })
                .collect();
            drop(channels);
            if !notes.is_empty() {
                member.inbox.lock().extend(notes);
                member.arrived.notify_one();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Activity, Sessions, Signals};
    use super::*;
    use std::sync::Arc;

    struct Deaf;

    impl Signals for Deaf {
        fn cancel(&self) {}
        fn terminate(&self) {}
    }

    #[test]
    fn what_a_transaction_says_is_heard_when_it_commits() {
        let sessions = Arc::new(Sessions::default());
        let [speaker, listener] = [1, 2].map(|pid| {
            let member = sessions.member();
            sessions.enroll(&member, Arc::new(Deaf), Activity { pid, ..Activity::default() });
            member
        });
        listener.listen(Listen::On("jobs".into()));
        speaker.notify("jobs", "too early").unwrap();
        speaker.over(true);
        listener.over(true);
        assert_eq!(listener.hear(), []);

        speaker.notify("jobs", "a").unwrap();
        let mark = speaker.mark();
        speaker.notify("jobs", "taken back").unwrap();
        speaker.back_to(mark);
        speaker.notify("jobs", "a").unwrap();
        speaker.notify("jobs", "b").unwrap();
        speaker.notify("other", "b").unwrap();
        assert_eq!(listener.hear(), []);
        speaker.over(true);
        let note = |payload: &str| Note { pid: 1, channel: "jobs".into(), payload: payload.into() };
        assert_eq!(listener.hear(), [note("a"), note("b")]);

        speaker.notify("jobs", "rolled back").unwrap();
        speaker.over(false);
        speaker.over(true);
        assert_eq!(listener.hear(), []);
        assert!(speaker.notify("", "").is_err());
        assert!(speaker.notify("jobs", &"x".repeat(8000)).is_err());
    }
}
