//! `BEGIN`, `COMMIT`, `ROLLBACK` and savepoints.

use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement};
use crate::base::sql::Kinds;
use crate::base::{Error, Kind, Result, quote_identifier};
use crate::session::{Effect, Isolation, Status};
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "BEGIN, COMMIT, ROLLBACK",
        synopsis: "\
{BEGIN | START TRANSACTION} [mode [, …]]
{COMMIT | END | ROLLBACK | ABORT} [AND [NO] CHAIN]
SAVEPOINT name
ROLLBACK TO [SAVEPOINT] name
RELEASE [SAVEPOINT] name",
        about: "\
A transaction is one commit. What its statements change, rows and definitions alike, they read at once; everybody else \
reads it after COMMIT, all of it. After ROLLBACK, an error, a lost client or a crash it has never been. Without BEGIN the \
statements of one message are a transaction, and so are those of the extended protocol up to its Sync.

With READ COMMITTED, the default, each statement reads what is committed by then; with REPEATABLE READ and SERIALIZABLE, \
what was committed when the block's first statement began. A SERIALIZABLE block that changes something is refused with \
40001 when a table or view that it read has changed since. No block locks anything or \
waits for another; UPDATE, DELETE, MERGE and INSERT into a table with a key take turns outside blocks, so that each finds \
what the one before has written. When others have committed something that its changes cannot follow, it is refused with 40001, at COMMIT or, with READ \
COMMITTED, at its next statement, and must be run again: the same file of rows was changed, or a table that it wrote to \
was dropped, replaced or altered, or a name was taken. Rows that others add are no such thing, unless they have a key that must be the only one (23505). A name in DROP, RENAME \
and TRUNCATE means what has it at COMMIT.

After an error everything is refused (25P02) until the block ends, or until ROLLBACK TO goes back to a savepoint with its \
rows, definitions and settings. EXECUTE WORKFLOW and CANCEL RUN cannot be rolled \
back: in a block they are refused (25001), in a message of several statements they first commit what stands before them. \
CREATE and REFRESH MATERIALIZED VIEW of rows that are kept here are a part of the block, and no run of their own there. \
COPY … TO a file, and the copy of a file that CREATE MODEL keeps, are not undone by ROLLBACK. With READ ONLY whatever \
writes is refused (25006).",
        example: "\
BEGIN;
CREATE TABLE flights__new AS SELECT * FROM flights WHERE arr_delay IS NOT NULL;
ALTER TABLE flights RENAME TO flights__old;
ALTER TABLE flights__new RENAME TO flights;
DROP TABLE flights__old;
COMMIT;",
    },
    leads: &["BEGIN", "START TRANSACTION", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"],
    read,
};

#[derive(Debug)]
enum Transaction {
    Begin { start: bool, modes: Modes },
    End { commit: bool, chain: bool },
    Savepoint(String),
    RollbackTo(String),
    Release(String),
}

/// What a transaction may be asked to be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Modes {
    isolation: Option<&'static str>,
    read_only: Option<bool>,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    let start = cursor.eat("START TRANSACTION");
    let statement = if start || cursor.eat("BEGIN") {
        if !start {
            let _ = cursor.eat("TRANSACTION") || cursor.eat("WORK");
        }
        let modes = if cursor.at_end() { Modes::default() } else { modes(cursor)? };
        Transaction::Begin { start, modes }
    } else if cursor.eat("SAVEPOINT") {
        Transaction::Savepoint(cursor.identifier()?)
    } else if cursor.eat("RELEASE") {
        cursor.eat("SAVEPOINT");
        Transaction::Release(cursor.identifier()?)
    } else {
        end(cursor)?
    };
    Ok(Arc::new(statement))
}

fn end(cursor: &mut Cursor) -> Result<Transaction> {
    let commit = cursor.one_of(&[("COMMIT", true), ("END", true), ("ROLLBACK", false), ("ABORT", false)])?;
    if cursor.sees("PREPARED") {
        return Err(Error::unsupported("two-phase commit is not supported").at(cursor.offset()));
    }
    let _ = cursor.eat("TRANSACTION") || cursor.eat("WORK");
    if !commit && cursor.eat("TO") {
        cursor.eat("SAVEPOINT");
        return Ok(Transaction::RollbackTo(cursor.identifier()?));
    }
    let chain = !cursor.eat("AND NO CHAIN") && cursor.eat("AND CHAIN");
    Ok(Transaction::End { commit, chain })
}

/// `ISOLATION LEVEL …, READ ONLY`: at least one.
pub(super) fn modes(cursor: &mut Cursor) -> Result<Modes> {
    let mut modes = Modes::default();
    loop {
        if cursor.eat("ISOLATION LEVEL") {
            modes.isolation = Some(cursor.one_of(&[
                ("SERIALIZABLE", "serializable"),
                ("REPEATABLE READ", "repeatable read"),
                ("READ COMMITTED", "read committed"),
                ("READ UNCOMMITTED", "read uncommitted"),
            ])?);
        } else if cursor.eat("READ ONLY") {
            modes.read_only = Some(true);
        } else if cursor.eat("READ WRITE") {
            modes.read_only = Some(false);
        } else if cursor.sees("SNAPSHOT") {
            return Err(Error::unsupported("snapshots cannot be imported").at(cursor.offset()));
        } else if !(cursor.eat("NOT DEFERRABLE") || cursor.eat("DEFERRABLE")) {
            return Err(cursor.expected("a transaction mode"));
        }
        // Postgres takes modes with and without commas between them.
        if !cursor.eat_token(&Kinds::Comma) && cursor.at_end() {
            return Ok(modes);
        }
    }
}

impl Modes {
    /// To the block that is open.
    pub(super) fn apply(self, session: &mut Session) -> Result<()> {
        if let Some(isolation) = self.isolation {
            if isolation != session.settings.get("transaction_isolation")? {
                before_reading(session, "SET TRANSACTION ISOLATION LEVEL must be called")?;
            }
            session.settings.set_local("transaction_isolation", Some(isolation))?;
            session.transaction.isolation = match isolation {
                "serializable" => Isolation::Serializable,
                "repeatable read" => Isolation::RepeatableRead,
                _ => Isolation::ReadCommitted,
            };
        }
        if let Some(read_only) = self.read_only {
            if !read_only && session.settings.read_only(true) {
                before_reading(session, "transaction read-write mode must be set")?;
            }
            session.settings.set_local("transaction_read_only", Some(flag(read_only)))?;
        }
        Ok(())
    }

    /// To the blocks that will be opened.
    pub(super) fn apply_default(self, session: &mut Session) -> Result<()> {
        if let Some(isolation) = self.isolation {
            session.settings.set("default_transaction_isolation", Some(isolation))?;
        }
        if let Some(read_only) = self.read_only {
            session.settings.set("default_transaction_read_only", Some(flag(read_only)))?;
        }
        Ok(())
    }

    /// What is not said is as the session's defaults say.
    fn or_default(self, session: &Session) -> Modes {
        let isolation = session.settings.get("default_transaction_isolation").ok();
        let isolation = isolation.and_then(|name| ISOLATIONS.iter().find(|known| **known == name).copied());
        let read_only = session.settings.get("default_transaction_read_only").ok().map(|value| value == "on");
        Modes { isolation: self.isolation.or(isolation), read_only: self.read_only.or(read_only) }
    }
}

const ISOLATIONS: &[&str] = &["serializable", "repeatable read", "read committed", "read uncommitted"];

fn flag(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

impl Statement for Transaction {
    fn effect(&self) -> Effect {
        Effect::Transaction
    }

    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let tag = match self {
            Transaction::Begin { start, modes } => {
                begin(session, *modes)?;
                if *start { "START TRANSACTION" } else { "BEGIN" }
            }
            Transaction::End { commit, chain } => finish(session, *commit, *chain).await?,
            Transaction::Savepoint(name) => {
                refuse_when_failed(session)?;
                session.transaction.savepoint(name, &session.settings)?;
                "SAVEPOINT"
            }
            Transaction::Release(name) => {
                refuse_when_failed(session)?;
                session.transaction.release(name)?;
                "RELEASE"
            }
            Transaction::RollbackTo(name) => {
                session.transaction.rollback_to(name, &mut session.settings)?;
                "ROLLBACK"
            }
        };
        Ok(Response::Done { tag: tag.into() })
    }
}

fn begin(session: &mut Session, modes: Modes) -> Result<()> {
    refuse_when_failed(session)?;
    let modes = modes.or_default(session);
    if session.transaction.begin(&session.settings, session.engine.clock.now()) {
        modes.apply(session)
    } else {
        session.warning("25001", "there is already a transaction in progress");
        Ok(())
    }
}

async fn finish(session: &mut Session, commit: bool, chain: bool) -> Result<&'static str> {
    let modes = Modes {
        isolation: session
            .settings
            .get("transaction_isolation")
            .ok()
            .and_then(|name| ISOLATIONS.iter().find(|known| **known == name).copied()),
        read_only: Some(session.settings.read_only(true)),
    };
    let was = session.transaction.status();
    if was == Status::Idle && chain {
        let what = if commit { "COMMIT AND CHAIN" } else { "ROLLBACK AND CHAIN" };
        let message = format!("{what} can only be used in transaction blocks");
        return Err(Error::new(Kind::NoActiveTransaction, message));
    }
    let outcome = if commit && was != Status::Failed { session.commit().await } else { Ok(()) };
    session.transaction.end(commit && outcome.is_ok(), &mut session.settings);
    outcome?;
    if was == Status::Idle {
        session.warning("25P01", "there is no transaction in progress");
    } else if chain {
        begin(session, modes)?;
    }
    Ok(if commit && was != Status::Failed { "COMMIT" } else { "ROLLBACK" })
}

/// Refuses a mode that would come too late.
fn before_reading(session: &Session, what: &str) -> Result<()> {
    match session.transaction.has_read() {
        true => Err(Error::new(Kind::ActiveTransaction, format!("{what} before any query"))),
        false => Ok(()),
    }
}

fn refuse_when_failed(session: &Session) -> Result<()> {
    session.transaction.admit_kept(Effect::Read)
}

impl fmt::Display for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Transaction::Begin { start, modes } => {
                write!(f, "{}{modes}", if *start { "START TRANSACTION" } else { "BEGIN" })
            }
            Transaction::End { commit, chain } => {
                let chain = if *chain { " AND CHAIN" } else { "" };
                write!(f, "{}{chain}", if *commit { "COMMIT" } else { "ROLLBACK" })
            }
            Transaction::Savepoint(name) => write!(f, "SAVEPOINT {}", quote_identifier(name)),
            Transaction::RollbackTo(name) => write!(f, "ROLLBACK TO SAVEPOINT {}", quote_identifier(name)),
            Transaction::Release(name) => write!(f, "RELEASE SAVEPOINT {}", quote_identifier(name)),
        }
    }
}

/// With a blank before the first; nothing when there is none.
impl fmt::Display for Modes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let isolation = self.isolation.map(|isolation| format!("ISOLATION LEVEL {}", isolation.to_uppercase()));
        let read_only = self.read_only.map(|on| if on { "READ ONLY" } else { "READ WRITE" }.to_string());
        let modes: Vec<_> = isolation.into_iter().chain(read_only).collect();
        if modes.is_empty() { Ok(()) } else { write!(f, " {}", modes.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    #[test]
    fn each_form_prints_back() {
        for (text, printed) in [
            ("begin", "BEGIN"),
            ("BEGIN WORK READ ONLY", "BEGIN READ ONLY"),
            (
                "start transaction isolation level serializable, read write, not deferrable",
                "START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ WRITE",
            ),
            ("end transaction", "COMMIT"),
            ("abort and no chain", "ROLLBACK"),
            ("rollback and chain", "ROLLBACK AND CHAIN"),
            ("savepoint \"A b\"", "SAVEPOINT \"A b\""),
            ("rollback to a", "ROLLBACK TO SAVEPOINT a"),
            ("release a", "RELEASE SAVEPOINT a"),
        ] {
            assert_eq!(parse(text).unwrap()[0].statement.to_string(), printed);
            assert_eq!(parse(printed).unwrap()[0].statement.to_string(), printed);
        }
    }
}
