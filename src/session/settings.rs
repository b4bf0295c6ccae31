//! Session settings (`SET`, `SHOW`, `RESET`): typed, with Postgres' names and defaults.

use crate::base::error::did_you_mean;
use crate::base::{Error, Kind, Result};
use crate::query::Setting;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Name, default, whether clients are told of a change (ParameterStatus), one line for `SHOW ALL`.
pub const ALL: &[(&str, &str, bool, &str)] = &[
    ("application_name", "", true, "name of the client program"),
    ("client_encoding", "UTF8", true, "always UTF8"),
    ("client_min_messages", "notice", false, "least severe message that is sent"),
    ("DateStyle", "ISO, MDY", true, "how dates are shown; always ISO"),
    ("default_transaction_isolation", "read committed", false, "isolation of new transactions"),
    ("default_transaction_read_only", "off", false, "whether new transactions only read"),
    ("extra_float_digits", "1", false, "accepted; floats are always shown shortest-exact"),
    ("idle_in_transaction_session_timeout", "0", false, "accepted, without effect"),
    ("integer_datetimes", "on", true, "always on"),
    ("IntervalStyle", "postgres", true, "how intervals are shown"),
    ("is_superuser", "on", true, "whether the role may do everything"),
    ("lock_timeout", "0", false, "accepted, without effect"),
    ("max_identifier_length", "63", false, "bytes of a name that count"),
    ("search_path", "\"$user\", public", false, "schemas in which unqualified names are looked up"),
    ("server_encoding", "UTF8", true, "always UTF8"),
    ("server_version", "15.0", true, "the PostgreSQL version whose behaviour clients may expect"),
    ("server_version_num", "150000", false, "server_version as a number"),
    ("session_authorization", "aqueduct", true, "the role that logged in"),
    ("standard_conforming_strings", "on", true, "always on"),
    ("statement_timeout", "0", false, "milliseconds a statement may take; 0 is no limit"),
    ("TimeZone", "UTC", true, "zone in which timestamptz is shown"),
    ("transaction_isolation", "read committed", false, "isolation of this transaction"),
    ("transaction_read_only", "off", false, "whether this transaction only reads"),
    ("bytea_output", "hex", false, "how bytea is shown; always hex"),
    ("row_security", "on", false, "accepted, without effect"),
    ("jit", "off", false, "accepted, without effect"),
];

/// The values that differ from the defaults.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    values: BTreeMap<String, String>,
}

impl Settings {
    /// The value in force, by any spelling of the name.
    pub fn get(&self, name: &str) -> Result<&str> {
        let (canonical, default, ..) = entry(name)?;
        Ok(self.values.get(*canonical).map_or(*default, String::as_str))
    }

    /// Sets a value; `None` is RESET.
    pub fn set(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        let (canonical, ..) = entry(name)?;
        match value {
            None => drop(self.values.remove(*canonical)),
            Some(value) => {
                self.check(canonical, value)?;
                self.values.insert((*canonical).to_string(), value.to_string());
            }
        }
        Ok(())
    }

    /// Every setting with its value, as for `SHOW ALL`.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &str, &'static str)> {
        ALL.iter()
            .map(|(name, default, _, about)| (*name, self.values.get(*name).map_or(*default, String::as_str), *about))
    }

    /// Every setting, for a statement's context.
    pub fn listed(&self) -> Arc<[Setting]> {
        let setting = |(name, default, _, about): &(&'static str, &'static str, bool, &'static str)| Setting {
            name,
            value: self.values.get(*name).map_or(*default, String::as_str).to_string(),
            default,
            about,
        };
        ALL.iter().map(setting).collect()
    }

    /// Those that a client is told at login and on change.
    pub fn reported(&self) -> impl Iterator<Item = (&'static str, &str)> {
        ALL.iter()
            .filter(|(_, _, reported, _)| *reported)
            .map(|(name, default, ..)| (*name, self.values.get(*name).map_or(*default, String::as_str)))
    }

    /// `statement_timeout` as a time, when there is one.
    pub fn statement_timeout(&self) -> Option<std::time::Duration> {
        let ms = self.get("statement_timeout").ok().and_then(milliseconds)?;
        (ms > 0).then(|| std::time::Duration::from_millis(ms))
    }

    fn check(&self, name: &str, value: &str) -> Result<()> {
        let ok = match name {
            "TimeZone" => value.parse::<chrono_tz::Tz>().is_ok() || ["UTC", "utc", "GMT"].contains(&value),
            "statement_timeout" | "lock_timeout" | "idle_in_transaction_session_timeout" => {
                milliseconds(value).is_some()
            }
            "client_encoding" => ["utf8", "utf-8", "unicode"].contains(&value.to_lowercase().as_str()),
            "standard_conforming_strings" | "integer_datetimes" => {
                ["on", "true", "1"].contains(&value.to_lowercase().as_str())
            }
            "server_version" | "server_version_num" | "server_encoding" | "max_identifier_length" | "is_superuser" => {
                return Err(Error::new(Kind::WrongState, format!("parameter \"{name}\" cannot be changed")));
            }
            _ => true,
        };
        if ok {
            Ok(())
        } else {
            Err(Error::new(Kind::InvalidParameterValue, format!("invalid value for parameter \"{name}\": \"{value}\"")))
        }
    }
}

fn entry(name: &str) -> Result<&'static (&'static str, &'static str, bool, &'static str)> {
    ALL.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name)).ok_or_else(|| {
        Error::new(Kind::UndefinedObject, format!("unrecognized configuration parameter \"{name}\""))
            .hint(did_you_mean(name, ALL.iter().map(|(known, ..)| *known)))
    })
}

/// `500`, `500ms`, `2s`, `1min`, `1h`, `1d` in milliseconds.
fn milliseconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let number: u64 = text[..digits].parse().ok()?;
    let unit = match text[digits..].trim() {
        "" | "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(unit)
}
