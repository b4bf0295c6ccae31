//! A model's inputs bound to columns and expressions, by name.

use super::models::ScorerInput;
use super::rewrite::{Argument, ModelCall};
use crate::base::error::did_you_mean;
use crate::base::{Error, Kind};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::logical_expr::{Expr, ExprSchemable};

/// The call with exactly the inputs that the model uses, in its order.
///
/// `arguments` is the function that holds the call's expressions; `schema` what columns there are.
pub fn bind(call: &ModelCall, arguments: Expr, schema: &DFSchema) -> Result<Expr, Error> {
    let Expr::ScalarFunction(arguments) = arguments else {
        return Err(Error::internal("a model's arguments must be held by their function"));
    };
    let inputs = call.model.scorer.inputs();
    let refuse =
        |message: String| Error::new(Kind::UndefinedFunction, message).hint(call.model.signature()).at(call.at);
    let given = given(call, arguments.args, &inputs).map_err(|error| error.hint(error_hint(call)).at(call.at))?;
    let mut bound = vec![];
    for input in inputs.iter().filter(|input| input.used) {
        let expr = match take(&given, &input.name) {
            Some(expr) => Some(expr.clone()),
            None => wild(call, &input.name, schema)?,
        };
        let Some(expr) = expr else {
            return Err(refuse(format!("input \"{}\" of model \"{}\" is missing", input.name, call.model.used.name)));
        };
        bound.push(fitting(expr, input, schema).map_err(|given| {
            refuse(format!(
                "input \"{}\" of model \"{}\" is {}, got {given}",
                input.name,
                call.model.used.name,
                sql_name(input)
            ))
        })?);
    }
    call.model.scorer.output(call.answer).map_err(|error| refuse(error.message))?;
    let function = call.model.scorer.function(&call.model.display(call.answer), call.answer);
    Ok(function.call(bound))
}

fn error_hint(call: &ModelCall) -> Option<String> {
    Some(call.model.signature())
}

/// Expressions with the names of the inputs that they are for.
fn given(call: &ModelCall, expressions: Vec<Expr>, inputs: &[ScorerInput]) -> Result<Vec<(String, Expr)>, Error> {
    let model = &call.model.used.name;
    let by_position = call.as_function
        && expressions.len() == inputs.len()
        && call.arguments.iter().all(|argument| *argument == Argument::Unnamed);
    if by_position {
        return Ok(inputs.iter().map(|input| input.name.clone()).zip(expressions).collect());
    }
    let mut given: Vec<(String, Expr)> = vec![];
    let named = call.arguments.iter().filter(|argument| !matches!(argument, Argument::Wildcard(_)));
    for (argument, expr) in named.zip(expressions) {
        let name = match argument {
            Argument::Named(name) | Argument::Column(name) => name,
            Argument::Unnamed | Argument::Wildcard(_) => {
                return Err(Error::new(
                    Kind::UndefinedFunction,
                    format!("an argument of model \"{model}\" has no name"),
                )
                .detail("an expression is bound to an input by name: name => expression"));
            }
        };
        let Some(input) = find(inputs, name) else {
            let known = inputs.iter().map(|input| input.name.as_str());
            let meant = did_you_mean(name, known).map_or(String::new(), |hint| format!(", {hint}"));
            return Err(Error::new(
                Kind::UndefinedFunction,
                format!("model \"{model}\" has no input \"{name}\"{meant}"),
            ));
        };
        if take(&given, &input.name).is_some() {
            return Err(Error::new(
                Kind::UndefinedFunction,
                format!("input \"{}\" of model \"{model}\" is given twice", input.name),
            ));
        }
        given.push((input.name.clone(), expr));
    }
    Ok(given)
}

/// By exact name, else by the only one that differs in case alone.
fn find<'a>(inputs: &'a [ScorerInput], name: &str) -> Option<&'a ScorerInput> {
    inputs.iter().find(|input| input.name == name).or_else(|| {
        let mut alike = inputs.iter().filter(|input| input.name.eq_ignore_ascii_case(name));
        alike.next().filter(|_| alike.next().is_none())
    })
}

fn take<'a>(given: &'a [(String, Expr)], name: &str) -> Option<&'a Expr> {
    given.iter().find(|(known, _)| known == name).map(|(_, expr)| expr)
}

/// The column that a `*` of the call brings for an input.
fn wild(call: &ModelCall, name: &str, schema: &DFSchema) -> Result<Option<Expr>, Error> {
    let wildcards: Vec<_> = call
        .arguments
        .iter()
        .filter_map(|argument| match argument {
            Argument::Wildcard(qualifier) => Some(qualifier),
            _ => None,
        })
        .collect();
    let covered = |column: &Column| wildcards.iter().any(|qualifier| qualified(column, qualifier));
    let matching = |same: &dyn Fn(&str) -> bool| -> Vec<Column> {
        schema.columns().into_iter().filter(|column| same(&column.name) && covered(column)).collect()
    };
    let mut found = matching(&|column| column == name);
    if found.is_empty() {
        found = matching(&|column| column.eq_ignore_ascii_case(name));
    }
    match found.len() {
        0 => Ok(None),
        1 => Ok(found.pop().map(Expr::Column)),
        _ => Err(Error::new(Kind::AmbiguousColumn, format!("column reference \"{name}\" is ambiguous"))
            .detail(format!("model \"{}\" has an input of that name", call.model.used.name))
            .hint(format!("{name} => …"))
            .at(call.at)),
    }
}

fn qualified(column: &Column, qualifier: &[String]) -> bool {
    let Some(last) = qualifier.last() else { return true };
    column.relation.as_ref().is_some_and(|relation| {
        relation.table() == last
            && match (qualifier.len().checked_sub(2).and_then(|at| qualifier.get(at)), relation.schema()) {
                (Some(wanted), Some(schema)) => wanted == schema,
                (Some(_), None) | (None, _) => qualifier.len() == 1,
            }
    })
}

/// The expression in a type that the input takes, or the name of the type that it does not.
fn fitting(expr: Expr, input: &ScorerInput, schema: &DFSchema) -> Result<Expr, String> {
    let Ok(ty) = expr.get_type(schema) else { return Ok(expr) };
    let plain = match &ty {
        DataType::Dictionary(_, values) => values.as_ref(),
        other => other,
    };
    let text = |ty: &DataType| matches!(ty, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let number = |ty: &DataType| ty.is_numeric() || *ty == DataType::Boolean;
    let fits = match (text(&input.data_type), plain) {
        (_, DataType::Null) => true,
        (true, plain) => text(plain),
        (false, plain) => number(plain),
    };
    if fits {
        return Ok(expr);
    }
    // A literal has no type of its own: '12' is a number where one is wanted.
    if let Expr::Literal(ScalarValue::Utf8(Some(value)), _) = &expr
        && let Ok(number) = value.trim().parse::<f64>()
    {
        return Ok(Expr::Literal(ScalarValue::Float64(Some(number)), None));
    }
    Err(super::functions::missing::argument_type(plain))
}

fn sql_name(input: &ScorerInput) -> String {
    super::functions::missing::argument_type(&input.data_type)
}
