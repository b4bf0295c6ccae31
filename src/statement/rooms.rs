//! What statements of ours ask the other rooms for.

use super::{Response, Session};
use crate::base::{Error, Result};
use crate::catalog::Change;
use crate::catalog::Commit;
use crate::workflow::Workflows;
use std::sync::Arc;

/// The rooms behind a session, in one place until the engine holds them all.
pub fn workflows(session: &Session) -> Result<Arc<Workflows>> {
    let _ = session;
    Err(Error::unsupported("workflows"))
}

/// Commits what a definition changes, in the session's name, and answers with the tag.
pub async fn define(session: &Session, changes: Vec<Change>, tag: &str) -> Result<Response> {
    let commit = Commit { changes, author: session.user.clone(), message: tag.to_string(), ..Commit::default() };
    session.engine.catalog.commit(commit).await?;
    Ok(done(tag))
}

/// Answers with the rows of a query of ours.
pub async fn select(session: &Session, query: &str, tag: &'static str) -> Result<Response> {
    let _ = (session, query, tag);
    Err(Error::unsupported("queries"))
}

pub fn done(tag: &str) -> Response {
    Response::Done { tag: tag.to_string() }
}
