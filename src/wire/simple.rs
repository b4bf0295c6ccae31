//! The simple protocol: a text of statements, each answered as it ends, the first error ending them all.

use super::answer::{Progress, Sending, attend};
use super::conversation::{Complaint, Conversation};
use super::encode::Columns;
use crate::base::value::Format;
use crate::base::{Error, Result};
use crate::session::{Response, Stop};
use crate::statement::{self, Parsed};
use pgwire::messages::response::EmptyQueryResponse;

impl Conversation {
    pub(super) async fn simple(&mut self, text: &str) -> Result<(), Complaint> {
        self.session.prepared.remove("");
        self.portals.remove("");
        let statements = self.read(text).map_err(|error| Complaint::of(error, text, 0))?;
        if statements.is_empty() {
            self.outbox.put(&EmptyQueryResponse::new())?;
        }
        for (left, parsed) in (0..statements.len()).rev().zip(&statements) {
            let begin = parsed.offset;
            self.session.transaction.several = statements.len() > 1;
            self.statement(parsed, left == 0).await.map_err(|error| Complaint::of(error, text, begin))?;
        }
        Ok(self.session.finish().await?)
    }

    async fn statement(&mut self, parsed: &Parsed, last: bool) -> Result<()> {
        let (stop, _timer) = self.start(&parsed.text);
        let current = self.registration.current.clone();
        let running = statement::execute(&mut self.session, parsed, &[]);
        let response = attend(&mut self.inbox, &current, running).await?;
        self.respond(response, &stop, last).await.map_err(|error| stop.explain(error))
    }

    /// Sends a whole answer with the description of its rows.
    async fn respond(&mut self, response: Response, stop: &Stop, last: bool) -> Result<()> {
        match response {
            Response::Rows { rows, tag } => {
                let schema = rows.schema.clone();
                let format = if rows.binary { Format::Binary } else { Format::Text };
                let columns = Columns::new(&schema, &[format])?;
                self.outbox.put(&columns.description(&schema))?;
                let mut sending = Sending::new(rows, columns, tag);
                match self.send(&mut sending, stop, 0).await? {
                    Progress::Done(tag) => self.complete(&tag, last).await,
                    Progress::Suspended => Err(Error::internal("all rows must be sent when there is no limit")),
                }
            }
            other => self.respond_without_rows(other, stop, last).await,
        }
    }

    /// Sends an answer of any other kind.
    pub(super) async fn respond_without_rows(&mut self, response: Response, stop: &Stop, last: bool) -> Result<()> {
        match response {
            Response::Done { tag } => self.complete(&tag, last).await,
            Response::Empty => self.outbox.put(&EmptyQueryResponse::new()),
            Response::CopyOut { binary, columns, chunks } => {
                let count = self.copy_out(binary, columns, chunks, stop).await?;
                self.complete(&format!("COPY {count}"), last).await
            }
            Response::CopyIn(copy) => {
                let count = self.copy_in(copy, stop).await?;
                self.complete(&format!("COPY {count}"), last).await
            }
            Response::Rows { .. } => Err(Error::internal("a statement that has rows must describe them")),
        }
    }

    /// Sends up to `rows_max` rows; 0 is all of them.
    pub(super) async fn send(&mut self, sending: &mut Sending, stop: &Stop, rows_max: usize) -> Result<Progress> {
        let style = self.session.settings.style();
        let sent = sending.send(&mut self.outbox, &style, stop, rows_max);
        attend(&mut self.inbox, &self.registration.current, sent).await
    }
}
