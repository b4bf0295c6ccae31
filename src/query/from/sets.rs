//! UNION, INTERSECT and EXCEPT of columns that are brought to one type, each row counted when ALL is said.

use crate::base::{Error, Kind};
use crate::query::operators::{common_type, converted};
use datafusion::common::{Column, ExprSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::{WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, WindowFrame, WindowFunctionDefinition, expr::Alias,
};
use datafusion::sql::sqlparser::ast::{SetExpr, SetOperator, SetQuantifier, TableFactor};

/// How often a row has been seen before.
const COPY: &str = "\u{1}copy";

pub fn plan(body: SetExpr, context: &mut dyn RelationPlannerContext, zone: &str) -> Result<LogicalPlan> {
    let SetExpr::SetOperation { op, set_quantifier, left, right } = body else { return side(body, context) };
    let (left, right) = (plan(*left, context, zone)?, plan(*right, context, zone)?);
    if left.schema().fields().len() != right.schema().fields().len() {
        let message = format!("each {op} query must have the same number of columns");
        return Err(Error::new(Kind::Syntax, message).into());
    }
    let (left, right) = unified(&op.to_string(), left, right, zone)?;
    let all = set_quantifier == SetQuantifier::All;
    let builder = LogicalPlanBuilder::from(left.clone());
    match (op, all) {
        (SetOperator::Union, true) => builder.union(right)?.build(),
        (SetOperator::Union, false) => builder.union_distinct(right)?.build(),
        (op, true) => {
            let (counted_left, counted_right) = (counted(left)?, counted(right)?);
            let set = match op {
                SetOperator::Intersect => LogicalPlanBuilder::intersect(counted_left, counted_right, false)?,
                _ => LogicalPlanBuilder::except(counted_left, counted_right, false)?,
            };
            let columns = set.schema().columns();
            let kept = columns.into_iter().filter(|column| column.name != COPY).map(Expr::Column);
            LogicalPlanBuilder::from(set).project(kept.collect::<Vec<_>>())?.build()
        }
        (SetOperator::Intersect, false) => LogicalPlanBuilder::intersect(left, right, false),
        (_, false) => LogicalPlanBuilder::except(left, right, false),
    }
}

fn side(body: SetExpr, context: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
    let query = match body {
        SetExpr::Query(query) => *query,
        body => crate::base::sql::query_of(body),
    };
    context.plan(TableFactor::Derived { lateral: false, subquery: Box::new(query), alias: None, sample: None })
}

/// Both sides with columns of the types that they have in common.
fn unified(what: &str, left: LogicalPlan, right: LogicalPlan, zone: &str) -> Result<(LogicalPlan, LogicalPlan)> {
    let (lefts, rights) = (columns(&left), columns(&right));
    let schema = left.schema().as_ref().clone();
    let mut changed = [vec![], vec![]];
    let mut any = [false, false];
    for (at, (one, other)) in lefts.iter().zip(&rights).enumerate() {
        // Columns of the two sides may have one name, so types are asked for one by one.
        let [one_typed, other_typed] = [typed(one, &left), typed(other, &right)];
        let ty = common_type(what, [&one_typed, &other_typed].into_iter(), &schema, |_| None)?;
        let named = [&left, &right].map(|plan| plan.schema().field(at).name().clone());
        for (which, (expr, plan)) in [(one, &left), (other, &right)].into_iter().enumerate() {
            let new = converted(expr.clone(), &ty, plan.schema(), zone)?;
            any[which] |= new != Expr::Column(plan.schema().columns()[at].clone());
            changed[which].push(match &new {
                Expr::Column(_) => new,
                _ => new.alias(named[which].clone()),
            });
        }
    }
    let [left_columns, right_columns] = changed;
    let project = |plan: LogicalPlan, columns: Vec<Expr>, any: bool| match any {
        true => LogicalPlanBuilder::from(plan).project(columns)?.build(),
        false => Ok(plan),
    };
    Ok((project(left, left_columns, any[0])?, project(right, right_columns, any[1])?))
}

/// The output columns, those that are literals without a type as such.
fn columns(plan: &LogicalPlan) -> Vec<Expr> {
    let literal = |at: usize| match plan {
        LogicalPlan::Projection(projection) => match projection.expr.get(at) {
            Some(Expr::Alias(Alias { expr, .. })) => Some(expr.as_ref().clone()),
            other => other.cloned(),
        },
        _ => None,
    };
    let literal =
        |at| literal(at).filter(|expr| matches!(expr, Expr::Literal(ScalarValue::Utf8(_) | ScalarValue::Null, _)));
    plan.schema()
        .columns()
        .into_iter()
        .enumerate()
        .map(|(at, column)| literal(at).unwrap_or(Expr::Column(column)))
        .collect()
}

/// A literal of the type that a column has.
fn typed(expr: &Expr, plan: &LogicalPlan) -> Expr {
    match expr {
        Expr::Column(column) => match plan.schema().field_from_column(column) {
            Ok(field) => {
                let ty = crate::base::Type::of(field);
                crate::query::functions::typed_null(&ty)
            }
            Err(_) => expr.clone(),
        },
        other => other.clone(),
    }
}

/// The rows with a column that tells equal ones apart.
fn counted(plan: LogicalPlan) -> Result<LogicalPlan> {
    let columns: Vec<Column> = plan.schema().columns();
    let partition_by = columns.iter().cloned().map(Expr::Column).collect();
    let window = Expr::from(WindowFunction {
        fun: WindowFunctionDefinition::WindowUDF(row_number_udwf()),
        params: WindowFunctionParams {
            args: vec![],
            partition_by,
            order_by: vec![],
            window_frame: WindowFrame::new(None),
            filter: None,
            null_treatment: None,
            distinct: false,
        },
    });
    let name = window.schema_name().to_string();
    let builder = LogicalPlanBuilder::from(plan).window(vec![window])?;
    let mut out: Vec<Expr> = columns.into_iter().map(Expr::Column).collect();
    out.push(Expr::Column(Column::from_name(name)).alias(COPY));
    builder.project(out)?.build()
}
