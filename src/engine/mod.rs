//! The rooms put together: one engine that sessions share.

use crate::base::{Clock, Config};
use crate::catalog::Live;
use crate::lake::Lake;
use std::sync::Arc;

/// Everything a session needs.
pub struct Engine {
    pub config: Config,
    pub clock: Arc<dyn Clock>,
    pub catalog: Arc<Live>,
    pub lake: Arc<Lake>,
}
