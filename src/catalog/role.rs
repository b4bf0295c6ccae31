//! Roles, and what they were granted.
//!
//! Only superusers log in so far, who may do everything: privileges are kept and told, not yet asked.

use super::snapshot::conflict;
use super::{Snapshot, Subject};
use crate::base::{Error, Kind, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The role that always exists.
pub const OWNER: &str = "aqueduct";

/// Everybody, as a grantee.
pub const PUBLIC: &str = "public";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    pub name: String,
    pub superuser: bool,
    pub login: bool,
    pub create_role: bool,
    pub create_db: bool,
    pub inherit: bool,
    /// Roles that it is a member of, and whether it may make others members.
    pub member_of: BTreeMap<String, bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Privilege {
    Insert,
    Select,
    Update,
    Delete,
    Truncate,
    References,
    Trigger,
    Execute,
    Usage,
    Create,
    Temporary,
    Connect,
    /// Of a model.
    Predict,
}

/// Each with its name and its letter in an `aclitem`, in the order of those.
pub const PRIVILEGES: &[(Privilege, &str, char)] = &[
    (Privilege::Insert, "INSERT", 'a'),
    (Privilege::Select, "SELECT", 'r'),
    (Privilege::Update, "UPDATE", 'w'),
    (Privilege::Delete, "DELETE", 'd'),
    (Privilege::Truncate, "TRUNCATE", 'D'),
    (Privilege::References, "REFERENCES", 'x'),
    (Privilege::Trigger, "TRIGGER", 't'),
    (Privilege::Execute, "EXECUTE", 'X'),
    (Privilege::Usage, "USAGE", 'U'),
    (Privilege::Create, "CREATE", 'C'),
    (Privilege::Temporary, "TEMPORARY", 'T'),
    (Privilege::Connect, "CONNECT", 'c'),
    (Privilege::Predict, "PREDICT", 'X'),
];

/// What one role may do to one object, each with whether it may grant that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub subject: Subject,
    pub grantee: String,
    pub privileges: BTreeMap<Privilege, bool>,
}

impl Role {
    pub fn new(name: &str) -> Role {
        Role { name: name.to_string(), inherit: true, ..Role::default() }
    }

    /// The role that always exists.
    pub fn owner() -> Role {
        Role { superuser: true, login: true, create_role: true, create_db: true, ..Role::new(OWNER) }
    }
}

impl Privilege {
    /// As it is written.
    pub fn name(self) -> &'static str {
        PRIVILEGES.iter().find(|(privilege, ..)| *privilege == self).map_or("", |(_, name, _)| name)
    }

    /// What ALL means for an object.
    pub fn all(subject: &Subject) -> &'static [Privilege] {
        use Privilege::*;
        match subject {
            Subject::Relation(_) => &[Insert, Select, Update, Delete, Truncate, References, Trigger],
            Subject::Column(..) => &[Insert, Select, Update, References],
            Subject::Sequence(_) => &[Select, Update, Usage],
            Subject::Schema(_) => &[Usage, Create],
            Subject::Database => &[Create, Temporary, Connect],
            Subject::Connection(_) => &[Usage],
            Subject::Model(_) => &[Predict],
            Subject::Workflow(_) => &[Execute],
            Subject::Index(_) | Subject::Constraint(..) => &[],
        }
    }
}

impl Snapshot {
    pub fn role(&self, name: &str) -> Result<Arc<Role>> {
        match self.roles.get(name) {
            Some(role) => Ok(role.clone()),
            None if name == OWNER => Ok(Arc::new(Role::owner())),
            None => Err(Error::new(Kind::UndefinedObject, format!("role \"{name}\" does not exist"))),
        }
    }

    /// All roles, the one that always exists among them.
    pub fn all_roles(&self) -> Vec<Arc<Role>> {
        let owner = (!self.roles.contains_key(OWNER)).then(|| Arc::new(Role::owner()));
        owner.into_iter().chain(self.roles.values().cloned()).collect()
    }

    /// Whether a role is a member of another, directly or not, or that one itself.
    pub fn is_member(&self, role: &str, of: &str) -> bool {
        role == of
            || self.roles.get(role).is_some_and(|role| role.member_of.keys().any(|other| self.is_member(other, of)))
    }

    pub(super) fn put_role(&mut self, role: &Role, replaces: Option<&Role>) -> Result<()> {
        let last = self.role(&role.name).ok();
        match (last.as_deref(), replaces) {
            (Some(_), None) => {
                return Err(Error::new(Kind::DuplicateObject, format!("role \"{}\" already exists", role.name)));
            }
            (last, replaces) if last != replaces => return Err(conflict(&role.name)),
            _ => {}
        }
        self.roles.insert(role.name.clone(), Arc::new(role.clone()));
        Ok(())
    }

    /// Its memberships go with it; what it was granted must be revoked before.
    pub(super) fn drop_role(&mut self, name: &str) -> Result<()> {
        self.role(name)?;
        let kept: Vec<_> = self.grants.values().filter(|grant| grant.grantee == name).collect();
        if !kept.is_empty() {
            let lines: Vec<_> = kept.iter().map(|grant| format!("privileges for {}", grant.subject)).collect();
            let message = format!("role \"{name}\" cannot be dropped because some objects depend on it");
            return Err(Error::new(Kind::DependentObjects, message)
                .detail(lines.join("\n"))
                .hint(format!("REVOKE them first, or DROP OWNED BY {}", crate::base::quote_identifier(name))));
        }
        self.roles.remove(name);
        for role in self.roles.values_mut().filter(|role| role.member_of.contains_key(name)) {
            Arc::make_mut(role).member_of.remove(name);
        }
        Ok(())
    }

    pub(super) fn grant(&mut self, subject: &Subject, grantee: &str, given: &[Privilege], option: bool) {
        let key = (subject.clone(), grantee.to_string());
        let empty = || Grant { subject: subject.clone(), grantee: grantee.to_string(), privileges: BTreeMap::new() };
        let mut grant = self.grants.get(&key).map_or_else(empty, |grant| (**grant).clone());
        given.iter().for_each(|privilege| *grant.privileges.entry(*privilege).or_default() |= option);
        self.grants.insert(key, Arc::new(grant));
    }

    /// Takes privileges back, or only the option to grant them.
    pub(super) fn revoke(&mut self, subject: &Subject, grantee: &str, taken: &[Privilege], option_only: bool) {
        let key = (subject.clone(), grantee.to_string());
        let Some(grant) = self.grants.get(&key) else { return };
        let mut grant = (**grant).clone();
        match option_only {
            true => grant.privileges.iter_mut().filter(|(it, _)| taken.contains(it)).for_each(|(_, may)| *may = false),
            false => grant.privileges.retain(|privilege, _| !taken.contains(privilege)),
        }
        match grant.privileges.is_empty() {
            true => drop(self.grants.remove(&key)),
            false => drop(self.grants.insert(key, Arc::new(grant))),
        }
    }

    /// What each role was granted on an object, by name.
    pub fn granted<'a>(&'a self, subject: &Subject) -> impl Iterator<Item = &'a Grant> + use<'a> {
        let (first, subject) = ((subject.clone(), String::new()), subject.clone());
        self.grants.range(first..).take_while(move |((of, _), _)| *of == subject).map(|(_, grant)| grant.as_ref())
    }

    /// Whether a role may do it: as a superuser, by a grant to itself, to a role of which it is a member, or to everybody.
    pub fn may(&self, role: &str, privilege: Privilege, subject: &Subject, grant_it: bool) -> bool {
        if self.all_roles().iter().any(|known| known.superuser && known.name == role) {
            return true;
        }
        self.granted(subject).any(|grant| {
            let option = grant.privileges.get(&privilege);
            option.is_some_and(|option| *option || !grant_it)
                && (grant.grantee == PUBLIC || self.is_member(role, &grant.grantee))
        })
    }
}
