//! What PostgreSQL refuses and the planner would take: names that stand for two tables, joins without a condition,
//! window functions where none can be.

use super::{Rewriter, folded, parts};
use crate::base::{Error, Kind, Result};
use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Join, JoinConstraint, JoinOperator, Select, Spanned, TableFactor, TableWithJoins, Visit, Visitor,
};
use std::collections::HashSet;
use std::ops::ControlFlow;

/// Columns of a result.
const COLUMNS_MAX: usize = 1664;
/// Relations in one FROM: the time to plan them grows with the cube of their number.
const RELATIONS_MAX: usize = 400;
const CUBE_MAX: usize = 12;
const GROUPING_SETS_MAX: usize = 4096;

impl Rewriter<'_> {
    /// The names of the relations that a SELECT reads.
    pub(super) fn check_select(&self, select: &Select) -> Result<HashSet<String>> {
        self.check_widths(select)?;
        if let Some(factor) = factors(&select.from).get(RELATIONS_MAX) {
            return Err(Error::new(Kind::TooComplex, "FROM has too many relations")
                .detail(format!("the limit is {RELATIONS_MAX} relations"))
                .at(self.places.offset(factor.span().start)));
        }
        let mut seen = HashSet::new();
        let mut whole = HashSet::new();
        for factor in factors(&select.from) {
            let Some((name, full, at)) = named(factor) else { continue };
            let again = !seen.insert(name.clone());
            // Tables of one name in two schemas are told apart by their schemas.
            if again && (full.is_none() || !whole.insert(full.clone())) {
                return Err(Error::new(
                    Kind::DuplicateAlias,
                    format!("table name \"{name}\" specified more than once"),
                )
                .at(self.places.offset(at)));
            }
            whole.insert(full);
        }
        joins(&select.from).into_iter().try_for_each(|join| self.check_join(join))?;
        let groups = match &select.group_by {
            GroupByExpr::Expressions(items, _) => items.as_slice(),
            GroupByExpr::All(_) => &[],
        };
        self.check_windows("WHERE", select.selection.iter())?;
        self.check_windows("GROUP BY", groups.iter())?;
        self.check_windows("HAVING", select.having.iter())?;
        Ok(seen)
    }

    /// PostgreSQL's own limits, so that planning ends.
    fn check_widths(&self, select: &Select) -> Result<()> {
        let too_wide =
            |message: String, kind: Kind| Err(Error::new(kind, message).at(self.places.offset(select.span().start)));
        if select.projection.len() > COLUMNS_MAX {
            return too_wide(format!("target lists can have at most {COLUMNS_MAX} entries"), Kind::TooManyColumns);
        }
        let GroupByExpr::Expressions(groups, _) = &select.group_by else { return Ok(()) };
        let mut sets = 1_usize;
        for group in groups {
            sets = sets.saturating_mul(match group {
                Expr::Cube(items) if items.len() > CUBE_MAX => {
                    return too_wide(format!("CUBE is limited to {CUBE_MAX} elements"), Kind::TooManyColumns);
                }
                Expr::Cube(items) => 1 << items.len(),
                Expr::Rollup(items) => items.len() + 1,
                Expr::GroupingSets(sets) => sets.len().max(1),
                _ => 1,
            });
        }
        match sets > GROUPING_SETS_MAX {
            true => too_wide(format!("too many grouping sets present (maximum {GROUPING_SETS_MAX})"), Kind::TooComplex),
            false => Ok(()),
        }
    }

    fn check_join(&self, join: &Join) -> Result<()> {
        let constraint = match &join.join_operator {
            JoinOperator::Join(constraint)
            | JoinOperator::Inner(constraint)
            | JoinOperator::Left(constraint)
            | JoinOperator::LeftOuter(constraint)
            | JoinOperator::Right(constraint)
            | JoinOperator::RightOuter(constraint)
            | JoinOperator::FullOuter(constraint) => constraint,
            _ => return Ok(()),
        };
        match constraint {
            JoinConstraint::None => Err(Error::new(Kind::Syntax, "a JOIN must have ON or USING")
                .hint("a CROSS JOIN has neither".to_string())
                .at(self.places.offset(join.relation.span().start))),
            _ => Ok(()),
        }
    }

    fn check_windows<'a>(&self, clause: &str, exprs: impl Iterator<Item = &'a Expr>) -> Result<()> {
        for expr in exprs {
            let mut search = Windows { depth: 0 };
            if let ControlFlow::Break(at) = expr.visit(&mut search) {
                let message = format!("window functions are not allowed in {clause}");
                return Err(Error::new(Kind::Windowing, message).at(self.places.offset(at)));
            }
        }
        Ok(())
    }

    /// Marks what must be boolean, so that the planner looks at its type.
    pub(super) fn conditions(&mut self, select: &mut Select) {
        if let Some(selection) = &mut select.selection {
            self.condition("WHERE", selection);
        }
        if let Some(having) = &mut select.having {
            self.condition("HAVING", having);
        }
        for from in &mut select.from {
            self.join_conditions(from);
        }
    }

    fn join_conditions(&mut self, from: &mut TableWithJoins) {
        if let TableFactor::NestedJoin { table_with_joins, .. } = &mut from.relation {
            self.join_conditions(table_with_joins);
        }
        for join in &mut from.joins {
            if let TableFactor::NestedJoin { table_with_joins, .. } = &mut join.relation {
                self.join_conditions(table_with_joins);
            }
            if let JoinOperator::Join(JoinConstraint::On(on))
            | JoinOperator::Inner(JoinConstraint::On(on))
            | JoinOperator::Left(JoinConstraint::On(on))
            | JoinOperator::LeftOuter(JoinConstraint::On(on))
            | JoinOperator::Right(JoinConstraint::On(on))
            | JoinOperator::RightOuter(JoinConstraint::On(on))
            | JoinOperator::FullOuter(JoinConstraint::On(on)) = &mut join.join_operator
            {
                self.condition("JOIN/ON", on);
            }
        }
    }
}

/// Every relation of FROM, those within parentheses included.
pub(super) fn factors(from: &[TableWithJoins]) -> Vec<&TableFactor> {
    let mut found = vec![];
    for from in from {
        let relations = std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation));
        for relation in relations {
            match relation {
                TableFactor::NestedJoin { table_with_joins, alias: None } => {
                    found.extend(factors(std::slice::from_ref(table_with_joins)));
                }
                other => found.push(other),
            }
        }
    }
    found
}

fn joins(from: &[TableWithJoins]) -> Vec<&Join> {
    let mut found = vec![];
    for from in from {
        let relations = std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation));
        for relation in relations {
            if let TableFactor::NestedJoin { table_with_joins, .. } = relation {
                found.extend(joins(std::slice::from_ref(table_with_joins)));
            }
        }
        found.extend(&from.joins);
    }
    found
}

type Place = datafusion::sql::sqlparser::tokenizer::Location;

/// What a relation is called, its whole name when it has no alias, and where it stands.
pub(super) fn named(factor: &TableFactor) -> Option<(String, Option<Vec<String>>, Place)> {
    let at = factor.span().start;
    match factor {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::UNNEST { alias: Some(alias), .. }
        | TableFactor::Function { alias: Some(alias), .. }
        | TableFactor::NestedJoin { alias: Some(alias), .. } => Some((folded(&alias.name), None, at)),
        TableFactor::Table { name, alias: None, .. } => {
            let full = parts(name);
            Some((full.last()?.clone(), Some(full), at))
        }
        _ => None,
    }
}

/// A window function, but not one of a subquery.
struct Windows {
    depth: usize,
}

impl Visitor for Windows {
    type Break = Place;

    fn pre_visit_query(&mut self, _: &datafusion::sql::sqlparser::ast::Query) -> ControlFlow<Place> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &datafusion::sql::sqlparser::ast::Query) -> ControlFlow<Place> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Place> {
        match expr {
            Expr::Function(function) if self.depth == 0 && function.over.is_some() => {
                ControlFlow::Break(function.name.span().start)
            }
            _ => ControlFlow::Continue(()),
        }
    }
}
