//! Functions in FROM: `generate_series`.

use super::functions::cast::Cast;
use crate::base::{Error, Kind, Type};
use datafusion::arrow::datatypes::{DataType, TimeUnit};
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
    let mut values = args.into_iter().map(|arg| constant(state, arg)).collect::<Result<Vec<_>>>()?;
    let shown = match values.first().map(ScalarValue::data_type) {
        Some(DataType::Int16 | DataType::Int32) if values.iter().all(is_int4) => DataType::Int32,
        Some(DataType::Timestamp(_, zone)) => DataType::Timestamp(TimeUnit::Microsecond, zone),
        Some(DataType::Date32) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        _ => DataType::Int64,
    };
    let first = values.first().map(|first| Type::from_arrow(&first.data_type()));
    for (at, value) in values.iter_mut().enumerate() {
        // A text without a type of its own.
        if let (ScalarValue::Utf8(_), Some(first)) = (&*value, &first) {
            let ty = match (at, first) {
                (1, Type::Timestamp | Type::Timestamptz) => first.clone(),
                (1, Type::Date) => Type::Timestamptz,
                (2, Type::Timestamp | Type::Timestamptz | Type::Date) => Type::Interval,
                _ => Type::Int8,
            };
            *value = Cast::new(ty, "UTC").value(value)?;
        }
        *value = match value.data_type() {
            DataType::Int16 | DataType::Int32 => value.cast_to(&DataType::Int64)?,
            DataType::Timestamp(_, zone) => value.cast_to(&DataType::Timestamp(TimeUnit::Nanosecond, zone))?,
            _ => value.clone(),
        };
    }
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
