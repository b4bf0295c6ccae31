//! The extended protocol: statements kept and run by name, their parameters apart from their text.

use super::answer::{Progress, Sending, attend, unless_stopped};
use super::conversation::{Complaint, Conversation};
use super::encode::Columns;
use super::incoming::{Bind, Target};
use super::parameters;
use super::portal::{Portal, State};
use crate::base::value::Format;
use crate::base::{Error, Kind, Result};
use crate::session::{Response, Stop};
use crate::statement::{self, Kept};
use pgwire::messages::data::{NoData, ParameterDescription};
use pgwire::messages::extendedquery::{BindComplete, CloseComplete, ParseComplete, PortalSuspended};
use pgwire::messages::response::{CommandComplete, EmptyQueryResponse};

/// A statement that was kept gives other columns by now.
pub const CHANGED: &str = "cached plan must not change result type";

impl Conversation {
    pub(super) async fn parse(&mut self, name: &str, text: &str, oids: &[u32]) -> Result<(), Complaint> {
        let hints = parameters::hints(oids)?;
        let mut statements = self.read(text).map_err(|error| Complaint::of(error, text, 0))?;
        if statements.len() > 1 {
            let error = Error::new(Kind::Syntax, "cannot insert multiple commands into a prepared statement");
            return Err(error.into());
        }
        let parsed = statements.pop();
        let begin = parsed.as_ref().map_or(0, |parsed| parsed.offset);
        let (stop, _timer) = self.start(text);
        let kept = unless_stopped(&stop, statement::keep(&mut self.session, text, parsed, &hints));
        let kept = attend(&mut self.inbox, &self.registration.current, kept).await;
        let kept = kept.map_err(|error| Complaint::of(stop.explain(error), text, begin))?;
        self.registration.current.set(None);
        if name.is_empty() {
            self.session.prepared.remove("");
        }
        self.session.prepared.insert(name, kept)?;
        Ok(self.outbox.put(&ParseComplete::new())?)
    }

    pub(super) fn bind(&mut self, bind: &Bind) -> Result<()> {
        let prepared = self.session.prepared.get(&bind.statement)?;
        let statement = Kept::of(prepared)?;
        let parameters = parameters::read(bind, &prepared.parameters, &self.session.settings.style())?;
        self.session.transaction.admit_kept(statement.effect())?;
        let formats = parameters::formats(&bind.answer_formats)?;
        let portal = Portal { statement, parameters, formats, state: State::Bound };
        portal.columns()?;
        self.portals.insert(&bind.portal, portal)?;
        self.outbox.put(&BindComplete::new())
    }

    pub(super) fn describe(&mut self, target: &Target) -> Result<()> {
        let (schema, columns) = match target {
            Target::Statement(name) => {
                let prepared = self.session.prepared.get(name)?;
                let types = prepared.parameters.iter().map(|ty| ty.oid()).collect();
                let kept = Kept::of(prepared)?;
                self.outbox.put(&ParameterDescription::new(types))?;
                let columns = kept.columns.as_ref().map(|schema| Columns::new(schema, &[])).transpose()?;
                (kept.columns.clone(), columns)
            }
            Target::Portal(name) if !self.portals.has(name) && self.session.transaction.cursors.get(name).is_ok() => {
                let cursor = self.session.transaction.cursors.get(name)?;
                let format = if cursor.shown.binary { Format::Binary } else { Format::Text };
                (Some(cursor.schema.clone()), Some(Columns::new(&cursor.schema, &[format])?))
            }
            Target::Portal(name) => {
                let portal = self.portals.get(name)?;
                (portal.statement.columns.clone(), portal.columns()?)
            }
        };
        match (schema, columns) {
            (Some(schema), Some(columns)) => self.outbox.put(&columns.description(&schema)),
            _ => self.outbox.put(&NoData::new()),
        }
    }

    pub(super) fn close(&mut self, target: &Target) -> Result<()> {
        match target {
            Target::Statement(name) => drop(self.session.prepared.remove(name)),
            Target::Portal(name) => {
                self.portals.remove(name);
                // A cursor is a portal with a name, and there may be none.
                let _ = self.session.transaction.cursors.close(name);
            }
        }
        self.outbox.put(&CloseComplete::new())
    }

    pub(super) async fn execute(&mut self, name: &str, rows_max: usize) -> Result<(), Complaint> {
        let portal = self.portals.get(name)?;
        let statement = portal.statement.clone();
        // While it runs the portal is marked as run, so that an error leaves nothing to run again.
        let outcome = match std::mem::replace(&mut portal.state, State::Done) {
            State::Bound => self.begin(name, &statement, rows_max).await,
            State::Open { sending, stop } => self.resume(name, sending, stop, rows_max).await,
            State::Exhausted => self.exhausted(name),
            State::Done => Err(Error::new(Kind::WrongState, format!("portal \"{name}\" cannot be run"))),
        };
        outcome.map_err(|error| Complaint::of(error, &statement.source, statement.begin()))
    }

    async fn begin(&mut self, name: &str, statement: &Kept, rows_max: usize) -> Result<()> {
        let Some(parsed) = &statement.parsed else { return self.outbox.put(&EmptyQueryResponse::new()) };
        let portal = self.portals.get(name)?;
        let parameters = std::mem::take(&mut portal.parameters);
        let columns = portal.columns()?;
        let (stop, _timer) = self.start(&parsed.text);
        let current = self.registration.current.clone();
        let running = statement::execute(&mut self.session, parsed, &parameters);
        let response = attend(&mut self.inbox, &current, running).await?;
        let outcome = match (response, columns) {
            (Response::Rows { rows, tag }, Some(columns)) => {
                if Columns::new(&rows.schema, &[])?.types() != columns.types() {
                    return Err(Error::unsupported(CHANGED));
                }
                let sending = Sending::new(rows, columns, tag);
                self.rows(name, sending, stop.clone(), rows_max).await
            }
            (other, _) => self.respond_without_rows(other, &stop, false).await,
        };
        outcome.map_err(|error| stop.explain(error))
    }

    async fn resume(&mut self, name: &str, sending: Sending, stop: Stop, rows_max: usize) -> Result<()> {
        self.session.transaction.admit_kept(crate::session::Effect::Read)?;
        self.registration.current.set(Some(stop.clone()));
        let _timer = self.session.settings.time("statement_timeout").map(|time| stop.after(time));
        let outcome = self.rows(name, sending, stop.clone(), rows_max).await;
        outcome.map_err(|error| stop.explain(error))
    }

    async fn rows(&mut self, name: &str, mut sending: Sending, stop: Stop, rows_max: usize) -> Result<()> {
        let state = match self.send(&mut sending, &stop, rows_max).await? {
            Progress::Done(tag) => {
                self.complete(&tag, false).await?;
                State::Exhausted
            }
            Progress::Suspended => {
                self.registration.current.set(None);
                self.outbox.put(&PortalSuspended::new())?;
                State::Open { sending, stop }
            }
        };
        self.portals.get(name)?.state = state;
        Ok(())
    }

    /// All rows of the portal were sent before.
    fn exhausted(&mut self, name: &str) -> Result<()> {
        self.portals.get(name)?.state = State::Exhausted;
        self.outbox.put(&CommandComplete::new("SELECT 0".to_string()))
    }
}
