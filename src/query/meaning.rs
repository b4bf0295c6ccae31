//! What a plan means in PostgreSQL, where it is told by types that only the plan knows.

use super::functions::rows;
use super::operators::{merged, name_of, stripped, type_of};
use super::{alike, held, subqueries};
use crate::base::{Error, Kind, Type};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};

/// The plan with that meaning.
pub fn applied(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(node)?.data;
    subqueries::applied(plan)
}

fn node(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    if let LogicalPlan::TableScan(_) | LogicalPlan::Values(_) | LogicalPlan::Join(_) = node {
        return Ok(Transformed::no(node));
    }
    let schema = merge_schema(&node.inputs());
    let ordered = match node {
        LogicalPlan::Sort(mut sort) => {
            sort.expr = sort.expr.into_iter().map(|sort| by_length(sort, &schema)).collect();
            LogicalPlan::Sort(sort)
        }
        other => other,
    };
    let meant = ordered.map_expressions(|expr| {
        let (relation, name) = expr.qualified_name();
        let changed = expr.transform_up(|expr| expression(expr, &schema))?;
        let named = changed.transformed && !matches!(changed.data, Expr::Alias(_));
        Ok(match named {
            true => {
                changed.update_data(|expr| if is_sorted(&expr) { expr } else { expr.alias_qualified(relation, name) })
            }
            false => changed,
        })
    })?;
    match alike::meant(&meant.data)? {
        Some(plan) => Ok(Transformed::yes(plan)),
        None => Ok(meant),
    }
}

/// Only its value counts, not its name.
fn is_sorted(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(_))
}

/// Intervals are ordered by how long they are.
fn by_length(sort: Sort, schema: &DFSchema) -> Sort {
    if type_of(&sort.expr, schema).is_some_and(|ty| rows::is_ordered_apart(&ty)) {
        return match rows::function("order of", "UTC") {
            Some(order) => Sort { expr: order.call(vec![sort.expr]), ..sort },
            None => sort,
        };
    }
    match sort.expr.get_type(schema) {
        Ok(DataType::Interval(_)) => match rows::function("interval order", "UTC") {
            Some(order) => Sort { expr: order.call(vec![sort.expr]), ..sort },
            None => sort,
        },
        _ => sort,
    }
}

fn expression(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::ScalarFunction(ref call) if held::is_meant(call, schema) => match held::called(call, schema) {
            Some(meant) => Ok(Transformed::yes(meant)),
            None => Ok(Transformed::no(expr)),
        },
        Expr::ScalarFunction(mut call) if strips(call.name()) => {
            let mut changed = false;
            for arg in &mut call.args {
                let padded = arg.to_field(schema).is_ok_and(|(_, field)| matches!(Type::of(&field), Type::Char(_)));
                if padded {
                    changed = true;
                    *arg = stripped(std::mem::take(arg));
                }
            }
            let call = Expr::ScalarFunction(call);
            Ok(if changed { Transformed::yes(call) } else { Transformed::no(call) })
        }
        Expr::InSubquery(ref found) => {
            comparable(&found.expr, &found.subquery.subquery, schema)?;
            Ok(Transformed::no(expr))
        }
        Expr::SetComparison(ref found) => {
            comparable(&found.expr, &found.subquery.subquery, schema)?;
            Ok(Transformed::no(expr))
        }
        other => Ok(Transformed::no(other)),
    }
}

/// Whether a value can be looked for among those of a subquery.
fn comparable(expr: &Expr, subquery: &LogicalPlan, schema: &DFSchema) -> Result<()> {
    let (Some(one), Some(column)) = (type_of(expr, schema), subquery.schema().fields().first()) else { return Ok(()) };
    let other = Type::of(column);
    let literal = matches!(expr, Expr::Literal(..) | Expr::Placeholder(_)) || *column.data_type() == DataType::Null;
    if literal || merged(&one, &other).is_some() {
        return Ok(());
    }
    let message = format!("operator does not exist: {} = {}", name_of(&one), name_of(&other));
    Err(Error::new(Kind::UndefinedFunction, message)
        .hint(
            "No operator matches the given name and argument types. You might need to add explicit type casts."
                .to_string(),
        )
        .into())
}

/// Functions of text, for which the blanks that fill a `character(n)` do not count.
fn strips(name: &str) -> bool {
    matches!(
        name,
        "length"
            | "character_length"
            | "char_length"
            | "upper"
            | "lower"
            | "initcap"
            | "reverse"
            | "left"
            | "right"
            | "substr"
            | "strpos"
            | "replace"
            | "split_part"
            | "md5"
            | "ascii"
            | "repeat"
            | "lpad"
            | "rpad"
            | "translate"
            | "starts_with"
            | "bit_length"
            | "to text"
            | "to character varying"
    )
}
