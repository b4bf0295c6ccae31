//! `generate_series` of integers in FROM, whose rows are made as they are asked for.

use crate::base::{Error, Kind};
use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::functions_table::generate_series::GenerateSeriesFunc;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, TableSource, cast, col, lit};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use std::sync::Arc;

/// The rows of a function call in FROM.
pub fn source(state: &SessionState, name: &str, args: Vec<Expr>) -> Result<Arc<dyn TableSource>> {
    if name != "generate_series" {
        return Err(Error::new(Kind::UndefinedFunction, format!("function {name} does not exist in FROM")).into());
    }
    let values = args.into_iter().map(|arg| constant(state, arg)).collect::<Result<Vec<_>>>()?;
    let shown = if values.iter().all(is_int4) { DataType::Int32 } else { DataType::Int64 };
    let values = values.iter().map(|value| value.cast_to(&DataType::Int64)).collect::<Result<Vec<_>>>()?;
    let args: Vec<_> = values.into_iter().map(lit).collect();
    let series = GenerateSeriesFunc {}.call_with_args(TableFunctionArgs::new(&args, state))?;
    let plan = LogicalPlanBuilder::scan("generate_series", provider_as_source(series), None)?
        .project([cast(col("value"), shown).alias("generate_series")])?
        .build()?;
    Ok(provider_as_source(Arc::new(ViewTable::new(plan, None))))
}

fn is_int4(value: &ScalarValue) -> bool {
    matches!(value, ScalarValue::Int16(_) | ScalarValue::Int32(_))
}

fn constant(state: &SessionState, arg: Expr) -> Result<ScalarValue> {
    let context = SimplifyContext::builder()
        .with_config_options(state.config_options().clone())
        .with_query_execution_start_time(state.execution_props().query_execution_start_time)
        .build();
    let simplifier = ExprSimplifier::new(context);
    let arg = simplifier.coerce(arg, &DFSchema::empty())?;
    match simplifier.simplify(arg)? {
        Expr::Literal(value, _) => Ok(value),
        _ => Err(Error::unsupported("generate_series in FROM takes constants")
            .hint("join with a table of numbers instead".to_string())
            .into()),
    }
}
