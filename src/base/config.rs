//! Settings. Each field is one setting and its comment is the manual's entry.

use super::{Error, Kind, Result};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Everything that can be configured. Precedence: flag, environment (`AQUEDUCT_<NAME>`),
/// `aqueduct.toml` in the data folder, default.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder of everything that survives a restart.
    pub data: PathBuf,
    /// Name of the database; clients that ask for another are refused.
    pub database: String,
    /// Address of the Postgres protocol. One outside loopback needs TLS or `allow_plaintext`.
    pub listen: SocketAddr,
    /// Address of HTTP: health and metrics.
    pub http: SocketAddr,
    /// Folders below which statements may read and write files, beside `files` in the data folder.
    /// Default: the folder the process was started in.
    pub roots: Vec<PathBuf>,
    /// PEM file of the server's certificate chain; TLS is offered when it is set.
    pub tls_certificate: Option<PathBuf>,
    /// PEM file of the certificate's private key.
    pub tls_key: Option<PathBuf>,
    /// Lets clients connect without TLS on an address outside loopback.
    pub allow_plaintext: bool,
    /// Connections at one time; a few more are reserved for the role `aqueduct`.
    pub connections_max: usize,
    /// Connections at one time from one address that have not logged in yet.
    pub logins_per_address_max: usize,
    /// Largest message a client may send after login, in bytes.
    pub message_bytes_max: usize,
    /// Longest statement text, in bytes.
    pub statement_bytes_max: usize,
    /// Time a statement may take, in milliseconds; 0 is no limit. `SET statement_timeout` overrides it.
    pub statement_timeout_ms: u64,
    /// Memory that queries may reserve together, in bytes; beyond it they spill or fail with 53200.
    pub memory_bytes: usize,
    /// Threads that run queries; 0 is one per core.
    pub threads: usize,
    /// Runs that may execute at one time.
    pub runs_max: usize,
    /// Days for which staged data of finished runs is kept.
    pub spool_days: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            data: PathBuf::from("aqueduct-data"),
            database: super::name::DEFAULT_DATABASE.to_string(),
            listen: SocketAddr::from(([127, 0, 0, 1], 5433)),
            http: SocketAddr::from(([127, 0, 0, 1], 8433)),
            roots: vec![],
            tls_certificate: None,
            tls_key: None,
            allow_plaintext: false,
            connections_max: 200,
            logins_per_address_max: 64,
            message_bytes_max: 256 << 20,
            statement_bytes_max: 4 << 20,
            statement_timeout_ms: 0,
            memory_bytes: 4 << 30,
            threads: 0,
            runs_max: 4,
            spool_days: 7,
        }
    }
}

impl Config {
    /// The settings of a data folder: its `aqueduct.toml` under the environment's `AQUEDUCT_*`.
    pub fn load(data: &Path) -> Result<Config> {
        let path = data.join("aqueduct.toml");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error.into()),
        };
        let mut table: toml::Table = toml::from_str(&text).map_err(|error| bad(&path.display().to_string(), error))?;
        for name in NAMES {
            let variable = format!("AQUEDUCT_{}", name.to_uppercase());
            if let Ok(value) = std::env::var(&variable) {
                table.insert((*name).into(), from_environment(&value));
            }
        }
        table.insert("data".into(), data.display().to_string().into());
        Config::deserialize(table).map_err(|error| bad(&path.display().to_string(), error))
    }
}

/// One setting as the manual shows it.
#[derive(Clone, Debug)]
pub struct Documented {
    pub name: String,
    pub default: String,
    pub about: String,
}

impl Config {
    /// Every setting with its comment, in the struct's order.
    ///
    /// Read from this file's own text, so that no second list can differ from it.
    pub fn documented() -> Vec<Documented> {
        let defaults = toml::Table::try_from(Config::default()).unwrap_or_default();
        let text = include_str!("config.rs");
        let fields = text
            .split_once("pub struct Config {")
            .and_then(|(_, rest)| rest.split_once("\n}"))
            .map_or("", |(fields, _)| fields);
        let (mut all, mut about) = (vec![], vec![]);
        for line in fields.lines().map(str::trim) {
            if let Some(comment) = line.strip_prefix("///") {
                about.push(comment.trim());
            } else if let Some((name, _)) = line.strip_prefix("pub ").and_then(|field| field.split_once(':')) {
                let default = defaults.get(name).map_or(String::new(), toml::Value::to_string);
                all.push(Documented { name: name.to_string(), default, about: std::mem::take(&mut about).join(" ") });
            }
        }
        all
    }
}

/// The settings that the environment can carry; a test holds the list to the struct.
const NAMES: &[&str] = &[
    "database",
    "listen",
    "http",
    "roots",
    "tls_certificate",
    "tls_key",
    "allow_plaintext",
    "connections_max",
    "logins_per_address_max",
    "message_bytes_max",
    "statement_bytes_max",
    "statement_timeout_ms",
    "memory_bytes",
    "threads",
    "runs_max",
    "spool_days",
];

/// A value of the environment as the file would hold it: number, boolean, list in brackets, else text.
fn from_environment(text: &str) -> toml::Value {
    let wrapped = toml::from_str::<toml::Table>(&format!("value = {text}"));
    wrapped.ok().and_then(|mut table| table.remove("value")).unwrap_or_else(|| text.into())
}

fn bad(place: &str, error: impl std::fmt::Display) -> Error {
    let error = error.to_string();
    Error::new(Kind::InvalidParameterValue, format!("invalid setting in {place}: {}", error.trim().replace('\n', " ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_can_come_from_the_environment() {
        let all = Config { tls_certificate: Some("c".into()), tls_key: Some("k".into()), ..Config::default() };
        let table = toml::Table::try_from(all).unwrap();
        let names: Vec<_> = table.keys().map(String::as_str).filter(|name| *name != "data").collect();
        let mut known = NAMES.to_vec();
        known.sort_unstable();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, known);
    }

    #[test]
    fn every_setting_is_documented() {
        let documented = Config::documented();
        assert_eq!(documented.len(), NAMES.len() + 1);
        assert!(documented.iter().all(|setting| setting.about.ends_with('.')));
        assert!(documented.iter().any(|setting| setting.name == "threads" && setting.default == "0"));
    }

    #[test]
    fn a_file_overrides_defaults_and_a_typo_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("aqueduct.toml"), "threads = 3").unwrap();
        assert_eq!(Config::load(folder.path()).unwrap().threads, 3);
        std::fs::write(folder.path().join("aqueduct.toml"), "thread = 3").unwrap();
        assert_eq!(Config::load(folder.path()).unwrap_err().kind, Kind::InvalidParameterValue);
    }
}
