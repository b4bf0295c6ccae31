//! `CREATE TABLE`: A new managed table, empty or with a query's rows.

use super::Statement;
use crate::base::{Error, Result};
use datafusion::sql::sqlparser::ast;
use std::sync::Arc;

pub fn read(_tree: ast::Statement, _text: &str) -> Result<Arc<dyn Statement>> {
    Err(Error::unsupported("CREATE TABLE must be written"))
}
