//! Runs a statement by the rules that all share: transaction blocks, cancel.

use super::Parsed;
use crate::base::Result;
use crate::session::{Effect, Response, Session, Status};
use datafusion::common::ScalarValue;

/// Runs a statement of a session. An error fails the open transaction block; one that comes later, with the rows,
/// is for the caller to report with [`crate::session::Transaction::fail`].
pub async fn execute(session: &mut Session, parsed: &Parsed, parameters: &[ScalarValue]) -> Result<Response> {
    session.engine.counts.statements.up();
    let outcome = admitted(session, parsed, parameters).await;
    if outcome.is_err() {
        session.engine.counts.errors.up();
        session.transaction.fail();
    }
    outcome.map_err(|error| session.stop.explain(error))
}

async fn admitted(session: &mut Session, parsed: &Parsed, parameters: &[ScalarValue]) -> Result<Response> {
    let effect = parsed.statement.effect();
    let read_only = session.settings.read_only(session.transaction.status() != Status::Idle);
    session.transaction.admit(effect, &lead(&parsed.text), read_only)?;
    let stop = session.stop.clone();
    if effect != Effect::Read {
        // Never dropped half-way: a commit that is on the disk must also reach memory. It watches `session.cancel`.
        return parsed.statement.run(session, parameters).await;
    }
    tokio::select! {
        biased;
        () = stop.token().cancelled() => Err(stop.error()),
        outcome = parsed.statement.run(session, parameters) => outcome,
    }
}

/// The first word of a statement, as its messages name it.
fn lead(text: &str) -> String {
    let word = text.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty());
    word.unwrap_or("statement").to_uppercase()
}
