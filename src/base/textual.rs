//! Types whose values are held as their own text, in the one form that PostgreSQL prints.

use serde::{Deserialize, Serialize};

/// A type held as text. What a text means is told by `value::textual`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Textual {
    Timetz,
    Inet,
    Cidr,
    Macaddr,
    Macaddr8,
    /// Bits of a length; without one, of any.
    Bit(Option<u32>),
    Varbit(Option<u32>),
    Xid,
    Xid8,
    Cid,
    Tid,
    PgLsn,
    Jsonpath,
    Regprocedure,
    Regoper,
    Regoperator,
    Regrole,
    Regnamespace,
    Range(Span),
    Multirange(Span),
}

/// What a range is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Span {
    Int4,
    Int8,
    Num,
    Ts,
    Tstz,
    Date,
}

impl Textual {
    /// The type without its length.
    pub fn plain(self) -> Textual {
        match self {
            Textual::Bit(_) => Textual::Bit(None),
            Textual::Varbit(_) => Textual::Varbit(None),
            other => other,
        }
    }

    /// The length of bit strings.
    pub fn length(self) -> Option<u32> {
        match self {
            Textual::Bit(length) | Textual::Varbit(length) => length,
            _ => None,
        }
    }

    /// Whether it is a number that prints as the name of something in the catalog.
    pub fn is_reference(self) -> bool {
        matches!(
            self,
            Textual::Regprocedure | Textual::Regoper | Textual::Regoperator | Textual::Regrole | Textual::Regnamespace
        )
    }

    pub fn is_bits(self) -> bool {
        matches!(self, Textual::Bit(_) | Textual::Varbit(_))
    }

    pub fn is_network(self) -> bool {
        matches!(self, Textual::Inet | Textual::Cidr)
    }
}

impl Span {
    /// The type of a bound.
    pub fn element(self) -> super::Type {
        use super::Type;
        match self {
            Span::Int4 => Type::Int4,
            Span::Int8 => Type::Int8,
            Span::Num => Type::Numeric(None),
            Span::Ts => Type::Timestamp,
            Span::Tstz => Type::Timestamptz,
            Span::Date => Type::Date,
        }
    }

    /// Whether a bound has a next value, so that ranges have one form.
    pub fn is_discrete(self) -> bool {
        matches!(self, Span::Int4 | Span::Int8 | Span::Date)
    }
}
