//! Errors of a PostgreSQL server and of the way there, as ours.

use super::options::Options;
use crate::base::{Error, Kind};
use std::error::Error as _;
use tokio_postgres::error::DbError;

/// An error while something was asked of the server.
pub(super) fn failed(connection: &str, error: &tokio_postgres::Error) -> Error {
    match error.as_db_error() {
        Some(error) => said(connection, error),
        None => Error::new(Kind::ConnectionFailure, format!("connection \"{connection}\": {}", reason(error)))
            .hint(format!("TEST CONNECTION {connection}")),
    }
}

/// An error before anything could be asked.
pub(super) fn unreachable(connection: &str, options: &Options, error: &tokio_postgres::Error) -> Error {
    let place = options.place();
    if let Some(error) = error.as_db_error() {
        return said(connection, error).detail(format!("server {place}, database \"{}\"", options.dbname));
    }
    let reason = reason(error);
    if reason.ends_with("password missing") {
        return Error::new(
            Kind::InvalidPassword,
            format!("connection \"{connection}\": {place} wants a password for user \"{}\"", options.user),
        )
        .hint("give the connection the option password SECRET s".to_string());
    }
    Error::new(Kind::ConnectionFailure, format!("connection \"{connection}\": could not connect to {place}: {reason}"))
}

/// The innermost cause, which is what a person needs.
fn reason(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = inner.to_string();
        source = inner.source();
    }
    let text = text.strip_suffix('.').unwrap_or(&text);
    let text = text.split(" (os error").next().unwrap_or(text);
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// What the server itself said.
fn said(connection: &str, error: &DbError) -> Error {
    let message = error.message().lines().next().unwrap_or_default();
    let mut ours = Error::new(kind(error.code().code()), format!("connection \"{connection}\": {message}"))
        .hint(error.hint().map(one_line));
    // Of the server's context only the COPY position helps; the rest shows statements of ours.
    let place = error.where_().filter(|place| place.starts_with("COPY ")).and_then(|place| place.lines().next());
    if let Some(detail) = error.detail().map(one_line).or_else(|| place.map(str::to_string)) {
        ours = ours.detail(detail);
    }
    ours
}

fn one_line(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join(" ")
}

/// Our kind for a SQLSTATE of another server: the same when we have it, else what its class means here.
fn kind(sqlstate: &str) -> Kind {
    match sqlstate {
        // Their shutdown is our lost connection, and their bug is not ours.
        "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" | "XX000" | "XX001" | "XX002" => {
            return Kind::ConnectionFailure;
        }
        "55P03" => return Kind::ObjectInUse,
        "40P01" => return Kind::SerializationFailure,
        "23P01" => return Kind::UniqueViolation,
        _ => {}
    }
    if let Some(kind) = Kind::ALL.iter().find(|kind| kind.sqlstate() == sqlstate) {
        return *kind;
    }
    match sqlstate.get(..2).unwrap_or_default() {
        "0A" => Kind::FeatureNotSupported,
        "21" => Kind::CardinalityViolation,
        "22" | "P0" => Kind::DataException,
        "23" | "44" => Kind::CheckViolation,
        "25" | "55" => Kind::WrongState,
        "28" => Kind::InvalidAuthorization,
        "40" => Kind::SerializationFailure,
        "42" => Kind::InvalidDefinition,
        "53" => Kind::TooManyConnections,
        "54" => Kind::TooLarge,
        "58" => Kind::Io,
        _ => Kind::ConnectionFailure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlstate_of_theirs_has_a_meaning_here() {
        for (theirs, ours) in [
            ("28P01", "28P01"),
            ("42501", "42501"),
            ("22003", "22003"),
            ("22019", "22000"),
            ("57P01", "08006"),
            ("XX000", "08006"),
            ("55P03", "55006"),
            ("P0001", "22000"),
            ("57014", "57014"),
        ] {
            assert_eq!(kind(theirs).sqlstate(), ours, "{theirs}");
        }
    }
}
