//! The binary form of ranges and multiranges.

use super::super::number::write_decimal_binary;
use super::super::{Format, cells, read_binary as read_value};
use super::span::{Bound, Range, Value, merged};
use crate::base::value::Style;
use crate::base::{Result, Span};
use bytes::{BufMut, BytesMut};

const EMPTY: u8 = 0x01;
const FROM_INCLUSIVE: u8 = 0x02;
const TO_INCLUSIVE: u8 = 0x04;
const FROM_NOWHERE: u8 = 0x08;
const TO_NOWHERE: u8 = 0x10;

pub(super) fn write_binary(range: &Range, span: Span, out: &mut BytesMut) -> Result<()> {
    let Some((from, to)) = &range.0 else {
        out.put_u8(EMPTY);
        return Ok(());
    };
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    out.put_u8(
        flag(from.inclusive, FROM_INCLUSIVE)
            | flag(to.inclusive, TO_INCLUSIVE)
            | flag(from.value.is_none(), FROM_NOWHERE)
            | flag(to.value.is_none(), TO_NOWHERE),
    );
    for value in [&from.value, &to.value].into_iter().flatten() {
        let mut bytes = BytesMut::new();
        match span {
            Span::Num => {
                let (whole, fraction) = value.text.split_once('.').unwrap_or((&value.text, ""));
                let scale = i8::try_from(fraction.len()).unwrap_or(i8::MAX);
                let digits = format!("{whole}{fraction}");
                let sign = if digits.starts_with('-') { "-" } else { "" };
                let significant = digits.trim_start_matches(['-', '0']);
                let significant = if significant.is_empty() { "0" } else { significant };
                write_decimal_binary(format!("{sign}{significant}"), scale, false, &mut bytes);
            }
            span => {
                let array = value.scalar(span)?.to_array()?;
                cells(array.as_ref(), &span.element(), Format::Binary, &Style::default())?.write(0, &mut bytes)?;
            }
        }
        out.put_i32(bytes.len() as i32);
        out.put_slice(&bytes);
    }
    Ok(())
}

pub(super) fn read_binary(bytes: &[u8], span: Span) -> Option<Range> {
    let (flags, mut rest) = bytes.split_first()?;
    if flags & EMPTY != 0 {
        return rest.is_empty().then_some(Range::EMPTY);
    }
    let mut value = |nowhere: bool| -> Option<Option<Value>> {
        if nowhere {
            return Some(None);
        }
        let element = sized(&mut rest)?;
        Value::of(&read_value(element, &span.element()).ok()?, span).ok().map(Some)
    };
    let from = Bound { value: value(flags & FROM_NOWHERE != 0)?, inclusive: flags & FROM_INCLUSIVE != 0 };
    let to = Bound { value: value(flags & TO_NOWHERE != 0)?, inclusive: flags & TO_INCLUSIVE != 0 };
    rest.is_empty().then(|| Range::new(from, to, span).ok())?
}

pub(super) fn write_multirange_binary(ranges: &[Range], span: Span, out: &mut BytesMut) -> Result<()> {
    out.put_i32(ranges.len() as i32);
    for range in ranges {
        let mut bytes = BytesMut::new();
        write_binary(range, span, &mut bytes)?;
        out.put_i32(bytes.len() as i32);
        out.put_slice(&bytes);
    }
    Ok(())
}

pub(super) fn read_multirange_binary(bytes: &[u8], span: Span) -> Option<Vec<Range>> {
    let (count, mut rest) = bytes.split_first_chunk::<4>()?;
    let mut ranges = vec![];
    for _ in 0..i32::from_be_bytes(*count) {
        ranges.push(read_binary(sized(&mut rest)?, span)?);
    }
    rest.is_empty().then(|| merged(ranges))
}

/// Bytes with their length before them.
fn sized<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let (taken, after) = after.split_at_checked(usize::try_from(i32::from_be_bytes(*length)).ok()?)?;
    *rest = after;
    Some(taken)
}
