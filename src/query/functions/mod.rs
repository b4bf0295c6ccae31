//! Functions with Postgres' meaning where DataFusion's differs, and those whose results must be bounded.

pub mod arguments;
pub mod arithmetic;
pub mod bounded;
pub mod cast;
mod cast_textual;
pub mod constant;
pub mod date_part;
pub mod date_trunc;
mod domain;
pub mod flat;
mod growth;
pub mod json;
mod jsonpath;
pub mod missing;
pub mod numeric;
mod round;
pub mod rows;
pub mod scored;
mod text;
mod text_array;
mod time;
pub mod to_char;
mod totals;
mod whole;

pub use domain::power;

use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};
use std::collections::HashMap;
use std::sync::Arc;

/// Every function that statements may call, by its names.
#[derive(Debug)]
pub struct Functions {
    pub scalar: HashMap<String, Arc<ScalarUDF>>,
    pub aggregate: HashMap<String, Arc<AggregateUDF>>,
    pub window: HashMap<String, Arc<WindowUDF>>,
}

impl Functions {
    pub fn new() -> Self {
        let mut scalar = HashMap::new();
        let ours = time::functions()
            .into_iter()
            .chain([round::function()])
            .chain(whole::functions(&SessionStateDefaults::default_scalar_functions()))
            .chain(domain::functions(&SessionStateDefaults::default_scalar_functions()))
            .chain(bounded::functions(&SessionStateDefaults::default_scalar_functions()));
        for function in SessionStateDefaults::default_scalar_functions().into_iter().chain(ours.map(Arc::new)) {
            for name in function.aliases() {
                scalar.insert(name.clone(), function.clone());
            }
            scalar.insert(function.name().to_string(), function);
        }
        let mut aggregate = HashMap::new();
        for function in SessionStateDefaults::default_aggregate_functions().into_iter().map(totals::of) {
            for name in function.aliases() {
                aggregate.insert(name.clone(), function.clone());
            }
            aggregate.insert(function.name().to_string(), function);
        }
        if let Some(ceil) = scalar.get("ceil").cloned() {
            scalar.insert("ceiling".to_string(), ceil);
        }
        for (name, known) in [("every", "bool_and"), ("variance", "var")] {
            if let Some(function) = aggregate.get(known).cloned() {
                aggregate.insert(name.to_string(), function);
            }
        }
        let mut window = HashMap::new();
        for function in SessionStateDefaults::default_window_functions() {
            for name in function.aliases() {
                window.insert(name.clone(), function.clone());
            }
            window.insert(function.name().to_string(), function);
        }
        Functions { scalar, aggregate, window }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.scalar.keys().chain(self.aggregate.keys()).chain(self.window.keys()).map(String::as_str)
    }
}

/// NULL of a type, which an expression of that type can be asked for.
pub fn typed_null(ty: &crate::base::Type) -> datafusion::logical_expr::Expr {
    let null = datafusion::common::ScalarValue::Utf8(None);
    constant::constant(&format!("{ty} null"), ty, null).call(vec![])
}
