//! Expressions whose parts must be of one type, and conditions, which must be boolean.

use super::Operators;
use super::class::{is_text_literal, name_of, type_of};
use super::common::{common_type, converted};
use crate::base::{Error, Kind, Type};
use crate::query::functions::cast::Cast;
use crate::query::functions::constant::constant;
use crate::query::functions::rows;
use crate::query::rewrite::{Choice, Choosing};
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::functions::core::{coalesce, greatest, least, named_struct};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::{Case, InList, Placeholder};

impl Operators {
    /// What `choice` was written as, of the parts that `held` holds.
    pub(super) fn choice(&self, choice: &Choice, held: Expr, schema: &DFSchema) -> Result<Expr, Error> {
        let Expr::ScalarFunction(held) = held else {
            return Err(Error::internal("the parts of a choice must be held by their function"));
        };
        let parts = held.args;
        match &choice.what {
            Choosing::Case { operand, whens, otherwise } => {
                self.case(choice, (*operand, *whens, *otherwise), parts, schema)
            }
            Choosing::Coalesce => Ok(coalesce().call(self.unified("COALESCE", choice, parts, 0, schema)?)),
            Choosing::Greatest => Ok(greatest().call(self.unified("GREATEST", choice, parts, 0, schema)?)),
            Choosing::Least => Ok(least().call(self.unified("LEAST", choice, parts, 0, schema)?)),
            Choosing::In { negated } => self.in_list(choice, *negated, parts, schema),
            Choosing::AnyItem { negated } => self.any_item(choice, *negated, parts, schema),
            Choosing::Condition(clause) => {
                let part = first(parts)?;
                condition(clause, part, schema, choice.places.first().copied().flatten())
            }
            Choosing::Not => {
                let part = first(parts)?;
                let part = condition("NOT", part, schema, choice.places.first().copied().flatten())?;
                Ok(Expr::Not(Box::new(part)))
            }
            Choosing::Collected(name) => {
                let function = rows::function(name, &self.zone)
                    .ok_or_else(|| Error::internal("an aggregate must have its function"))?;
                Ok(function.call(parts.into_iter().map(|part| collected(part, schema)).collect()))
            }
            Choosing::TypeName => {
                let part = first(parts)?;
                let name = match type_of(&part, schema) {
                    _ if is_text_literal(&part) || matches!(part, Expr::Literal(ScalarValue::Null, _)) => {
                        "unknown".into()
                    }
                    Some(ty) => name_of(&ty),
                    None => "unknown".into(),
                };
                let value = ScalarValue::from(name.as_str());
                Ok(constant(&format!("pg_typeof {name}"), &Type::Regtype, value).call(vec![]))
            }
            Choosing::Like => {
                let mut parts = self.unified("VALUES", choice, parts, 0, schema)?;
                Ok(parts.swap_remove(0))
            }
            Choosing::Row(name) => row(name, schema, choice.places.first().copied().flatten()),
        }
    }

    fn unified(
        &self,
        what: &str,
        choice: &Choice,
        parts: Vec<Expr>,
        from: usize,
        schema: &DFSchema,
    ) -> Result<Vec<Expr>, Error> {
        let place = |at: usize| choice.places.get(from + at).copied().flatten();
        let ty = common_type(what, parts.iter(), schema, place)?;
        self.note(&parts, &ty);
        let parts = parts.into_iter().enumerate();
        parts.map(|(at, part)| converted(part, &ty, schema, &self.zone).map_err(|error| error.at(place(at)))).collect()
    }

    /// Parameters among the parts are of their type.
    fn note(&self, parts: &[Expr], ty: &Type) {
        for part in parts {
            let Expr::Placeholder(Placeholder { id, field: None }) = part else { continue };
            let number = id.strip_prefix('$').and_then(|id| id.parse::<usize>().ok()).and_then(|id| id.checked_sub(1));
            let Some(number) = number else { continue };
            let mut inference = self.inference.lock();
            if inference.len() <= number {
                inference.resize(number + 1, None);
            }
            inference[number].get_or_insert_with(|| ty.clone());
        }
    }

    /// Parts are the operand, the conditions, the results, and what is otherwise, which PostgreSQL looks at first.
    fn case(
        &self,
        choice: &Choice,
        (operand, whens, otherwise): (bool, usize, bool),
        mut parts: Vec<Expr>,
        schema: &DFSchema,
    ) -> Result<Expr, Error> {
        let conditions_from = usize::from(operand);
        let results_from = conditions_from + whens;
        let results = parts.split_off(results_from.min(parts.len()));
        let mut compared = parts;
        let place = |at: usize| choice.places.get(at).copied().flatten();
        let (operand, conditions) = if operand {
            compared = self.unified("CASE/WHEN", choice, compared, 0, schema).map_err(operator)?;
            let operand = compared.remove(0);
            (Some(Box::new(operand)), compared)
        } else {
            let conditions = compared.into_iter().enumerate();
            let conditions = conditions.map(|(at, part)| condition("CASE/WHEN", part, schema, place(at)));
            (None, conditions.collect::<Result<_, _>>()?)
        };
        // The last first: messages name its type first.
        let mut order: Vec<usize> = (0..results.len()).collect();
        if otherwise {
            order.rotate_right(1);
        }
        let ty = common_type("CASE", order.iter().map(|at| &results[*at]), schema, |at| {
            order.get(at).and_then(|at| place(results_from + at))
        })?;
        self.note(&results, &ty);
        let results = results.into_iter().enumerate().map(|(at, part)| {
            converted(part, &ty, schema, &self.zone).map_err(|error| error.at(place(results_from + at)))
        });
        let mut results = results.collect::<Result<Vec<_>, _>>()?;
        let else_expr = if otherwise { results.pop().map(Box::new) } else { None };
        let when_then_expr =
            conditions.into_iter().zip(results).map(|(when, then)| (Box::new(when), Box::new(then))).collect();
        Ok(Expr::Case(Case { expr: operand, when_then_expr, else_expr }))
    }

    fn in_list(&self, choice: &Choice, negated: bool, parts: Vec<Expr>, schema: &DFSchema) -> Result<Expr, Error> {
        let mut parts = self.unified("IN", choice, parts, 0, schema).map_err(operator)?;
        let expr = Box::new(parts.remove(0));
        Ok(Expr::InList(InList { expr, list: parts, negated }))
    }

    /// `x = ANY ('{…}')`, and `x <> ALL ('{…}')` when negated.
    fn any_item(&self, choice: &Choice, negated: bool, parts: Vec<Expr>, schema: &DFSchema) -> Result<Expr, Error> {
        let Ok([expr, items]) = <[Expr; 2]>::try_from(parts) else {
            return Err(Error::internal("a comparison must have two parts"));
        };
        let Expr::Literal(text, _) = &items else { return Err(Error::internal("an array must be a literal here")) };
        let ty = type_of(&expr, schema).unwrap_or(Type::Text);
        let ty = if is_text_literal(&expr) { Type::Text } else { ty };
        let cast = Cast::new(Type::Array(Box::new(ty)), &self.zone);
        let value = cast.value(text).map_err(|error| error.at(choice.places.get(1).copied().flatten()))?;
        let ScalarValue::List(list) = value else { return Ok(Expr::Literal(ScalarValue::Boolean(None), None)) };
        let items = list.value(0);
        let items = (0..items.len()).map(|at| Ok(Expr::Literal(ScalarValue::try_from_array(&items, at)?, None)));
        let list = items.collect::<Result<Vec<_>, Error>>()?;
        Ok(match list.is_empty() {
            true => Expr::Literal(ScalarValue::Boolean(Some(negated)), None),
            false => Expr::InList(InList { expr: Box::new(expr), list, negated }),
        })
    }
}

/// An array whose items are what they were before an aggregate collected them.
fn collected(array: Expr, schema: &DFSchema) -> Expr {
    let of = match &array {
        Expr::AggregateFunction(function) => function.params.args.first(),
        Expr::WindowFunction(function) => function.params.args.first(),
        _ => None,
    };
    match of.and_then(|of| type_of(of, schema)) {
        Some(ty) if Type::from_arrow(&ty.arrow()) != ty && ty != Type::Record && !ty.is_vector() => {
            Cast::new(Type::Array(Box::new(ty)), "UTC").function().call(vec![array])
        }
        _ => array,
    }
}

fn first(parts: Vec<Expr>) -> Result<Expr, Error> {
    parts.into_iter().next().ok_or_else(|| Error::internal("a condition must be held by its function"))
}

/// What is compared has no operator, when the types do not go together.
fn operator(error: Error) -> Error {
    let types = error.message.split_once(" types ").and_then(|(_, types)| types.strip_suffix(" cannot be matched"));
    match types.and_then(|types| types.split_once(" and ")) {
        Some((left, right)) => Error {
            kind: Kind::UndefinedFunction,
            message: format!("operator does not exist: {left} = {right}"),
            ..error
        }
        .hint(
            "No operator matches the given name and argument types. You might need to add explicit type casts."
                .to_string(),
        ),
        None => error,
    }
}

/// The expression, when it is boolean or a literal that can be.
pub fn condition(clause: &str, expr: Expr, schema: &DFSchema, at: Option<usize>) -> Result<Expr, Error> {
    if let Expr::Literal(value @ ScalarValue::Utf8(_), _) = &expr {
        let value = Cast::new(Type::Bool, "UTC").value(value).map_err(|error| error.at(at))?;
        return Ok(Expr::Literal(value, None));
    }
    if matches!(expr, Expr::Literal(ScalarValue::Null, _)) {
        return Ok(Expr::Literal(ScalarValue::Boolean(None), None));
    }
    if matches!(&expr, Expr::BinaryExpr(binary) if is_boolean(&binary.op)) {
        return Ok(expr);
    }
    // What has no type has an error of its own.
    match type_of(&expr, schema) {
        Some(ty) if ty != Type::Bool && !matches!(expr, Expr::Placeholder(_)) => {
            let message = format!("argument of {clause} must be type boolean, not type {}", name_of(&ty));
            Err(Error::new(Kind::DatatypeMismatch, message).at(at))
        }
        _ => Ok(expr),
    }
}

/// All columns of a relation as one record; a column of that name comes first.
fn row(name: &str, schema: &DFSchema, at: Option<usize>) -> Result<Expr, Error> {
    if let Some((qualifier, field)) = schema.iter().find(|(_, field)| field.name() == name) {
        return Ok(Expr::Column(Column::from((qualifier, field))));
    }
    let of = schema.iter().filter(|(qualifier, _)| qualifier.is_some_and(|qualifier| qualifier.table() == name));
    // A function of one column is its value.
    let columns: Vec<_> = of.collect();
    if let [(qualifier, field)] = columns.as_slice()
        && field.name() == "value"
    {
        return Ok(Expr::Column(Column::from((*qualifier, *field))));
    }
    let fields: Vec<Expr> = columns
        .into_iter()
        .flat_map(|(qualifier, field)| {
            let label = crate::query::rewrite::columns::shown(field.name());
            [Expr::Literal(ScalarValue::from(label), None), Expr::Column(Column::from((qualifier, field)))]
        })
        .collect();
    match fields.is_empty() {
        false => Ok(named_struct().call(fields)),
        true => Err(Error::new(Kind::UndefinedColumn, format!("column \"{name}\" does not exist")).at(at)),
    }
}

fn is_boolean(op: &datafusion::logical_expr::Operator) -> bool {
    use datafusion::logical_expr::Operator::*;
    op.is_logic_operator() || matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}
