//! `JOIN … USING (key)` and `NATURAL JOIN`: the merged columns first, then those of the left side, then of the right.

use super::{Special, hidden};
use crate::base::{Error, Kind};
use crate::query::operators::{common_type, converted};
use crate::query::rewrite::folded;
use datafusion::common::{Column, DFSchema, TableReference};
use datafusion::error::Result;
use datafusion::functions::core::coalesce;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder, lit};
use datafusion::sql::sqlparser::ast::{Join, JoinConstraint, JoinOperator};

/// Joins `left` with the relation of `join`. With a `number`, merged columns keep their originals, hidden.
pub fn plan(
    left: LogicalPlan,
    join: Join,
    number: Option<usize>,
    context: &mut dyn RelationPlannerContext,
    zone: &str,
) -> Result<LogicalPlan> {
    let right = context.plan(join.relation)?;
    let (kind, constraint) = match join.join_operator {
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => (JoinType::Left, constraint),
        JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => (JoinType::Right, constraint),
        JoinOperator::FullOuter(constraint) => (JoinType::Full, constraint),
        JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => (JoinType::Inner, constraint),
        _ => return Err(Error::internal("a join that merges columns must be of a known kind").into()),
    };
    let keys: Vec<String> = match constraint {
        JoinConstraint::Using(keys) => keys.iter().filter_map(|key| key.0.last()?.as_ident()).map(folded).collect(),
        _ => common(left.schema(), right.schema()),
    };
    let merged = keys
        .iter()
        .map(|key| Ok((find(key, left.schema(), "left")?, find(key, right.schema(), "right")?)))
        .collect::<Result<Vec<_>>>()?;
    let schema = left.schema().join(right.schema())?;
    let mut on = vec![];
    let mut first = vec![];
    for ((one, other), key) in merged.iter().zip(&keys) {
        let [one, other] = [one, other].map(|column| Expr::Column(column.clone()));
        let pair = [one, other];
        let ty = common_type("JOIN/USING", pair.iter(), &schema, |_| None)?;
        let [one, other] = pair;
        let (one, other) = (converted(one, &ty, &schema, zone)?, converted(other, &ty, &schema, zone)?);
        on.push(one.clone().eq(other.clone()));
        let value = match kind {
            JoinType::Right => other,
            JoinType::Full => coalesce().call(vec![one, other]),
            _ => one,
        };
        let relation = TableReference::bare(Special::Using(None).alias());
        first.push(value.alias_qualified(Some(relation), key));
    }
    if on.is_empty() {
        on.push(lit(true));
    }
    let rest = schema.iter().filter_map(|(relation, field)| {
        let column = Column::from((relation, field));
        let of = |side: &str, own: &Column, key: &str| {
            let name = hidden(key, number?, side);
            Some(Expr::Column(own.clone()).alias_qualified(relation.cloned(), name))
        };
        let pair = merged.iter().zip(&keys).find(|((one, other), _)| *one == column || *other == column);
        match pair {
            Some(((one, _), key)) if *one == column => of("left", one, key),
            Some(((_, other), key)) => of("right", other, key),
            None => Some(Expr::Column(column)),
        }
    });
    let columns: Vec<Expr> = first.into_iter().chain(rest.collect::<Vec<_>>()).collect();
    LogicalPlanBuilder::from(left).join_on(right, kind, on)?.project(columns)?.build()
}

/// Names that both sides have.
fn common(left: &DFSchema, right: &DFSchema) -> Vec<String> {
    let shared = left
        .fields()
        .iter()
        .map(|field| field.name())
        .filter(|name| !name.contains('\u{1}') && right.fields().iter().any(|field| field.name() == *name));
    let mut keys: Vec<String> = vec![];
    for name in shared {
        if !keys.contains(name) {
            keys.push(name.clone());
        }
    }
    keys
}

fn find(key: &str, schema: &DFSchema, side: &str) -> Result<Column> {
    let mut found = schema.iter().filter(|(_, field)| field.name() == key);
    let column = found.next().map(|(relation, field)| Column::from((relation, field))).ok_or_else(|| {
        let message = format!("column \"{key}\" specified in USING clause does not exist in {side} table");
        Error::new(Kind::UndefinedColumn, message)
    })?;
    if found.next().is_some() {
        let message = format!("common column name \"{key}\" appears more than once in {side} table");
        return Err(Error::new(Kind::AmbiguousColumn, message).into());
    }
    Ok(column)
}
