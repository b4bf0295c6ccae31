//! `CREATE ROLE`, `ALTER ROLE`, `DROP ROLE`: who there is.

use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement};
use crate::base::{Error, Kind, Result, password};
use crate::catalog::{Change, Commit, OWNER, PUBLIC, Role, Snapshot};
use crate::store::Write;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::tokenizer::Token as Kinds;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "CREATE ROLE",
        synopsis: "\
CREATE {ROLE | USER | GROUP} name [[WITH] option …]
ALTER {ROLE | USER | GROUP} {name | CURRENT_USER} {[WITH] option … | RENAME TO name}
DROP {ROLE | USER | GROUP} [IF EXISTS] name, …
DROP OWNED BY name, …

option: SUPERUSER | LOGIN | CREATEDB | CREATEROLE | INHERIT, each with NO before it, PASSWORD {'text' | NULL},
    IN ROLE name, …, ROLE name, …, ADMIN name, …",
        about: "Somebody who may be granted something. CREATE USER means LOGIN as well. So far whoever logs in may do \
everything, and must be a SUPERUSER: privileges are kept and told by the catalog, for tools that set and compare them, \
but not asked before a statement runs. A password is kept as a SCRAM-SHA-256 verifier, from which it cannot be read \
back; psql's \\password works. DROP OWNED BY takes back all that a role was granted.",
        example: "CREATE ROLE reporting;\nCREATE USER ana SUPERUSER PASSWORD 'correct horse';",
    },
    leads: &[
        "CREATE ROLE",
        "CREATE USER",
        "CREATE GROUP",
        "ALTER ROLE",
        "ALTER USER",
        "ALTER GROUP",
        "DROP ROLE",
        "DROP USER",
        "DROP GROUP",
        "DROP OWNED BY",
    ],
    read,
};

#[derive(Debug)]
struct Roles {
    act: Act,
    text: String,
    /// Where the password stands.
    hidden: Vec<Range<usize>>,
}

#[derive(Debug)]
enum Act {
    Create {
        name: Named,
        options: Options,
    },
    Alter {
        name: Named,
        options: Options,
    },
    Rename {
        name: Named,
        to: Named,
    },
    Drop {
        names: Vec<Named>,
        if_exists: bool,
    },
    /// DROP OWNED
    Revoke {
        names: Vec<Named>,
    },
}

/// A name and where it stands.
#[derive(Debug)]
pub struct Named {
    name: String,
    offset: usize,
}

#[derive(Debug, Default)]
struct Options {
    superuser: Option<bool>,
    login: Option<bool>,
    create_db: Option<bool>,
    create_role: Option<bool>,
    inherit: Option<bool>,
    /// `Some(None)` takes it away.
    password: Option<Option<String>>,
    member_of: Vec<Named>,
    /// Roles that become members, and whether they may make others so.
    members: Vec<(Named, bool)>,
}

impl Named {
    /// A role's name, not of one that exists in any case.
    pub fn read(cursor: &mut Cursor) -> Result<Named> {
        let offset = cursor.offset();
        Ok(Named { name: cursor.identifier()?, offset })
    }

    /// The role that it means in a session.
    pub fn role(&self, session: &Session) -> Result<Arc<Role>> {
        let name = match self.name.as_str() {
            "current_user" | "current_role" | "session_user" => &session.user,
            name => name,
        };
        session.snapshot().role(name).map_err(|error| error.at(self.offset))
    }

    /// As [`Named::role`], or everybody.
    pub fn grantee(&self, session: &Session) -> Result<String> {
        if self.name == PUBLIC {
            return Ok(PUBLIC.to_string());
        }
        Ok(self.role(session)?.name.clone())
    }

    fn free(&self) -> Result<&str> {
        if self.name.starts_with("pg_") || matches!(self.name.as_str(), "public" | "none") {
            let message = format!("role name \"{}\" is reserved", self.name);
            let error = Error::new(Kind::ReservedName, message).at(self.offset);
            return Err(match self.name.starts_with("pg_") {
                true => error.detail("role names starting with \"pg_\" are reserved"),
                false => error,
            });
        }
        Ok(&self.name)
    }
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    let (text, mut hidden) = (cursor.text().to_string(), vec![]);
    let names = |cursor: &mut Cursor| cursor.several(Named::read);
    let act = if cursor.eat("DROP OWNED BY") {
        let names = names(cursor)?;
        let _ = cursor.eat("CASCADE") || cursor.eat("RESTRICT");
        Act::Revoke { names }
    } else if cursor.eat("DROP") {
        cursor.skip();
        let if_exists = cursor.eat("IF EXISTS");
        Act::Drop { names: names(cursor)?, if_exists }
    } else if cursor.eat("CREATE") {
        let login = cursor.sees("USER").then_some(true);
        cursor.skip();
        let name = Named::read(cursor)?;
        let mut options = Options::read(cursor, &mut hidden, true)?;
        options.login = options.login.or(login);
        Act::Create { name, options }
    } else {
        cursor.expect("ALTER")?;
        cursor.skip();
        let name = Named::read(cursor)?;
        match cursor.eat("RENAME TO") {
            true => Act::Rename { name, to: Named::read(cursor)? },
            false if cursor.sees("SET") || cursor.sees("RESET") || cursor.sees("IN DATABASE") => {
                return Err(Error::unsupported("settings of a role are not supported")
                    .at(cursor.offset())
                    .hint("SET them in each session, or in the server's settings".to_string()));
            }
            false => Act::Alter { name, options: Options::read(cursor, &mut hidden, false)? },
        }
    };
    Ok(Arc::new(Roles { act, text, hidden }))
}

impl Options {
    /// Memberships may be said of a role that is `new`; of others GRANT and REVOKE say them.
    fn read(cursor: &mut Cursor, hidden: &mut Vec<Range<usize>>, new: bool) -> Result<Options> {
        let mut options = Options::default();
        cursor.eat("WITH");
        while !cursor.at_end() {
            let flags = [
                ("SUPERUSER", &mut options.superuser),
                ("LOGIN", &mut options.login),
                ("CREATEDB", &mut options.create_db),
                ("CREATEROLE", &mut options.create_role),
                ("INHERIT", &mut options.inherit),
            ];
            let mut found = false;
            for (word, flag) in flags {
                let is = cursor.eat(word);
                if is || cursor.eat(&format!("NO{word}")) {
                    *flag = Some(is);
                    found = true;
                }
            }
            if found || cursor.eat("NOREPLICATION") || cursor.eat("NOBYPASSRLS") {
                continue;
            }
            if cursor.eat("ENCRYPTED PASSWORD") || cursor.eat("PASSWORD") {
                options.password = Some(match cursor.eat("NULL") {
                    true => None,
                    false => {
                        hidden.push(cursor.span());
                        Some(cursor.string()?)
                    }
                });
            } else if new && (cursor.eat("IN ROLE") || cursor.eat("IN GROUP")) {
                options.member_of.extend(cursor.several(Named::read)?);
            } else if new && (cursor.eat("ROLE") || cursor.eat("USER")) {
                options.members.extend(cursor.several(Named::read)?.into_iter().map(|name| (name, false)));
            } else if new && cursor.eat("ADMIN") {
                options.members.extend(cursor.several(Named::read)?.into_iter().map(|name| (name, true)));
            } else if cursor.sees("CONNECTION LIMIT") || cursor.sees("VALID UNTIL") || cursor.sees_token(&Kinds::Comma)
            {
                return Err(Error::unsupported("this option of a role is not supported").at(cursor.offset()));
            } else {
                return Err(cursor.expected("an option such as SUPERUSER, LOGIN, PASSWORD 'text'"));
            }
        }
        Ok(options)
    }

    /// The role with them.
    fn on(&self, session: &Session, role: Role) -> Result<Role> {
        let mut role = Role {
            superuser: self.superuser.unwrap_or(role.superuser),
            login: self.login.unwrap_or(role.login),
            create_db: self.create_db.unwrap_or(role.create_db),
            create_role: self.create_role.unwrap_or(role.create_role),
            inherit: self.inherit.unwrap_or(role.inherit),
            ..role
        };
        if role.name == OWNER && !(role.superuser && role.login) {
            return Err(Error::new(Kind::DependentObjects, format!("role \"{OWNER}\" must be able to log in"))
                .detail("the server itself needs it"));
        }
        if role.login && !role.superuser {
            return Err(Error::unsupported("a role that logs in must be a superuser")
                .detail("privileges are kept, but not asked before a statement runs, so it could do everything anyway")
                .hint("add SUPERUSER, or leave LOGIN out: CREATE ROLE".to_string()));
        }
        for other in &self.member_of {
            role.member_of.insert(other.role(session)?.name.clone(), false);
        }
        Ok(role)
    }

    /// What is kept of the password, where that changes.
    fn verifier(&self, role: &Role) -> Vec<Write> {
        match &self.password {
            Some(Some(text)) => vec![keep(&role.name, text)],
            Some(None) => vec![forget(&role.name)],
            None => vec![],
        }
    }
}

fn keep(role: &str, text: &str) -> Write {
    // Clients such as psql make the verifier, so that the password itself is never sent.
    let verifier = if password::parse(text).is_some() { text.to_string() } else { password::verifier(text) };
    Write::new(
        "INSERT INTO aqueduct_setting(name, value) VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value",
        [password::setting(role).into(), verifier.into()],
    )
}

fn forget(role: &str) -> Write {
    Write::new("DELETE FROM aqueduct_setting WHERE name = ?", [password::setting(role).into()])
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Roles {
    fn create(&self, session: &Session, name: &Named, options: &Options) -> Result<Commit> {
        let role = options.on(session, Role::new(name.free()?))?;
        let writes = options.verifier(&role);
        let created = role.name.clone();
        let mut changes = vec![Change::PutRole { role, replaces: None }];
        let mut members = BTreeMap::new();
        for (member, admin) in &options.members {
            let member = member.role(session)?;
            members.entry(member.name.clone()).or_insert((member, false)).1 |= admin;
        }
        changes.extend(members.into_values().map(|(member, admin)| joined(&member, &created, admin)));
        Ok(Commit { changes, writes, message: "CREATE ROLE".into(), ..Commit::default() })
    }

    fn alter(&self, session: &Session, name: &Named, options: &Options) -> Result<Commit> {
        let before = name.role(session)?;
        let role = options.on(session, (*before).clone())?;
        let writes = options.verifier(&role);
        let changes = vec![Change::PutRole { role, replaces: Some(before) }];
        Ok(Commit { changes, writes, message: "ALTER ROLE".into(), ..Commit::default() })
    }

    fn rename(&self, session: &Session, name: &Named, to: &Named) -> Result<Commit> {
        let (snapshot, role) = (session.snapshot(), name.role(session)?);
        if role.name == OWNER || role.name == session.user {
            return Err(Error::unsupported("session user cannot be renamed").at(name.offset));
        }
        let mut changes =
            vec![Change::PutRole { role: Role { name: to.free()?.into(), ..(*role).clone() }, replaces: None }];
        for grant in snapshot.grants.values().filter(|grant| grant.grantee == role.name) {
            for (privilege, option) in &grant.privileges {
                let (subject, privileges) = (grant.subject.clone(), vec![*privilege]);
                changes.push(Change::Grant { subject, grantee: to.name.clone(), privileges, option: *option });
            }
        }
        changes.extend(taken_back(&snapshot, &role.name));
        for member in snapshot.roles.values() {
            if let Some(admin) = member.member_of.get(&role.name) {
                changes.push(joined(member, &to.name, *admin));
            }
        }
        changes.push(Change::DropRole { name: role.name.clone() });
        let moved = Write::new(
            "UPDATE aqueduct_setting SET name = ? WHERE name = ?",
            [password::setting(&to.name).into(), password::setting(&role.name).into()],
        );
        Ok(Commit { changes, writes: vec![moved], message: "ALTER ROLE".into(), ..Commit::default() })
    }

    fn drop(&self, session: &mut Session, names: &[Named], if_exists: bool) -> Result<Commit> {
        let (mut changes, mut writes) = (vec![], vec![]);
        for name in names {
            let role = match name.role(session) {
                Ok(role) => role,
                Err(_) if if_exists => {
                    session.notice(format!("role \"{}\" does not exist, skipping", name.name));
                    continue;
                }
                Err(error) => return Err(error),
            };
            if role.name == session.user || role.name == OWNER {
                return Err(Error::new(Kind::ObjectInUse, "current user cannot be dropped").at(name.offset));
            }
            writes.push(forget(&role.name));
            changes.push(Change::DropRole { name: role.name.clone() });
        }
        Ok(Commit { changes, writes, message: "DROP ROLE".into(), ..Commit::default() })
    }
}

/// The change that makes a role a member of another.
fn joined(member: &Arc<Role>, of: &str, admin: bool) -> Change {
    let mut role = (**member).clone();
    role.member_of.insert(of.to_string(), admin);
    Change::PutRole { role, replaces: Some(member.clone()) }
}

/// The changes after which a role was granted nothing.
fn taken_back(snapshot: &Snapshot, role: &str) -> Vec<Change> {
    let grants = snapshot.grants.values().filter(|grant| grant.grantee == role);
    let revoke = |grant: &Arc<crate::catalog::Grant>| Change::Revoke {
        subject: grant.subject.clone(),
        grantee: role.to_string(),
        privileges: grant.privileges.keys().copied().collect(),
        option_only: false,
    };
    grants.map(revoke).collect()
}

impl Statement for Roles {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let commit = match &self.act {
            Act::Create { name, options } => self.create(session, name, options)?,
            Act::Alter { name, options } => self.alter(session, name, options)?,
            Act::Rename { name, to } => self.rename(session, name, to)?,
            Act::Drop { names, if_exists } => self.drop(session, names, *if_exists)?,
            Act::Revoke { names } => {
                let (snapshot, mut changes) = (session.snapshot(), vec![]);
                for name in names {
                    changes.extend(taken_back(&snapshot, &name.role(session)?.name));
                }
                Commit { changes, message: "DROP OWNED".into(), ..Commit::default() }
            }
        };
        let tag = commit.message.clone();
        session.add(commit)?;
        Ok(Response::Done { tag })
    }

    fn hidden(&self) -> Vec<Range<usize>> {
        self.hidden.clone()
    }
}
