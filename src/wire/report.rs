//! Errors, notices and changed settings as messages.

use super::extended::CHANGED;
use super::socket::Outbox;
use crate::base::culprit::{Culprit, Part};
use crate::base::{Error, Result};
use crate::session::{Notice, Session};
use pgwire::messages::response::{ErrorResponse, NoticeResponse};
use pgwire::messages::startup::ParameterStatus;
use std::collections::BTreeMap;

/// What an error ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The statement.
    Error,
    /// The connection.
    Fatal,
}

/// Puts an error; `position` is its place in what the client sent, in characters from 1.
pub fn error(outbox: &mut Outbox, severity: Severity, error: &Error, position: Option<usize>) {
    let severity = match severity {
        Severity::Error => "ERROR",
        Severity::Fatal => "FATAL",
    };
    // Its only fault could be its size, and then there is nothing better to say.
    let _ = outbox.put(&ErrorResponse::new(said(severity, error, position)));
}

fn said(severity: &str, error: &Error, position: Option<usize>) -> Vec<(u8, String)> {
    let mut fields = fields(severity, error.sqlstate(), &error.message);
    fields.extend(error.detail.as_deref().map(|detail| field(b'D', detail)));
    fields.extend(error.hint.as_deref().map(|hint| field(b'H', hint)));
    // The one error that drivers know by the function of PostgreSQL that raises it: they prepare the statement again.
    fields.extend((error.message == CHANGED).then(|| field(b'R', "RevalidateCachedQuery")));
    fields.extend(position.map(|position| (b'P', position.to_string())));
    fields.extend(error.culprit.iter().flat_map(|it| culprit(it)));
    fields
}

fn culprit(it: &Culprit) -> [(u8, String); 3] {
    let part = match &it.part {
        Part::Column(name) => field(b'c', name),
        Part::Constraint(name) => field(b'n', name),
    };
    [field(b's', &it.table.schema), field(b't', &it.table.name), part]
}

/// Where an offset in bytes is in `text`, in characters from 1.
pub fn position(text: &str, offset: usize) -> usize {
    text.char_indices().take_while(|(at, _)| *at < offset).count() + 1
}

fn fields(severity: &str, sqlstate: &str, message: &str) -> Vec<(u8, String)> {
    vec![field(b'S', severity), field(b'V', severity), field(b'C', sqlstate), field(b'M', message)]
}

/// A field ends at its first zero byte, so there must be none inside.
fn field(code: u8, text: &str) -> (u8, String) {
    (code, text.replace('\0', ""))
}

/// Severities from the least to the most, as `client_min_messages` orders them.
const LEVELS: &[&str] = &["DEBUG", "LOG", "NOTICE", "WARNING", "ERROR"];

/// Puts what a statement wants to be known, unless the client does not want to know.
pub fn notices(outbox: &mut Outbox, session: &mut Session) -> Result<()> {
    let least = session.settings.get("client_min_messages").unwrap_or("notice").to_uppercase();
    let rank = |level: &str| LEVELS.iter().position(|known| level.starts_with(known)).unwrap_or(LEVELS.len());
    for notice in std::mem::take(&mut session.notices) {
        let Notice { severity, sqlstate, message, hint } = notice;
        if rank(severity) < rank(&least) {
            continue;
        }
        let mut fields = fields(severity, sqlstate, &message);
        fields.extend(hint.as_deref().map(|hint| field(b'H', hint)));
        outbox.put(&NoticeResponse::new(fields))?;
    }
    Ok(())
}

/// The settings that the client was told.
#[derive(Debug, Default)]
pub struct Reported(BTreeMap<&'static str, String>);

impl Reported {
    /// After login, when all have been told.
    pub fn all(session: &Session) -> Self {
        Reported(session.settings.reported().map(|(name, value)| (name, value.to_string())).collect())
    }

    /// Puts those that have changed.
    pub fn changes(&mut self, outbox: &mut Outbox, session: &Session) -> Result<()> {
        for (name, value) in session.settings.reported() {
            let told = self.0.entry(name).or_default();
            if told != value {
                *told = value.to_string();
                outbox.put(&ParameterStatus::new(name.to_string(), value.to_string()))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Kind, Name};

    #[test]
    fn an_error_names_the_table_and_what_of_it_was_broken() {
        let name = |code: u8, error: &Error| {
            said("ERROR", error, None).into_iter().find(|field| field.0 == code).map(|field| field.1)
        };
        let table = Name::new("s", "t");
        let error = Error::new(Kind::NotNullViolation, "null").of_column(&table, "a");
        let names = [b's', b't', b'c', b'n'].map(|code| name(code, &error));
        assert_eq!(names, [Some("s".into()), Some("t".into()), Some("a".into()), None]);
        let error = Error::new(Kind::UniqueViolation, "duplicate").of_constraint(&table, "t_pkey");
        let names = [b's', b't', b'c', b'n'].map(|code| name(code, &error));
        assert_eq!(names, [Some("s".into()), Some("t".into()), None, Some("t_pkey".into())]);
    }

    #[test]
    fn a_position_counts_characters() {
        let text = "select 'é', x";
        assert_eq!(position(text, 0), 1);
        assert_eq!(position(text, text.find('x').unwrap()), 13);
        assert_eq!(position(text, 999), 14);
    }
}
