//! `DECLARE`, `FETCH`, `MOVE`, `CLOSE`: a query's rows a few at a time.

use super::{AnyStatement, Cursor, Form, Manual, Parsed, Response, Session, Statement, parse};
use crate::base::sql::Kinds;
use crate::base::{Error, Kind, Result, Type, quote_identifier};
use crate::query::system::sessions::OpenCursor;
use crate::session::{Description, Direction, Effect, Status};
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "DECLARE, FETCH, MOVE, CLOSE",
        synopsis: "\
DECLARE name [BINARY] [INSENSITIVE | ASENSITIVE] [[NO] SCROLL] CURSOR [{WITH | WITHOUT} HOLD] FOR query
FETCH [direction] [FROM | IN] name
MOVE [direction] [FROM | IN] name
CLOSE {name | ALL}
direction: NEXT | PRIOR | FIRST | LAST | ABSOLUTE n | RELATIVE n | n | ALL | FORWARD [n | ALL] | BACKWARD [n | ALL]",
        about: "Opens a query as a cursor, gives its next rows or goes past them, and closes it. It reads what was \
there when it was declared, and is closed when the transaction ends; WITH HOLD keeps it after COMMIT, for the session. \
The query runs as its rows are fetched. SCROLL keeps every row that was fetched, many of them in a file, so that it goes \
back to any; NO SCROLL keeps none; said neither, it goes back as far as the last 16 MB. UPDATE and DELETE \
WHERE CURRENT OF are not supported.",
        example: "BEGIN;\nDECLARE late CURSOR FOR SELECT * FROM flights ORDER BY arr_delay DESC;\nFETCH 10 FROM late;",
    },
    leads: &["DECLARE", "FETCH", "MOVE", "CLOSE"],
    read,
};

#[derive(Debug)]
enum Declared {
    Open {
        name: String,
        binary: bool,
        scroll: Option<bool>,
        hold: bool,
        query: Parsed,
        text: String,
    },
    Fetch {
        name: String,
        direction: Direction,
    },
    Pass {
        name: String,
        direction: Direction,
    },
    /// `None` closes all.
    Close(Option<String>),
}

const ALL: i64 = i64::MAX;

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    let statement = if cursor.eat("DECLARE") {
        declaration(cursor)?
    } else if cursor.eat("CLOSE") {
        Declared::Close(if cursor.eat("ALL") { None } else { Some(cursor.identifier()?) })
    } else {
        let fetch = cursor.eat("FETCH");
        let _ = fetch || cursor.eat("MOVE");
        let direction = direction(cursor)?;
        let _ = cursor.eat("FROM") || cursor.eat("IN");
        let name = cursor.identifier()?;
        match fetch {
            true => Declared::Fetch { name, direction },
            false => Declared::Pass { name, direction },
        }
    };
    Ok(Arc::new(statement))
}

fn declaration(cursor: &mut Cursor) -> Result<Declared> {
    let name = cursor.identifier()?;
    let (mut binary, mut scroll) = (false, None);
    loop {
        let at = cursor.offset();
        let said = match () {
            () if cursor.eat("BINARY") => {
                binary = true;
                continue;
            }
            () if cursor.eat("INSENSITIVE") || cursor.eat("ASENSITIVE") => continue,
            () if cursor.eat("NO SCROLL") => false,
            () if cursor.eat("SCROLL") => true,
            () => break,
        };
        if scroll.is_some_and(|other| other != said) {
            let message = "cannot specify both SCROLL and NO SCROLL";
            return Err(Error::new(Kind::InvalidCursorDefinition, message).at(at));
        }
        scroll = Some(said);
    }
    cursor.expect("CURSOR")?;
    let hold = cursor.eat("WITH HOLD");
    let _ = hold || cursor.eat("WITHOUT HOLD");
    cursor.expect("FOR")?;
    let begins = ["SELECT", "WITH", "VALUES", "TABLE"].into_iter().any(|word| cursor.sees(word));
    if !begins && !cursor.sees_token(&Kinds::LParen) {
        return Err(cursor.unexpected());
    }
    let body = cursor.rest(|_| false)?;
    let mut statements = parse(&body.text).map_err(|error| error.shifted(body.offset))?;
    let query = statements.pop().ok_or_else(|| cursor.expected("a query"))?;
    if query.statement.effect() != Effect::Read {
        return Err(Error::unsupported("a cursor is for a query that only reads").at(body.offset));
    }
    let query = Parsed { offset: body.offset, ..query };
    Ok(Declared::Open { name, binary, scroll, hold, query, text: cursor.text().to_string() })
}

fn direction(cursor: &mut Cursor) -> Result<Direction> {
    // A cursor may have any of these words for its name.
    if cursor.is_last() {
        return Ok(Direction::Forward(1));
    }
    Ok(match () {
        () if cursor.eat("NEXT") => Direction::Forward(1),
        () if cursor.eat("PRIOR") => Direction::Backward(1),
        () if cursor.eat("FIRST") => Direction::Absolute(1),
        () if cursor.eat("LAST") => Direction::Absolute(-1),
        () if cursor.eat("ABSOLUTE") => Direction::Absolute(signed(cursor)?),
        () if cursor.eat("RELATIVE") => Direction::Relative(signed(cursor)?),
        () if cursor.eat("ALL") || cursor.eat("FORWARD ALL") => Direction::Forward(ALL),
        () if cursor.eat("BACKWARD ALL") => Direction::Backward(ALL),
        () if cursor.eat("FORWARD") => Direction::Forward(count(cursor)?),
        () if cursor.eat("BACKWARD") => Direction::Backward(count(cursor)?),
        () => Direction::Forward(count(cursor)?),
    })
}

/// A number, or 1 when there is none.
fn count(cursor: &mut Cursor) -> Result<i64> {
    let named = matches!(cursor.word(0), Some(_)) || cursor.clone().identifier().is_ok();
    if named { Ok(1) } else { signed(cursor) }
}

fn signed(cursor: &mut Cursor) -> Result<i64> {
    let negative = cursor.eat_token(&Kinds::Minus);
    let _ = negative || cursor.eat_token(&Kinds::Plus);
    let at = cursor.offset();
    let count = cursor.integer()?;
    let count = i32::try_from(count).map(i64::from).map_err(|_| Error::syntax(&count.to_string(), at))?;
    Ok(if negative { -count } else { count })
}

impl Statement for Declared {
    fn effect(&self) -> Effect {
        match self {
            Declared::Open { .. } => Effect::Read,
            Declared::Fetch { .. } | Declared::Pass { .. } | Declared::Close(_) => Effect::Session,
        }
    }

    async fn describe(&self, session: &Session, hints: &[Option<Type>]) -> Result<Description> {
        match self {
            Declared::Open { query, .. } => {
                let described = query.statement.describe(session, hints).await;
                let described = described.map_err(|error| error.shifted(query.offset))?;
                Ok(Description { columns: None, ..described })
            }
            // One that is declared by the time it is run has its say then.
            Declared::Fetch { name, .. } => {
                let columns = session.transaction.cursors.get(name).ok().map(|cursor| cursor.schema.clone());
                Ok(Description { columns, ..Description::default() })
            }
            Declared::Pass { .. } | Declared::Close(_) => Ok(Description::default()),
        }
    }

    async fn run(&self, session: &mut Session, parameters: &[ScalarValue]) -> Result<Response> {
        match self {
            Declared::Open { query, hold, .. } => {
                if !hold && session.transaction.status() == Status::Idle && !session.transaction.several {
                    let message = "DECLARE CURSOR can only be used in transaction blocks";
                    return Err(Error::new(Kind::NoActiveTransaction, message));
                }
                let response = query.statement.run(session, parameters).await;
                match response.map_err(|error| error.shifted(query.offset))? {
                    Response::Rows { rows, .. } => self.open(session, rows),
                    _ => Err(Error::internal("a query must answer with rows")),
                }
            }
            Declared::Fetch { name, direction } => {
                let rows = session.transaction.cursors.get(name)?.fetch(*direction)?;
                Ok(Response::Rows { rows, tag: "FETCH" })
            }
            Declared::Pass { name, direction } => {
                let count = session.transaction.cursors.get(name)?.pass(*direction).await?;
                Ok(Response::Done { tag: format!("MOVE {count}") })
            }
            Declared::Close(None) => {
                session.transaction.cursors.close_all();
                Ok(Response::Done { tag: "CLOSE CURSOR ALL".into() })
            }
            Declared::Close(Some(name)) => {
                session.transaction.cursors.close(name)?;
                Ok(Response::Done { tag: "CLOSE CURSOR".into() })
            }
        }
    }
}

impl Declared {
    fn open(&self, session: &mut Session, rows: crate::query::Rows) -> Result<Response> {
        let Declared::Open { name, binary, scroll, hold, text, .. } = self else {
            return Err(Error::internal("the statement must be DECLARE"));
        };
        let shown = OpenCursor {
            name: name.clone(),
            statement: text.clone(),
            hold: *hold,
            binary: *binary,
            scroll: scroll.unwrap_or(true),
            made_at: session.engine.clock.now(),
        };
        let (files, folder) = (session.engine.lake.hold(), session.engine.config.data.join("tmp"));
        session.transaction.cursors.open(shown, *scroll, rows, files, folder)?;
        Ok(Response::Done { tag: "DECLARE CURSOR".into() })
    }
}

impl fmt::Display for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Declared::Open { name, binary, scroll, hold, query, .. } => {
                let binary = if *binary { " BINARY" } else { "" };
                let scroll = match scroll {
                    None => "",
                    Some(true) => " SCROLL",
                    Some(false) => " NO SCROLL",
                };
                let hold = if *hold { " WITH HOLD" } else { "" };
                write!(f, "DECLARE {}{binary}{scroll} CURSOR{hold} FOR {}", quote_identifier(name), query.text)
            }
            Declared::Fetch { name, direction } => {
                write!(f, "FETCH {} FROM {}", Shown(*direction), quote_identifier(name))
            }
            Declared::Pass { name, direction } => {
                write!(f, "MOVE {} FROM {}", Shown(*direction), quote_identifier(name))
            }
            Declared::Close(None) => f.write_str("CLOSE ALL"),
            Declared::Close(Some(name)) => write!(f, "CLOSE {}", quote_identifier(name)),
        }
    }
}

struct Shown(Direction);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Direction::Forward(ALL) => f.write_str("FORWARD ALL"),
            Direction::Backward(ALL) => f.write_str("BACKWARD ALL"),
            Direction::Forward(count) => write!(f, "FORWARD {count}"),
            Direction::Backward(count) => write!(f, "BACKWARD {count}"),
            Direction::Absolute(row) => write!(f, "ABSOLUTE {row}"),
            Direction::Relative(rows) => write!(f, "RELATIVE {rows}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    #[test]
    fn each_form_prints_back() {
        for (text, printed) in [
            (
                "declare c binary insensitive no scroll cursor with hold for select 1",
                "DECLARE c BINARY NO SCROLL CURSOR WITH HOLD FOR select 1",
            ),
            ("declare c cursor without hold for (select 1)", "DECLARE c CURSOR FOR (select 1)"),
            ("fetch c", "FETCH FORWARD 1 FROM c"),
            ("fetch next", "FETCH FORWARD 1 FROM next"),
            ("fetch next from \"C d\"", "FETCH FORWARD 1 FROM \"C d\""),
            ("fetch prior c", "FETCH BACKWARD 1 FROM c"),
            ("fetch first in c", "FETCH ABSOLUTE 1 FROM c"),
            ("fetch last c", "FETCH ABSOLUTE -1 FROM c"),
            ("fetch -2 c", "FETCH FORWARD -2 FROM c"),
            ("fetch forward from c", "FETCH FORWARD 1 FROM c"),
            ("fetch backward all in c", "FETCH BACKWARD ALL FROM c"),
            ("move all from c", "MOVE FORWARD ALL FROM c"),
            ("move relative -3 c", "MOVE RELATIVE -3 FROM c"),
            ("close c", "CLOSE c"),
            ("close all", "CLOSE ALL"),
        ] {
            assert_eq!(parse(text).unwrap()[0].statement.to_string(), printed);
            assert_eq!(parse(printed).unwrap()[0].statement.to_string(), printed);
        }
    }

    #[test]
    fn mistakes_are_found_where_they_are() {
        for (text, at) in [
            ("declare c cursor for delete from t", 21),
            ("declare c scroll no scroll cursor for select 1", 17),
            ("fetch forward 1 from", 20),
            ("fetch foo bar baz", 10),
            ("fetch 1.5 c", 6),
        ] {
            assert_eq!(parse(text).unwrap_err().offset, Some(at), "{text}");
        }
    }
}
