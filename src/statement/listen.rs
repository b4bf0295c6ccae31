//! `LISTEN`, `NOTIFY`, `UNLISTEN`: what sessions tell each other.

use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement};
use crate::base::sql::Kinds;
use crate::base::{Result, quote_identifier, quote_literal};
use crate::query::system::sessions::Listen;
use crate::session::Effect;
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "LISTEN, NOTIFY, UNLISTEN",
        synopsis: "LISTEN channel\nNOTIFY channel [, 'payload']\nUNLISTEN {channel | *}",
        about: "Sends a text of fewer than 8000 bytes to every session that listens to a channel. What a transaction \
says is sent when it commits, the same text once; a session in a transaction block hears it when the block has ended. \
Nothing is kept for those who are not there. `pg_notify(channel, payload)` says it in a query.",
        example: "LISTEN arrivals;\nNOTIFY arrivals, 'AA 100';",
    },
    leads: &["LISTEN", "NOTIFY", "UNLISTEN"],
    read,
};

#[derive(Debug)]
enum Channel {
    Listen(Listen),
    Notify { channel: String, payload: String },
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    let statement = if cursor.eat("LISTEN") {
        Channel::Listen(Listen::On(cursor.identifier()?))
    } else if cursor.eat("UNLISTEN") {
        Channel::Listen(match cursor.eat_token(&Kinds::Mul) {
            true => Listen::AllOff,
            false => Listen::Off(cursor.identifier()?),
        })
    } else {
        cursor.expect("NOTIFY")?;
        let channel = cursor.identifier()?;
        let payload = if cursor.eat_token(&Kinds::Comma) { cursor.string()? } else { String::new() };
        Channel::Notify { channel, payload }
    };
    Ok(Arc::new(statement))
}

impl Statement for Channel {
    fn effect(&self) -> Effect {
        Effect::Session
    }

    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let tag = match self {
            Channel::Listen(listen) => {
                session.member.listen(listen.clone());
                if matches!(listen, Listen::On(_)) { "LISTEN" } else { "UNLISTEN" }
            }
            Channel::Notify { channel, payload } => {
                session.member.notify(channel, payload)?;
                "NOTIFY"
            }
        };
        Ok(Response::Done { tag: tag.into() })
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Channel::Listen(Listen::On(channel)) => write!(f, "LISTEN {}", quote_identifier(channel)),
            Channel::Listen(Listen::Off(channel)) => write!(f, "UNLISTEN {}", quote_identifier(channel)),
            Channel::Listen(Listen::AllOff) => f.write_str("UNLISTEN *"),
            Channel::Notify { channel, payload } if payload.is_empty() => {
                write!(f, "NOTIFY {}", quote_identifier(channel))
            }
            Channel::Notify { channel, payload } => {
                write!(f, "NOTIFY {}, {}", quote_identifier(channel), quote_literal(payload))
            }
        }
    }
}
