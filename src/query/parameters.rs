//! Types of `$1`, `$2`, …: what the client gives, else what they are used with, else text.

use crate::base::{Error, Kind, Result, Type};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::expr::{Placeholder, ScalarFunction};
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use datafusion::sql::sqlparser::ast::{Statement, Value, ValueWithSpan, Visit, Visitor};
use parking_lot::Mutex;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Parameters that a statement may have.
const PARAMETERS_MAX: usize = u16::MAX as usize;

/// One entry for each parameter of a statement, with the type that is known before it is planned.
pub fn wanted(statement: &Statement, known: &[Option<Type>]) -> Result<Vec<Option<Type>>> {
    let mut highest = Highest(0);
    if statement.visit(&mut highest).is_break() || highest.0 > PARAMETERS_MAX {
        return Err(Error::new(Kind::UndefinedParameter, "a parameter is $1, $2, … up to $65535"));
    }
    let mut wanted = known.to_vec();
    wanted.resize(highest.0, None);
    Ok(wanted)
}

struct Highest(usize);

impl Visitor for Highest {
    type Break = ();

    fn pre_visit_value(&mut self, value: &ValueWithSpan) -> ControlFlow<()> {
        if let Value::Placeholder(name) = &value.value {
            match name.strip_prefix('$').and_then(|number| number.parse().ok()) {
                Some(number) if number > 0 => self.0 = self.0.max(number),
                _ => return ControlFlow::Break(()),
            }
        }
        ControlFlow::Continue(())
    }
}

/// The types of all parameters, from a plan in which some have none yet.
pub fn inferred(
    plan: &LogicalPlan,
    wanted: Vec<Option<Type>>,
    operators: &Arc<Mutex<Vec<Option<Type>>>>,
) -> Result<Vec<Type>> {
    let fields = plan.get_parameter_fields().unwrap_or_default();
    let operators = operators.lock();
    let mut called = vec![None; wanted.len()];
    if wanted.iter().any(Option::is_none) {
        from_functions(plan, &mut called)?;
    }
    let types = wanted.into_iter().enumerate().map(|(at, known)| {
        let used = || operators.get(at).cloned().flatten();
        let planned = || fields.get(&format!("${}", at + 1)).cloned().flatten().map(|field| Type::of(&field));
        known.or_else(used).or_else(planned).or_else(|| called[at].take()).map_or(Type::Text, settled)
    });
    Ok(types.collect())
}

/// A column's precision or length is not the parameter's.
fn settled(ty: Type) -> Type {
    match ty {
        Type::Numeric(_) => Type::Numeric(None),
        Type::Varchar(_) => Type::Varchar(None),
        Type::Char(_) => Type::Text,
        other => other,
    }
}

/// What functions want in the place of a parameter.
fn from_functions(plan: &LogicalPlan, types: &mut [Option<Type>]) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        let schema = merge_schema(&node.inputs());
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::ScalarFunction(function) = expr {
                    from_function(function, &schema, types);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(())
}

fn from_function(function: &ScalarFunction, schema: &DFSchema, types: &mut [Option<Type>]) {
    let untyped = |arg: &Expr| match arg {
        Expr::Placeholder(Placeholder { id, field: None }) => {
            id.strip_prefix('$').and_then(|id| id.parse::<usize>().ok()).and_then(|number| number.checked_sub(1))
        }
        _ => None,
    };
    if !function.args.iter().any(|arg| untyped(arg).is_some()) {
        return;
    }
    let fields: Vec<_> = function
        .args
        .iter()
        .map(|arg| Arc::new(Field::new("argument", arg.get_type(schema).unwrap_or(DataType::Null), true)))
        .collect();
    let Ok(coerced) = fields_with_udf(&fields, function.func.as_ref()) else { return };
    for (arg, field) in function.args.iter().zip(coerced) {
        if let Some(place) = untyped(arg).and_then(|number| types.get_mut(number))
            && *field.data_type() != DataType::Null
        {
            place.get_or_insert_with(|| Type::from_arrow(field.data_type()));
        }
    }
}

/// The plan with values in the place of its parameters.
pub fn filled(plan: LogicalPlan, types: &[Type], values: &[ScalarValue]) -> Result<LogicalPlan> {
    if types.len() != values.len() {
        let (wanted, given) = (types.len(), values.len());
        return Err(Error::new(
            Kind::ProtocolViolation,
            format!("bind message supplies {given} parameters, but prepared statement requires {wanted}"),
        ));
    }
    if types.is_empty() {
        return Ok(plan);
    }
    let values = types.iter().zip(values).map(|(ty, value)| {
        let cast = super::functions::cast::Cast::new(ty.clone(), "UTC");
        match value.data_type() == ty.arrow() {
            true => Ok(value.clone()),
            false => cast.value(value),
        }
    });
    Ok(plan.with_param_values(values.collect::<Result<Vec<_>>>()?)?)
}
