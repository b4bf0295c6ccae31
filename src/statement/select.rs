//! `SELECT`, `VALUES`, `WITH …`, and `EXPLAIN` of these: what only reads.

use super::{AnyStatement, Statement};
use crate::base::{Result, Type};
use crate::query::Plan;
use crate::session::{Description, Effect, Response, Session};
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast;
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;

/// A query, or the EXPLAIN of one.
#[derive(Debug)]
struct Select {
    tree: ast::Statement,
    text: String,
    tag: &'static str,
    /// As it was planned last: a prepared statement is run again and again.
    planned: Mutex<Option<Plan>>,
}

pub fn read(tree: ast::Statement, text: &str) -> Result<Arc<dyn AnyStatement>> {
    let tag = if matches!(tree, ast::Statement::Explain { .. }) { "EXPLAIN" } else { "SELECT" };
    Ok(Arc::new(Select { tree, text: text.to_string(), tag, planned: Mutex::default() }))
}

impl Select {
    async fn plan(&self, session: &Session, hints: &[Option<Type>]) -> Result<Plan> {
        let context = session.context();
        if let Some(plan) = self.planned.lock().as_ref().and_then(|plan| plan.again(&context, hints)) {
            return Ok(plan);
        }
        let plan = session.engine.query.plan_with(&context, &self.tree, &self.text, hints).await?;
        *self.planned.lock() = Some(plan.clone());
        Ok(plan)
    }
}

impl Statement for Select {
    fn effect(&self) -> Effect {
        Effect::Read
    }

    async fn describe(&self, session: &Session, hints: &[Option<Type>]) -> Result<Description> {
        let plan = self.plan(session, hints).await?;
        Ok(Description { parameters: plan.parameters().to_vec(), columns: Some(plan.schema().clone()) })
    }

    async fn run(&self, session: &mut Session, parameters: &[ScalarValue]) -> Result<Response> {
        // The values have the types that were described, so they tell them again.
        let hints: Vec<_> = parameters.iter().map(|value| Some(Type::from_arrow(&value.data_type()))).collect();
        let plan = self.plan(session, &hints).await?;
        let rows = session.engine.query.run(&plan, parameters, session.cancel.clone()).await?;
        Ok(Response::Rows { rows, tag: self.tag })
    }
}

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
