//! The kinds of connections and the options that each understands.

use crate::base::error::did_you_mean;
use crate::base::{Error, Kind, Result, quote_literal};
use crate::catalog::Connection;

/// A kind of connection: what `TYPE` names. Its comments are the manual's entry.
#[derive(Debug)]
pub struct ConnectionKind {
    pub name: &'static str,
    pub summary: &'static str,
    pub options: &'static [ConnectionOption],
}

/// One option of `CREATE CONNECTION … OPTIONS (…)`.
#[derive(Debug)]
pub struct ConnectionOption {
    pub name: &'static str,
    /// As the manual prints it; empty when there is none.
    pub default: &'static str,
    pub summary: &'static str,
    /// Whether its value must come from a secret.
    pub secret: bool,
}

/// Every kind of connection.
pub const KINDS: &[ConnectionKind] = &[super::postgres::KIND];

/// An option whose value may be written down.
pub(super) const fn option(name: &'static str, default: &'static str, summary: &'static str) -> ConnectionOption {
    ConnectionOption { name, default, summary, secret: false }
}

/// The kind of a connection, when its name and all its options are known.
pub(super) fn kind_of(connection: &Connection) -> Result<&'static ConnectionKind> {
    let Some(kind) = KINDS.iter().find(|kind| kind.name == connection.kind) else {
        let known = KINDS.iter().map(|kind| kind.name);
        let all: Vec<_> = known.clone().collect();
        let message = format!("connection type \"{}\" is not supported", connection.kind);
        return Err(Error::unsupported(message)
            .hint(format!("the types are {}", all.join(", ")))
            .hint(did_you_mean(&connection.kind, known)));
    };
    for name in connection.options.keys().chain(connection.secrets.keys()) {
        let Some(option) = kind.options.iter().find(|option| option.name == name) else {
            return Err(unknown(kind, name));
        };
        if option.secret && connection.options.contains_key(name) {
            return Err(in_clear_text(name));
        }
    }
    Ok(kind)
}

fn unknown(kind: &ConnectionKind, name: &str) -> Error {
    let known = kind.options.iter().map(|option| option.name);
    let all: Vec<_> = known.clone().collect();
    Error::new(Kind::InvalidParameterValue, format!("unknown option \"{name}\" for connection type {}", kind.name))
        .hint(format!("the options are {}", all.join(", ")))
        .hint(did_you_mean(name, known))
}

// The catalog shows options to everybody who may read it; a secret can never be read again.
fn in_clear_text(name: &str) -> Error {
    Error::new(Kind::InvalidParameterValue, format!("option \"{name}\" must come from a secret"))
        .hint(format!("CREATE SECRET s FROM ENV {}; then {name} SECRET s", quote_literal("PGPASSWORD")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(options: &[(&str, &str)], expect: &str) {
        let options = options.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let connection =
            Connection { name: "ops".into(), kind: "postgres".into(), options, secrets: Default::default() };
        let error = kind_of(&connection).unwrap_err();
        assert_eq!(format!("{} {}", error.message, error.hint.unwrap_or_default()), expect);
    }

    #[test]
    fn a_wrong_option_is_refused_with_the_right_one() {
        check(&[("hots", "x")], "unknown option \"hots\" for connection type postgres did you mean \"host\"?");
        check(
            &[("password", "x")],
            "option \"password\" must come from a secret CREATE SECRET s FROM ENV 'PGPASSWORD'; then password SECRET s",
        );
    }
}
