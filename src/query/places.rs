//! Lines and columns of a text as byte offsets.

use datafusion::common::{DataFusionError, SchemaError, Span};
use datafusion::sql::sqlparser::tokenizer::Location;

/// Characters from one known place to the next.
const STEP: usize = 64;

/// A text, where its lines start, and where every 64th of its characters does: a line can be megabytes long, and
/// every one of a hundred thousand literals in it is looked up.
#[derive(Debug)]
pub struct Places<'a> {
    pub text: &'a str,
    /// The first character of each line, by its number.
    lines: Vec<usize>,
    /// Byte offsets of characters number 0, 64, 128, …; none when a character is a byte.
    steps: Vec<usize>,
}

impl<'a> Places<'a> {
    pub fn new(text: &'a str) -> Self {
        let mut lines = vec![0];
        if text.is_ascii() {
            lines.extend(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1));
            return Places { text, lines, steps: vec![] };
        }
        let mut steps = vec![];
        for (number, (at, character)) in text.char_indices().enumerate() {
            if number % STEP == 0 {
                steps.push(at);
            }
            if character == '\n' {
                lines.push(number + 1);
            }
        }
        Places { text, lines, steps }
    }

    /// Byte offset of a place that the parser names; `None` when it names none.
    pub fn offset(&self, at: Location) -> Option<usize> {
        self.at(at.line, at.column)
    }

    /// Byte offset of a span's start.
    pub fn start(&self, span: Span) -> Option<usize> {
        self.at(span.start.line, span.start.column)
    }

    fn at(&self, line: u64, column: u64) -> Option<usize> {
        let line = *self.lines.get((line as usize).checked_sub(1)?)?;
        let number = line.saturating_add((column as usize).checked_sub(1)?);
        if self.steps.is_empty() {
            return Some(number.min(self.text.len()));
        }
        let Some(step) = self.steps.get(number / STEP) else { return Some(self.text.len()) };
        let rest = &self.text[*step..];
        Some(step + rest.char_indices().nth(number % STEP).map_or(rest.len(), |(at, _)| at))
    }

    /// Where the planner's error points, by its diagnostics.
    pub fn of_error(&self, error: &DataFusionError) -> Option<usize> {
        match error {
            DataFusionError::Diagnostic(diagnostic, inner) => {
                diagnostic.span.and_then(|span| self.start(span)).or_else(|| self.of_error(inner))
            }
            DataFusionError::Context(_, inner) => self.of_error(inner),
            DataFusionError::Shared(inner) => self.of_error(inner),
            DataFusionError::Collection(errors) => errors.first().and_then(|error| self.of_error(error)),
            DataFusionError::SchemaError(error, _) => match error.as_ref() {
                SchemaError::FieldNotFound { field, .. } | SchemaError::AmbiguousReference { field } => {
                    field.spans().first().and_then(|span| self.start(span))
                }
                _ => None,
            },
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bytes_even_after_wide_characters() {
        let places = Places::new("é, a\n'ü' b");
        for (line, column, at) in [(1, 1, 0), (1, 4, 4), (2, 1, 6), (2, 5, 11)] {
            assert_eq!(places.offset(Location::new(line, column)), Some(at), "{line}:{column}");
        }
        assert_eq!(places.offset(Location::new(0, 0)), None);
        assert_eq!(places.offset(Location::new(3, 1)), None);
        assert_eq!(places.offset(Location::new(2, 900)), Some(12));
    }

    #[test]
    fn places_far_into_a_line_are_found() {
        for character in ["a", "é", "語"] {
            let text = format!("x\n{}", character.repeat(1_000));
            let places = Places::new(&text);
            for column in [1, 64, 65, 128, 1_000, 1_001, 2_000] {
                let at = 2 + character.len() * (column.min(1_001) - 1);
                assert_eq!(places.offset(Location::new(2, column as u64)), Some(at), "{character} {column}");
            }
        }
    }
}
