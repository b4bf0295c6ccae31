//! One client: who it is, its settings, and how its statement is stopped.

mod response;
mod settings;

pub use response::{CopyIn, Description, Notice, Response};
pub use settings::Settings;

use crate::engine::Engine;
use crate::query::Context;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The state of one connection, or of one script of `aqueduct run`.
pub struct Session {
    pub engine: Arc<Engine>,
    pub user: String,
    pub settings: Settings,
    /// Told to the client after the statement.
    pub notices: Vec<Notice>,
    /// Trips when the statement that runs now must stop: cancel request, timeout, client gone.
    pub cancel: CancellationToken,
}

impl Session {
    pub fn new(engine: Arc<Engine>, user: impl Into<String>) -> Self {
        Session {
            engine,
            user: user.into(),
            settings: Settings::default(),
            notices: vec![],
            cancel: CancellationToken::new(),
        }
    }

    /// What a statement of this session is planned in: the catalog as of now.
    pub fn context(&self) -> Context {
        let context = Context::new(self.engine.catalog.snapshot(), &self.user, self.engine.clock.now());
        Context { settings: self.settings.listed(), ..context }
    }

    pub fn notice(&mut self, message: impl Into<String>) {
        self.notices.push(Notice { severity: "NOTICE", message: message.into(), hint: None });
    }
}
