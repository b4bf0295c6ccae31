//! What a statement is planned in.

use super::system::sessions::Member;
use crate::base::{Name, Type};
use crate::catalog::{Snapshot, temporary};
use chrono::{DateTime, Utc};
use datafusion::catalog::TableProvider;
use datafusion::common::ScalarValue;
use parking_lot::Mutex;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// The catalog as of the statement's start, who asks, and names that only this statement knows.
#[derive(Clone, Debug)]
pub struct Context {
    pub snapshot: Arc<Snapshot>,
    pub user: String,
    /// Of the session, 0 outside one.
    pub pid: i32,
    /// The session as others see it; none outside one.
    pub member: Option<Arc<Member>>,
    pub now: DateTime<Utc>,
    /// Schemas in which an unqualified name is looked up, first hit wins.
    pub search_path: Vec<String>,
    /// Relations found before any schema's when named without one: the steps of a run.
    pub relations: BTreeMap<String, Arc<dyn TableProvider>>,
    /// Relations of the snapshot that were looked up.
    pub reads: Arc<Mutex<BTreeSet<Name>>>,
    /// What `param()`, `run_id()` and the like answer; outside a run they are refused.
    pub run: Option<Arc<RunContext>>,
    /// The session's settings, for `current_setting` and `pg_settings`; empty outside a session.
    pub settings: Arc<[Setting]>,
    /// What `set_config` asked for while the statement ran; the session sets it afterwards.
    pub settings_wanted: Arc<Mutex<Vec<(String, Option<String>)>>>,
    /// When planning and running must have ended (`statement_timeout`).
    pub deadline: Option<Instant>,
    /// Trips when planning must stop.
    pub cancel: CancellationToken,
}

/// One session setting as `SHOW ALL` tells it.
#[derive(Clone, Debug)]
pub struct Setting {
    pub name: Cow<'static, str>,
    pub value: String,
    pub default: &'static str,
    pub about: &'static str,
}

/// What a run knows about itself.
#[derive(Clone, Debug)]
pub struct RunContext {
    pub run_id: String,
    pub scheduled_at: DateTime<Utc>,
    /// From the tick before this one to this one; for a run started by hand, from the last scheduled tick to now.
    pub interval_start: DateTime<Utc>,
    pub interval_end: DateTime<Utc>,
    /// `None` until the run has ended: only FINALLY may ask.
    pub status: Option<String>,
    pub params: BTreeMap<String, (Type, ScalarValue)>,
}

impl Context {
    pub fn new(snapshot: Arc<Snapshot>, user: &str, now: DateTime<Utc>) -> Self {
        Context {
            snapshot,
            user: user.to_string(),
            pid: 0,
            member: None,
            now,
            search_path: vec![crate::base::name::DEFAULT_SCHEMA.to_string()],
            relations: BTreeMap::new(),
            reads: Arc::default(),
            run: None,
            settings: Arc::new([]),
            settings_wanted: Arc::default(),
            deadline: None,
            cancel: CancellationToken::new(),
        }
    }

    /// The same, found before any schema's relations under `name`.
    pub fn with_relation(mut self, name: &str, relation: Arc<dyn TableProvider>) -> Self {
        self.relations.insert(name.to_string(), relation);
        self
    }

    /// Whether what was planned in this context holds in another: it may differ in the time and in how it is stopped.
    pub fn is_basis_of(&self, other: &Context) -> bool {
        Arc::ptr_eq(&self.snapshot, &other.snapshot)
            && Arc::ptr_eq(&self.settings, &other.settings)
            && Arc::ptr_eq(&self.settings_wanted, &other.settings_wanted)
            && (&self.user, self.pid, &self.search_path) == (&other.user, other.pid, &other.search_path)
            && self.relations.is_empty()
            && other.relations.is_empty()
            && self.run.is_none()
            && other.run.is_none()
    }

    /// The schema in which objects are created that are given without one.
    pub fn creation_schema(&self) -> Option<String> {
        self.search_path.iter().find(|schema| *schema != temporary::SCHEMA).cloned()
    }

    /// The zone in which timestamps without one are meant.
    pub fn time_zone(&self) -> &str {
        self.settings.iter().find(|setting| setting.name == "TimeZone").map_or("UTC", |setting| &setting.value)
    }
}
