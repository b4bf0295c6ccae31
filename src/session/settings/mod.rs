//! Session settings (`SET`, `SHOW`, `RESET`): typed, with Postgres' names and defaults.

mod list;
mod value;

pub use list::{ALL, Setting};
pub use value::{Shape, Unit};

use crate::base::error::did_you_mean;
use crate::base::value::{IntervalStyle, Style, Zone};
use crate::base::{Error, Kind, Result};
use crate::query;
use crate::query::system::SCHEMAS;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Values by the lower-case name of their setting.
type Values = BTreeMap<String, String>;

/// The values that differ from the defaults, in three layers: what the session
/// started with, what `SET` changed, and what `SET LOCAL` changed until the
/// transaction ends. A name with a dot in it needs no entry in the list.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    start: Values,
    session: Values,
    local: Values,
    /// What [`Settings::listed`] answers, until the next change.
    listed: OnceLock<Arc<[query::Setting]>>,
    /// As `listed`, of [`Settings::style`].
    style: OnceLock<Style>,
}

/// Settings of one transaction; each has a `default_` beside it.
const OF_TRANSACTIONS: &[&str] = &["transaction_deferrable", "transaction_isolation", "transaction_read_only"];

/// One row of `SHOW ALL`.
pub type Row<'a> = (&'static str, &'a str, &'static str);

impl Settings {
    /// The value in force, by any spelling of the name.
    pub fn get(&self, name: &str) -> Result<&str> {
        let key = name.to_ascii_lowercase();
        let set = self.local.get(&key).or_else(|| self.session.get(&key)).or_else(|| self.start.get(&key));
        match (set, entry(name)) {
            (Some(value), _) => Ok(value),
            // Outside a block they tell of the next one.
            (None, Ok(_)) if OF_TRANSACTIONS.contains(&key.as_str()) => self.get(&format!("default_{key}")),
            (None, Ok(setting)) => Ok(setting.default),
            (None, Err(unknown)) => Err(unknown),
        }
    }

    /// Sets a value until the session ends; `None` is RESET.
    pub fn set(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        let key = name.to_ascii_lowercase();
        let value = self.checked(name, value)?;
        self.change(|layers| {
            layers.local.remove(&key);
            put(&mut layers.session, key, value);
        });
        Ok(())
    }

    /// Sets a value until the transaction ends.
    pub fn set_local(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        let key = name.to_ascii_lowercase();
        let value = match self.checked(name, value)? {
            Some(value) => Some(value),
            None => self.start.get(&key).cloned().or_else(|| entry(name).ok().map(|setting| setting.default.into())),
        };
        self.change(|layers| put(&mut layers.local, key, value));
        Ok(())
    }

    /// Sets what RESET goes back to: the configuration's and the login's wishes.
    pub fn set_start(&mut self, name: &str, value: &str) -> Result<()> {
        let key = name.to_ascii_lowercase();
        let value = self.checked(name, Some(value))?;
        self.change(|layers| put(&mut layers.start, key, value));
        Ok(())
    }

    /// Sets a value that no statement may set: the server's facts about itself and the login.
    pub fn set_fact(&mut self, name: &str, value: &str) {
        let key = name.to_ascii_lowercase();
        self.change(|layers| put(&mut layers.start, key, Some(value.to_string())));
    }

    /// `RESET ALL`.
    pub fn reset_all(&mut self) {
        self.change(|layers| {
            layers.session.clear();
            layers.local.clear();
        });
    }

    /// The transaction is over: what was local to it is too.
    pub fn end_local(&mut self) {
        self.change(|layers| layers.local.clear());
    }

    /// Every setting with its value, as for `SHOW ALL`.
    pub fn all(&self) -> impl Iterator<Item = Row<'_>> {
        ALL.iter().map(|setting| (setting.name, self.get(setting.name).unwrap_or(setting.default), setting.about))
    }

    /// Those that a client is told at login and on change.
    pub fn reported(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let reported = ALL.iter().filter(|setting| setting.reported);
        reported.map(|setting| (setting.name, self.get(setting.name).unwrap_or(setting.default)))
    }

    /// Every setting and the custom ones that were set, for a statement's context.
    pub fn listed(&self) -> Arc<[query::Setting]> {
        let build = || {
            let known = ALL.iter().map(|setting| query::Setting {
                name: setting.name.into(),
                value: self.get(setting.name).unwrap_or(setting.default).to_string(),
                default: setting.default,
                about: setting.about,
            });
            let custom = self.values().into_iter().filter(|(name, _)| entry(name).is_err());
            let custom = custom.map(|(name, value)| query::Setting {
                name: name.clone().into(),
                value: value.clone(),
                default: "",
                about: "set by the client",
            });
            known.chain(custom).collect()
        };
        self.listed.get_or_init(build).clone()
    }

    /// The values that are in force and not defaults.
    fn values(&self) -> BTreeMap<&String, &String> {
        [&self.start, &self.session, &self.local].into_iter().flatten().collect()
    }

    /// A setting that is a time, when it is one: 0 is no limit.
    pub fn time(&self, name: &str) -> Option<Duration> {
        let ms = self.get(name).ok().and_then(|text| value::number(text, Unit::Ms))?;
        (ms > 0.0).then(|| Duration::from_millis(ms as u64))
    }

    /// Whether a statement outside a block, or in this one, may only read.
    pub fn read_only(&self, in_block: bool) -> bool {
        let name = if in_block { "transaction_read_only" } else { "default_transaction_read_only" };
        self.get(name).is_ok_and(|value| value == "on")
    }

    /// How values look to this session.
    pub fn style(&self) -> Style {
        let build = || Style {
            zone: self.get("TimeZone").ok().and_then(Zone::parse).unwrap_or_default(),
            intervals: match self.get("IntervalStyle") {
                Ok("iso_8601") => IntervalStyle::Iso8601,
                _ => IntervalStyle::Postgres,
            },
        };
        self.style.get_or_init(build).clone()
    }

    /// The schemas of `search_path`, `"$user"` being `user`. The role `aqueduct` has no schema of its own:
    /// the one of that name is the catalog's.
    pub fn search_path(&self, user: &str) -> Vec<String> {
        let names = value::identifiers(self.get("search_path").unwrap_or_default()).unwrap_or_default();
        let own = (!SCHEMAS.contains(&user)).then(|| user.to_string());
        names.into_iter().filter_map(|name| if name == "$user" { own.clone() } else { Some(name) }).collect()
    }

    fn checked(&self, name: &str, value: Option<&str>) -> Result<Option<String>> {
        let setting = match entry(name) {
            Ok(setting) => setting,
            Err(_) if custom(name) => return Ok(value.map(str::to_string)),
            Err(unknown) => return Err(unknown),
        };
        match value {
            Some(value) => setting.shape.normal(setting.name, value).map(Some),
            None if matches!(setting.shape, Shape::Fixed) => Err(value::fixed(setting.name)),
            None => Ok(None),
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut Settings)) {
        change(self);
        self.listed = OnceLock::new();
        self.style = OnceLock::new();
    }
}

fn put(values: &mut Values, key: String, value: Option<String>) {
    match value {
        Some(value) => drop(values.insert(key, value)),
        None => drop(values.remove(&key)),
    }
}

/// A setting of somebody else's: two identifiers and a dot.
fn custom(name: &str) -> bool {
    let identifier = |part: &str| {
        part.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$')
    };
    name.split('.').count() > 1 && name.split('.').all(identifier)
}

/// The entry of a setting by any spelling of its name.
pub fn entry(name: &str) -> Result<&'static Setting> {
    ALL.iter().find(|setting| setting.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
        Error::new(Kind::UndefinedObject, format!("unrecognized configuration parameter \"{name}\""))
            .hint(did_you_mean(name, ALL.iter().map(|setting| setting.name)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(changes: &[(&str, &str)]) -> Settings {
        let mut settings = Settings::default();
        for (name, value) in changes {
            settings.set(name, Some(value)).unwrap();
        }
        settings
    }

    #[test]
    fn every_default_is_a_value_of_its_setting() {
        for setting in ALL.iter().filter(|setting| !matches!(setting.shape, Shape::Fixed)) {
            let normal = setting.shape.normal(setting.name, setting.default);
            assert_eq!(normal.as_deref(), Ok(setting.default), "{}", setting.name);
        }
    }

    #[test]
    fn values_show_as_in_postgres() {
        for (name, given, shown) in [
            ("statement_timeout", "90s", "90s"),
            ("statement_timeout", "1500", "1500ms"),
            ("idle_in_transaction_session_timeout", "1.5min", "90s"),
            ("work_mem", "10240", "10MB"),
            ("datestyle", "dmy", "ISO, DMY"),
            ("timezone", "europe/berlin", "Europe/Berlin"),
            ("timezone", "+2", "<+02>-02"),
            ("search_path", "a, \"B c\",Public", "a, \"B c\", public"),
            ("jit", "tr", "on"),
            ("client_encoding", "utf-8", "UTF8"),
            ("client_encoding", "'utf-8'", "UTF8"),
            ("app.anything", "x", "x"),
        ] {
            assert_eq!(after(&[(name, given)]).get(name).unwrap(), shown);
        }
    }

    #[test]
    fn a_value_that_cannot_be_is_refused() {
        for (name, value, kind) in [
            ("statement_timeout", "soon", Kind::InvalidParameterValue),
            ("timezone", "Mars/Olympus", Kind::InvalidParameterValue),
            ("client_encoding", "latin1", Kind::InvalidParameterValue),
            ("server_version", "16", Kind::CannotChange),
            ("sttement_timeout", "1", Kind::UndefinedObject),
            ("enable_sort", "maybe", Kind::InvalidParameterValue),
            ("extra_float_digits", "99", Kind::InvalidParameterValue),
        ] {
            assert_eq!(Settings::default().set(name, Some(value)).unwrap_err().kind, kind, "{name}");
        }
    }

    #[test]
    fn a_local_value_ends_with_its_transaction_and_reset_goes_back_to_the_start() {
        let mut settings = Settings::default();
        settings.set_start("statement_timeout", "7s").unwrap();
        settings.set("statement_timeout", Some("5s")).unwrap();
        settings.set_local("statement_timeout", Some("2s")).unwrap();
        assert_eq!(settings.get("statement_timeout"), Ok("2s"));
        settings.end_local();
        assert!(settings.listed().iter().any(|setting| setting.name == "statement_timeout" && setting.value == "5s"));
        settings.set("statement_timeout", None).unwrap();
        assert_eq!(settings.time("statement_timeout"), Some(Duration::from_secs(7)));
    }
}
