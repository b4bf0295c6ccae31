//! Ranges and multiranges: what is between two bounds, in the one form that each has.

use super::super::read_text::read_text;
use super::super::text_of;
use super::number::order_of_number;
use crate::base::value::Style;
use crate::base::{Error, Kind, Result, Span, Type};
use datafusion::common::ScalarValue;

/// Where a range begins or ends; without a value, nowhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    pub value: Option<Value>,
    pub inclusive: bool,
}

/// A value of the type that a range is of, with the bytes that order it.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// As it is printed, instants in UTC.
    pub(super) text: String,
    number: i64,
    order: Vec<u8>,
}

/// What is between two bounds; `None` when nothing is.
#[derive(Clone, Debug, PartialEq)]
pub struct Range(pub Option<(Bound, Bound)>);

impl Value {
    pub fn read(text: &str, span: Span, style: &Style) -> Result<Value> {
        if span == Span::Num {
            return Value::decimal(text);
        }
        Value::of(&read_text(text, &span.element(), style)?, span)
    }

    fn decimal(text: &str) -> Result<Value> {
        let trimmed = text.trim_ascii();
        let (sign, digits) = trimmed.strip_prefix('-').map_or(("", trimmed), |rest| ("-", rest));
        let plain = digits.bytes().any(|byte| byte.is_ascii_digit())
            && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
            && digits.bytes().filter(|byte| *byte == b'.').count() <= 1;
        if !plain {
            return Value::of(&read_text(text, &Type::Numeric(None), &Style::default())?, Span::Num);
        }
        let digits = digits.trim_start_matches('0').trim_end_matches('.');
        let text = match digits.starts_with('.') || digits.is_empty() {
            true => format!("{sign}0{digits}"),
            false => format!("{sign}{digits}"),
        };
        Ok(Value { order: order_of_number(&text), number: 0, text })
    }

    pub fn of(value: &ScalarValue, span: Span) -> Result<Value> {
        let number = match value {
            ScalarValue::Int16(Some(value)) => i64::from(*value),
            ScalarValue::Int32(Some(value)) | ScalarValue::Date32(Some(value)) => i64::from(*value),
            ScalarValue::Int64(Some(value)) | ScalarValue::TimestampMicrosecond(Some(value), _) => *value,
            ScalarValue::Decimal128(..) => 0,
            other => return Err(Error::internal(format!("a bound must not be held as {}", other.data_type()))),
        };
        let ty = match Type::from_arrow(&value.data_type()) {
            ty @ Type::Numeric(_) => ty,
            _ => span.element(),
        };
        let text = text_of(value, &ty, &Style::default())?.unwrap_or_default();
        let order = match span {
            Span::Num => order_of_number(&text),
            _ => (number.wrapping_sub(i64::MIN) as u64).to_be_bytes().to_vec(),
        };
        Ok(Value { text, number, order })
    }

    /// As a value of its own type.
    pub(super) fn scalar(&self, span: Span) -> Result<ScalarValue> {
        Ok(match span {
            Span::Int4 => ScalarValue::Int32(i32::try_from(self.number).ok()),
            Span::Int8 => ScalarValue::Int64(Some(self.number)),
            Span::Date => ScalarValue::Date32(i32::try_from(self.number).ok()),
            Span::Ts => ScalarValue::TimestampMicrosecond(Some(self.number), None),
            Span::Tstz => ScalarValue::TimestampMicrosecond(Some(self.number), Some("UTC".into())),
            Span::Num => read_text(&self.text, &Type::Numeric(None), &Style::default())?,
        })
    }

    fn shown(&self, span: Span, style: &Style) -> String {
        match span {
            Span::Tstz => self
                .scalar(span)
                .and_then(|value| text_of(&value, &span.element(), style))
                .ok()
                .flatten()
                .unwrap_or_else(|| self.text.clone()),
            _ => self.text.clone(),
        }
    }

    /// The next value of a type that has one.
    fn next(&self, span: Span) -> Result<Value> {
        let next = self.number.checked_add(1).filter(|next| match span {
            Span::Int4 | Span::Date => i32::try_from(*next).is_ok(),
            _ => true,
        });
        let next = next.ok_or_else(|| match span {
            Span::Date => Error::new(Kind::DatetimeOverflow, "date out of range"),
            span => Error::new(Kind::NumericOutOfRange, format!("{} out of range", span.element())),
        })?;
        Value::of(&Value { number: next, ..self.clone() }.scalar(span)?, span)
    }
}

/// As it is read, instants in UTC.
impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Bound {
    /// Bytes that order where a range begins.
    fn from(&self) -> Vec<u8> {
        self.cut(0, !self.inclusive)
    }

    /// Bytes that order where a range ends, comparable with those of a beginning.
    fn to(&self) -> Vec<u8> {
        self.cut(2, self.inclusive)
    }

    fn cut(&self, nowhere: u8, after: bool) -> Vec<u8> {
        match &self.value {
            None => vec![nowhere],
            Some(value) => [&[1], value.order.as_slice(), &[after.into()]].concat(),
        }
    }
}

impl Range {
    pub const EMPTY: Range = Range(None);

    /// In the one form that it has; 22000 when the bounds are the wrong way round.
    pub fn new(from: Bound, to: Bound, span: Span) -> Result<Range> {
        if let (Some(low), Some(high)) = (&from.value, &to.value)
            && low.order > high.order
        {
            let message = "range lower bound must be less than or equal to range upper bound";
            return Err(Error::new(Kind::DataException, message));
        }
        let (mut from, mut to) = (from, to);
        from.inclusive &= from.value.is_some();
        to.inclusive &= to.value.is_some();
        if span.is_discrete() {
            if let (Some(value), false) = (&from.value, from.inclusive) {
                from = Bound { value: Some(value.next(span)?), inclusive: true };
            }
            if let (Some(value), true) = (&to.value, to.inclusive) {
                to = Bound { value: Some(value.next(span)?), inclusive: false };
            }
        }
        Ok(Range::between(from, to))
    }

    fn between(from: Bound, to: Bound) -> Range {
        if from.from() < to.to() { Range(Some((from, to))) } else { Range::EMPTY }
    }

    /// The range of one value.
    pub fn point(value: Value) -> Range {
        let bound = Bound { value: Some(value), inclusive: true };
        Range(Some((bound.clone(), bound)))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub fn contains(&self, other: &Range) -> bool {
        match (&self.0, &other.0) {
            (_, None) => true,
            (None, _) => false,
            (Some((from, to)), Some((other_from, other_to))) => {
                from.from() <= other_from.from() && other_to.to() <= to.to()
            }
        }
    }

    pub fn overlaps(&self, other: &Range) -> bool {
        !self.intersection(other).is_empty()
    }

    /// Whether nothing of it is after what the other begins with.
    pub fn is_left_of(&self, other: &Range) -> bool {
        matches!((&self.0, &other.0), (Some((_, to)), Some((from, _))) if to.to() <= from.from())
    }

    pub fn is_adjacent_to(&self, other: &Range) -> bool {
        match (&self.0, &other.0) {
            (Some((from, to)), Some((other_from, other_to))) => {
                to.to() == other_from.from() || other_to.to() == from.from()
            }
            _ => false,
        }
    }

    pub fn ends_no_later_than(&self, other: &Range) -> bool {
        matches!((&self.0, &other.0), (Some((_, to)), Some((_, other))) if to.to() <= other.to())
    }

    pub fn begins_no_earlier_than(&self, other: &Range) -> bool {
        matches!((&self.0, &other.0), (Some((from, _)), Some((other, _))) if from.from() >= other.from())
    }

    pub fn intersection(&self, other: &Range) -> Range {
        let (Some((from, to)), Some((other_from, other_to))) = (&self.0, &other.0) else { return Range::EMPTY };
        let from = if from.from() >= other_from.from() { from } else { other_from };
        let to = if to.to() <= other_to.to() { to } else { other_to };
        Range::between(from.clone(), to.clone())
    }

    /// The smallest range that has both in it.
    pub fn hull(&self, other: &Range) -> Range {
        match (&self.0, &other.0) {
            (None, _) => other.clone(),
            (_, None) => self.clone(),
            (Some((from, to)), Some((other_from, other_to))) => {
                let from = if from.from() <= other_from.from() { from } else { other_from };
                let to = if to.to() >= other_to.to() { to } else { other_to };
                Range(Some((from.clone(), to.clone())))
            }
        }
    }

    /// What is left without the other: nothing, one part or two.
    pub fn without(&self, other: &Range) -> Vec<Range> {
        let Some((from, to)) = &self.0 else { return vec![] };
        let Some((other_from, other_to)) = self.intersection(other).0 else { return vec![self.clone()] };
        let turned = |bound: Bound| Bound { inclusive: bound.value.is_some() && !bound.inclusive, ..bound };
        let mut parts = vec![];
        if from.from() < other_from.from() {
            parts.push(Range(Some((from.clone(), turned(other_from)))));
        }
        if other_to.to() < to.to() {
            parts.push(Range(Some((turned(other_to), to.clone()))));
        }
        parts
    }

    pub(super) fn order(&self) -> Vec<u8> {
        match &self.0 {
            None => vec![0],
            Some((from, to)) => [vec![1], from.from(), to.to()].concat(),
        }
    }

    pub fn shown(&self, span: Span, style: &Style) -> String {
        let Some((from, to)) = &self.0 else { return "empty".into() };
        let bound =
            |bound: &Bound| bound.value.as_ref().map_or(String::new(), |value| quoted(&value.shown(span, style)));
        let (begin, end) = (if from.inclusive { '[' } else { '(' }, if to.inclusive { ']' } else { ')' });
        format!("{begin}{},{}{end}", bound(from), bound(to))
    }
}

fn quoted(text: &str) -> String {
    let special = |c: char| c.is_whitespace() || matches!(c, '"' | '\\' | '(' | ')' | '[' | ']' | ',');
    match text.is_empty() || text.contains(special) {
        true => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\"\"")),
        false => text.to_string(),
    }
}

/// `[1,5)`, `(,"2024-01-01 10:00"]`, `empty`
pub fn range(text: &str, span: Span, style: &Style) -> Result<Range> {
    let malformed = |detail: &str| {
        Error::new(Kind::InvalidText, format!("malformed range literal: \"{text}\"")).detail(detail.to_string())
    };
    let (found, rest) = Reader { rest: text.trim_ascii() }.range(span, style, &malformed)?;
    if rest.trim_ascii().is_empty() { Ok(found) } else { Err(malformed("junk after right parenthesis or bracket")) }
}

/// `{[1,3),[5,7)}`, sorted and put together where they touch.
pub fn multirange(text: &str, span: Span, style: &Style) -> Result<Vec<Range>> {
    let malformed = |detail: &str| {
        Error::new(Kind::InvalidText, format!("malformed multirange literal: \"{text}\"")).detail(detail.to_string())
    };
    let mut rest = text.trim_ascii().strip_prefix('{').ok_or_else(|| malformed("missing left brace"))?.trim_start();
    let mut ranges = vec![];
    if !rest.starts_with('}') {
        loop {
            let (found, after) = Reader { rest }.range(span, style, &malformed)?;
            ranges.push(found);
            rest = after.trim_start();
            match rest.strip_prefix(',') {
                Some(after) => rest = after.trim_start(),
                None => break,
            }
        }
    }
    match rest.strip_prefix('}').map(str::trim_ascii) {
        Some("") => Ok(merged(ranges)),
        Some(_) => Err(malformed("junk after closing right brace")),
        None => Err(malformed("expected comma or end of multirange")),
    }
}

/// Ranges in order, those that touch put together and empty ones left out.
pub(super) fn merged(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(Range::order);
    let mut merged: Vec<Range> = vec![];
    for range in ranges {
        match merged.last_mut() {
            Some(last) if last.overlaps(&range) || last.is_adjacent_to(&range) => *last = last.hull(&range),
            _ => merged.push(range),
        }
    }
    merged
}

pub fn shown_multirange(ranges: &[Range], span: Span, style: &Style) -> String {
    let ranges: Vec<_> = merged(ranges.to_vec()).iter().map(|range| range.shown(span, style)).collect();
    format!("{{{}}}", ranges.join(","))
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// A range at the beginning of a text, and what is after it.
    fn range(mut self, span: Span, style: &Style, malformed: &impl Fn(&str) -> Error) -> Result<(Range, &'a str)> {
        if self.rest.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("empty")) {
            return Ok((Range::EMPTY, &self.rest[5..]));
        }
        let from_inclusive = match self.next() {
            Some('[') => true,
            Some('(') => false,
            _ => return Err(malformed("missing left parenthesis or bracket")),
        };
        let (from, end) = self.bound(malformed)?;
        if end != ',' {
            return Err(malformed("missing comma after lower bound"));
        }
        let (to, end) = self.bound(malformed)?;
        if end == ',' {
            return Err(malformed("too many commas"));
        }
        let value = |text: Option<String>| text.map(|text| Value::read(&text, span, style)).transpose();
        let from = Bound { value: value(from)?, inclusive: from_inclusive };
        let to = Bound { value: value(to)?, inclusive: end == ']' };
        Ok((Range::new(from, to, span)?, self.rest))
    }

    /// The text of a bound, and what ends it.
    fn bound(&mut self, malformed: &impl Fn(&str) -> Error) -> Result<(Option<String>, char)> {
        let (mut text, mut quoted, mut given) = (String::new(), false, false);
        loop {
            let Some(c) = self.next() else { return Err(malformed("unexpected end of input")) };
            match c {
                ',' | ')' | ']' if !quoted => return Ok((given.then_some(text), c)),
                '\\' => text.extend(self.next()),
                '"' if quoted && self.rest.starts_with('"') => text.extend(self.next()),
                '"' => quoted = !quoted,
                c => text.push(c),
            }
            given = true;
        }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }
}
