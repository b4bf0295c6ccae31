//! A session from its first statement to its end: what comes next, and what an error ends.

use super::backends::Registration;
use super::door::Door;
use super::frame::{Frame, broken};
use super::incoming::{self, Incoming};
use super::login::Welcome;
use super::places::Place;
use super::portal::Portals;
use super::report::{self, Reported, Severity};
use super::socket::{Inbox, Outbox};
use super::texts::Texts;
use crate::base::{Error, Kind, Result};
use crate::query::system::sessions::Note;
use crate::session::{Session, Status, Stop, Timer};
use crate::statement::Parsed;
use pgwire::messages::response::{CommandComplete, NotificationResponse, ReadyForQuery, TransactionStatus};
use std::sync::Arc;

/// Bytes of a statement that other sessions see, as `track_activity_query_size`.
const SHOWN_BYTES_MAX: usize = 1024;

/// One client and everything it has here.
pub struct Conversation {
    pub(super) door: Arc<Door>,
    pub(super) session: Session,
    pub(super) inbox: Inbox,
    pub(super) outbox: Outbox,
    pub(super) registration: Registration,
    pub(super) portals: Portals,
    texts: Texts,
    reported: Reported,
    /// After an error in the extended protocol: nothing counts until Sync.
    skipping: bool,
    /// What ends the connection once the statement has been undone.
    pub(super) ending: Option<Error>,
    _place: Place,
}

/// An error and where in what the client sent it is, in characters from 1.
#[derive(Debug)]
pub struct Complaint {
    error: Error,
    position: Option<usize>,
}

impl Complaint {
    /// `error` is about the part of `text` that begins at byte `begin`.
    pub fn of(error: Error, text: &str, begin: usize) -> Self {
        let position = error.offset.map(|offset| report::position(text, begin + offset));
        Complaint { error, position }
    }
}

impl From<Error> for Complaint {
    fn from(error: Error) -> Self {
        Complaint { error, position: None }
    }
}

impl Conversation {
    pub fn new(door: Arc<Door>, welcome: Welcome) -> Self {
        let Welcome { session, inbox, outbox, registration, place } = welcome;
        let reported = Reported::all(&session);
        let (portals, texts) = Default::default();
        let (skipping, ending) = (false, None);
        Conversation {
            door,
            session,
            inbox,
            outbox,
            registration,
            portals,
            texts,
            reported,
            skipping,
            ending,
            _place: place,
        }
    }

    /// Until the client leaves, breaks the protocol, or the server shuts down.
    pub async fn run(mut self) {
        let engine = self.session.engine.clone();
        engine.counts.logins.up();
        let _counted = engine.counts.sessions.hold();
        loop {
            match self.turn().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(fatal) => {
                    report::error(&mut self.outbox, Severity::Fatal, &fatal, None);
                    break;
                }
            }
        }
        self.outbox.close().await;
    }

    /// One message; false when it was the last. An error ends the connection.
    async fn turn(&mut self) -> Result<bool> {
        let Some(frame) = self.wait().await? else { return Ok(false) };
        let outcome = match incoming::read(&frame) {
            Ok(Incoming::Terminate) => return Ok(false),
            Ok(Incoming::Password) => return Err(broken("a password was not asked for")),
            Ok(Incoming::Sync) => return self.sync().await.map(|()| true),
            Ok(_) if self.skipping => return Ok(true),
            Ok(message) => self.message(message).await,
            Err(error) if error.kind == Kind::ProtocolViolation => return Err(error),
            Err(_) if self.skipping => return Ok(true),
            Err(error) => Err(error.into()),
        };
        if let Err(complaint) = outcome {
            self.complain(complaint)?;
            self.skipping = is_extended(&frame);
        }
        if matches!(frame.kind, b'Q' | b'F') {
            self.ready().await?;
        }
        Ok(!self.outbox.broken)
    }

    /// The next message. While there is none: shutdown and idle timeouts.
    async fn wait(&mut self) -> Result<Option<Frame>> {
        if !self.inbox.ready() {
            self.outbox.flush().await?;
        }
        let in_block = self.session.transaction.status() != Status::Idle;
        let (name, kind, what) = match in_block {
            true => ("idle_in_transaction_session_timeout", Kind::IdleInTransaction, "idle-in-transaction timeout"),
            false => ("idle_session_timeout", Kind::IdleSession, "idle-session timeout"),
        };
        let idle = self.session.settings.time(name);
        let until = idle.map(|idle| tokio::time::Instant::now() + idle);
        loop {
            tokio::select! {
                biased;
                frame = self.inbox.frame() => return frame,
                () = self.door.shutdown.cancelled() => return Err(Stop::shutdown()),
                () = self.registration.current.ended.cancelled() => return Err(Stop::shutdown()),
                () = self.session.member.heard(), if !in_block => {
                    self.notes()?;
                    self.outbox.flush().await?;
                }
                () = async { tokio::time::sleep_until(until.unwrap_or_else(tokio::time::Instant::now)).await }, if idle.is_some() => {
                    return Err(Error::new(kind, format!("terminating connection due to {what}")));
                }
            }
        }
    }

    /// Tells what others said on channels that this session listens to.
    fn notes(&mut self) -> Result<()> {
        for Note { pid, channel, payload } in self.session.member.hear() {
            self.outbox.put(&NotificationResponse::new(pid, channel, payload))?;
        }
        Ok(())
    }

    async fn message(&mut self, message: Incoming) -> Result<(), Complaint> {
        match message {
            Incoming::Query(text) => self.simple(&text).await,
            Incoming::Parse { name, text, types } => self.parse(&name, &text, &types).await,
            Incoming::Bind(bind) => Ok(self.bind(&bind)?),
            Incoming::Describe(target) => Ok(self.describe(&target)?),
            Incoming::Execute { portal, rows_max } => self.execute(&portal, rows_max).await,
            Incoming::Close(target) => Ok(self.close(&target)?),
            Incoming::Flush => Ok(self.outbox.flush().await?),
            Incoming::FunctionCall => Err(Error::unsupported("function calls by message are not supported").into()),
            // What a failed COPY left behind.
            Incoming::CopyData(_) | Incoming::CopyDone | Incoming::CopyFail(_) => Ok(()),
            Incoming::Sync | Incoming::Terminate | Incoming::Password => Ok(()),
        }
    }

    async fn sync(&mut self) -> Result<()> {
        self.skipping = false;
        if let Err(error) = self.session.finish().await {
            self.complain(error.into())?;
        }
        self.ready().await
    }

    /// The client may send the next statement.
    async fn ready(&mut self) -> Result<()> {
        let status = match self.session.transaction.status() {
            Status::Idle => TransactionStatus::Idle,
            Status::Block => TransactionStatus::Transaction,
            Status::Failed => TransactionStatus::Error,
        };
        let state = match status {
            TransactionStatus::Idle => {
                self.portals.clear();
                self.notes()?;
                "idle"
            }
            TransactionStatus::Transaction => "idle in transaction",
            TransactionStatus::Error => "idle in transaction (aborted)",
        };
        self.shown(state, None);
        self.outbox.put(&ReadyForQuery::new(status))?;
        self.outbox.flush().await
    }

    /// Tells the client what went wrong. An error of this function ends the connection.
    fn complain(&mut self, complaint: Complaint) -> Result<()> {
        let Complaint { error, position } = complaint;
        self.registration.current.set(None);
        self.session.fail();
        let _ = self.session.settle();
        report::notices(&mut self.outbox, &mut self.session)?;
        if error.kind == Kind::Shutdown || self.ending.is_some() {
            return Err(self.ending.take().unwrap_or(error));
        }
        report::error(&mut self.outbox, Severity::Error, &error, position);
        Ok(())
    }

    /// The statements of a text.
    pub(super) fn read(&mut self, text: &str) -> Result<Vec<Parsed>> {
        if let Some(statements) = self.texts.get(text) {
            return Ok(statements);
        }
        let statements = self.door.read(text)?;
        self.texts.keep(text, &statements);
        Ok(statements)
    }

    /// A statement starts: from now on it can be stopped, and its time runs.
    pub(super) fn start(&mut self, text: &str) -> (Stop, Option<Timer>) {
        self.shown("active", Some(text));
        let stop = self.session.arm();
        self.registration.current.set(Some(stop.clone()));
        let timer = self.session.settings.time("statement_timeout").map(|time| stop.after(time));
        (stop, timer)
    }

    /// Lets other sessions see what this one does.
    fn shown(&self, state: &'static str, query: Option<&str>) {
        let now = self.session.engine.clock.now();
        let transaction_at = self.session.transaction.started_at;
        self.session.member.show(|activity| {
            (activity.state, activity.changed_at, activity.transaction_at) = (state, now, transaction_at);
            if let Some(query) = query {
                activity.query_at = Some(now);
                activity.query.clear();
                activity.query.push_str(query.get(..SHOWN_BYTES_MAX).unwrap_or(query));
            }
        });
    }

    /// A statement has done all it should. With the `last` one of a message a transaction outside a block ends.
    pub(super) async fn complete(&mut self, tag: &str, last: bool) -> Result<()> {
        self.registration.current.set(None);
        self.session.settle()?;
        if last {
            self.session.finish().await?;
        }
        report::notices(&mut self.outbox, &mut self.session)?;
        self.reported.changes(&mut self.outbox, &self.session)?;
        self.outbox.put(&CommandComplete::new(tag.to_string()))
    }
}

fn is_extended(frame: &Frame) -> bool {
    matches!(frame.kind, b'P' | b'B' | b'D' | b'E' | b'C' | b'H')
}
