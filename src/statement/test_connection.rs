//! `TEST CONNECTION`

use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, rooms};
use crate::base::{Result, quote_identifier};
use crate::session::{Description, Effect};
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "TEST CONNECTION",
        synopsis: "TEST CONNECTION name",
        about: "Connects and asks once. One row: the other system's version, the time that took, and how many tables \
can be read; or the error with its cause.",
        example: "TEST CONNECTION ops;",
    },
    leads: &["TEST CONNECTION _"],
    read,
};

const COLUMNS: [&str; 4] = ["connection", "version", "latency_ms", "tables"];

#[derive(Debug)]
struct TestConnection {
    name: String,
    offset: usize,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("TEST CONNECTION")?;
    let offset = cursor.offset();
    Ok(Arc::new(TestConnection { name: cursor.identifier()?, offset }))
}

impl fmt::Display for TestConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TEST CONNECTION {}", quote_identifier(&self.name))
    }
}

impl Statement for TestConnection {
    fn effect(&self) -> Effect {
        Effect::Read
    }

    async fn describe(&self, _: &Session, _: &[Option<crate::base::Type>]) -> Result<Description> {
        Ok(rooms::texts(&COLUMNS))
    }

    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let snapshot = session.snapshot();
        let connection = snapshot.connection(&self.name).map_err(|error| error.at(self.offset))?;
        let tested =
            session.engine.connections.test(connection, &snapshot).await.map_err(|error| error.at(self.offset))?;
        let row = [
            self.name.clone(),
            tested.version,
            format!("{:.1}", tested.latency.as_secs_f64() * 1_000.0),
            tested.tables.to_string(),
        ];
        rooms::table(&COLUMNS, vec![row.into_iter().map(Some).collect()], "TEST CONNECTION")
    }
}
