//! The options of a PostgreSQL connection, as values.

use crate::base::{Error, Kind, Result};
use crate::catalog::Connection;
use std::time::Duration;
use tokio_postgres::config::SslMode;

/// What `CREATE CONNECTION … OPTIONS (…)` said, without its secrets.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::connect) struct Options {
    pub host: String,
    pub port: u16,
    pub dbname: String,
    pub user: String,
    pub encryption: Encryption,
    /// PEM file, as the user wrote it.
    pub sslrootcert: Option<String>,
    pub connect_timeout: Duration,
    pub application_name: String,
    pub ledger_schema: Option<String>,
}

/// `sslmode`
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::connect) enum Encryption {
    Disable,
    Prefer,
    Require,
    VerifyFull,
}

impl Encryption {
    pub fn ssl_mode(self) -> SslMode {
        match self {
            Encryption::Disable => SslMode::Disable,
            Encryption::Prefer => SslMode::Prefer,
            Encryption::Require | Encryption::VerifyFull => SslMode::Require,
        }
    }
}

impl Options {
    /// Reads the options; their names were checked before.
    pub fn read(connection: &Connection) -> Result<Options> {
        let given = |name: &str| connection.options.get(name).cloned();
        let user = given("user").ok_or_else(|| {
            Error::new(Kind::InvalidParameterValue, "option \"user\" is required for connection type postgres")
        })?;
        Ok(Options {
            host: given("host").unwrap_or_else(|| "localhost".to_string()),
            port: number(given("port"), "port", 5432, 1..=65535)? as u16,
            dbname: given("dbname").unwrap_or_else(|| user.clone()),
            user,
            encryption: encryption(given("sslmode").as_deref().unwrap_or("prefer"))?,
            sslrootcert: given("sslrootcert"),
            connect_timeout: Duration::from_secs(number(given("connect_timeout"), "connect_timeout", 10, 1..=3600)?),
            application_name: given("application_name").unwrap_or_else(|| "aqueduct".to_string()),
            ledger_schema: given("ledger_schema"),
        })
    }

    /// Where the server is, for messages.
    pub fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

fn number(text: Option<String>, name: &str, default: u64, range: std::ops::RangeInclusive<u64>) -> Result<u64> {
    let Some(text) = text else { return Ok(default) };
    text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
        let message =
            format!("option \"{name}\" must be a number from {} to {}, not \"{text}\"", range.start(), range.end());
        Error::new(Kind::InvalidParameterValue, message)
    })
}

fn encryption(text: &str) -> Result<Encryption> {
    Ok(match text {
        "disable" => Encryption::Disable,
        "prefer" => Encryption::Prefer,
        "require" => Encryption::Require,
        "verify-full" => Encryption::VerifyFull,
        other => {
            return Err(Error::new(Kind::InvalidParameterValue, format!("option \"sslmode\" cannot be \"{other}\""))
                .hint("it is disable, prefer, require or verify-full".to_string()));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &[(&str, &str)]) -> Result<Options> {
        let options = options.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let secrets = Default::default();
        Options::read(&Connection { name: "ops".into(), kind: "postgres".into(), options, secrets })
    }

    #[test]
    fn options_have_the_defaults_that_the_manual_promises() {
        let options = read(&[("user", "ann")]).unwrap();
        assert_eq!((options.place().as_str(), options.dbname.as_str()), ("localhost:5432", "ann"));
        assert_eq!(options.encryption, Encryption::Prefer);
    }

    #[test]
    fn a_wrong_value_is_refused() {
        for (options, expect) in [
            (vec![], "option \"user\" is required for connection type postgres"),
            (vec![("user", "a"), ("port", "x")], "option \"port\" must be a number from 1 to 65535, not \"x\""),
            (vec![("user", "a"), ("sslmode", "verify")], "option \"sslmode\" cannot be \"verify\""),
        ] {
            assert_eq!(read(&options).unwrap_err().message, expect);
        }
    }
}
