//! `LISTEN`, `NOTIFY`, `UNLISTEN`, `CLOSE`: what this version does not have, and the ways out of it that pools take.

use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement};
use crate::base::{Error, Kind, Result};
use crate::session::Effect;
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "UNLISTEN, CLOSE",
        synopsis: "UNLISTEN {channel | *}\nCLOSE ALL",
        about: "Taken from pools that clean up a session. There is nothing to clean up: LISTEN, NOTIFY and cursors \
are not supported in this version.",
        example: "UNLISTEN *;",
    },
    leads: &["LISTEN", "NOTIFY", "UNLISTEN", "CLOSE"],
    read,
};

#[derive(Debug)]
enum Clean {
    Unlisten,
    CloseAll,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    for word in ["LISTEN", "NOTIFY"] {
        if cursor.sees(word) {
            return Err(Error::unsupported(format!("{word} is not supported")).at(cursor.offset()));
        }
    }
    if cursor.eat("CLOSE") {
        if cursor.eat("ALL") {
            return Ok(Arc::new(Clean::CloseAll));
        }
        let at = cursor.offset();
        let name = cursor.identifier()?;
        return Err(Error::new(Kind::InvalidCursor, format!("cursor \"{name}\" does not exist")).at(at));
    }
    cursor.expect("UNLISTEN")?;
    if !cursor.eat_token(&crate::base::sql::Kinds::Mul) {
        cursor.identifier()?;
    }
    Ok(Arc::new(Clean::Unlisten))
}

impl Statement for Clean {
    fn effect(&self) -> Effect {
        Effect::Session
    }

    async fn run(&self, _: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let tag = match self {
            Clean::Unlisten => "UNLISTEN",
            Clean::CloseAll => "CLOSE CURSOR ALL",
        };
        Ok(Response::Done { tag: tag.into() })
    }
}

impl fmt::Display for Clean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Clean::Unlisten => "UNLISTEN *",
            Clean::CloseAll => "CLOSE ALL",
        })
    }
}
