//! Rows of values: compared part by part, looked for among others, or overlapping in time.

use super::{Rewriter, call};
use crate::base::{Error, Kind, Result, Type};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Ident, Query, Select, SelectItem, SetExpr, Statement, TableAlias, TableAliasColumnDef,
    TableFactor, TableWithJoins, UnaryOperator, Value,
};

impl Rewriter<'_> {
    /// Before its parts are looked at.
    pub(super) fn tuples(&mut self, expr: &mut Expr) -> Result<()> {
        match expr {
            Expr::BinaryOp { left, op, right } => {
                let (Some(lefts), Some(rights)) = (row(left), row(right)) else { return Ok(()) };
                let at = self.offset(left);
                if *op == BinaryOperator::Overlaps {
                    *expr = call("overlaps", lefts.into_iter().chain(rights).collect());
                    return Ok(());
                }
                if lefts.len() != rights.len() {
                    return Err(Error::new(Kind::Syntax, "unequal number of entries in row expressions").at(at));
                }
                if let Some(compared) = compared(op, lefts, rights) {
                    *expr = Expr::Nested(Box::new(compared));
                }
            }
            Expr::InList { expr: subject, list, negated } => {
                let Some(parts) = row(subject) else { return Ok(()) };
                let rows: Option<Vec<_>> = list.iter().map(row).collect();
                let Some(rows) = rows else { return Ok(()) };
                if rows.iter().any(|other| other.len() != parts.len()) {
                    let at = self.offset(subject);
                    return Err(Error::new(Kind::Syntax, "unequal number of entries in row expressions").at(at));
                }
                let each = rows.into_iter().filter_map(|other| compared(&BinaryOperator::Eq, parts.clone(), other));
                let any = each.reduce(|left, right| joined(left, BinaryOperator::Or, right));
                let Some(any) = any else { return Ok(()) };
                let any = Expr::Nested(Box::new(any));
                *expr = if *negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(any) } } else { any };
            }
            Expr::InSubquery { expr: subject, subquery, negated } => {
                let Some(parts) = row(subject) else { return Ok(()) };
                if let Some(given) = width(subquery).filter(|given| *given != parts.len()) {
                    let few = if given < parts.len() { "few" } else { "many" };
                    let message = format!("subquery has too {few} columns");
                    return Err(Error::new(Kind::Syntax, message).at(self.offset(subject)));
                }
                if let Some(exists) = matching(parts, subquery, *negated) {
                    *expr = exists;
                }
            }
            // A row is NULL when all of it is, and not when nothing of it is.
            Expr::IsNull(inner) | Expr::IsNotNull(inner) if row(inner).is_some() => {
                let parts = row(inner).unwrap_or_default().into_iter().map(Box::new);
                let null = matches!(expr, Expr::IsNull(_));
                let each = parts.map(|part| if null { Expr::IsNull(part) } else { Expr::IsNotNull(part) });
                if let Some(all) = each.reduce(|left, right| joined(left, BinaryOperator::And, right)) {
                    *expr = Expr::Nested(Box::new(all));
                }
            }
            Expr::Tuple(parts) => {
                let parts = std::mem::take(parts).into_iter().map(|part| match part {
                    Expr::Value(value) if matches!(value.value, Value::Null) => {
                        self.cast(&Type::Text, Expr::Value(value))
                    }
                    other => other,
                });
                let named = parts
                    .enumerate()
                    .flat_map(|(at, part)| [Expr::value(Value::SingleQuotedString(format!("f{}", at + 1))), part]);
                let named = named.collect();
                *expr = call("named_struct", named);
            }
            Expr::Function(_) => {
                if let Some(parts) = row(expr) {
                    *expr = Expr::Tuple(parts);
                    return self.tuples(expr);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The parts of `(a, b)` or `ROW(a, b)`.
fn row(expr: &Expr) -> Option<Vec<Expr>> {
    match expr {
        Expr::Tuple(parts) => Some(parts.clone()),
        Expr::Nested(inner) => row(inner),
        Expr::Function(function) => {
            let named = super::parts(&function.name);
            let plain = matches!(named.as_slice(), [name] if name == "row");
            plain.then(|| super::run::inner(function).into_iter().cloned().collect())
        }
        _ => None,
    }
}

fn joined(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

/// The first parts that differ decide.
fn compared(op: &BinaryOperator, lefts: Vec<Expr>, rights: Vec<Expr>) -> Option<Expr> {
    use BinaryOperator::*;
    let pairs = || lefts.iter().cloned().zip(rights.iter().cloned());
    let strict = match op {
        Eq => return pairs().map(|(left, right)| joined(left, Eq, right)).reduce(|all, next| joined(all, And, next)),
        NotEq => {
            return pairs().map(|(left, right)| joined(left, NotEq, right)).reduce(|all, next| joined(all, Or, next));
        }
        Lt | LtEq => Lt,
        Gt | GtEq => Gt,
        _ => return None,
    };
    let mut pairs = pairs().collect::<Vec<_>>();
    let (left, right) = pairs.pop()?;
    let last = joined(left, op.clone(), right);
    Some(pairs.into_iter().rev().fold(last, |rest, (left, right)| {
        let decided = joined(left.clone(), strict.clone(), right.clone());
        let same = joined(joined(left, Eq, right), And, Expr::Nested(Box::new(rest)));
        joined(decided, Or, Expr::Nested(Box::new(same)))
    }))
}

/// How many columns a query gives, when that is written in it.
fn width(query: &Query) -> Option<usize> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let plain = |item: &SelectItem| matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. });
    select.projection.iter().all(plain).then_some(select.projection.len())
}

/// `EXISTS (SELECT 1 FROM (subquery) AS q (…) WHERE q.… = part AND …)`. What might be equal, for one of them is NULL,
/// counts only for NOT IN: such a row is neither in nor not in.
fn matching(parts: Vec<Expr>, subquery: &Query, negated: bool) -> Option<Expr> {
    let relation = Ident::with_quote('"', "\u{1}rows");
    let names: Vec<Ident> = (0..parts.len()).map(|at| Ident::with_quote('"', format!("\u{1}part {at}"))).collect();
    let columns = names.iter().map(|name| Expr::CompoundIdentifier(vec![relation.clone(), name.clone()]));
    let equal = columns.zip(parts).map(|(column, part)| joined(column, BinaryOperator::Eq, part));
    let counts = |equal| if negated { Expr::IsNotFalse(Box::new(Expr::Nested(Box::new(equal)))) } else { equal };
    let condition = equal.map(counts).reduce(|all, next| joined(all, BinaryOperator::And, next))?;
    let Statement::Query(mut query) = super::super::expression::select(vec![], None) else { return None };
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    let select: &mut Select = select;
    select.projection = vec![SelectItem::UnnamedExpr(Expr::value(Value::Number("1".into(), false)))];
    select.selection = Some(condition);
    let columns = names.into_iter().map(|name| TableAliasColumnDef { name, data_type: None }).collect();
    select.from = vec![TableWithJoins {
        relation: TableFactor::Derived {
            lateral: false,
            subquery: Box::new(subquery.clone()),
            alias: Some(TableAlias { explicit: true, name: relation, columns, at: None }),
            sample: None,
        },
        joins: vec![],
    }];
    Some(Expr::Exists { subquery: query, negated })
}
