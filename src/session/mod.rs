//! One client: who it is, its settings, its transaction block, and how its statement is stopped.

mod cursors;
mod prepared;
mod response;
pub mod settings;
mod stop;
mod temporary;
mod transaction;
mod uncommitted;

pub use cursors::{Cursors, Direction};
pub use prepared::{Prepared, PreparedStatements};
pub use response::{Chunk, CopyIn, Description, Notice, Response};
pub use settings::Settings;
pub use stop::{Cause, Stop, Timer};
pub use temporary::{OnCommit, TemporaryTables};
pub use transaction::{Effect, Isolation, Status, Transaction};
pub use uncommitted::Uncommitted;

use crate::base::Result;
use crate::catalog::temporary::SCHEMA;
use crate::engine::Engine;
use crate::query::system::sessions::{Activity, Member, Signals};
use crate::query::{Context, RunContext};
use datafusion::catalog::TableProvider;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A session among the others; dropping it leaves nothing of it with them.
pub struct Membership(Arc<Member>);

impl std::ops::Deref for Membership {
    type Target = Arc<Member>;

    fn deref(&self) -> &Arc<Member> {
        &self.0
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// The state of one connection, or of one script of `aqueduct run`.
pub struct Session {
    pub engine: Arc<Engine>,
    pub user: String,
    /// Number by which others name this session (`pg_backend_pid`, CancelRequest).
    pub pid: i32,
    pub settings: Settings,
    pub transaction: Transaction,
    pub temporary: TemporaryTables,
    pub prepared: PreparedStatements,
    /// Itself, as others see it.
    pub member: Membership,
    /// What `set_config` asked for while a statement ran; see [`Session::settle`].
    settings_wanted: Arc<Mutex<Vec<(String, Option<String>)>>>,
    /// The run whose statements these are, and its steps by name; see [`Session::of_run`].
    run: Option<Arc<RunContext>>,
    relations: BTreeMap<String, Arc<dyn TableProvider>>,
    /// Told to the client after the statement.
    pub notices: Vec<Notice>,
    /// Trips when the statement that runs now must stop: cancel request, timeout, client gone.
    pub cancel: CancellationToken,
    /// The same, with the reason.
    pub stop: Stop,
}

impl Session {
    pub fn new(engine: Arc<Engine>, user: impl Into<String>) -> Self {
        let user = user.into();
        let stop = Stop::default();
        let mut settings = Settings::default();
        settings.set_fact("session_authorization", &user);
        settings.set_fact("max_connections", &engine.config.connections_max.to_string());
        settings.set_fact("port", &engine.config.listen.port().to_string());
        settings.set_fact("ssl", if engine.config.tls_certificate.is_some() { "on" } else { "off" });
        if engine.config.statement_timeout_ms > 0 {
            // A number that is out of range is no limit, as the setting's own maximum is 24 days.
            let _ = settings.set_start("statement_timeout", &engine.config.statement_timeout_ms.to_string());
        }
        let member = engine.query.sessions().member();
        member.watch(stop.token().clone());
        Session {
            user,
            pid: 0,
            settings,
            transaction: Transaction::of(member.clone()),
            temporary: TemporaryTables::default(),
            prepared: PreparedStatements::of(member.clone()),
            member: Membership(member),
            settings_wanted: Arc::default(),
            run: None,
            relations: BTreeMap::new(),
            notices: vec![],
            cancel: stop.token().clone(),
            stop,
            engine,
        }
    }

    /// A session in which a run's own statements are run: its functions answer, its steps are relations.
    pub fn of_run(engine: Arc<Engine>, scope: &Context) -> Self {
        let mut session = Session::new(engine, scope.user.clone());
        session.run = scope.run.clone();
        session.relations = scope.relations.clone();
        session.transaction.read_from(scope.snapshot.clone());
        session
    }

    /// What a statement of this session is planned in.
    pub fn context(&self) -> Context {
        let now = self.transaction.started_at.unwrap_or_else(|| self.engine.clock.now());
        let mut context = Context::new(self.snapshot(), &self.user, now);
        context.pid = self.pid;
        context.member = Some(self.member.clone());
        context.search_path = self.settings.search_path(&self.user);
        if context.snapshot.schemas.contains_key(SCHEMA) {
            context.search_path.insert(0, SCHEMA.to_string());
        }
        context.settings = self.settings.listed();
        context.settings_wanted = self.settings_wanted.clone();
        context.run = self.run.clone();
        context.reads = self.transaction.reads.clone();
        context.cancel = self.cancel.clone();
        context.relations = self.relations.clone();
        context
    }

    /// A fresh handle for the statement that starts now.
    pub fn arm(&mut self) -> Stop {
        self.stop = Stop::default();
        self.cancel = self.stop.token().clone();
        self.member.watch(self.cancel.clone());
        self.stop.clone()
    }

    /// Lets others see it under this number, and reach what it does.
    pub fn enroll(&mut self, pid: i32, client: Option<SocketAddr>, signals: Arc<dyn Signals>) {
        self.pid = pid;
        let now = self.engine.clock.now();
        let application = self.settings.get("application_name").unwrap_or_default().to_string();
        let (user, state) = (self.user.clone(), "idle");
        let times = Activity { started_at: now, changed_at: now, ..Activity::default() };
        let activity = Activity { pid, user, application, client, state, ..times };
        self.engine.query.sessions().enroll(&self.member, signals, activity);
    }

    /// After a statement's last row: does what its functions asked for.
    pub fn settle(&mut self) -> Result<()> {
        let warnings = std::mem::take(&mut *self.member.warnings.lock());
        for warning in warnings {
            self.warning("01000", warning);
        }
        let wanted = std::mem::take(&mut *self.settings_wanted.lock());
        if !wanted.is_empty() {
            self.transaction.remember(&self.settings);
        }
        wanted.iter().try_for_each(|(name, value)| self.settings.set(name, value.as_deref()))
    }

    /// After an error: what was not committed has not happened.
    pub fn fail(&mut self) {
        if let Some(settings) = self.transaction.fail() {
            self.settings = settings;
        }
    }

    pub fn notice(&mut self, message: impl Into<String>) {
        self.notices.push(Notice { severity: "NOTICE", sqlstate: "00000", message: message.into(), hint: None });
    }

    /// As [`Session::notice`], for what the client probably did not mean; with its SQLSTATE.
    pub fn warning(&mut self, sqlstate: &'static str, message: impl Into<String>) {
        self.notices.push(Notice { severity: "WARNING", sqlstate, message: message.into(), hint: None });
    }
}
