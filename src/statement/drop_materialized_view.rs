//! `DROP MATERIALIZED VIEW`

use super::create_materialized_view::named;
use super::{AnyStatement, Cursor, Form, Manual, Response, Session, Statement, rooms};
use crate::base::sql::Kinds;
use crate::base::{Kind, Name, Result};
use datafusion::common::ScalarValue;
use std::fmt;
use std::sync::Arc;

pub const FORM: Form = Form {
    manual: Manual {
        title: "DROP MATERIALIZED VIEW",
        synopsis: "DROP MATERIALIZED VIEW [IF EXISTS] name, … [CASCADE | RESTRICT]",
        about: "Removes the view with its schedule and the table of its name; a target named with INTO stays. Views that \
read it are left as they are: they bind by name when they are queried.",
        example: "DROP MATERIALIZED VIEW IF EXISTS busy_routes;",
    },
    leads: &["DROP MATERIALIZED VIEW _"],
    read,
};

#[derive(Debug)]
struct DropMaterializedView {
    names: Vec<(Name, usize)>,
    if_exists: bool,
}

fn read(cursor: &mut Cursor) -> Result<Arc<dyn AnyStatement>> {
    cursor.expect("DROP MATERIALIZED VIEW")?;
    let if_exists = cursor.eat("IF EXISTS");
    let mut names = vec![];
    loop {
        let offset = cursor.offset();
        names.push((cursor.name()?, offset));
        if !cursor.eat_token(&Kinds::Comma) {
            break;
        }
    }
    let _ = cursor.eat("CASCADE") || cursor.eat("RESTRICT");
    Ok(Arc::new(DropMaterializedView { names, if_exists }))
}

impl fmt::Display for DropMaterializedView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.names.iter().map(|(name, _)| name.to_string()).collect();
        let if_exists = if self.if_exists { "IF EXISTS " } else { "" };
        write!(f, "DROP MATERIALIZED VIEW {if_exists}{}", names.join(", "))
    }
}

impl Statement for DropMaterializedView {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let mut views = vec![];
        for (name, offset) in &self.names {
            match named(session, name) {
                Ok(view) => views.push(view),
                Err(error) if self.if_exists && error.kind == Kind::UndefinedTable => {
                    let name = name.to_string().replace('"', "");
                    session.notice(format!("materialized view \"{name}\" does not exist, skipping"));
                }
                Err(error) => return Err(error.at(*offset)),
            }
        }
        for view in views {
            let commit = session.engine.workflows.undefine(&session.snapshot(), &view.name, &session.user)?;
            session.add(commit)?;
        }
        Ok(rooms::done("DROP MATERIALIZED VIEW"))
    }
}
