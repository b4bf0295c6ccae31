//! The step of a plan that calls models.

use datafusion::arrow::datatypes::Field;
use datafusion::common::{Column, DFSchema, DFSchemaRef};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, ExprSchemable, Extension, LogicalPlan, UserDefinedLogicalNodeCore};
use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// Its input's columns, and one for each call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Predict {
    pub calls: Vec<Expr>,
    names: Vec<String>,
    input: LogicalPlan,
    schema: DFSchemaRef,
}

impl Predict {
    pub fn new(calls: Vec<Expr>, input: LogicalPlan) -> Result<Predict> {
        let names = calls.iter().map(|call| {
            let mut name = call.schema_name().to_string();
            // A prediction of the same name can be among the input's columns: of another step below.
            while input.schema().has_column_with_unqualified_name(&name) {
                name.push('\'');
            }
            name
        });
        let names = names.collect();
        Predict::named(calls, names, input)
    }

    fn named(calls: Vec<Expr>, names: Vec<String>, input: LogicalPlan) -> Result<Predict> {
        let mut fields: Vec<_> =
            input.schema().iter().map(|(qualifier, field)| (qualifier.cloned(), field.clone())).collect();
        for (call, name) in calls.iter().zip(&names) {
            let (_, field) = call.to_field(input.schema())?;
            let field = Field::new(name, field.data_type().clone(), field.is_nullable());
            fields.push((None, Arc::new(field)));
        }
        let schema = DFSchema::new_with_metadata(fields, input.schema().metadata().clone())?;
        Ok(Predict { calls, names, input, schema: Arc::new(schema) })
    }

    /// Each call with the column that has its answer.
    pub fn columns(&self) -> impl Iterator<Item = (Expr, Column)> + '_ {
        self.calls.iter().cloned().zip(self.names.iter().map(Column::new_unqualified))
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub fn plan(self) -> LogicalPlan {
        LogicalPlan::Extension(Extension { node: Arc::new(self) })
    }
}

impl PartialOrd for Predict {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.calls.partial_cmp(&other.calls).filter(|order| *order != Ordering::Equal || self == other)
    }
}

impl UserDefinedLogicalNodeCore for Predict {
    fn name(&self) -> &str {
        "Predict"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        self.calls.clone()
    }

    /// Conditions on a prediction wait for it; all others go on down.
    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        self.names.iter().cloned().collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let calls: Vec<_> = self.calls.iter().map(Expr::to_string).collect();
        write!(f, "Predict: {}", calls.join(", "))
    }

    fn with_exprs_and_inputs(&self, calls: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        Predict::named(calls, self.names.clone(), inputs.swap_remove(0))
    }

    fn necessary_children_exprs(&self, output: &[usize]) -> Option<Vec<Vec<usize>>> {
        let columns = self.input.schema();
        let mut needed: HashSet<usize> = output.iter().copied().filter(|at| *at < columns.fields().len()).collect();
        for call in &self.calls {
            for column in call.column_refs() {
                needed.insert(columns.maybe_index_of_column(column)?);
            }
        }
        let mut needed: Vec<_> = needed.into_iter().collect();
        needed.sort_unstable();
        Some(vec![needed])
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }
}
