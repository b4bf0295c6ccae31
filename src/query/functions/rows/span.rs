//! Ranges and multiranges: made of bounds, taken apart, and their operators.

use super::{Entry, Row, bool, text};
use crate::base::value::textual::{Bound, Range, Value, multirange, range, shown_multirange};
use crate::base::value::{Style, read_text};
use crate::base::{Error, Kind, Result, Span, Textual, Type};
use datafusion::common::ScalarValue;

pub(super) const ALL: &[Entry] = &[
    ("int4range(int4, int4) int4range", |row| made(row, Span::Int4)),
    ("int4range(int4, int4, text) int4range", |row| made(row, Span::Int4)),
    ("int8range(int8, int8) int8range", |row| made(row, Span::Int8)),
    ("int8range(int8, int8, text) int8range", |row| made(row, Span::Int8)),
    ("numrange(numeric, numeric) numrange", |row| made(row, Span::Num)),
    ("numrange(numeric, numeric, text) numrange", |row| made(row, Span::Num)),
    ("tsrange(timestamp, timestamp) tsrange", |row| made(row, Span::Ts)),
    ("tsrange(timestamp, timestamp, text) tsrange", |row| made(row, Span::Ts)),
    ("tstzrange(timestamptz, timestamptz) tstzrange", |row| made(row, Span::Tstz)),
    ("tstzrange(timestamptz, timestamptz, text) tstzrange", |row| made(row, Span::Tstz)),
    ("daterange(date, date) daterange", |row| made(row, Span::Date)),
    ("daterange(date, date, text) daterange", |row| made(row, Span::Date)),
    ("int4multirange(variadic any) int4multirange", |row| many(row, Span::Int4)),
    ("int8multirange(variadic any) int8multirange", |row| many(row, Span::Int8)),
    ("nummultirange(variadic any) nummultirange", |row| many(row, Span::Num)),
    ("tsmultirange(variadic any) tsmultirange", |row| many(row, Span::Ts)),
    ("tstzmultirange(variadic any) tstzmultirange", |row| many(row, Span::Tstz)),
    ("datemultirange(variadic any) datemultirange", |row| many(row, Span::Date)),
    ("isempty(any) bool", |row| bool(parts(row, 0)?.is_empty())),
    ("lower_inc(any) bool", |row| bool(ends(row)?.is_some_and(|(from, _)| from.inclusive))),
    ("lower_inf(any) bool", |row| bool(ends(row)?.is_some_and(|(from, _)| from.value.is_none()))),
    ("upper_inc(any) bool", |row| bool(ends(row)?.is_some_and(|(_, to)| to.inclusive))),
    ("upper_inf(any) bool", |row| bool(ends(row)?.is_some_and(|(_, to)| to.value.is_none()))),
    ("range lower(any) bound", |row| bound(row, ends(row)?.map(|(from, _)| from))),
    ("range upper(any) bound", |row| bound(row, ends(row)?.map(|(_, to)| to))),
    ("range_merge(any, any) anyelement", |row| {
        let hull = |at| parts(row, at).map(|parts| parts.iter().fold(Range::EMPTY, |all, part| all.hull(part)));
        answer(row, vec![hull(0)?.hull(&hull(1)?)])
    }),
    ("range_merge(any) range", |row| {
        let hull = parts(row, 0)?.iter().fold(Range::EMPTY, |all, part| all.hull(part));
        text(hull.shown(span(row)?, &Style::default()))
    }),
    ("range_agg of(anyarray) multirange", |row| match collected(row)? {
        Some((span, ranges)) => text(shown_multirange(&ranges, span, &Style::default())),
        None => Ok(None),
    }),
    ("range_intersect_agg of(anyarray) anyelement", |row| match collected(row)? {
        Some((span, ranges)) => {
            let common = ranges.into_iter().reduce(|all, range| all.intersection(&range));
            text(common.unwrap_or(Range::EMPTY).shown(span, &Style::default()))
        }
        None => Ok(None),
    }),
    ("range @>(any, any) bool", |row| bool(contains(&parts(row, 0)?, &parts(row, 1)?))),
    ("range <@(any, any) bool", |row| bool(contains(&parts(row, 1)?, &parts(row, 0)?))),
    ("range &&(any, any) bool", |row| {
        let (left, right) = (parts(row, 0)?, parts(row, 1)?);
        bool(left.iter().any(|left| right.iter().any(|right| left.overlaps(right))))
    }),
    ("range <<(any, any) bool", |row| compared(row, Range::is_left_of)),
    ("range >>(any, any) bool", |row| compared(row, |left, right| right.is_left_of(left))),
    ("range &<(any, any) bool", |row| compared(row, Range::ends_no_later_than)),
    ("range &>(any, any) bool", |row| compared(row, Range::begins_no_earlier_than)),
    ("range -|-(any, any) bool", |row| compared(row, Range::is_adjacent_to)),
    ("range +(any, any) anyelement", |row| {
        let (mut left, right) = (parts(row, 0)?, parts(row, 1)?);
        let touch = |left: &Range, right: &Range| left.overlaps(right) || left.is_adjacent_to(right);
        if let ([one], [other], false) = (left.as_slice(), right.as_slice(), is_many(row))
            && !touch(one, other)
        {
            return Err(Error::new(Kind::DataException, "result of range union would not be contiguous"));
        }
        left.extend(right);
        answer(row, left)
    }),
    ("range *(any, any) anyelement", |row| {
        let (left, right) = (parts(row, 0)?, parts(row, 1)?);
        answer(row, left.iter().flat_map(|left| right.iter().map(|right| left.intersection(right))).collect())
    }),
    ("range -(any, any) anyelement", |row| {
        let (left, right) = (parts(row, 0)?, parts(row, 1)?);
        let left: Vec<Range> =
            right.iter().fold(left, |left, right| left.iter().flat_map(|left| left.without(right)).collect());
        if left.len() > 1 && !is_many(row) {
            return Err(Error::new(Kind::DataException, "result of range difference would not be contiguous"));
        }
        answer(row, left)
    }),
];

/// What a value of a type is of, when it is a range, ranges or what can be in one.
fn span_of(ty: &Type) -> Option<Span> {
    match ty {
        Type::Textual(Textual::Range(span) | Textual::Multirange(span)) => Some(*span),
        _ => None,
    }
}

fn span(row: &Row<'_>) -> Result<Span> {
    let found = row.types.iter().find_map(span_of);
    found.ok_or_else(|| Error::new(Kind::UndefinedFunction, "a function of ranges must be given a range"))
}

fn is_many(row: &Row<'_>) -> bool {
    matches!(row.types.first(), Some(Type::Textual(Textual::Multirange(_))))
}

/// The ranges of an argument; a value is the range of itself. Of an empty range there are none.
fn parts(row: &Row<'_>, at: usize) -> Result<Vec<Range>> {
    let (span, style) = (span(row)?, Style::default());
    let found = match row.types.get(at) {
        Some(Type::Textual(Textual::Range(_))) => vec![range(row.text(at), span, &style)?],
        Some(Type::Textual(Textual::Multirange(_))) => multirange(row.text(at), span, &style)?,
        _ => vec![Range::point(Value::of(&row.values[at], span)?)],
    };
    Ok(found.into_iter().filter(|range| !range.is_empty()).collect())
}

fn ends(row: &Row<'_>) -> Result<Option<(Bound, Bound)>> {
    let parts = parts(row, 0)?;
    let first = parts.first().and_then(|range| range.0.clone());
    let last = parts.last().and_then(|range| range.0.clone());
    Ok(first.zip(last).map(|((from, _), (_, to))| (from, to)))
}

fn bound(row: &Row<'_>, bound: Option<Bound>) -> Result<Option<ScalarValue>> {
    let span = span(row)?;
    match bound.and_then(|bound| bound.value) {
        Some(value) => read_text(&value.to_string(), &span.element(), &Style::default()).map(Some),
        None => Ok(None),
    }
}

fn contains(whole: &[Range], parts: &[Range]) -> bool {
    parts.iter().all(|part| whole.iter().any(|whole| whole.contains(part)))
}

/// Ranges of several parts are compared as a whole.
fn compared(row: &Row<'_>, of: impl Fn(&Range, &Range) -> bool) -> Result<Option<ScalarValue>> {
    let hull = |at| parts(row, at).map(|parts| parts.iter().fold(Range::EMPTY, |all, part| all.hull(part)));
    bool(of(&hull(0)?, &hull(1)?))
}

/// Ranges in the type of the first argument.
fn answer(row: &Row<'_>, ranges: Vec<Range>) -> Result<Option<ScalarValue>> {
    let (span, style) = (span(row)?, Style::default());
    match is_many(row) {
        true => text(shown_multirange(&ranges, span, &style)),
        false => {
            let hull = ranges.iter().fold(Range::EMPTY, |all, part| all.hull(part));
            text(hull.shown(span, &style))
        }
    }
}

/// A range of two bounds, either of which may be NULL, and how they are meant.
fn made(row: &Row<'_>, span: Span) -> Result<Option<ScalarValue>> {
    let flags = match row.values.len() {
        2 => "[)",
        _ if row.is_null(2) => {
            return Err(Error::new(Kind::DataException, "range constructor flags argument must not be null"));
        }
        _ => row.text(2),
    };
    let (from, to) = match flags {
        "[]" => (true, true),
        "[)" => (true, false),
        "(]" => (false, true),
        "()" => (false, false),
        _ => {
            return Err(Error::new(Kind::Syntax, "invalid range bound flags")
                .hint("valid values are \"[]\", \"[)\", \"(]\", and \"()\"".to_string()));
        }
    };
    let value = |at: usize| match row.is_null(at) {
        true => Ok(None),
        false => Value::of(&row.values[at], span).map(Some),
    };
    let from = Bound { value: value(0)?, inclusive: from };
    let to = Bound { value: value(1)?, inclusive: to };
    text(Range::new(from, to, span)?.shown(span, &Style::default()))
}

/// The ranges of an array; `None` when there is none.
fn collected(row: &Row<'_>) -> Result<Option<(Span, Vec<Range>)>> {
    let span = match row.types.first() {
        Some(Type::Array(element)) => span_of(element),
        _ => None,
    };
    let span = span.ok_or_else(|| Error::new(Kind::UndefinedFunction, "range_agg takes ranges"))?;
    let ranges = row.texts(0)?.into_iter().flatten().map(|text| range(&text, span, &Style::default()));
    let ranges = ranges.collect::<Result<Vec<_>>>()?;
    Ok((!ranges.is_empty()).then_some((span, ranges)))
}

fn many(row: &Row<'_>, span: Span) -> Result<Option<ScalarValue>> {
    let style = Style::default();
    let ranges = (0..row.values.len()).map(|at| range(row.text(at), span, &style)).collect::<Result<Vec<_>>>()?;
    text(shown_multirange(&ranges, span, &style))
}
