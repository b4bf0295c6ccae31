//! What the planner would silently ignore, or answer with other rows than Postgres.

use super::Rewriter;
use crate::base::{Error, Result};
use datafusion::sql::sqlparser::ast::{
    Join, JoinConstraint, JoinOperator, Query, Select, SelectItem, SetExpr, SetOperator, SetQuantifier, Spanned,
};

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
        self.refuse_sets(&query.body)?;
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
        select.from.iter().flat_map(|from| &from.joins).try_for_each(|join| self.refuse_join(join))
    }

    /// The planner answers them without counting how often a row repeats.
    fn refuse_sets(&self, body: &SetExpr) -> Result<()> {
        let SetExpr::SetOperation { op, set_quantifier, left, right } = body else { return Ok(()) };
        if *op != SetOperator::Union && *set_quantifier == SetQuantifier::All {
            return Err(Error::unsupported(format!("{op} ALL is not supported"))
                .hint(format!("{op} without ALL gives every row once"))
                .at(self.places.offset(right.span().start)));
        }
        self.refuse_sets(left)?;
        self.refuse_sets(right)
    }

    /// The planner takes the key of the left side alone, which is NULL in rows of the right.
    fn refuse_join(&self, join: &Join) -> Result<()> {
        let (side, constraint) = match &join.join_operator {
            JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => ("RIGHT", constraint),
            JoinOperator::FullOuter(constraint) => ("FULL", constraint),
            _ => return Ok(()),
        };
        let (message, at) = match constraint {
            JoinConstraint::Using(columns) => {
                (format!("{side} JOIN … USING is not supported"), columns.first().map(|column| column.span()))
            }
            JoinConstraint::Natural => (format!("NATURAL {side} JOIN is not supported"), None),
            JoinConstraint::On(_) | JoinConstraint::None => return Ok(()),
        };
        Err(Error::unsupported(message)
            .hint(format!("{side} JOIN … ON l.key = r.key, and coalesce(l.key, r.key) for the key"))
            .at(self.places.offset(at.unwrap_or_else(|| join.relation.span()).start)))
    }
}
