//! See ARCHITECTURE.md.

use crate::base::Result;
use crate::catalog::workflow::{Check, Metric};
use datafusion::arrow::datatypes::SchemaRef;
pub struct CheckPlan {
    pub summary: String,
    pub failures: Option<String>,
    pub good: Option<String>,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Passed,
    Warned,
    Failed,
    Errored,
}
impl Status {
    pub fn as_str(self) -> &'static str {
        "x"
    }
}
pub fn plan(_: &Check, _: &str, _: &SchemaRef) -> Result<CheckPlan> {
    Err(crate::base::Error::internal(""))
}
pub fn verdict(_: &Check, _: i64, _: Option<bool>, _: Option<bool>) -> Status {
    Status::Passed
}
pub fn describe(_: &Check) -> String {
    String::new()
}
pub mod metric {
    use super::*;
    pub fn plan(_: &Metric, _: &str, _: &SchemaRef) -> Result<String> {
        Ok(String::new())
    }
    pub fn out_of_bounds(_: &Metric, _: Option<f64>, _: Option<f64>) -> Option<String> {
        None
    }
}
