//! What the names in one statement mean to DataFusion's planner.

use super::Context;
use super::from::Relations;
use super::functions::Functions;
use super::functions::missing::Missing;
use super::functions::rows;
use super::operators::Operators;
use super::planner::Planner;
use super::rewrite::Rewritten;
use super::series;
use super::system::System;
use super::types::Types;
use crate::base::{Error, Kind};
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::TableReference;
use datafusion::common::config::ConfigOptions;
use datafusion::datasource::cte_worktable::CteWorkTable;
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner, RelationPlanner, TypePlanner};
use datafusion::logical_expr::{AggregateUDF, Expr, HigherOrderUDF, ScalarUDF, TableSource, WindowUDF};
use std::collections::HashMap;
use std::sync::Arc;

/// Relations and functions of one statement.
pub struct Names {
    state: Arc<SessionState>,
    functions: Arc<Functions>,
    system: Arc<System>,
    context: Arc<Context>,
    /// Functions that only this statement has.
    own: HashMap<String, Arc<ScalarUDF>>,
    relations: HashMap<TableReference, Arc<dyn TableSource>>,
    planners: Vec<Arc<dyn ExprPlanner>>,
    relation_planners: [Arc<dyn RelationPlanner>; 1],
    types: Arc<Types>,
}

impl Names {
    pub fn new(
        planner: &Planner,
        context: &Arc<Context>,
        rewritten: Rewritten,
        relations: HashMap<TableReference, Arc<dyn TableSource>>,
    ) -> Self {
        let (state, own) = (planner.state.clone(), rewritten.functions);
        let zone = context.time_zone();
        let operators: Arc<dyn ExprPlanner> = Arc::new(Operators::new(
            rewritten.operations,
            rewritten.choices,
            rewritten.calls,
            rewritten.inference,
            zone,
        ));
        let planners = std::iter::once(operators).chain(state.expr_planners().iter().cloned()).collect();
        let relation_planners: [Arc<dyn RelationPlanner>; 1] = [Arc::new(Relations { zone: zone.to_string() })];
        Names {
            state,
            functions: planner.functions.clone(),
            system: planner.system.clone(),
            context: context.clone(),
            own,
            relations,
            planners,
            relation_planners,
            types: Arc::new(Types),
        }
    }

    fn is_known(&self, name: &str) -> bool {
        self.functions.aggregate.contains_key(name)
            || self.functions.window.contains_key(name)
            || matches!(name, "unnest" | "unnest_outer")
            || self.state.higher_order_functions().contains_key(name)
    }
}

impl ContextProvider for Names {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        self.relations
            .get(&name)
            .cloned()
            .ok_or_else(|| Error::new(Kind::UndefinedTable, format!("relation \"{name}\" does not exist")).into())
    }

    fn get_table_function_source(&self, name: &str, args: Vec<Expr>) -> Result<Arc<dyn TableSource>> {
        series::source(&self.state, name, args)
    }

    fn create_cte_work_table(&self, name: &str, schema: SchemaRef) -> Result<Arc<dyn TableSource>> {
        Ok(provider_as_source(Arc::new(CteWorkTable::new(name, schema))))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.planners
    }

    fn get_relation_planners(&self) -> &[Arc<dyn RelationPlanner>] {
        &self.relation_planners
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        Some(self.types.clone())
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        let own = self.own.get(name).cloned();
        let known = own.or_else(|| rows::function(name, self.context.time_zone()));
        let known = known.or_else(|| self.system.function(&self.context, name));
        if let Some(function) = known.or_else(|| self.functions.scalar.get(name).cloned()) {
            return Some(function);
        }
        if self.is_known(name) {
            return None;
        }
        // Its arguments' types are part of the message, and only the planner knows them.
        let own = self.own.keys().map(String::as_str).chain(System::function_names().map(|name| name as &str));
        let known = self.functions.names().chain(own).chain(rows::names().map(|name| -> &str { name }));
        Some(Arc::new(Missing::function(name, known)))
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.state.higher_order_functions().get(name).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.functions.aggregate.get(name).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.functions.window.get(name).cloned()
    }

    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.state.config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        self.functions.scalar.keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        vec![]
    }

    fn udaf_names(&self) -> Vec<String> {
        self.functions.aggregate.keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.functions.window.keys().cloned().collect()
    }
}
