//! Texts that a client has sent before: read once, and with what their statements remember of being planned.

use crate::session::Effect;
use crate::statement::Parsed;
use std::collections::HashMap;

/// Texts that are kept; when there are more, all are forgotten.
const TEXTS_MAX: usize = 64;
/// Bytes of a text that is kept.
const TEXT_BYTES_MAX: usize = 8 << 10;

#[derive(Default)]
pub struct Texts(HashMap<String, Vec<Parsed>>);

impl Texts {
    pub fn get(&self, text: &str) -> Option<Vec<Parsed>> {
        self.0.get(text).cloned()
    }

    /// Keeps a text, when its statements are such as are sent again and again.
    pub fn keep(&mut self, text: &str, statements: &[Parsed]) {
        let again = |parsed: &Parsed| !matches!(parsed.statement.effect(), Effect::Write | Effect::Act);
        if text.len() > TEXT_BYTES_MAX || !statements.iter().all(again) {
            return;
        }
        if self.0.len() >= TEXTS_MAX {
            self.0.clear();
        }
        self.0.insert(text.to_string(), statements.to_vec());
    }
}
