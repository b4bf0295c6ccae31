//! `inet` and `cidr`: an address of four or sixteen bytes and how many bits of it are the network's.

use crate::base::{Error, Kind, Result, Textual};
use bytes::{BufMut, BytesMut};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    pub address: IpAddr,
    pub bits: u8,
}

impl Network {
    /// `192.168.1.5/24`, `::1`
    pub fn inet(text: &str) -> Result<Network> {
        let invalid = || super::bad(text, Textual::Inet);
        let (address, bits) = split(text.trim_ascii()).ok_or_else(invalid)?;
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let most = width(&address);
        let bits = bits.unwrap_or(most);
        if bits > most { Err(invalid()) } else { Ok(Network { address, bits }) }
    }

    /// `10.0.0.0/8`, `10/8`, `10.1`; nothing may stand right of the network.
    pub fn cidr(text: &str) -> Result<Network> {
        let invalid = || super::bad(text, Textual::Cidr);
        let (address, bits) = split(text.trim_ascii()).ok_or_else(invalid)?;
        let (address, implied) = match address.parse::<IpAddr>() {
            Ok(address) => (address, width(&address)),
            Err(_) => {
                let mut bytes = [0; 4];
                let parts: Vec<&str> = address.split('.').collect();
                if parts.len() > 4 {
                    return Err(invalid());
                }
                for (byte, part) in bytes.iter_mut().zip(&parts) {
                    *byte = part.parse().map_err(|_| invalid())?;
                }
                // Without a length the old classes of networks tell how much is meant.
                let class = match bytes[0] {
                    240.. => 32,
                    224.. => 8,
                    192.. => 24,
                    128.. => 16,
                    _ => 8,
                };
                (IpAddr::V4(Ipv4Addr::from(bytes)), class.max(8 * parts.len() as u8))
            }
        };
        let bits = bits.unwrap_or(implied);
        if bits > width(&address) {
            return Err(invalid());
        }
        let network = Network { address, bits };
        if network.network() != network {
            return Err(Error::new(Kind::InvalidText, format!("invalid cidr value: \"{text}\""))
                .detail("value has bits set to right of mask"));
        }
        Ok(network)
    }

    pub fn is_v4(&self) -> bool {
        self.address.is_ipv4()
    }

    pub fn width(&self) -> u8 {
        width(&self.address)
    }

    /// The address as a number of `width` bits.
    pub fn number(&self) -> u128 {
        match self.address {
            IpAddr::V4(address) => u128::from(u32::from(address)),
            IpAddr::V6(address) => u128::from(address),
        }
    }

    pub fn with_number(&self, number: u128) -> Option<Network> {
        let address = match self.address {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from(u32::try_from(number).ok()?)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from(number)),
        };
        Some(Network { address, ..*self })
    }

    /// The bits right of the network's.
    pub fn host_mask(&self) -> u128 {
        mask(self.width() - self.bits)
    }

    pub fn network(&self) -> Network {
        self.with_number(self.number() & !self.host_mask() & mask(self.width())).unwrap_or(*self)
    }

    pub fn broadcast(&self) -> Network {
        self.with_number(self.number() | self.host_mask()).unwrap_or(*self)
    }

    /// Whether the other's network is this one's or a part of it.
    pub fn contains(&self, other: &Network) -> bool {
        self.is_v4() == other.is_v4()
            && self.bits <= other.bits
            && Network { bits: self.bits, ..*other }.network().address == self.network().address
    }

    /// With its length even when that is all of the address.
    pub fn cidr_text(&self) -> String {
        format!("{}/{}", self.address, self.bits)
    }

    pub(super) fn order(&self) -> Vec<u8> {
        let mut order = vec![u8::from(!self.is_v4())];
        order.extend(self.network().number().to_be_bytes());
        order.push(self.bits);
        order.extend(self.number().to_be_bytes());
        order
    }

    pub(super) fn write_binary(&self, cidr: bool, out: &mut BytesMut) {
        out.put_u8(if self.is_v4() { 2 } else { 3 });
        out.put_u8(self.bits);
        out.put_u8(cidr.into());
        match self.address {
            IpAddr::V4(address) => {
                out.put_u8(4);
                out.put_slice(&address.octets());
            }
            IpAddr::V6(address) => {
                out.put_u8(16);
                out.put_slice(&address.octets());
            }
        }
    }

    pub(super) fn read_binary(bytes: &[u8]) -> Option<Network> {
        let [family, bits, _, length, address @ ..] = bytes else { return None };
        let address = match (family, length) {
            (2, 4) => IpAddr::V4(<[u8; 4]>::try_from(address).ok()?.into()),
            (3, 16) => IpAddr::V6(<[u8; 16]>::try_from(address).ok()?.into()),
            _ => return None,
        };
        (*bits <= width(&address)).then_some(Network { address, bits: *bits })
    }
}

/// As `inet` is printed: the length only where it is not all of the address.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bits == self.width() {
            true => write!(f, "{}", self.address),
            false => write!(f, "{}/{}", self.address, self.bits),
        }
    }
}

fn width(address: &IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn mask(bits: u8) -> u128 {
    1u128.checked_shl(bits.into()).map_or(u128::MAX, |power| power - 1)
}

/// The address and the length after `/`.
fn split(text: &str) -> Option<(&str, Option<u8>)> {
    match text.split_once('/') {
        None => Some((text, None)),
        Some((address, bits)) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some((address, Some(bits.parse().ok()?)))
        }
        Some(_) => None,
    }
}
