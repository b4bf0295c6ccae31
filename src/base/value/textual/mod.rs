//! Values that are held as their own text: what such a text means, its one form, its binary form, and its order.

mod bits;
mod clock;
mod network;
mod number;
mod span;
mod span_binary;
mod system;

pub use bits::{Bits, bits, bits_of_number, number_of_bits};
pub use clock::{Timetz, timetz};
pub use network::Network;
pub use number::order_of_number;
pub use span::{Bound, Range, Value, multirange, range, shown_multirange};
pub(super) use system::write_reference;
pub use system::{NUMBERED, name_of_reference};

use super::Style;
use super::read_text::invalid;
use crate::base::{Error, Kind, Result, Textual, Type};
use bytes::BytesMut;

/// The one form of a text of the type; 22P02 when it is no value of it.
pub fn read_textual(text: &str, ty: Textual, style: &Style) -> Result<String> {
    match ty {
        Textual::Timetz => Ok(timetz(text, style)?.to_string()),
        Textual::Inet => Ok(Network::inet(text)?.to_string()),
        Textual::Cidr => Ok(Network::cidr(text)?.cidr_text()),
        Textual::Macaddr => system::hardware(text, 6, ty),
        Textual::Macaddr8 => system::hardware(text, 8, ty),
        Textual::Bit(length) => bits(text)?.fitted(length, ty, true),
        Textual::Varbit(length) => bits(text)?.fitted(length, ty, false),
        Textual::Xid | Textual::Cid => system::counter(text, ty),
        Textual::Xid8 => system::long_counter(text),
        Textual::Tid => system::place(text),
        Textual::PgLsn => system::log_place(text),
        // Instants are held in UTC.
        Textual::Range(span) => Ok(range(text, span, style)?.shown(span, &Style::default())),
        Textual::Multirange(span) => Ok(shown_multirange(&multirange(text, span, style)?, span, &Style::default())),
        Textual::Jsonpath
        | Textual::Regprocedure
        | Textual::Regoper
        | Textual::Regoperator
        | Textual::Regrole
        | Textual::Regnamespace => Ok(text.trim_ascii().to_string()),
    }
}

/// Appends the binary form of a text of the type.
pub(super) fn write_binary(text: &str, ty: Textual, out: &mut BytesMut) -> Result<()> {
    let style = Style::default();
    match ty {
        Textual::Timetz => timetz(text, &style)?.write_binary(out),
        Textual::Inet => Network::inet(text)?.write_binary(false, out),
        Textual::Cidr => Network::cidr(text)?.write_binary(true, out),
        Textual::Macaddr | Textual::Macaddr8 => system::write_hardware(text, out),
        Textual::Bit(_) | Textual::Varbit(_) => bits(text)?.write_binary(out),
        Textual::Xid | Textual::Cid => system::write_number::<u32>(text, ty, out)?,
        Textual::Xid8 => system::write_number::<u64>(text, ty, out)?,
        Textual::Tid => system::write_place(text, out)?,
        Textual::PgLsn => system::write_log_place(text, out)?,
        Textual::Jsonpath => {
            out.extend_from_slice(&[1]);
            out.extend_from_slice(text.as_bytes());
        }
        Textual::Range(span) => span_binary::write_binary(&range(text, span, &style)?, span, out)?,
        Textual::Multirange(span) => span_binary::write_multirange_binary(&multirange(text, span, &style)?, span, out)?,
        Textual::Regprocedure | Textual::Regoper | Textual::Regoperator | Textual::Regrole | Textual::Regnamespace => {
            write_reference(text, &Type::Textual(ty), out)?
        }
    }
    Ok(())
}

/// The text that bytes mean; `None` when they mean none.
pub(super) fn read_binary(bytes: &[u8], ty: Textual) -> Option<String> {
    match ty {
        Textual::Timetz => Timetz::read_binary(bytes).map(|time| time.to_string()),
        Textual::Inet => Network::read_binary(bytes).map(|network| network.to_string()),
        Textual::Cidr => Network::read_binary(bytes).map(|network| network.cidr_text()),
        Textual::Macaddr => <[u8; 6]>::try_from(bytes).ok().map(|bytes| system::hardware_text(&bytes)),
        Textual::Macaddr8 => <[u8; 8]>::try_from(bytes).ok().map(|bytes| system::hardware_text(&bytes)),
        Textual::Bit(_) | Textual::Varbit(_) => Bits::read_binary(bytes).map(|bits| bits.to_string()),
        Textual::Xid8 => bytes.try_into().ok().map(|bytes| u64::from_be_bytes(bytes).to_string()),
        Textual::Tid => system::read_place(bytes),
        Textual::PgLsn => bytes.try_into().ok().map(|bytes| system::log_text(u64::from_be_bytes(bytes))),
        Textual::Jsonpath => match bytes.split_first() {
            Some((1, text)) => std::str::from_utf8(text).ok().map(str::to_string),
            _ => None,
        },
        Textual::Range(span) => span_binary::read_binary(bytes, span).map(|range| range.shown(span, &Style::default())),
        Textual::Multirange(span) => span_binary::read_multirange_binary(bytes, span)
            .map(|ranges| shown_multirange(&ranges, span, &Style::default())),
        Textual::Xid
        | Textual::Cid
        | Textual::Regprocedure
        | Textual::Regoper
        | Textual::Regoperator
        | Textual::Regrole
        | Textual::Regnamespace => bytes.try_into().ok().map(|bytes| u32::from_be_bytes(bytes).to_string()),
    }
}

/// Bytes that are ordered as values of the type are; `None` when their texts are.
pub fn order(text: &str, ty: Textual) -> Result<Option<Vec<u8>>> {
    let style = Style::default();
    Ok(match ty {
        Textual::Timetz => Some(timetz(text, &style)?.order()),
        Textual::Inet | Textual::Cidr => Some(Network::inet(text)?.order()),
        Textual::Xid | Textual::Cid | Textual::Xid8 => {
            Some(text.parse::<u64>().unwrap_or_default().to_be_bytes().to_vec())
        }
        Textual::Tid | Textual::PgLsn => {
            let mut out = BytesMut::new();
            write_binary(text, ty, &mut out)?;
            Some(out.to_vec())
        }
        Textual::Range(span) => Some(range(text, span, &style)?.order()),
        Textual::Multirange(span) => {
            let ranges = multirange(text, span, &style)?;
            let mut order = vec![];
            for range in &ranges {
                order.push(1);
                order.extend(range.order());
            }
            order.push(0);
            Some(order)
        }
        _ => None,
    })
}

/// Whether [`order`] is another than that of the texts.
pub fn has_order(ty: Textual) -> bool {
    !matches!(
        ty,
        Textual::Macaddr
            | Textual::Macaddr8
            | Textual::Bit(_)
            | Textual::Varbit(_)
            | Textual::Jsonpath
            | Textual::Regprocedure
            | Textual::Regoper
            | Textual::Regoperator
            | Textual::Regrole
            | Textual::Regnamespace
    )
}

fn bad(text: &str, ty: Textual) -> Error {
    invalid(text, &Type::Textual(ty))
}

fn out_of_range(text: &str, ty: Textual) -> Error {
    let message = format!("value \"{text}\" is out of range for type {}", Type::Textual(ty));
    Error::new(Kind::NumericOutOfRange, message)
}

#[cfg(test)]
mod tests;
