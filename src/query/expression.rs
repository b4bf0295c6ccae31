//! Expressions that stand alone, or over the columns of a schema.

use super::planner::Planner;
use super::{Bound, Context, Plan};
use crate::base::{Error, Kind, Result, Type, sql};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::datasource::empty::EmptyTable;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Ident, ObjectName, Select, SelectFlavor, SelectItem, SetExpr, Statement, TableFactor,
    TableWithJoins, helpers::attached_token::AttachedToken,
};
use std::sync::Arc;

/// The relation whose columns an expression is bound to.
const ROW: &str = "\u{1}row";

/// `SELECT expressions [FROM relation]`
pub fn select(expressions: Vec<Expr>, from: Option<&str>) -> Statement {
    let from = from.map(|name| TableWithJoins {
        relation: TableFactor::Table {
            name: ObjectName::from(vec![Ident::with_quote('"', name)]),
            alias: None,
            args: None,
            with_hints: vec![],
            version: None,
            with_ordinality: false,
            partitions: vec![],
            json_path: None,
            sample: None,
            index_hints: vec![],
        },
        joins: vec![],
    });
    let select = Select {
        select_token: AttachedToken::empty(),
        optimizer_hints: vec![],
        distinct: None,
        select_modifiers: None,
        top: None,
        top_before_distinct: false,
        projection: expressions.into_iter().map(SelectItem::UnnamedExpr).collect(),
        exclude: None,
        into: None,
        from: from.into_iter().collect(),
        lateral_views: vec![],
        prewhere: None,
        selection: None,
        connect_by: vec![],
        group_by: GroupByExpr::Expressions(vec![], vec![]),
        cluster_by: vec![],
        distribute_by: vec![],
        sort_by: vec![],
        having: None,
        named_window: vec![],
        qualify: None,
        window_before_qualify: false,
        value_table_mode: None,
        flavor: SelectFlavor::Standard,
    };
    Statement::Query(Box::new(sql::query_of(SetExpr::Select(Box::new(select)))))
}

/// The only value of a plan that has one row and one column.
pub async fn single(state: &SessionState, plan: Plan) -> Result<ScalarValue> {
    let batches = super::run::collected(state, &plan.logical).await?;
    let batch = batches.iter().find(|batch| batch.num_rows() > 0);
    let batch = batch.ok_or_else(|| Error::internal("an expression must have a value"))?;
    Ok(ScalarValue::try_from_array(batch.column(0), 0)?)
}

impl Planner {
    /// The value of an expression without columns, converted to `ty` when one is given.
    pub(super) async fn value(
        self: &Arc<Self>,
        context: Arc<Context>,
        text: &str,
        ty: Option<&Type>,
    ) -> Result<ScalarValue> {
        let expr = sql::parse_expression(text)?;
        let plan = self.plan(context.clone(), select(vec![expr], None), text, &[]).await?;
        let value = single(&self.state, plan).await?;
        match ty {
            Some(ty) if value.data_type() != ty.arrow() => {
                super::functions::cast::Cast::new(ty.clone(), context.time_zone())
                    .value(&value)
                    .map_err(|error| error.at(0))
            }
            _ => Ok(value),
        }
    }

    /// The expression as a function of rows of `schema`.
    pub(super) async fn bound(self: &Arc<Self>, context: &Context, text: &str, schema: &SchemaRef) -> Result<Bound> {
        let expr = sql::parse_expression(text)?;
        let relation = Arc::new(EmptyTable::new(schema.clone()));
        let context = Arc::new(context.clone().with_relation(ROW, relation));
        let plan = self.plan(context, select(vec![expr], Some(ROW)), text, &[]).await?;
        let ty = plan.schema().fields().first().map_or(Type::Text, |field| Type::of(field));
        let (expr, input) = projected(plan.logical)?;
        let input = Arc::new(DFSchema::try_from_qualified_schema(ROW, input.as_ref().as_arrow())?);
        let expression = self.state.create_physical_expr(expr, &input)?;
        Ok(Bound { expression, ty })
    }
}

/// The expression of a projection over the bare relation.
fn projected(plan: LogicalPlan) -> Result<(datafusion::logical_expr::Expr, datafusion::common::DFSchemaRef)> {
    let unfit = || {
        Error::new(Kind::FeatureNotSupported, "this expression must be about one row")
            .hint("aggregates and subqueries are not allowed here".to_string())
    };
    let mut outer: Option<datafusion::logical_expr::Expr> = None;
    let mut plan = plan;
    loop {
        plan = match plan {
            LogicalPlan::Projection(mut projection) => {
                let inner = projection.expr.swap_remove(0).unalias_nested().data;
                outer = Some(match outer.take() {
                    None => inner,
                    Some(outer) => replaced(outer, &inner)?,
                });
                Arc::unwrap_or_clone(projection.input)
            }
            LogicalPlan::TableScan(scan) => {
                return Ok((outer.ok_or_else(unfit)?, scan.projected_schema.clone()));
            }
            _ => return Err(unfit()),
        };
    }
}

/// `outer` with the one column that it reads replaced by what the column is.
fn replaced(
    outer: datafusion::logical_expr::Expr,
    inner: &datafusion::logical_expr::Expr,
) -> Result<datafusion::logical_expr::Expr> {
    use datafusion::common::tree_node::{Transformed, TreeNode};
    let replaced = outer.transform(|expr| match expr {
        datafusion::logical_expr::Expr::Column(_) => Ok(Transformed::yes(inner.clone())),
        other => Ok(Transformed::no(other)),
    })?;
    Ok(replaced.data)
}
