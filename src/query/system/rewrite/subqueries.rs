//! Scalar subqueries over the catalog, which give one row because they ask by a key.

use super::{call, cast, columns, take};
use crate::query::aggregates;
use crate::query::system::schema::is_filled;
use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, BinaryOperator, CaseWhen, DataType, Expr, GroupByExpr, JoinOperator, Query, Select, SelectItem,
    SetExpr, Statement, Value, Visit, VisitMut, Visitor, VisitorMut,
};
use std::collections::HashSet;
use std::ops::ControlFlow;

/// A query of one SELECT without FROM.
pub fn query(items: Vec<SelectItem>) -> Option<Query> {
    let Statement::Query(mut query) = crate::base::sql::parse_statement("SELECT 1").ok()? else { return None };
    if let SetExpr::Select(select) = &mut *query.body {
        select.projection = items;
    }
    Some(*query)
}

/// Lets a subquery without aggregate be planned: DataFusion wants proof of one row, we know the catalog's keys.
///
/// Conditions on the outer row that are no equalities with a column go outside:
/// `(SELECT e FROM t WHERE t.k = a.k AND a.x <> t.y)` is
/// `CASE WHEN a.x <> (SELECT t.y FROM t WHERE t.k = a.k) THEN (SELECT e FROM t WHERE t.k = a.k) END`.
pub fn scalar(expr: &mut Expr) {
    let Expr::Subquery(query) = expr else { return };
    if query.with.is_some() || query.limit_clause.is_some() || query.fetch.is_some() {
        return;
    }
    let SetExpr::Select(select) = &mut *query.body else { return };
    let Some(inner) = Inner::of(select).filter(|_| keyed(select)) else { return };
    let (kept, guards) = inner.split(select.selection.take());
    select.selection = kept;
    query.order_by = None;
    let guards: Vec<_> = guards.into_iter().map(|guard| inner.lifted(guard, query)).collect();
    if let Some(item) = only_item(query) {
        *item = call("first_value", [take(item)]);
    }
    if let Some(condition) = guards.into_iter().reduce(and) {
        let result = take(expr);
        *expr = Expr::Case {
            case_token: AttachedToken::empty(),
            end_token: AttachedToken::empty(),
            operand: None,
            conditions: vec![CaseWhen { condition, result }],
            else_result: None,
        };
    }
}

fn only_item(query: &mut Query) -> Option<&mut Expr> {
    let SetExpr::Select(select) = &mut *query.body else { return None };
    match select.projection.as_mut_slice() {
        [SelectItem::UnnamedExpr(item) | SelectItem::ExprWithAlias { expr: item, .. }] => Some(item),
        _ => None,
    }
}

fn and(left: Expr, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op: BinaryOperator::And, right: Box::new(right) }
}

/// What the names inside a subquery can mean.
struct Inner {
    tables: HashSet<String>,
    columns: HashSet<&'static str>,
}

impl Inner {
    /// Of a SELECT that reads nothing but the catalog.
    fn of(select: &Select) -> Option<Inner> {
        let mut inner = Inner { tables: HashSet::new(), columns: HashSet::new() };
        for from in &select.from {
            for factor in std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)) {
                let (name, declared) = columns::named(factor)?;
                inner.tables.insert(name);
                inner.columns.extend(declared.columns.iter().map(|column| column.name.as_str()));
            }
        }
        (!inner.tables.is_empty()).then_some(inner)
    }

    /// The conditions that can stay, and those that must be asked outside.
    fn split(&self, selection: Option<Expr>) -> (Option<Expr>, Vec<Expr>) {
        let mut conditions = vec![];
        selection.into_iter().for_each(|selection| conjuncts(selection, &mut conditions));
        let (kept, guards): (Vec<_>, Vec<_>) = conditions.into_iter().partition(|condition| self.stays(condition));
        (kept.into_iter().reduce(and), guards)
    }

    fn stays(&self, condition: &Expr) -> bool {
        let sides = |left: &Expr, right: &Expr| {
            let (left, right) = (self.names(left), self.names(right));
            !(left.outer && left.inner || right.outer && right.inner)
                && (left.inner && right.outer || left.outer && right.inner)
        };
        match condition {
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } if sides(left, right) => true,
            other => !self.names(other).outer,
        }
    }

    fn names(&self, expr: &Expr) -> Names<'_> {
        let mut names = Names { of: self, inner: false, outer: false };
        if expr.visit(&mut names).is_break() {
            (names.inner, names.outer) = (true, false);
        }
        names
    }

    fn is_inner(&self, expr: &Expr) -> Option<bool> {
        match expr {
            Expr::Identifier(column) => Some(self.columns.contains(column.value.to_lowercase().as_str())),
            // `table.column`, or `schema.table.column`.
            Expr::CompoundIdentifier(parts) => {
                parts.iter().rev().nth(1).map(|table| self.tables.contains(&table.value.to_lowercase()))
            }
            _ => None,
        }
    }

    /// The condition with each inner column fetched by a subquery of its own.
    fn lifted(&self, mut guard: Expr, query: &Query) -> Expr {
        let _ = VisitMut::visit(&mut guard, &mut Lift { inner: self, query });
        guard
    }
}

fn conjuncts(expr: Expr, all: &mut Vec<Expr>) {
    match expr {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            conjuncts(*left, all);
            conjuncts(*right, all);
        }
        Expr::Nested(inner) if matches!(*inner, Expr::BinaryOp { op: BinaryOperator::And, .. }) => {
            conjuncts(*inner, all);
        }
        other => all.push(other),
    }
}

/// Whether an expression names columns from inside, from outside, or both.
struct Names<'a> {
    of: &'a Inner,
    inner: bool,
    outer: bool,
}

impl Visitor for Names<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match self.of.is_inner(expr) {
            Some(true) => self.inner = true,
            Some(false) => self.outer = true,
            None => {}
        }
        // What a query of its own names is its own matter.
        match expr {
            Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

struct Lift<'a> {
    inner: &'a Inner,
    query: &'a Query,
}

impl VisitorMut for Lift<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.inner.is_inner(expr) == Some(true) {
            let mut query = self.query.clone();
            if let Some(item) = only_item(&mut query) {
                *item = call("first_value", [take(expr)]);
                *expr = Expr::Subquery(Box::new(query));
            }
        }
        ControlFlow::Continue(())
    }
}

/// Whether it gives rows as they are.
fn keyed(select: &Select) -> bool {
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
    let aggregated = select.projection.iter().any(|item| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => aggregates(expr),
        _ => true,
    });
    select.distinct.is_none() && select.having.is_none() && !grouped && !aggregated
}

/// In a SELECT from a table that never has rows nothing is computed, so its subqueries need no plan.
pub fn unasked(select: &mut Select) {
    let empty = |factor| columns::named(factor).is_some_and(|(_, declared)| !is_filled(declared));
    let inner = |join: &JoinOperator| {
        matches!(join, JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_))
    };
    let never = select.from.iter().any(|from| {
        let preserved = from.joins.iter().all(|join| inner(&join.join_operator));
        preserved && (empty(&from.relation) || from.joins.iter().any(|join| empty(&join.relation)))
    });
    if never {
        let _ = VisitMut::visit(&mut select.projection, &mut Unasked);
    }
}

struct Unasked;

impl VisitorMut for Unasked {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let null = || Expr::value(Value::Null);
        if super::arrays::is_subquery(expr) {
            let texts = ArrayElemTypeDef::SquareBracket(Box::new(DataType::Text), None);
            *expr = cast(null(), DataType::Array(texts));
        } else if matches!(expr, Expr::Subquery(_)) {
            *expr = cast(null(), DataType::Text);
        }
        ControlFlow::Continue(())
    }
}
