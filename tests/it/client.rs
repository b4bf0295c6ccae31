//! A client of an instance, without the wire.

use super::instance::{Instance, Table};
use aqueduct::base::Error;
use aqueduct::session::{Response, Session};
use aqueduct::statement;

/// A client that stays, each of its texts a message.
pub struct Client(pub Session);

impl Client {
    pub fn new(instance: &Instance) -> Client {
        Client(Session::new(instance.engine.clone(), "client"))
    }

    /// Sends a message, and answers with the rows of its last statement as lines.
    pub async fn send(&mut self, text: &str) -> Result<String, Error> {
        let outcome = self.message(text).await;
        if outcome.is_err() {
            self.0.transaction.fail();
        }
        outcome
    }

    async fn message(&mut self, text: &str) -> Result<String, Error> {
        let mut last = Table::default();
        for parsed in statement::parse(text)? {
            self.0.arm();
            last = match statement::execute(&mut self.0, &parsed, &[]).await? {
                Response::Rows { rows, .. } => Table::of(rows).await?,
                _ => Table::default(),
            };
        }
        self.0.finish().await?;
        let line = |row: &Vec<Option<String>>| row.iter().map(|cell| cell.clone().unwrap_or_default()).collect();
        Ok(last
            .rows
            .iter()
            .map(line)
            .collect::<Vec<Vec<String>>>()
            .iter()
            .map(|row| row.join("|"))
            .collect::<Vec<_>>()
            .join("\n"))
    }

    pub async fn ok(&mut self, text: &str) -> String {
        self.send(text).await.unwrap_or_else(|error| panic!("{text}\n{error:?}"))
    }
}
