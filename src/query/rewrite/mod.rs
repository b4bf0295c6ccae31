//! A statement's tree in the form that the planner understands: Postgres' names of columns,
//! types of literals, meaning of casts and operators, calls of models, and what a run knows.
//!
//! Everything here is decided from the tree alone, without looking at a table.

pub(in crate::query) mod calls;
pub(in crate::query) mod casts;
pub(in crate::query) mod columns;
pub(in crate::query) mod operators;
mod aggregates;
mod checks;
pub(in crate::query) mod choices;
mod exponents;
mod expressions;
mod frames;
mod from;
mod quantified;
mod refused;
mod run;
mod similar;
mod sources;
mod tuples;
mod values;

pub use calls::{Argument, ModelCall};
pub use choices::{Choice, Choosing};
pub use from::constraint;
pub use operators::Operation;

use super::Context;
use super::functions::cast::Cast;
use super::models::Models;
use super::places::Places;
use crate::base::{Error, Result, Type};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::ScalarUDF;
use datafusion::sql::sqlparser::ast::{
    self, Expr, GroupByExpr, Ident, LimitClause, ObjectName, OrderByKind, Query, Select, Spanned, TableFactor, Value,
    VisitMut, VisitorMut,
};
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

/// What the planner must know besides the rewritten tree.
#[derive(Debug, Default)]
pub struct Rewritten {
    /// Functions that only this statement has, by the names that the tree now uses.
    pub functions: HashMap<String, Arc<ScalarUDF>>,
    /// Operators, by the numbers that the tree now uses.
    pub operations: Vec<Operation>,
    /// Choices and conditions, by the numbers that the tree now uses.
    pub choices: Vec<Choice>,
    /// Model calls, by the numbers that the tree now uses.
    pub calls: Vec<ModelCall>,
    /// Types of parameters that the client or a cast gives.
    pub parameters: Vec<Option<Type>>,
    /// Types of parameters that operators tell while they are planned.
    pub inference: Arc<Mutex<Vec<Option<Type>>>>,
    /// Past versions of tables, by the names that the tree now uses.
    pub versions: HashMap<String, sources::Version>,
    /// Whether the time of planning has been written into the tree.
    pub momentary: bool,
}

pub use sources::Version;

/// Rewrites a statement in place. Spans of what stays are kept.
pub fn rewrite(
    context: &Context,
    models: &Models,
    places: &Places<'_>,
    parameters: &[Option<Type>],
    statement: &mut impl VisitMut,
) -> Result<Rewritten> {
    let mut rewriter = Rewriter {
        context,
        models,
        places,
        rewritten: Rewritten { parameters: parameters.to_vec(), ..Rewritten::default() },
        kept: HashSet::new(),
        depth: 0,
        aliases: vec![],
        recursive: HashSet::new(),
        joins: 0,
    };
    match statement.visit(&mut rewriter) {
        ControlFlow::Continue(()) => Ok(rewriter.rewritten),
        ControlFlow::Break(error) => Err(*error),
    }
}

struct Rewriter<'a> {
    context: &'a Context,
    models: &'a Models,
    places: &'a Places<'a>,
    rewritten: Rewritten,
    /// Literals whose place gives them a meaning of their own: ordinals, LIMIT, bounds of frames, interval amounts.
    kept: HashSet<*const Expr>,
    /// Queries around the node that is visited.
    depth: usize,
    /// Relations of the SELECTs around the node, by their names, the innermost last.
    aliases: Vec<HashSet<String>>,
    /// Queries that WITH RECURSIVE names.
    recursive: HashSet<*const Query>,
    /// Joins whose merged columns have hidden originals.
    joins: usize,
}

impl VisitorMut for Rewriter<'_> {
    type Break = Box<Error>;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        self.depth += 1;
        flow(self.query(query))
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        self.depth -= 1;
        flow(self.from(query))?;
        self.values(&mut query.body);
        if !self.recursive.remove(&std::ptr::from_ref(query)) {
            Self::sets(query);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        if let GroupByExpr::Expressions(items, _) = &select.group_by {
            items.iter().for_each(|item| self.keep(item));
        }
        self.keep_named_frames(&select.named_window);
        flow(self.refuse_select(select))?;
        let aliases = flow_of(self.check_select(select))?;
        self.aliases.push(aliases);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        self.aliases.pop();
        self.conditions(select);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Self::Break> {
        flow(self.source(factor))
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        if let Expr::Interval(interval) = expr {
            self.keep(&interval.value);
        }
        if let Expr::Function(function) = expr
            && parts(&function.name).last().is_some_and(|name| name == "round" || name == "trunc")
            && let ast::FunctionArguments::List(list) = &function.args
            && let [_, ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(digits))] = list.args.as_slice()
        {
            // The type of the answer is told by the number of digits.
            match digits {
                Expr::UnaryOp { expr, .. } => self.keep(expr.as_ref()),
                digits => self.keep(digits),
            }
        }
        if let Expr::Function(function) = expr
            && parts(&function.name).last().is_some_and(|name| name == "unnest")
        {
            self.kept.extend(run::inner(function).into_iter().map(std::ptr::from_ref));
        }
        if let Expr::Function(function) = expr
            && let Some(ast::WindowType::WindowSpec(window)) = &function.over
        {
            self.keep_frame(window);
        }
        tighten(expr);
        quantified::isolate(expr);
        self.access(expr);
        flow(self.tuples(expr))?;
        // Before its arguments are, so that they are seen as they were written.
        flow(self.call(expr))
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        flow(self.expression(expr))
    }
}

impl Rewriter<'_> {
    fn query(&mut self, query: &mut Query) -> Result<()> {
        self.refuse_query(query)?;
        if let Some(with) = query.with.as_ref().filter(|with| with.recursive) {
            self.recursive.extend(with.cte_tables.iter().map(|cte| std::ptr::from_ref(cte.query.as_ref())));
        }
        values::as_selects(&mut query.body);
        if let Some(ast::Fetch { quantity, percent: false, with_ties: false }) =
            query.fetch.take_if(|fetch| !fetch.percent && !fetch.with_ties)
        {
            fetch_as_limit(query, quantity);
        }
        match &query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, .. }) => {
                limit.iter().for_each(|limit| self.keep_count(limit));
                offset.iter().for_each(|offset| self.keep_count(&offset.value));
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => {
                self.keep_count(offset);
                self.keep_count(limit);
            }
            None => {}
        }
        let top = self.depth == 1;
        let renamed = columns::name(&mut query.body, top);
        if let Some(order) = &mut query.order_by
            && let OrderByKind::Expressions(items) = &mut order.kind
        {
            items.iter().for_each(|item| self.keep(&item.expr));
            for item in items {
                if let Expr::Identifier(name) = &mut item.expr
                    && let Some(internal) = renamed.get(&folded(name))
                {
                    *name = Ident { value: internal.clone(), quote_style: Some('"'), span: name.span };
                }
            }
        }
        Ok(())
    }

    /// A slice that says only where it ends begins at the first item.
    fn access(&self, expr: &mut Expr) {
        let Expr::CompoundFieldAccess { root, access_chain } = expr else { return };
        let index = |access: &ast::AccessExpr| match access {
            ast::AccessExpr::Subscript(ast::Subscript::Index { index }) => Some(index.clone()),
            _ => None,
        };
        if access_chain.len() > 1
            && let Some(indices) = access_chain.iter().map(index).collect::<Option<Vec<_>>>()
        {
            let root = std::mem::replace(root.as_mut(), Expr::value(Value::Null));
            *expr = call("array item", std::iter::once(root).chain(indices).collect());
            return;
        }
        for access in access_chain {
            if let ast::AccessExpr::Subscript(ast::Subscript::Slice { lower_bound, upper_bound, .. }) = access {
                let bound = |text: &str| Expr::value(Value::Number(text.into(), false));
                lower_bound.get_or_insert_with(|| bound("1"));
                upper_bound.get_or_insert_with(|| bound("2147483647"));
            }
        }
    }

    fn keep(&mut self, expr: &Expr) {
        if matches!(expr, Expr::Value(_)) {
            self.kept.insert(std::ptr::from_ref(expr));
        }
    }

    /// A number of rows; a parameter in its place is a `bigint`.
    fn keep_count(&mut self, expr: &Expr) {
        self.keep(expr);
        if let Some(casts::Literal::Parameter(number)) = casts::literal(expr) {
            self.parameter(number).get_or_insert(Type::Int8);
        }
    }

    fn parameter(&mut self, number: usize) -> &mut Option<Type> {
        let parameters = &mut self.rewritten.parameters;
        if parameters.len() < number {
            parameters.resize(number, None);
        }
        &mut parameters[number - 1]
    }

    /// A function of this statement's own, called with `args`.
    fn own_call(&mut self, function: ScalarUDF, args: Vec<Expr>) -> Expr {
        let name = function.name().to_string();
        self.rewritten.functions.entry(name.clone()).or_insert_with(|| Arc::new(function));
        call(&name, args)
    }

    /// The same by a name that says which of several it is.
    fn named_call(&mut self, name: &str, function: ScalarUDF, args: Vec<Expr>) -> Expr {
        self.rewritten.functions.entry(name.to_string()).or_insert_with(|| Arc::new(function));
        call(name, args)
    }

    /// A value of a type that no literal has.
    fn constant(&mut self, name: &str, ty: &Type, value: ScalarValue) -> Expr {
        self.own_call(super::functions::constant::constant(name, ty, value), vec![])
    }

    fn cast(&mut self, ty: &Type, arg: Expr) -> Expr {
        let cast = Cast::new(ty.clone(), self.context.time_zone());
        self.own_call(cast.function(), vec![arg])
    }

    fn offset(&self, expr: &Expr) -> Option<usize> {
        self.places.offset(expr.span().start)
    }
}

/// `-a ^ b` is `(-a) ^ b`.
fn tighten(expr: &mut Expr) {
    if let Expr::UnaryOp { op: op @ (ast::UnaryOperator::Minus | ast::UnaryOperator::Plus), expr: inner } = expr
        && matches!(inner.as_ref(), Expr::BinaryOp { op: ast::BinaryOperator::PGExp, .. })
    {
        let (op, mut power) = (*op, std::mem::replace(inner.as_mut(), Expr::value(Value::Null)));
        let mut first = &mut power;
        while let Expr::BinaryOp { left, op: ast::BinaryOperator::PGExp, .. } = first {
            first = left.as_mut();
        }
        let operand = std::mem::replace(first, Expr::value(Value::Null));
        *first = Expr::UnaryOp { op, expr: Box::new(operand) };
        *expr = power;
    }
}

/// The identifier as Postgres stores it: in lower case unless quoted.
pub(super) fn folded(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    }
}

/// The parts of a dotted name, folded.
pub(super) fn parts(name: &ObjectName) -> Vec<String> {
    name.0.iter().filter_map(|part| part.as_ident()).map(folded).collect()
}

pub(super) fn call(name: &str, args: Vec<Expr>) -> Expr {
    Expr::Function(ast::Function {
        name: ObjectName::from(vec![Ident::with_quote('"', name)]),
        uses_odbc_syntax: false,
        parameters: ast::FunctionArguments::None,
        args: ast::FunctionArguments::List(ast::FunctionArgumentList {
            duplicate_treatment: None,
            args: args.into_iter().map(|arg| ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(arg))).collect(),
            clauses: vec![],
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: vec![],
    })
}

fn fetch_as_limit(query: &mut Query, quantity: Option<Expr>) {
    let limit = Some(quantity.unwrap_or_else(|| Expr::value(Value::Number("1".into(), false))));
    let offset = match query.limit_clause.take() {
        Some(LimitClause::LimitOffset { offset, .. }) => offset,
        _ => None,
    };
    query.limit_clause = Some(LimitClause::LimitOffset { limit, offset, limit_by: vec![] });
}

fn flow(result: Result<()>) -> ControlFlow<Box<Error>> {
    flow_of(result)
}

fn flow_of<T>(result: Result<T>) -> ControlFlow<Box<Error>, T> {
    match result {
        Ok(value) => ControlFlow::Continue(value),
        Err(error) => ControlFlow::Break(Box::new(error)),
    }
}

/// The part of a name that counts: its first 63 bytes.
pub(super) fn cut(name: &str) -> &str {
    let mut end = name.len().min(63);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}
