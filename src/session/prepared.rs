//! Prepared statements of a session, those of `PREPARE` and those of the protocol alike.

use crate::base::{Error, Kind, Result, Type};
use crate::query::system::sessions::{KeptStatement, Member};
use chrono::{DateTime, Utc};
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A statement kept under a name.
#[derive(Clone)]
pub struct Prepared {
    pub text: String,
    pub parameters: Vec<Type>,
    pub prepared_at: DateTime<Utc>,
    /// Made by `PREPARE`, not by a protocol message.
    pub from_sql: bool,
    /// What the statement room read from the text; this room cannot name its type.
    pub statement: Arc<dyn Any + Send + Sync>,
}

/// Those with a name are shown to the session's own functions.
#[derive(Clone, Default)]
pub struct PreparedStatements(BTreeMap<String, Prepared>, Arc<Member>);

impl PreparedStatements {
    pub fn of(member: Arc<Member>) -> Self {
        PreparedStatements(BTreeMap::new(), member)
    }

    pub fn insert(&mut self, name: &str, prepared: Prepared) -> Result<()> {
        if self.0.contains_key(name) {
            let message = format!("prepared statement \"{name}\" already exists");
            return Err(Error::new(Kind::DuplicateStatement, message));
        }
        if !name.is_empty() {
            let Prepared { text, parameters, prepared_at, from_sql, .. } = prepared.clone();
            let shown = KeptStatement { text, parameters, prepared_at, from_sql };
            self.1.prepared.lock().insert(name.to_string(), shown);
        }
        self.0.insert(name.to_string(), prepared);
        Ok(())
    }

    pub fn get(&self, name: &str) -> Result<&Prepared> {
        self.0.get(name).ok_or_else(|| missing(name))
    }

    /// False when there is none of this name.
    pub fn remove(&mut self, name: &str) -> bool {
        self.1.prepared.lock().remove(name);
        self.0.remove(name).is_some()
    }

    pub fn clear(&mut self) {
        self.1.prepared.lock().clear();
        self.0.clear();
    }

    pub fn iter(&self) -> impl Iterator<Item = (&String, &Prepared)> {
        self.0.iter()
    }
}

/// The error for a name that no statement has.
pub fn missing(name: &str) -> Error {
    let message = match name {
        "" => "unnamed prepared statement does not exist".to_string(),
        name => format!("prepared statement \"{name}\" does not exist"),
    };
    Error::new(Kind::InvalidStatementName, message)
}
