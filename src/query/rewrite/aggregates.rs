//! Aggregates that PostgreSQL has and DataFusion has not: what they are of is collected in an array.

use super::choices::Choosing;
use super::{Rewriter, call, parts};
use crate::base::Result;
use crate::query::functions::rows;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArgumentList, FunctionArguments, Ident, ObjectName, OrderByExpr, Value,
};

impl Rewriter<'_> {
    /// Rewrites `expr` when it is such an aggregate.
    pub(super) fn collected(&mut self, expr: &mut Expr) -> Result<bool> {
        let Expr::Function(function) = expr else { return Ok(false) };
        let Some(name) = parts(&function.name).pop() else { return Ok(false) };
        if let Some(made) = rows::row_name(&name) {
            let FunctionArguments::List(list) = &function.args else { return Ok(false) };
            let arrays = list.args.iter().map(|arg| array_agg(function, vec![arg.clone()], list.clauses.clone()));
            let arrays = arrays.collect();
            *expr = self.chosen(Choosing::Collected(made), arrays);
            return Ok(true);
        }
        match (name.as_str(), function.within_group.as_slice()) {
            ("mode", [order]) => {
                let array = ordered(function, order);
                *expr = call("mode of", vec![array]);
                Ok(true)
            }
            ("percentile_disc", [order]) => {
                let fraction = super::run::inner(function).first().map(|fraction| (*fraction).clone());
                let array = ordered(function, order);
                *expr = call("percentile_disc of", fraction.into_iter().chain([array]).collect());
                Ok(true)
            }
            // Values that are told apart PostgreSQL has sorted.
            ("array_agg" | "string_agg", []) if function.over.is_none() => {
                let FunctionArguments::List(list) = &function.args else { return Ok(false) };
                let ordered = list.clauses.iter().any(|clause| matches!(clause, FunctionArgumentClause::OrderBy(_)));
                let distinct = matches!(list.duplicate_treatment, Some(DuplicateTreatment::Distinct));
                if !distinct || ordered {
                    return Ok(false);
                }
                *expr = match list.args.as_slice() {
                    [value] if name == "array_agg" => sorted(array_agg(function, vec![value.clone()], vec![]), None),
                    [value, FunctionArg::Unnamed(FunctionArgExpr::Expr(between))] => {
                        let FunctionArg::Unnamed(FunctionArgExpr::Expr(given)) = value else { return Ok(false) };
                        let items = known(function, given, vec![value.clone()]);
                        call("array_to_string", vec![sorted(items, None), between.clone()])
                    }
                    _ => return Ok(false),
                };
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

/// `array_agg` of what the aggregate is of, with its filter and window.
fn array_agg(function: &Function, args: Vec<FunctionArg>, clauses: Vec<FunctionArgumentClause>) -> Expr {
    let duplicate_treatment = match &function.args {
        FunctionArguments::List(list) => list.duplicate_treatment,
        _ => None,
    };
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::with_quote('"', "array_agg")]),
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment, args, clauses }),
        within_group: vec![],
        ..function.clone()
    })
}

/// What is not NULL, in the order that is wanted.
fn ordered(function: &Function, order: &OrderByExpr) -> Expr {
    let arg = FunctionArg::Unnamed(FunctionArgExpr::Expr(order.expr.clone()));
    sorted(known(function, &order.expr, vec![arg]), order.options.asc)
}

/// `array_agg` of what is not NULL.
fn known(function: &Function, value: &Expr, args: Vec<FunctionArg>) -> Expr {
    let known = Expr::IsNotNull(Box::new(value.clone()));
    let filter = match function.filter.clone() {
        Some(filter) => Expr::BinaryOp { left: filter, op: BinaryOperator::And, right: Box::new(known) },
        None => known,
    };
    match array_agg(function, args, vec![]) {
        Expr::Function(function) => Expr::Function(Function { filter: Some(Box::new(filter)), ..function }),
        other => other,
    }
}

/// Sorted afterwards: aggregates of one SELECT that want their input in different orders have no plan.
fn sorted(array: Expr, ascending: Option<bool>) -> Expr {
    let text = |text: &str| Expr::value(Value::SingleQuotedString(text.into()));
    let direction = if ascending == Some(false) { "DESC" } else { "ASC" };
    call("array_sort", vec![array, text(direction), text("NULLS LAST")])
}
