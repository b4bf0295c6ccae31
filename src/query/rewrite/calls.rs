//! Calls of models: `predict('m', …)`, `predict_proba`, `predict_raw`, and a model as a function.
//!
//! Which columns there are is known only to the planner, so a call becomes an operator whose
//! left side holds the arguments; the planner binds them to the model's inputs by name.

use super::super::functions::arguments;
use super::super::models::{Answer, Resolved};
use super::operators::marked;
use super::{Rewriter, folded, parts};
use crate::base::{Error, Kind, Result};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Spanned, Value,
};

/// Begins the name of an operator that stands for one of [`Rewritten::calls`](super::Rewritten).
pub(super) const MARK: &str = "\u{1}model";
/// A call of a model, before its arguments are bound to inputs.
#[derive(Clone, Debug)]
pub struct ModelCall {
    pub model: Resolved,
    pub answer: Answer,
    pub arguments: Vec<Argument>,
    /// A model called as a function of its own may be given all its inputs by position.
    pub as_function: bool,
    /// Byte offset of the call.
    pub at: Option<usize>,
}

/// What was written as an argument. All but wildcards have an expression, in the same order.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// `*` or `t.*`
    Wildcard(Vec<String>),
    /// `name => expression`
    Named(String),
    /// A column, by its name.
    Column(String),
    /// An expression without a name.
    Unnamed,
}

/// The number of the call that an operator stands for.
pub fn number(op: &BinaryOperator) -> Option<usize> {
    marked(op, MARK)
}

impl Rewriter<'_> {
    /// Rewrites `expr` when it calls a model.
    pub(super) fn call(&mut self, expr: &mut Expr) -> Result<()> {
        let Expr::Function(function) = expr else { return Ok(()) };
        let at = self.places.offset(function.name.span().start);
        let Some((model, answer, skip)) = self.called(function).map_err(|error| error.at(at))? else {
            return Ok(());
        };
        if function.over.is_some() || function.filter.is_some() || !function.within_group.is_empty() {
            return Err(Error::new(Kind::WrongObjectType, "a model is not an aggregate or window function").at(at));
        }
        let FunctionArguments::List(list) = &mut function.args else { return Ok(()) };
        let mut arguments = vec![];
        let mut expressions = vec![];
        for given in list.args.drain(..).skip(skip) {
            let (argument, expression) = argument(given).map_err(|error| error.at(at))?;
            arguments.push(argument);
            expressions.extend(expression);
        }
        let number = self.rewritten.calls.len();
        self.rewritten.calls.push(ModelCall { model, answer, arguments, as_function: skip == 0, at });
        *expr = Expr::BinaryOp {
            left: Box::new(self.own_call(arguments::function(), expressions)),
            op: BinaryOperator::PGCustomBinaryOperator(vec![MARK.into(), number.to_string()]),
            right: Box::new(Expr::value(Value::Null)),
        };
        Ok(())
    }

    /// The model, what is asked of it, and how many arguments say so.
    fn called(&self, function: &Function) -> Result<Option<(Resolved, Answer, usize)>> {
        let name = parts(&function.name);
        let answer = match name.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["predict"] | ["aqueduct", "predict"] => Answer::Value,
            ["predict_proba"] | ["aqueduct", "predict_proba"] => Answer::Probability,
            ["predict_raw"] | ["aqueduct", "predict_raw"] => Answer::Raw,
            _ => {
                let model = self.models.called(self.context, &name).transpose()?;
                return Ok(model.map(|model| (model, Answer::Value, 0)));
            }
        };
        let Some(text) = first_text(function) else {
            return Err(Error::new(
                Kind::UndefinedFunction,
                format!("{}() takes a model's name as its first argument, as a literal", name.join(".")),
            )
            .hint(format!("{}('model', *)", name.join("."))));
        };
        Ok(Some((self.models.resolve(self.context, &text)?, answer, 1)))
    }
}

fn first_text(function: &Function) -> Option<String> {
    let FunctionArguments::List(list) = &function.args else { return None };
    match list.args.first()? {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) => match &value.value {
            Value::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

fn argument(given: FunctionArg) -> Result<(Argument, Option<Expr>)> {
    Ok(match given {
        FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => (Argument::Wildcard(vec![]), None),
        FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(name)) => (Argument::Wildcard(parts(&name)), None),
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => (unnamed(&expr), Some(expr)),
        FunctionArg::Named { name, arg: FunctionArgExpr::Expr(expr), .. }
        | FunctionArg::ExprNamed { name: Expr::Identifier(name), arg: FunctionArgExpr::Expr(expr), .. } => {
            (Argument::Named(folded(&name)), Some(expr))
        }
        other => return Err(Error::new(Kind::UndefinedFunction, format!("\"{other}\" is not an argument of a model"))),
    })
}

fn unnamed(expr: &Expr) -> Argument {
    match expr {
        Expr::Identifier(name) => Argument::Column(folded(name)),
        Expr::CompoundIdentifier(names) => {
            names.last().map_or(Argument::Unnamed, |name| Argument::Column(folded(name)))
        }
        _ => Argument::Unnamed,
    }
}
