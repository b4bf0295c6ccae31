//! CASE, COALESCE, IN and the like, and conditions: their parts are held by a function until the planner knows types.

use super::super::functions::arguments;
use super::operators::{Operation, marked, start};
use super::{Rewriter, parts, run};
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, FunctionArguments, UnaryOperator, Value};

/// Begins the name of an operator that stands for one of [`Rewritten::choices`](super::Rewritten).
const MARK: &str = "\u{1}choice";

/// An expression whose parts decide its type together.
#[derive(Clone, Debug)]
pub struct Choice {
    pub what: Choosing,
    /// Byte offsets of the parts.
    pub places: Vec<Option<usize>>,
}

#[derive(Clone, Debug)]
pub enum Choosing {
    Case {
        operand: bool,
        whens: usize,
        otherwise: bool,
    },
    Coalesce,
    Greatest,
    Least,
    In {
        negated: bool,
    },
    /// `= ANY` of an array that is a literal, or `<> ALL` when negated.
    AnyItem {
        negated: bool,
    },
    /// What must be boolean, and the clause that it stands in.
    Condition(&'static str),
    Not,
    /// A function of what aggregates have collected in arrays.
    Collected(&'static str),
    /// The name of its type.
    TypeName,
    /// A literal that takes the type of the expression after it.
    Like,
    /// A relation's name in the place of a value: all its columns.
    Row(String),
}

/// The number of the choice that an operator stands for.
pub fn number(op: &BinaryOperator) -> Option<usize> {
    marked(op, MARK)
}

impl Rewriter<'_> {
    pub(super) fn choice(&mut self, expr: &mut Expr) {
        let null = || Expr::value(Value::Null);
        let taken = std::mem::replace(expr, null());
        *expr = match taken {
            Expr::Case { operand, conditions, else_result, .. } => {
                let what = Choosing::Case {
                    operand: operand.is_some(),
                    whens: conditions.len(),
                    otherwise: else_result.is_some(),
                };
                let mut held: Vec<Expr> = operand.into_iter().map(|operand| *operand).collect();
                let (whens, results): (Vec<_>, Vec<_>) =
                    conditions.into_iter().map(|when| (when.condition, when.result)).unzip();
                held.extend(whens);
                held.extend(results);
                held.extend(else_result.map(|otherwise| *otherwise));
                self.chosen(what, held)
            }
            Expr::InList { expr, list, negated } if !list.is_empty() => {
                let held = std::iter::once(*expr).chain(list).collect();
                self.chosen(Choosing::In { negated }, held)
            }
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => self.chosen(Choosing::Not, vec![*expr]),
            Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } if is_text(&right) => {
                self.chosen(Choosing::AnyItem { negated: false }, vec![*left, *right])
            }
            Expr::AllOp { left, compare_op: BinaryOperator::NotEq, right } if is_text(&right) => {
                self.chosen(Choosing::AnyItem { negated: true }, vec![*left, *right])
            }
            Expr::Between { expr, negated, low, high } => self.between(*expr, negated, *low, *high),
            Expr::Function(function) => {
                let what = match parts(&function.name).last().map(String::as_str) {
                    Some("coalesce") => Choosing::Coalesce,
                    Some("greatest") => Choosing::Greatest,
                    Some("pg_typeof") => Choosing::TypeName,
                    _ => Choosing::Least,
                };
                let held = run::inner(&function).into_iter().cloned().collect();
                self.chosen(what, held)
            }
            other => other,
        };
    }

    /// A condition of a clause, whose type the planner checks.
    pub(super) fn condition(&mut self, clause: &'static str, expr: &mut Expr) {
        let taken = std::mem::replace(expr, Expr::value(Value::Null));
        *expr = self.chosen(Choosing::Condition(clause), vec![taken]);
    }

    pub(super) fn chosen(&mut self, what: Choosing, held: Vec<Expr>) -> Expr {
        let places = held.iter().map(|part| start(self.places, part)).collect();
        let number = self.rewritten.choices.len();
        self.rewritten.choices.push(Choice { what, places });
        Expr::BinaryOp {
            left: Box::new(self.own_call(arguments::function(), held)),
            op: BinaryOperator::PGCustomBinaryOperator(vec![MARK.into(), number.to_string()]),
            right: Box::new(Expr::value(Value::Null)),
        }
    }

    /// `x >= low AND x <= high`: each comparison finds its types by itself.
    fn between(&mut self, expr: Expr, negated: bool, low: Expr, high: Expr) -> Expr {
        let (first, second, both) = match negated {
            false => (BinaryOperator::GtEq, BinaryOperator::LtEq, BinaryOperator::And),
            true => (BinaryOperator::Lt, BinaryOperator::Gt, BinaryOperator::Or),
        };
        let left = self.operation(expr.clone(), first, low);
        let right = self.operation(expr, second, high);
        Expr::Nested(Box::new(self.operation(left, both, right)))
    }

    pub(super) fn operation(&mut self, left: Expr, op: BinaryOperator, right: Expr) -> Expr {
        let number = self.rewritten.operations.len();
        let operation = Operation::of(self.places, &self.rewritten.operations, &left, &op, &right);
        self.rewritten.operations.push(operation);
        Expr::BinaryOp { left: Box::new(left), op: super::operators::numbered(number), right: Box::new(right) }
    }
}

/// Whether it stands for a relation's row, or for a column of that name.
pub fn is_row(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryOp { left, op, .. } if number(op).is_some() => {
            matches!(left.as_ref(), Expr::Function(held) if run::inner(held).is_empty())
        }
        _ => false,
    }
}

/// Whether a call is one of these.
pub(super) fn is_choice(function: &datafusion::sql::sqlparser::ast::Function) -> bool {
    let name = parts(&function.name);
    let known = matches!(name.last().map(String::as_str), Some("coalesce" | "greatest" | "least" | "pg_typeof"));
    known && matches!(&function.args, FunctionArguments::List(list) if !list.args.is_empty())
}

pub(super) fn is_text(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_text(inner),
        Expr::Value(value) => matches!(value.value, Value::SingleQuotedString(_)),
        _ => false,
    }
}

impl Rewriter<'_> {
    /// `substring(text FROM 'pattern')`
    pub(super) fn substring(&mut self, expr: &mut Expr) {
        if let Expr::Substring { expr: text, substring_from: Some(from), substring_for: None, .. } = expr
            && is_text(from)
        {
            let (text, from) = (text.as_ref().clone(), from.as_ref().clone());
            *expr = super::call("substring of pattern", vec![text, from]);
        }
    }
}
