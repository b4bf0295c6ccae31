//! `REFRESH MATERIALIZED VIEW`

use super::create_materialized_view::named;
use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, materialize, rooms};
use crate::base::{Error, Kind, Name, Result};
use crate::session::Effect;
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "REFRESH MATERIALIZED VIEW",
        synopsis: "REFRESH MATERIALIZED VIEW [CONCURRENTLY] name",
        about: "Runs the view's query now and puts its rows in the place of the old ones at once; readers never wait \
and never see it empty, so CONCURRENTLY changes nothing. Fails when the refresh was not published.",
        example: "REFRESH MATERIALIZED VIEW busy_routes;",
    },
    leads: &["REFRESH MATERIALIZED VIEW _"],
    read,
};

#[derive(Debug)]
struct RefreshMaterializedView {
    name: Name,
    offset: usize,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("REFRESH MATERIALIZED VIEW")?;
    if cursor.sees("CONCURRENTLY _") {
        cursor.expect("CONCURRENTLY")?;
    }
    let offset = cursor.offset();
    let name = cursor.name()?;
    if cursor.sees("WITH NO DATA") {
        return Err(super::clause::later("WITH NO DATA", cursor.offset()));
    }
    cursor.eat("WITH DATA");
    Ok(Arc::new(RefreshMaterializedView { name, offset }))
}

impl fmt::Display for RefreshMaterializedView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "REFRESH MATERIALIZED VIEW {}", self.name)
    }
}

impl Statement for RefreshMaterializedView {
    fn effect(&self) -> Effect {
        // Whether it is one of those that are kept here shows when it runs.
        Effect::Write
    }

    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let view = named(session, &self.name).map_err(|error| error.at(self.offset))?;
        if materialize::in_block(session).await? {
            if materialize::effect(&view) != Effect::Write {
                return Err(Error::new(
                    Kind::ActiveTransaction,
                    "REFRESH MATERIALIZED VIEW of rows in another system cannot run inside a transaction block",
                )
                .hint("COMMIT or ROLLBACK first".to_string()));
            }
            materialize::fill(session, &view, "REFRESH MATERIALIZED VIEW").await?;
            return Ok(rooms::done("REFRESH MATERIALIZED VIEW"));
        }
        session.engine.workflows.refresh(&view.name, &session.user, session.cancel.clone()).await?;
        Ok(rooms::done("REFRESH MATERIALIZED VIEW"))
    }
}
