//! The models of this server, read once and shared.

use super::artifact::Artifacts;
use crate::base::Result;
use std::path::Path;

/// Model files by the hash of their bytes, and the models that were read from them.
#[derive(Debug)]
pub struct Registry {
    #[allow(dead_code)]
    artifacts: Artifacts,
}

impl Registry {
    /// Opens the registry of a data folder, making its folder when it is not there.
    pub fn open(data: &Path) -> Result<Registry> {
        Ok(Registry { artifacts: Artifacts::open(data)? })
    }
}

impl Registry {
    pub fn import(
        &self,
        _roots: &crate::base::Roots,
        _source: &str,
        _format: Option<&str>,
        _inputs: Vec<crate::catalog::Input>,
        _labels: Vec<String>,
    ) -> Result<(crate::catalog::ModelVersion, ())> {
        Err(crate::base::Error::unsupported("models"))
    }
    pub fn describe(
        &self,
        _name: &crate::base::Name,
        _version: &crate::catalog::ModelVersion,
    ) -> Result<Vec<Vec<Option<String>>>> {
        Err(crate::base::Error::unsupported("models"))
    }
}
