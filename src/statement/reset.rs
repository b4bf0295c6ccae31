//! `RESET` and `DISCARD`: back to how the session began.

use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement};
use crate::base::{Error, Kind, Result};
use crate::query::system::sessions::Listen;
use crate::session::{Effect, Status};
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "RESET, DISCARD",
        synopsis: "RESET {name | ALL | TIME ZONE}\nDISCARD {ALL | PLANS | SEQUENCES | TEMP}",
        about: "Gives a setting the value that it had when the session began. DISCARD ALL resets all settings and \
forgets prepared statements, cursors, channels, advisory locks and temporary tables, for pools that hand a session on.",
        example: "RESET statement_timeout;",
    },
    leads: &["RESET", "DISCARD"],
    read,
};

#[derive(Debug)]
enum Reset {
    One(String),
    All,
    Discard(&'static str),
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    let reset = if cursor.eat("DISCARD") {
        Reset::Discard(cursor.one_of(&[
            ("ALL", "ALL"),
            ("PLANS", "PLANS"),
            ("SEQUENCES", "SEQUENCES"),
            ("TEMPORARY", "TEMP"),
            ("TEMP", "TEMP"),
        ])?)
    } else {
        cursor.expect("RESET")?;
        if cursor.eat("ALL") {
            Reset::All
        } else if cursor.eat("TIME ZONE") {
            Reset::One("TimeZone".into())
        } else if cursor.eat("SESSION AUTHORIZATION") || cursor.eat("ROLE") {
            // There is one role, and it is always back to itself.
            Reset::One("role".into())
        } else if cursor.eat("TRANSACTION ISOLATION LEVEL") {
            Reset::One("transaction_isolation".into())
        } else {
            Reset::One(cursor.dotted()?.join("."))
        }
    };
    Ok(Arc::new(reset))
}

impl Statement for Reset {
    fn effect(&self) -> Effect {
        match self {
            // It is in the transaction that temporary tables go.
            Reset::Discard("ALL" | "TEMP") => Effect::Read,
            _ => Effect::Session,
        }
    }

    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        session.transaction.remember(&session.settings);
        let tag = match self {
            Reset::One(name) if name == "role" => "RESET".to_string(),
            Reset::One(name) => {
                session.settings.set(name, None).map_err(|error| error.at("RESET ".len()))?;
                "RESET".to_string()
            }
            Reset::All => {
                session.settings.reset_all();
                "RESET".to_string()
            }
            Reset::Discard(what) => {
                match *what {
                    "ALL" => discard_all(session)?,
                    "TEMP" => session.discard_temporary()?,
                    _ => {}
                }
                format!("DISCARD {what}")
            }
        };
        Ok(Response::Done { tag })
    }
}

fn discard_all(session: &mut Session) -> Result<()> {
    if session.transaction.status() != Status::Idle {
        let message = "DISCARD ALL cannot run inside a transaction block";
        return Err(Error::new(Kind::ActiveTransaction, message));
    }
    session.settings.reset_all();
    session.prepared.clear();
    session.transaction.cursors.close_all();
    session.member.unlock_all();
    session.member.listen(Listen::AllOff);
    session.discard_temporary()
}

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reset::One(name) => write!(f, "RESET {name}"),
            Reset::All => f.write_str("RESET ALL"),
            Reset::Discard(what) => write!(f, "DISCARD {what}"),
        }
    }
}
