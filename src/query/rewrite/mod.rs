//! A statement's tree in the form that the planner understands: Postgres' names of columns,
//! types of literals, meaning of casts and operators, calls of models, and what a run knows.
//!
//! Everything here is decided from the tree alone, without looking at a table.

pub(in crate::query) mod calls;
pub(in crate::query) mod casts;
pub(in crate::query) mod columns;
pub(in crate::query) mod operators;
mod exponents;
mod frames;
mod membership;
mod quantified;
mod refused;
mod run;
mod scalar;
mod similar;
mod sources;
mod values;

pub use calls::{Argument, ModelCall};
pub use operators::Operation;
pub use scalar::aggregates;

use super::Context;
use super::functions::cast::Cast;
use super::functions::date_part::date_part;
use super::models::Models;
use super::places::Places;
use crate::base::{Error, Kind, Result, Type};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::ScalarUDF;
use datafusion::sql::sqlparser::ast::{
    self, BinaryOperator, Expr, GroupByExpr, Ident, LimitClause, ObjectName, OrderByKind, Query, Select, Spanned,
    TableFactor, Value, ValueWithSpan, VisitMut, VisitorMut,
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
    /// Model calls, by the numbers that the tree now uses.
    pub calls: Vec<ModelCall>,
    /// Types of parameters that the client or a cast gives.
    pub parameters: Vec<Option<Type>>,
    /// Types of parameters that operators tell while they are planned.
    pub inference: Arc<Mutex<Vec<Option<Type>>>>,
    /// Past versions of tables, by the names that the tree now uses.
    pub versions: HashMap<String, sources::Version>,
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
}

impl VisitorMut for Rewriter<'_> {
    type Break = Box<Error>;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        self.depth += 1;
        flow(self.query(query))
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Self::Break> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        if let GroupByExpr::Expressions(items, _) = &select.group_by {
            items.iter().for_each(|item| self.keep(item));
        }
        self.keep_named_frames(&select.named_window);
        flow(self.refuse_select(select))
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Self::Break> {
        flow(self.source(factor))
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        if let Expr::Interval(interval) = expr {
            self.keep(&interval.value);
        }
        if let Expr::Function(function) = expr
            && parts(&function.name).last().is_some_and(|name| name == "round")
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
        quantified::isolate(expr);
        if let Err(error) = membership::spread(expr) {
            return ControlFlow::Break(Box::new(error.at(self.offset(expr))));
        }
        let compared = self.kept.contains(&std::ptr::from_ref(expr));
        match expr {
            // Compared with all of its rows.
            Expr::AnyOp { right, .. } | Expr::AllOp { right, .. } => drop(self.kept.insert(&raw const **right)),
            Expr::Subquery(query) if !compared => scalar::single(query),
            _ => {}
        }
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

    fn expression(&mut self, expr: &mut Expr) -> Result<()> {
        match expr {
            Expr::Value(ValueWithSpan { value: Value::Number(number, _), .. }) => {
                if let Some(constant) = self.exponent(&number.clone()) {
                    *expr = constant;
                    return Ok(());
                }
                let ty = integer_type(number);
                if let (false, Some(ty)) = (self.kept.contains(&std::ptr::from_ref(expr)), ty) {
                    let value = std::mem::replace(expr, Expr::value(Value::Null));
                    *expr = Expr::Cast {
                        kind: ast::CastKind::Cast,
                        expr: Box::new(value),
                        data_type: ty,
                        array: false,
                        format: None,
                    };
                }
                Ok(())
            }
            Expr::BinaryOp { left, op, right } => {
                let number = self.rewritten.operations.len();
                if let BinaryOperator::PGCustomBinaryOperator(names) = op {
                    match operators::known(names) {
                        Some(known) => *op = known,
                        None if names.first().is_some_and(|name| name == calls::MARK) => return Ok(()),
                        None => {
                            let name = names.last().map_or("", String::as_str);
                            return Err(Error::new(
                                Kind::UndefinedFunction,
                                format!("operator does not exist: {name}"),
                            )
                            .at(self.places.offset(right.span().start)));
                        }
                    }
                }
                let operation = Operation::of(self.places, left, op, right);
                self.rewritten.operations.push(operation);
                *op = operators::numbered(number);
                Ok(())
            }
            // Reserved in Postgres: no column has the name.
            Expr::Identifier(name)
                if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("current_schema") =>
            {
                *expr = call("current_schema", vec![]);
                self.function(expr)
            }
            Expr::SimilarTo { .. } => self.similar(expr),
            Expr::Extract { field, expr: time, .. } => {
                let field = Expr::value(Value::SingleQuotedString(field.to_string().to_lowercase()));
                let time = std::mem::replace(time.as_mut(), Expr::value(Value::Null));
                let extract = date_part(true, self.context.time_zone());
                *expr = self.own_call(extract, vec![field, time]);
                Ok(())
            }
            Expr::Cast { .. } | Expr::TypedString(_) | Expr::AtTimeZone { .. } | Expr::Collate { .. } => {
                self.conversion(expr)
            }
            Expr::Function(_) => {
                self.function(expr)?;
                if counts_rows(expr) {
                    let count = std::mem::replace(expr, Expr::value(Value::Null));
                    *expr = self.cast(&Type::Int8, count);
                }
                Ok(())
            }
            _ => Ok(()),
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

/// Whether it is a window function that DataFusion answers with an unsigned number.
fn counts_rows(expr: &Expr) -> bool {
    let Expr::Function(function) = expr else { return false };
    let name = parts(&function.name).pop();
    function.over.is_some()
        && name.is_some_and(|name| matches!(name.as_str(), "row_number" | "rank" | "dense_rank" | "ntile"))
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

/// `integer` when the number fits it; larger ones are `bigint` or `numeric` by themselves.
fn integer_type(number: &str) -> Option<ast::DataType> {
    number.replace('_', "").parse::<i32>().ok().map(|_| ast::DataType::Int4(None))
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
    match result {
        Ok(()) => ControlFlow::Continue(()),
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
