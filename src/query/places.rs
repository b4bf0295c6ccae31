//! Lines and columns of a text as byte offsets.

use datafusion::common::{DataFusionError, SchemaError, Span};
use datafusion::sql::sqlparser::tokenizer::Location;

/// A text and where its lines start, so that many places in it are found quickly.
#[derive(Debug)]
pub struct Places<'a> {
    pub text: &'a str,
    lines: Vec<usize>,
}

impl<'a> Places<'a> {
    pub fn new(text: &'a str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Places { text, lines: std::iter::once(0).chain(starts).collect() }
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
        let start = *self.lines.get((line as usize).checked_sub(1)?)?;
        let column = (column as usize).checked_sub(1)?;
        let rest = &self.text[start..];
        let inside = match rest.as_bytes().get(..column) {
            Some(before) if before.is_ascii() => column,
            _ => rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at),
        };
        Some(start + inside)
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
    }
}
