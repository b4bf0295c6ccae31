//! A column of a PostgreSQL table: how its type is read here.

use crate::base::{Type, quote_identifier};

/// A column as the server describes it, domains resolved to what they are made of.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::connect) struct Column {
    pub name: String,
    /// What it is read as.
    pub ty: Type,
    /// Whether the server sends it as text because we have no such type: enums, `inet`, ranges, …
    pub as_text: bool,
    pub not_null: bool,
    /// The type as the server prints it, domain and length included.
    pub declared: String,
    /// The type below any domain, without length: what text is cast to on the way in.
    pub base: String,
    /// `GENERATED ALWAYS`, as an expression or an identity.
    pub generated: bool,
    /// Whether a row may come without it.
    pub optional: bool,
    /// Whether equal text is equal bytes.
    pub deterministic: bool,
}

impl Column {
    /// The column in the list of a SELECT. The cast pins its format: a column whose type changed
    /// since we looked arrives as what we expect, or with the server's error.
    pub fn selected(&self) -> String {
        let name = quoted(&self.name);
        match &self.ty {
            Type::Array(_) if self.as_text => format!("{name}::pg_catalog.\"_text\""),
            _ if self.as_text => format!("{name}::pg_catalog.\"text\""),
            ty => format!("{name}::pg_catalog.\"{}\"", ty.internal_name()),
        }
    }
}

/// An identifier that means itself on any server: always in quotes, since other versions reserve other words.
pub(in crate::connect) fn quoted(name: &str) -> String {
    match quote_identifier(name) {
        quoted if quoted.starts_with('"') => quoted,
        plain => format!("\"{plain}\""),
    }
}

/// What a server's type is read as, and whether it has to be sent as text for that.
pub(super) fn type_of(oid: u32, typmod: i32, element: Option<u32>) -> (Type, bool) {
    if let Some(element) = element {
        let (ty, as_text) = type_of(element, typmod, None);
        return (Type::Array(Box::new(ty)), as_text);
    }
    match Type::from_oid(oid) {
        Some(Type::Numeric(_)) => (numeric(typmod), false),
        Some(Type::Varchar(_)) => (Type::Varchar(length(typmod)), false),
        Some(Type::Char(_)) => (Type::Char(length(typmod)), false),
        // These are numbers on the wire that mean nothing without the server's catalog.
        Some(Type::Regclass | Type::Regtype | Type::Regproc | Type::Record | Type::Textual(_) | Type::Array(_))
        | Some(Type::Int2Vector | Type::OidVector)
        | None => (Type::Text, true),
        Some(ty) => (ty, false),
    }
}

fn length(typmod: i32) -> Option<u32> {
    u32::try_from(typmod - 4).ok()
}

/// A precision that Arrow holds in 128 bits is kept; others read like `numeric` without one.
fn numeric(typmod: i32) -> Type {
    let bits = typmod - 4;
    let (precision, scale) = ((bits >> 16) & 0xffff, ((bits & 0x7ff) ^ 1024) - 1024);
    match (u8::try_from(precision.max(scale)), i8::try_from(scale)) {
        (Ok(precision), Ok(scale)) if bits >= 0 && precision <= 38 && scale >= 0 => {
            Type::Numeric(Some((precision, scale)))
        }
        _ => Type::Numeric(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_with_their_length() {
        let typmod = |precision: i32, scale: i32| ((precision << 16) | (scale & 0x7ff)) + 4;
        for (oid, modifier, element, expect, as_text) in [
            (1700, typmod(10, 2), None, "numeric(10,2)", false),
            (1700, typmod(3, 5), None, "numeric(5,5)", false),
            (1700, typmod(3, -2), None, "numeric", false),
            (1700, typmod(60, 2), None, "numeric", false),
            (1700, -1, None, "numeric", false),
            (1043, 24, None, "character varying(20)", false),
            (1231, typmod(4, 1), Some(1700), "numeric(4,1)[]", false),
            (869, -1, None, "text", true),
            (2205, -1, None, "text", true),
            (1041, -1, Some(869), "text[]", true),
        ] {
            let (ty, text) = type_of(oid, modifier, element);
            assert_eq!((ty.to_string().as_str(), text), (expect, as_text));
        }
    }

    #[test]
    fn names_are_always_quoted() {
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
        assert_eq!(quoted("plain"), "\"plain\"");
    }
}
