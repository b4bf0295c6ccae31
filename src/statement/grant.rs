//! `GRANT` and `REVOKE`: privileges on objects, and membership in roles.

use super::role::Named;
use super::target::Written;
use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement};
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::{Change, PRIVILEGES, Privilege, Relation, Subject};
use crate::query::Context;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::tokenizer::Token as Kinds;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "GRANT",
        synopsis: "\
GRANT {privilege [(column, …)], … | ALL [PRIVILEGES]} ON object TO {role | PUBLIC}, … [WITH GRANT OPTION]
REVOKE [GRANT OPTION FOR] {privilege [(column, …)], … | ALL [PRIVILEGES]} ON object FROM {role | PUBLIC}, …
GRANT role, … TO role, … [WITH ADMIN OPTION]
REVOKE [ADMIN OPTION FOR] role, … FROM role, …

object: [TABLE] name, … | ALL TABLES IN SCHEMA name, … | SEQUENCE name, … | ALL SEQUENCES IN SCHEMA name, …
    | SCHEMA name, … | DATABASE name | MODEL name, … | WORKFLOW name, … | FOREIGN SERVER connection, …",
        about: "Privileges are SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES and TRIGGER of a table or view, \
USAGE and CREATE of a schema, USAGE, SELECT and UPDATE of a sequence, PREDICT of a model, EXECUTE of a workflow. They \
are kept, follow an object that is renamed, and are told by \\dp, information_schema.table_privileges and \
has_table_privilege(role, …). They are not asked before a statement runs: whoever logs in is a superuser so far.",
        example: "GRANT SELECT ON ALL TABLES IN SCHEMA ml TO reporting;\nGRANT PREDICT ON MODEL churn TO reporting;",
    },
    leads: &["GRANT", "REVOKE"],
    read,
};

#[derive(Debug)]
struct Grant {
    revoke: bool,
    /// WITH GRANT OPTION, or GRANT OPTION FOR.
    option: bool,
    given: Given,
    grantees: Vec<Named>,
    text: String,
}

#[derive(Debug)]
enum Given {
    Roles(Vec<Named>),
    Privileges { list: Vec<Item>, what: What, names: Vec<(Vec<String>, usize)> },
}

/// A privilege, `None` for all, of columns when there are some.
#[derive(Debug)]
struct Item {
    privilege: Option<Privilege>,
    columns: Vec<String>,
    offset: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Table,
    Tables,
    Sequence,
    Sequences,
    Schema,
    Database,
    Model,
    Workflow,
    Server,
    /// There are none that can be granted.
    Functions,
}

const WHAT: &[(&str, What)] = &[
    ("ALL TABLES IN SCHEMA", What::Tables),
    ("ALL SEQUENCES IN SCHEMA", What::Sequences),
    ("ALL FUNCTIONS IN SCHEMA", What::Functions),
    ("ALL ROUTINES IN SCHEMA", What::Functions),
    ("TABLE _", What::Table),
    ("SEQUENCE _", What::Sequence),
    ("SCHEMA _", What::Schema),
    ("DATABASE _", What::Database),
    ("MODEL _", What::Model),
    ("WORKFLOW _", What::Workflow),
    ("FOREIGN SERVER _", What::Server),
    ("CONNECTION _", What::Server),
];

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    let (text, revoke) = (cursor.text().to_string(), cursor.sees("REVOKE"));
    cursor.skip();
    let mut option = revoke && (cursor.eat("GRANT OPTION FOR") || cursor.eat("ADMIN OPTION FOR"));
    let mut ahead = cursor.clone();
    // Privileges stand before ON, roles before TO or FROM.
    let of_objects = loop {
        match () {
            () if ahead.at_end() || ahead.sees("TO") || ahead.sees("FROM") => break false,
            () if ahead.sees("ON") => break true,
            () => ahead.skip(),
        }
    };
    let given = if of_objects {
        let list = if cursor.sees("ALL") {
            let offset = cursor.offset();
            let _ = cursor.eat("ALL PRIVILEGES") || cursor.eat("ALL");
            let columns = columns(cursor)?;
            vec![Item { privilege: None, columns, offset }]
        } else {
            cursor.several(privilege)?
        };
        cursor.expect("ON")?;
        let what = WHAT.iter().find(|(phrase, _)| cursor.sees(phrase)).copied();
        if let Some((phrase, _)) = what {
            cursor.eat(phrase.trim_end_matches(" _"));
        }
        let name = |cursor: &mut Cursor| {
            let offset = cursor.offset();
            Ok((cursor.dotted()?, offset))
        };
        Given::Privileges { list, what: what.map_or(What::Table, |(_, what)| what), names: cursor.several(name)? }
    } else {
        Given::Roles(cursor.several(Named::read)?)
    };
    cursor.expect(if revoke { "FROM" } else { "TO" })?;
    let grantees = cursor.several(|cursor| {
        let _ = cursor.sees("GROUP _") && cursor.eat("GROUP");
        Named::read(cursor)
    })?;
    option |= !revoke && (cursor.eat("WITH GRANT OPTION") || cursor.eat("WITH ADMIN OPTION"));
    if cursor.eat("GRANTED BY") {
        cursor.identifier()?;
    }
    let _ = revoke && (cursor.eat("CASCADE") || cursor.eat("RESTRICT"));
    Ok(Arc::new(Grant { revoke, option, given, grantees, text }))
}

fn columns(cursor: &mut Cursor) -> Result<Vec<String>> {
    if cursor.sees_token(&Kinds::LParen) { cursor.list(Cursor::identifier) } else { Ok(vec![]) }
}

fn privilege(cursor: &mut Cursor) -> Result<Item> {
    let (offset, word) = (cursor.offset(), cursor.identifier()?);
    let name = if word == "temp" { "temporary" } else { &word };
    let known = PRIVILEGES.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(name));
    let Some((privilege, ..)) = known else {
        return Err(Error::new(Kind::Syntax, format!("unrecognized privilege type \"{word}\"")).at(offset));
    };
    Ok(Item { privilege: Some(*privilege), columns: columns(cursor)?, offset })
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl What {
    /// What an object of this kind that has a name is about.
    fn subject(self, context: &Context, parts: &[String], offset: usize) -> Result<Subject> {
        let snapshot = &context.snapshot;
        let written = Written::of(parts.to_vec(), offset);
        let undefined = |what: &str, kind: Kind| {
            Error::new(kind, format!("{what} \"{}\" does not exist", written.last())).at(offset)
        };
        let inside = |known: &dyn Fn(&Name) -> bool| written.places(context).into_iter().find(|name| known(name));
        let sequence = || inside(&|name| snapshot.sequences.contains_key(name)).map(Subject::Sequence);
        match self {
            What::Table => match (written.find(context)?, sequence()) {
                (Some(name), _) => Ok(Subject::Relation(name)),
                (None, Some(sequence)) => Ok(sequence),
                (None, None) => Err(written.undefined(snapshot)),
            },
            What::Sequence => sequence().ok_or_else(|| undefined("relation", Kind::UndefinedTable)),
            What::Model => inside(&|name| snapshot.models.contains_key(name))
                .map(Subject::Model)
                .ok_or_else(|| undefined("model", Kind::UndefinedFunction)),
            What::Workflow => inside(&|name| snapshot.workflows.contains_key(name))
                .map(Subject::Workflow)
                .ok_or_else(|| undefined("workflow", Kind::UndefinedObject)),
            What::Schema | What::Tables | What::Sequences | What::Functions => {
                snapshot.schema(written.last()).map_err(|error| error.at(offset))?;
                Ok(Subject::Schema(written.last().to_string()))
            }
            What::Server => {
                snapshot.connection(written.last()).map_err(|error| error.at(offset))?;
                Ok(Subject::Connection(written.last().to_string()))
            }
            What::Database if written.last() == crate::base::name::database() => Ok(Subject::Database),
            What::Database => Err(undefined("database", Kind::UndefinedDatabase)),
        }
    }

    /// The objects that a name of the statement means.
    fn subjects(self, context: &Context, parts: &[String], offset: usize) -> Result<Vec<Subject>> {
        let subject = self.subject(context, parts, offset)?;
        let (Subject::Schema(schema), What::Tables | What::Sequences | What::Functions) = (&subject, self) else {
            return Ok(vec![subject]);
        };
        let snapshot = &context.snapshot;
        let relations = snapshot.relations.keys().filter(|name| self == What::Tables && name.schema == *schema);
        let sequences = snapshot.sequences.keys().filter(|name| self == What::Sequences && name.schema == *schema);
        Ok(relations.cloned().map(Subject::Relation).chain(sequences.cloned().map(Subject::Sequence)).collect())
    }
}

/// How messages call a kind of object.
fn kind(subject: &Subject) -> &'static str {
    match subject {
        Subject::Relation(_) => "relation",
        Subject::Column(..) => "column",
        Subject::Sequence(_) => "sequence",
        Subject::Schema(_) => "schema",
        Subject::Database => "database",
        Subject::Connection(_) => "foreign server",
        Subject::Model(_) => "model",
        Subject::Workflow(_) => "workflow",
        Subject::Index(_) => "index",
        Subject::Constraint(..) => "constraint",
    }
}

impl Grant {
    fn change(&self, subject: Subject, grantee: String, privileges: Vec<Privilege>) -> Change {
        match self.revoke {
            true => Change::Revoke { subject, grantee, privileges, option_only: self.option },
            false => Change::Grant { subject, grantee, privileges, option: self.option },
        }
    }

    fn of_objects(&self, session: &Session, list: &[Item], subjects: &[Subject]) -> Result<Vec<Change>> {
        let mut changes = vec![];
        for grantee in &self.grantees {
            let grantee = grantee.grantee(session)?;
            for subject in subjects {
                for item in list {
                    for subject in item.about(session, subject)? {
                        let all = Privilege::all(&subject);
                        let privileges = match item.privilege {
                            Some(privilege) if !all.contains(&privilege) => {
                                let message =
                                    format!("invalid privilege type {} for {}", privilege.name(), kind(&subject));
                                return Err(Error::new(Kind::InvalidGrant, message).at(item.offset));
                            }
                            Some(privilege) => vec![privilege],
                            None => all.to_vec(),
                        };
                        changes.push(self.change(subject, grantee.clone(), privileges));
                    }
                }
            }
        }
        Ok(changes)
    }

    fn of_roles(&self, session: &mut Session, roles: &[Named]) -> Result<Vec<Change>> {
        let mut changes: Vec<Change> = vec![];
        for member in &self.grantees {
            let before = member.role(session)?;
            let mut member = (*before).clone();
            for role in roles {
                let (role, snapshot) = (role.role(session)?, session.snapshot());
                if self.revoke {
                    match (member.member_of.contains_key(&role.name), self.option) {
                        (true, true) => drop(member.member_of.insert(role.name.clone(), false)),
                        (true, false) => drop(member.member_of.remove(&role.name)),
                        (false, _) => session
                            .notice(format!("role \"{}\" is not a member of role \"{}\"", member.name, role.name)),
                    }
                    continue;
                }
                if snapshot.is_member(&role.name, &member.name) {
                    let message = format!("role \"{}\" is a member of role \"{}\"", role.name, member.name);
                    return Err(Error::new(Kind::InvalidGrant, message));
                }
                if member.member_of.get(&role.name).is_some_and(|admin| *admin || !self.option) {
                    let already = format!("role \"{}\" is already a member of role \"{}\"", member.name, role.name);
                    session.notice(already);
                }
                *member.member_of.entry(role.name.clone()).or_default() |= self.option;
            }
            changes.push(Change::PutRole { role: member, replaces: Some(before) });
        }
        Ok(changes)
    }
}

impl Item {
    /// The object, or its columns when they are named.
    fn about(&self, session: &Session, subject: &Subject) -> Result<Vec<Subject>> {
        if self.columns.is_empty() {
            return Ok(vec![subject.clone()]);
        }
        let Subject::Relation(name) = subject else {
            return Err(
                Error::new(Kind::InvalidGrant, "column privileges are only valid for relations").at(self.offset)
            );
        };
        let snapshot = session.snapshot();
        let column = |column: &String| {
            let subject = Subject::Column(name.clone(), column.clone());
            if snapshot.has(&subject) || matches!(snapshot.relation(name), Some(Relation::View(_))) {
                return Ok(subject);
            }
            let message = format!("column \"{column}\" of relation \"{}\" does not exist", name.name);
            Err(Error::new(Kind::UndefinedColumn, message).at(self.offset))
        };
        self.columns.iter().map(column).collect()
    }
}

impl Statement for Grant {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let (changes, tag) = match &self.given {
            Given::Roles(roles) => {
                (self.of_roles(session, roles)?, if self.revoke { "REVOKE ROLE" } else { "GRANT ROLE" })
            }
            Given::Privileges { list, what, names } => {
                let (context, mut subjects) = (session.context(), vec![]);
                for (parts, offset) in names {
                    subjects.extend(what.subjects(&context, parts, *offset)?);
                }
                let tag = if self.revoke { "REVOKE" } else { "GRANT" };
                (self.of_objects(session, list, &subjects)?, tag)
            }
        };
        session.change(changes, tag)?;
        Ok(Response::Done { tag: tag.to_string() })
    }
}
