//! `inet`, `cidr` and hardware addresses: their parts and their operators.

use super::{Entry, Row, bool, text};
use crate::base::value::textual::Network;
use crate::base::{Error, Kind, Result, Textual, Type};
use datafusion::common::ScalarValue;

pub(super) const ALL: &[Entry] = &[
    ("abbrev(any) text", |row| {
        let network = inet(row, 0)?;
        match row.types[0] == Type::Textual(Textual::Cidr) {
            true => text(abbreviated(&network)),
            false => text(network.to_string()),
        }
    }),
    ("broadcast(inet) inet", |row| text(inet(row, 0)?.broadcast().to_string())),
    ("family(inet) int4", |row| super::int(if inet(row, 0)?.is_v4() { 4 } else { 6 })),
    ("host(inet) text", |row| text(inet(row, 0)?.address.to_string())),
    ("hostmask(inet) inet", |row| {
        let network = inet(row, 0)?;
        numbered(&Network { bits: network.width(), ..network }, Some(network.host_mask()))
    }),
    ("inet_merge(inet, inet) cidr", merge),
    ("inet_same_family(inet, inet) bool", |row| bool(inet(row, 0)?.is_v4() == inet(row, 1)?.is_v4())),
    ("masklen(inet) int4", |row| super::int(inet(row, 0)?.bits.into())),
    ("netmask(inet) inet", |row| {
        let network = inet(row, 0)?;
        let all = Network { bits: 0, ..network }.host_mask();
        numbered(&Network { bits: network.width(), ..network }, Some(all & !network.host_mask()))
    }),
    ("network(inet) cidr", |row| text(inet(row, 0)?.network().cidr_text())),
    ("set_masklen(inet, int4) inet", |row| {
        let network = inet(row, 0)?;
        let bits = if row.int(1) == -1 { i64::from(network.width()) } else { row.int(1) };
        match u8::try_from(bits).ok().filter(|bits| *bits <= network.width()) {
            Some(bits) => text(Network { bits, ..network }.to_string()),
            None => Err(Error::new(Kind::InvalidParameterValue, format!("invalid mask length: {bits}"))),
        }
    }),
    ("inet text(inet) text", |row| text(inet(row, 0)?.cidr_text())),
    ("inet <<(inet, inet) bool", |row| inside(row, 1, 0, false)),
    ("inet <<=(inet, inet) bool", |row| inside(row, 1, 0, true)),
    ("inet >>(inet, inet) bool", |row| inside(row, 0, 1, false)),
    ("inet >>=(inet, inet) bool", |row| inside(row, 0, 1, true)),
    ("inet &&(inet, inet) bool", |row| {
        let (left, right) = (inet(row, 0)?, inet(row, 1)?);
        bool(left.contains(&right) || right.contains(&left))
    }),
    ("inet &(inet, inet) inet", |row| combined(row, |left, right| left & right)),
    ("inet |(inet, inet) inet", |row| combined(row, |left, right| left | right)),
    ("inet ~(inet) inet", |row| {
        let network = inet(row, 0)?;
        let all = Network { bits: 0, ..network }.host_mask();
        numbered(&network, Some(!network.number() & all))
    }),
    ("inet +(inet, int8) inet", |row| moved(&inet(row, 0)?, i128::from(row.int(1)))),
    ("inet -(inet, int8) inet", |row| moved(&inet(row, 0)?, -i128::from(row.int(1)))),
    ("inet less inet(inet, inet) int8", |row| {
        let (left, right) = (inet(row, 0)?, inet(row, 1)?);
        same_family(&left, &right, "subtract")?;
        let apart = (left.number() as i128).checked_sub(right.number() as i128);
        match apart.and_then(|apart| i64::try_from(apart).ok()) {
            Some(apart) => Ok(Some(ScalarValue::from(apart))),
            None => Err(beyond()),
        }
    }),
    ("macaddr trunc(macaddr) macaddr", |row| text(format!("{}:00:00:00", row.text(0).get(..8).unwrap_or_default()))),
];

fn inet(row: &Row<'_>, at: usize) -> Result<Network> {
    Network::inet(row.text(at))
}

fn beyond() -> Error {
    Error::new(Kind::NumericOutOfRange, "result is out of range")
}

fn numbered(network: &Network, number: Option<u128>) -> Result<Option<ScalarValue>> {
    match number.and_then(|number| network.with_number(number)) {
        Some(found) => text(found.to_string()),
        None => Err(beyond()),
    }
}

fn moved(network: &Network, by: i128) -> Result<Option<ScalarValue>> {
    let number = match by >= 0 {
        true => network.number().checked_add(by.unsigned_abs()),
        false => network.number().checked_sub(by.unsigned_abs()),
    };
    numbered(network, number)
}

fn inside(row: &Row<'_>, whole: usize, part: usize, or_same: bool) -> Result<Option<ScalarValue>> {
    let (whole, part) = (inet(row, whole)?, inet(row, part)?);
    bool(whole.contains(&part) && (or_same || whole.bits < part.bits))
}

fn same_family(left: &Network, right: &Network, what: &str) -> Result<()> {
    match left.is_v4() == right.is_v4() {
        true => Ok(()),
        false => Err(Error::new(Kind::InvalidParameterValue, format!("cannot {what} inet values of different sizes"))),
    }
}

fn combined(row: &Row<'_>, of: fn(u128, u128) -> u128) -> Result<Option<ScalarValue>> {
    let (left, right) = (inet(row, 0)?, inet(row, 1)?);
    same_family(&left, &right, "combine")?;
    let number = of(left.number(), right.number());
    numbered(&Network { bits: left.bits.max(right.bits), ..left }, Some(number))
}

/// The smallest network that has both in it.
fn merge(row: &Row<'_>) -> Result<Option<ScalarValue>> {
    let (left, right) = (inet(row, 0)?, inet(row, 1)?);
    if left.is_v4() != right.is_v4() {
        return Err(Error::new(Kind::InvalidParameterValue, "cannot merge addresses from different families"));
    }
    let bits = (0..=left.bits.min(right.bits)).rev().find(|bits| {
        let part = |network: &Network| Network { bits: *bits, ..*network }.network().number();
        part(&left) == part(&right)
    });
    text(Network { bits: bits.unwrap_or(0), ..left }.network().cidr_text())
}

/// `10.1/16`: the bytes that the network has.
fn abbreviated(network: &Network) -> String {
    if !network.is_v4() {
        return network.cidr_text();
    }
    let address = network.address.to_string();
    let parts: Vec<&str> = address.split('.').take(usize::from(network.bits.div_ceil(8)).max(1)).collect();
    format!("{}/{}", parts.join("."), network.bits)
}
