//! `TRUNCATE`: All rows of tables that go.

use super::Statement;
use crate::base::{Error, Result};
use datafusion::sql::sqlparser::ast;
use std::sync::Arc;

pub fn read(_tree: ast::Statement, _text: &str) -> Result<Arc<dyn Statement>> {
    Err(Error::unsupported("TRUNCATE must be written"))
}
