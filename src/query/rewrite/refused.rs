//! What the planner would silently ignore.

use super::Rewriter;
use crate::base::{Error, Result};
use datafusion::sql::sqlparser::ast::{Query, Select, SelectItem, SetExpr};

impl Rewriter<'_> {
    /// What the planner would silently ignore.
    pub(super) fn refuse_query(&self, query: &Query) -> Result<()> {
        if query.for_clause.is_some() || query.settings.is_some() || query.format_clause.is_some() {
            return Err(Error::unsupported("this clause after a query is not supported"));
        }
        if !query.pipe_operators.is_empty() {
            return Err(Error::unsupported("|> operators are not supported"));
        }
        if query.fetch.as_ref().is_some_and(|fetch| fetch.percent || fetch.with_ties) {
            return Err(Error::unsupported("FETCH … PERCENT and WITH TIES are not supported"));
        }
        if let Some(lock) = query.locks.first() {
            return Err(Error::unsupported(format!("SELECT … FOR {} is not supported", lock.lock_type))
                .hint("a table is locked by nobody: writers that meet are told so when they commit".to_string()));
        }
        match query.body.as_ref() {
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Err(Error::unsupported("data-modifying statements in WITH are not supported"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn refuse_select(&self, select: &Select) -> Result<()> {
        if select.into.is_some() {
            return Err(Error::unsupported("SELECT … INTO is not supported here")
                .hint("use CREATE TABLE … AS SELECT …".to_string()));
        }
        let aliases = select.projection.iter().any(|item| matches!(item, SelectItem::ExprWithAliases { .. }));
        if select.top.is_some() || select.prewhere.is_some() || !select.connect_by.is_empty() || aliases {
            return Err(Error::unsupported("this form of SELECT is not supported"));
        }
        Ok(())
    }
}
