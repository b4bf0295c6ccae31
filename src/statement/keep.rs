//! Statements that are kept under a name, by `PREPARE` or by a message of the protocol.

use super::Parsed;
use crate::base::{Error, Kind, Result, Type};
use crate::session::{Description, Effect, Prepared, Session};
use datafusion::arrow::datatypes::SchemaRef;
use std::sync::Arc;

/// What is kept of a statement beside what [`Prepared`] tells of it.
#[derive(Debug)]
pub struct Kept {
    /// `None` for a text that holds no statement.
    pub parsed: Option<Parsed>,
    /// The columns that its user was told; `None` when it has none.
    pub columns: Option<SchemaRef>,
    /// The text that [`Parsed::offset`] counts in.
    pub source: String,
}

impl Kept {
    pub fn of(prepared: &Prepared) -> Result<Arc<Kept>> {
        let kept = prepared.statement.clone().downcast::<Kept>();
        kept.map_err(|_| Error::internal("a prepared statement must be one of the statement room's"))
    }

    pub fn effect(&self) -> Effect {
        self.parsed.as_ref().map_or(Effect::Read, |parsed| parsed.statement.effect())
    }

    /// Where in its source the statement begins.
    pub fn begin(&self) -> usize {
        self.parsed.as_ref().map_or(0, |parsed| parsed.offset)
    }
}

/// Describes a statement and makes it ready to be kept. `hints` are the types that were given for its parameters.
pub async fn keep(
    session: &mut Session,
    source: &str,
    parsed: Option<Parsed>,
    hints: &[Option<Type>],
) -> Result<Prepared> {
    let effect = parsed.as_ref().map_or(Effect::Transaction, |parsed| parsed.statement.effect());
    session.transaction.admit_kept(effect)?;
    if matches!(effect, Effect::Read | Effect::Write) {
        session.enter()?;
    }
    let Description { parameters, columns } = match &parsed {
        Some(parsed) => parsed.statement.describe(session, hints).await?,
        None => Description::default(),
    };
    if parameters.len() > usize::from(u16::MAX) {
        return Err(Error::new(Kind::TooLarge, "a statement may have at most 65535 parameters"));
    }
    let text = parsed.as_ref().map_or_else(|| source.to_string(), |parsed| parsed.text.clone());
    let kept = Kept { parsed, columns, source: source.to_string() };
    let prepared_at = session.engine.clock.now();
    Ok(Prepared { text, parameters, prepared_at, from_sql: false, statement: Arc::new(kept) })
}
