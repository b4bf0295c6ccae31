//! Runs a statement by the rules that all share: transaction blocks, cancel.

use super::Parsed;
use crate::base::Result;
use crate::session::{Effect, Response, Session, Status};
use datafusion::common::ScalarValue;

/// Runs a statement of a session. An error fails the open transaction block; one that comes later, with the rows,
/// is for the caller to report with [`Session::fail`].
pub async fn execute(session: &mut Session, parsed: &Parsed, parameters: &[ScalarValue]) -> Result<Response> {
    session.engine.counts.statements.up();
    let outcome = admitted(session, parsed, parameters).await;
    if outcome.is_err() {
        session.engine.counts.errors.up();
        session.fail();
    }
    outcome.map_err(|error| session.stop.explain(session.advised(error)))
}

async fn admitted(session: &mut Session, parsed: &Parsed, parameters: &[ScalarValue]) -> Result<Response> {
    let effect = parsed.statement.effect();
    let read_only = session.settings.read_only(session.transaction.status() != Status::Idle);
    session.transaction.admit(effect, &command(&parsed.text), read_only)?;
    match effect {
        Effect::Read | Effect::Write => session.enter()?,
        // What its message has done before must be there for everybody, so that it can act on it.
        Effect::Act => session.commit().await?,
        Effect::Session | Effect::Transaction => {}
    }
    let stop = session.stop.clone();
    if !matches!(effect, Effect::Read | Effect::Session) {
        // Never dropped half-way: a commit that is on the disk must also reach memory. It watches `session.cancel`.
        return parsed.statement.run(session, parameters).await;
    }
    tokio::select! {
        biased;
        () = stop.token().cancelled() => Err(stop.error()),
        outcome = parsed.statement.run(session, parameters) => outcome,
    }
}

/// A statement's own words, as messages name it: `INSERT`, `CREATE TABLE`, `REFRESH MATERIALIZED VIEW`.
fn command(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    let mut words =
        words.map(str::to_uppercase).filter(|word| !["OR", "REPLACE", "TEMP", "TEMPORARY"].contains(&word.as_str()));
    let Some(first) = words.next() else { return "statement".to_string() };
    let further = match first.as_str() {
        "CREATE" | "ALTER" | "DROP" | "REFRESH" => words.next(),
        "EXECUTE" | "CANCEL" | "PAUSE" | "RESUME" | "TRUNCATE" => {
            return format!("{first} {}", words.next().unwrap_or_default());
        }
        "COPY" => return "COPY FROM".to_string(),
        _ => return first,
    };
    match further.as_deref() {
        Some("MATERIALIZED") => format!("{first} MATERIALIZED VIEW"),
        Some("EXTERNAL") => format!("{first} EXTERNAL TABLE"),
        Some(object) => format!("{first} {object}"),
        None => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_called_by_its_own_words() {
        for (text, expected) in [
            ("insert into t values (1)", "INSERT"),
            ("CREATE OR REPLACE VIEW v AS SELECT 1", "CREATE VIEW"),
            ("create temp table t (a int)", "CREATE TABLE"),
            ("refresh materialized view concurrently v", "REFRESH MATERIALIZED VIEW"),
            ("EXECUTE WORKFLOW w WAIT", "EXECUTE WORKFLOW"),
            ("drop external table x", "DROP EXTERNAL TABLE"),
            ("copy t from stdin", "COPY FROM"),
        ] {
            assert_eq!(command(text), expected);
        }
    }
}
