//! Functions in FROM: every item of a list as a row, beside the columns that its arguments are made of.

use super::arguments;
use crate::base::{Error, Kind, Type};
use crate::query::functions::cast::Cast;
use crate::query::functions::flat::flat;
use crate::query::functions::json;
use crate::query::functions::rows;
use crate::query::operators::type_of;
use crate::query::rewrite::casts::sql_type;
use crate::query::rewrite::{folded, parts};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, NullHandling, ScalarValue, TableReference, UnnestOptions};
use datafusion::error::Result;
use datafusion::functions::core::get_field;
use datafusion::functions_nested::cardinality::cardinality;
use datafusion::functions_nested::range::gen_series;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, cast, lit};
use datafusion::sql::sqlparser::ast::{
    Join, JoinConstraint, JoinOperator, TableAlias, TableAliasColumnDef, TableFactor,
};

/// A call in FROM.
struct Call {
    name: String,
    alias: Option<TableAlias>,
    with_ordinality: bool,
}

impl Call {
    fn of(relation: &TableFactor) -> Result<Call> {
        let (name, alias, with_ordinality) = match relation {
            TableFactor::Table { name, alias, with_ordinality, .. } => {
                (parts(name).pop().unwrap_or_default(), alias, *with_ordinality)
            }
            TableFactor::Function { name, alias, with_ordinality, .. } => {
                (parts(name).pop().unwrap_or_default(), alias, *with_ordinality)
            }
            TableFactor::UNNEST { alias, with_ordinality, .. } => ("unnest".to_string(), alias, *with_ordinality),
            _ => return Err(Error::internal("a relation must be a call here").into()),
        };
        Ok(Call { name, alias: alias.clone(), with_ordinality })
    }

    fn relation(&self) -> String {
        self.alias.as_ref().map_or_else(|| self.name.clone(), |alias| folded(&alias.name))
    }

    /// The columns that its alias defines.
    fn defined(&self) -> impl Iterator<Item = &TableAliasColumnDef> {
        self.alias.iter().flat_map(|alias| &alias.columns)
    }

    /// The names of its columns, given those that it has by itself.
    fn columns(&self, own: Vec<String>) -> Result<Vec<String>> {
        let given: Vec<String> =
            self.alias.iter().flat_map(|alias| &alias.columns).map(|column| folded(&column.name)).collect();
        if given.len() > own.len() {
            let message = format!(
                "table \"{}\" has {} columns available but {} columns specified",
                self.relation(),
                own.len(),
                given.len()
            );
            return Err(Error::new(Kind::InvalidColumnReference, message).into());
        }
        Ok(own.into_iter().enumerate().map(|(at, name)| given.get(at).cloned().unwrap_or(name)).collect())
    }

    fn own_columns(&self, lists: usize) -> Vec<String> {
        let names: Vec<String> = match self.name.as_str() {
            "json_array_elements"
            | "jsonb_array_elements"
            | "json_array_elements_text"
            | "jsonb_array_elements_text" => vec!["value".into()],
            "json_each" | "jsonb_each" | "json_each_text" | "jsonb_each_text" => vec!["key".into(), "value".into()],
            name if is_record(name) => self.defined().map(|column| folded(&column.name)).collect(),
            _ if lists > 1 => vec![self.name.clone(); lists],
            _ => vec![self.relation()],
        };
        let ordinality = self.with_ordinality.then(|| "ordinality".to_string());
        names.into_iter().chain(ordinality).collect()
    }
}

/// A call that reads no column.
pub fn alone(relation: TableFactor, context: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
    let call = Call::of(&relation)?;
    let one = LogicalPlanBuilder::empty(true).build()?;
    if call.name == "generate_series" && !call.with_ordinality {
        let args = arguments(&relation).unwrap_or_default();
        let args = args.into_iter().map(|arg| context.sql_to_expr(arg, one.schema())).collect::<Result<Vec<_>>>()?;
        let whole = args.iter().all(|arg| arg.get_type(one.schema()).is_ok_and(|ty| ty.is_integer()));
        // As many rows as are wanted, made one by one.
        if whole && let Ok(source) = context.context_provider().get_table_function_source(&call.name, args) {
            let column = call.columns(call.own_columns(1))?.remove(0);
            let relation = TableReference::bare(call.relation());
            return LogicalPlanBuilder::scan(relation.clone(), source, None)?
                .project([Expr::Column(Column::new(Some(relation.clone()), "generate_series"))
                    .alias_qualified(Some(relation), column)])?
                .build();
        }
    }
    unnested(one, &call, relation, false, context)
}

/// A call of the columns of `left`.
pub fn beside(left: LogicalPlan, join: Join, context: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
    let call = Call::of(&join.relation)?;
    let (outer, on) = match join.join_operator {
        JoinOperator::CrossJoin(_) => (false, None),
        JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => (false, Some(constraint)),
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => (true, Some(constraint)),
        _ => {
            let message = format!("invalid reference to FROM-clause entry in the arguments of {}", call.name);
            return Err(Error::new(Kind::InvalidColumnReference, message)
                .detail("the combining JOIN type must be INNER or LEFT for a LATERAL reference")
                .into());
        }
    };
    let joined = unnested(left, &call, join.relation, outer, context)?;
    let Some(JoinConstraint::On(on)) = on else { return Ok(joined) };
    let on = context.sql_to_expr(on, joined.schema())?;
    match on {
        Expr::Literal(ScalarValue::Boolean(Some(true)), _) => Ok(joined),
        _ if outer => Err(Error::unsupported("LEFT JOIN with a function and a condition is not supported")
            .hint("LEFT JOIN … ON true".to_string())
            .into()),
        on => LogicalPlanBuilder::from(joined).filter(on)?.build(),
    }
}

fn unnested(
    left: LogicalPlan,
    call: &Call,
    relation: TableFactor,
    outer: bool,
    context: &mut dyn RelationPlannerContext,
) -> Result<LogicalPlan> {
    let args = arguments(&relation).unwrap_or_default();
    let args = args.into_iter().map(|arg| context.sql_to_expr(arg, left.schema())).collect::<Result<Vec<_>>>()?;
    let mut lists = lists(call, args, &left, context)?;
    if call.with_ordinality && !lists.is_empty() {
        let count = |list: &Expr| cast(cardinality(list.clone()), DataType::Int64);
        // As many rows as the longest has.
        let count = match lists.as_slice() {
            [one] => count(one),
            more => datafusion::functions::core::expr_fn::greatest(more.iter().map(count).collect()),
        };
        lists.push(gen_series(lit(1i64), count, lit(1i64)));
    }
    let types: Vec<_> = lists.iter().map(|list| type_of(list, left.schema())).collect();
    let own = call.own_columns(lists.len() - usize::from(call.with_ordinality));
    let names = call.columns(own)?;
    let qualifier = TableReference::bare(call.relation());
    let temporary = |at: usize| format!("\u{1}{}\u{1}{at}", call.relation());
    let kept: Vec<Expr> = left.schema().columns().into_iter().map(Expr::Column).collect();
    let mut projected = kept.clone();
    projected.extend(lists.iter().enumerate().map(|(at, list)| list.clone().alias(temporary(at))));
    let columns: Vec<Column> = (0..lists.len()).map(|at| Column::from_name(temporary(at))).collect();
    let null_handling = if outer { NullHandling::PreserveAndExpandEmpty } else { NullHandling::Drop };
    let options = UnnestOptions { null_handling, recursions: vec![] };
    let plan = LogicalPlanBuilder::from(left)
        .project(projected)?
        .unnest_columns_with_options(columns.clone(), options)?
        .build()?;
    let mut items = vec![];
    for (column, ty) in columns.into_iter().zip(types) {
        // A list's items forget what they are.
        let column = match ty {
            Some(Type::Array(ty)) if Type::from_arrow(&ty.arrow()) != *ty && *ty != Type::Record => {
                Cast::new(*ty, "UTC").function().call(vec![Expr::Column(column)])
            }
            _ => Expr::Column(column),
        };
        if is_record(&call.name) {
            for defined in call.defined() {
                let ty = defined.data_type.as_ref().and_then(sql_type).unwrap_or(Type::Text);
                let as_text = !matches!(ty, Type::Json | Type::Jsonb);
                let field = json::get(as_text).call(vec![column.clone(), lit(folded(&defined.name))]);
                items.push(Cast::new(ty, "UTC").function().call(vec![field]));
            }
            continue;
        }
        match column.get_type(plan.schema())? {
            DataType::Struct(fields) if super::function::is_pairs(&call.name) => {
                items.extend(
                    fields.iter().map(|field| get_field().call(vec![column.clone(), lit(field.name().as_str())])),
                );
            }
            _ => items.push(column),
        }
    }
    let named = items.into_iter().zip(names).map(|(item, name)| item.alias_qualified(Some(qualifier.clone()), name));
    LogicalPlanBuilder::from(plan).project(kept.into_iter().chain(named).collect::<Vec<_>>())?.build()
}

/// Functions of a record whose columns the alias defines.
fn is_record(name: &str) -> bool {
    matches!(name, "json_to_record" | "jsonb_to_record" | "json_to_recordset" | "jsonb_to_recordset")
}

fn is_pairs(name: &str) -> bool {
    matches!(name, "json_each" | "jsonb_each" | "json_each_text" | "jsonb_each_text")
}

/// The lists whose items are rows.
fn lists(
    call: &Call,
    args: Vec<Expr>,
    left: &LogicalPlan,
    context: &mut dyn RelationPlannerContext,
) -> Result<Vec<Expr>> {
    let types = |args: &[Expr]| {
        let types = args.iter().filter_map(|arg| arg.get_type(left.schema()).ok());
        types.map(|ty| crate::query::functions::missing::argument_type(&ty)).collect::<Vec<_>>().join(", ")
    };
    let missing = |args: &[Expr]| {
        let message = format!("function {}({}) does not exist", call.name, types(args));
        Error::new(Kind::UndefinedFunction, message).hint(
            "No function matches the given name and argument types. You might need to add explicit type casts."
                .to_string(),
        )
    };
    if call.name == "unnest" {
        for arg in &args {
            let ty = arg.get_type(left.schema())?;
            if !matches!(ty, DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) | DataType::Null)
            {
                return Err(missing(std::slice::from_ref(arg)).into());
            }
        }
        let nested =
            |arg: &Expr| matches!(arg.get_type(left.schema()), Ok(DataType::List(item)) if item.data_type().is_list());
        return Ok(args.into_iter().map(|arg| if nested(&arg) { flat().call(vec![arg]) } else { arg }).collect());
    }
    if is_record(&call.name) {
        if !call.defined().any(|column| column.data_type.is_some()) {
            let message = "a column definition list is required for functions returning \"record\"";
            return Err(Error::new(Kind::Syntax, message).hint(format!("{}(…) AS r(a int, b text)", call.name)).into());
        }
        let jsonb = Cast::new(Type::Jsonb, "UTC").function();
        let value: Vec<Expr> = args.into_iter().map(|arg| jsonb.call(vec![arg])).collect();
        let items = rows::function("jsonb_array_elements", "UTC").filter(|_| call.name.ends_with("set"));
        return Ok(vec![match items {
            Some(items) => items.call(value),
            None => datafusion::functions_nested::make_array::make_array(value),
        }]);
    }
    let Some(function) = context.context_provider().get_function_meta(&call.name) else {
        return Err(missing(&args).into());
    };
    let value = function.call(args);
    Ok(vec![match rows::is_set(&call.name) {
        true => value,
        // A single value is a single row.
        false => datafusion::functions_nested::make_array::make_array(vec![value]),
    }])
}
