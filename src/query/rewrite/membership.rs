//! `(a, b) IN (SELECT …)` and `(a, b) IN ((1, 2), …)`, which the planner knows for one column only.

use super::super::expression::select;
use crate::base::{Error, Kind, Result};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Ident, Query, SelectItem, SetExpr, Statement, TableAlias, TableAliasColumnDef, TableFactor,
    UnaryOperator, Value,
};

/// The name of a relation that no user can type.
const MEMBERS: &str = "\u{1}members";

/// Says it with AND, OR and EXISTS.
pub(super) fn spread(expr: &mut Expr) -> Result<()> {
    let spread = match expr {
        Expr::InList { expr: tuple, list, negated } => {
            let Some(tuple) = items(tuple) else { return Ok(()) };
            let mut equal = vec![];
            for item in list.iter() {
                let Some(item) = items(item) else { return Ok(()) };
                equal.push(same(tuple, item.iter().cloned())?);
            }
            let any = equal.into_iter().reduce(|one, other| binary(one, BinaryOperator::Or, other));
            let any = Expr::Nested(Box::new(any.unwrap_or_else(|| Expr::value(Value::Boolean(false)))));
            if *negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(any) } } else { any }
        }
        Expr::InSubquery { expr: tuple, subquery, negated } => {
            let Some(tuple) = items(tuple) else { return Ok(()) };
            let Some(subquery) = member(tuple, subquery, *negated)? else { return Ok(()) };
            Expr::Exists { subquery: Box::new(subquery), negated: *negated }
        }
        _ => return Ok(()),
    };
    *expr = spread;
    Ok(())
}

fn items(expr: &Expr) -> Option<&[Expr]> {
    match expr {
        Expr::Tuple(items) if items.len() > 1 => Some(items),
        Expr::Nested(inner) => items(inner),
        _ => None,
    }
}

/// `a = x AND b = y`
fn same(tuple: &[Expr], other: impl ExactSizeIterator<Item = Expr>) -> Result<Expr> {
    if tuple.len() != other.len() {
        return Err(Error::new(Kind::Syntax, "unequal number of entries in row expressions"));
    }
    let equal = tuple.iter().zip(other).map(|(one, other)| binary(one.clone(), BinaryOperator::Eq, other));
    let all = equal.reduce(|one, other| binary(one, BinaryOperator::And, other));
    all.map(|all| Expr::Nested(Box::new(all))).ok_or_else(|| Error::internal("a row must have entries"))
}

/// `SELECT 1 FROM (query) AS members(…) WHERE a = members.0 AND b = members.1`. What might be equal,
/// for one of them is NULL, counts only for NOT IN: such a row is neither in nor not in.
fn member(tuple: &[Expr], query: &Query, negated: bool) -> Result<Option<Query>> {
    if let SetExpr::Select(body) = query.body.as_ref()
        && body
            .projection
            .iter()
            .all(|item| matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. }))
        && body.projection.len() != tuple.len()
    {
        let few = if body.projection.len() < tuple.len() { "few" } else { "many" };
        return Err(Error::new(Kind::Syntax, format!("subquery has too {few} columns")));
    }
    let names: Vec<_> = (0..tuple.len()).map(|at| Ident::with_quote('"', format!("\u{1}{at}"))).collect();
    let column = |name: &Ident| Expr::CompoundIdentifier(vec![Ident::with_quote('"', MEMBERS), name.clone()]);
    let condition = match negated {
        false => same(tuple, names.iter().map(column))?,
        true => {
            let may_be = tuple.iter().zip(&names).map(|(one, name)| {
                let equal = binary(one.clone(), BinaryOperator::Eq, column(name));
                Expr::IsNotFalse(Box::new(Expr::Nested(Box::new(equal))))
            });
            let all = may_be.reduce(|one, other| binary(one, BinaryOperator::And, other));
            all.ok_or_else(|| Error::internal("a row must have entries"))?
        }
    };
    let Statement::Query(mut outer) = select(vec![Expr::value(Value::Number("1".into(), false))], Some(MEMBERS)) else {
        return Ok(None);
    };
    let SetExpr::Select(body) = outer.body.as_mut() else { return Ok(None) };
    body.selection = Some(condition);
    let Some(from) = body.from.first_mut() else { return Ok(None) };
    from.relation = TableFactor::Derived {
        lateral: false,
        subquery: Box::new(query.clone()),
        alias: Some(TableAlias {
            explicit: true,
            name: Ident::with_quote('"', MEMBERS),
            columns: names.into_iter().map(|name| TableAliasColumnDef { name, data_type: None }).collect(),
            at: None,
        }),
        sample: None,
    };
    Ok(Some(*outer))
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}
