//! Calls that are refused for what their function is: an aggregate in an aggregate or in WHERE, OVER after a function
//! that knows no window, `count()` of nothing.

use super::functions::{Functions, rows};
use super::places::Places;
use super::rewrite::parts;
use crate::base::{Error, Kind, Result};
use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArguments, GroupByExpr, JoinConstraint, Query, Select, Spanned,
    Statement, Visit, Visitor,
};
use std::ops::ControlFlow;

/// Looks at every call of a statement as it was written.
pub fn check(statement: &Statement, functions: &Functions, places: &Places<'_>) -> Result<()> {
    match statement.visit(&mut Calls { functions, places }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(*error),
    }
}

struct Calls<'a> {
    functions: &'a Functions,
    places: &'a Places<'a>,
}

impl Visitor for Calls<'_> {
    type Break = Box<Error>;

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Box<Error>> {
        let groups: &[Expr] = match &select.group_by {
            GroupByExpr::Expressions(items, _) => items,
            GroupByExpr::All(_) => &[],
        };
        let mut clauses: Vec<(&str, &Expr)> = select.selection.iter().map(|expr| ("WHERE", expr)).collect();
        clauses.extend(groups.iter().map(|expr| ("GROUP BY", expr)));
        for join in select.from.iter().flat_map(|from| &from.joins) {
            if let Some(JoinConstraint::On(on)) = super::rewrite::constraint(&join.join_operator) {
                clauses.push(("JOIN conditions", on));
            }
        }
        for (clause, expr) in clauses {
            if let Some(inner) = self.aggregate_in(expr) {
                let message = format!("aggregate functions are not allowed in {clause}");
                return self.refuse(Kind::Grouping, message, &inner);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Box<Error>> {
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        let Some(name) = self.name(function) else { return ControlFlow::Continue(()) };
        let aggregate = self.is_aggregate(&name);
        let window = self.functions.window.contains_key(&name);
        if function.over.is_some() && !aggregate && !window && self.is_plain(&name) {
            let message = format!("OVER specified, but {name} is not a window function nor an aggregate function");
            return self.refuse(Kind::WrongObjectType, message, function);
        }
        if function.over.is_none() && window && !aggregate {
            return self.refuse(
                Kind::WrongObjectType,
                format!("window function {name} requires an OVER clause"),
                function,
            );
        }
        if let Some((kind, message)) = self.odd(function, &name, aggregate || window) {
            return self.refuse(kind, message, function);
        }
        if name == "count" && matches!(&function.args, FunctionArguments::List(list) if list.args.is_empty()) {
            let message = "count(*) must be used to call a parameterless aggregate function".to_string();
            return self.refuse(Kind::WrongObjectType, message, function);
        }
        if !aggregate || function.over.is_some() {
            return ControlFlow::Continue(());
        }
        if let Some(inner) = function.filter.as_deref().and_then(|filter| self.aggregate_in(filter)) {
            return self.refuse(Kind::Grouping, "aggregate functions are not allowed in FILTER".into(), &inner);
        }
        let FunctionArguments::List(list) = &function.args else { return ControlFlow::Continue(()) };
        let mut search = Search { calls: self, depth: 0 };
        match list.visit(&mut search) {
            ControlFlow::Break(inner) if inner.over.is_some() => {
                let message = "aggregate function calls cannot contain window function calls".to_string();
                self.refuse(Kind::Grouping, message, &inner)
            }
            ControlFlow::Break(inner) => {
                self.refuse(Kind::Grouping, "aggregate function calls cannot be nested".into(), &inner)
            }
            ControlFlow::Continue(()) => ControlFlow::Continue(()),
        }
    }
}

impl Calls<'_> {
    /// What the planner would pass over.
    fn odd(&self, function: &Function, name: &str, counts: bool) -> Option<(Kind, String)> {
        let FunctionArguments::List(list) = &function.args else { return None };
        let distinct = matches!(list.duplicate_treatment, Some(DuplicateTreatment::Distinct));
        let plain = !counts && self.is_plain(name);
        if distinct && function.over.is_some() {
            let message = "DISTINCT is not implemented for window functions".to_string();
            return Some((Kind::FeatureNotSupported, message));
        }
        if plain && distinct {
            let message = format!("DISTINCT specified, but {name} is not an aggregate function");
            return Some((Kind::WrongObjectType, message));
        }
        if plain && function.filter.is_some() {
            let message = format!("FILTER specified, but {name} is not an aggregate function");
            return Some((Kind::WrongObjectType, message));
        }
        let empty = matches!(name, "first_value" | "last_value" | "nth_value" | "lag" | "lead") && list.args.is_empty();
        let many = name == "count" && list.args.len() > 1;
        (empty || many)
            .then(|| (Kind::UndefinedFunction, format!("function {name} does not take {} arguments", list.args.len())))
    }

    fn name(&self, function: &Function) -> Option<String> {
        match parts(&function.name).as_slice() {
            [name] => Some(name.clone()),
            [schema, name] if schema == "pg_catalog" => Some(name.clone()),
            _ => None,
        }
    }

    fn is_aggregate(&self, name: &str) -> bool {
        self.functions.aggregate.contains_key(name) || rows::row_name(name).is_some()
    }

    fn is_plain(&self, name: &str) -> bool {
        self.functions.scalar.contains_key(name) || rows::names().any(|known| known == name)
    }

    fn aggregate_in(&self, expr: &Expr) -> Option<Box<Function>> {
        let mut search = Search { calls: self, depth: 0 };
        match expr.visit(&mut search) {
            ControlFlow::Break(inner) if inner.over.is_none() => Some(inner),
            _ => None,
        }
    }

    fn refuse(&self, kind: Kind, message: String, function: &Function) -> ControlFlow<Box<Error>> {
        let at = self.places.offset(function.name.span().start);
        ControlFlow::Break(Box::new(Error::new(kind, message).at(at)))
    }
}

/// The first aggregate or window call, but not one of a subquery.
struct Search<'a, 'b> {
    calls: &'a Calls<'b>,
    depth: usize,
}

impl Visitor for Search<'_, '_> {
    type Break = Box<Function>;

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<Box<Function>> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<Box<Function>> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Box<Function>> {
        match expr {
            Expr::Function(function) if self.depth == 0 => {
                let aggregate = self.calls.name(function).is_some_and(|name| self.calls.is_aggregate(&name));
                match aggregate || function.over.is_some() {
                    true => ControlFlow::Break(Box::new(function.clone())),
                    false => ControlFlow::Continue(()),
                }
            }
            _ => ControlFlow::Continue(()),
        }
    }
}
