//! Statements whose parameters are bound, and how far each was run.

use super::answer::Sending;
use super::encode::Columns;
use crate::base::value::Format;
use crate::base::{Error, Kind, Result};
use crate::session::Stop;
use crate::statement::Kept;
use datafusion::common::ScalarValue;
use std::collections::HashMap;
use std::sync::Arc;

pub struct Portal {
    pub statement: Arc<Kept>,
    pub parameters: Vec<ScalarValue>,
    pub formats: Vec<Format>,
    pub state: State,
}

/// How far a portal was run.
pub enum State {
    Bound,
    /// Some of its rows were sent.
    Open {
        sending: Sending,
        stop: Stop,
    },
    /// All of its rows were sent.
    Exhausted,
    /// It had no rows, and does not run twice.
    Done,
}

/// The portals of a session; the unnamed one is replaced by each Bind.
#[derive(Default)]
pub struct Portals(HashMap<String, Portal>);

impl Portals {
    pub fn insert(&mut self, name: &str, portal: Portal) -> Result<()> {
        if !name.is_empty() && self.0.contains_key(name) {
            return Err(Error::new(Kind::DuplicateCursor, format!("cursor \"{name}\" already exists")));
        }
        self.0.insert(name.to_string(), portal);
        Ok(())
    }

    pub fn get(&mut self, name: &str) -> Result<&mut Portal> {
        let missing = || Error::new(Kind::InvalidCursor, format!("portal \"{name}\" does not exist"));
        self.0.get_mut(name).ok_or_else(missing)
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// The transaction is over, and portals with it.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl Portal {
    /// How its rows are written; `None` when it has none.
    pub fn columns(&self) -> Result<Option<Columns>> {
        self.statement.columns.as_ref().map(|schema| Columns::new(schema, &self.formats)).transpose()
    }
}
