//! `CREATE SCHEMA`: a new schema.

use super::target::{Written, refuse};
use super::{AnyStatement, Response, Session, Statement};
use crate::base::{Error, Kind, Result};
use crate::catalog::Change;
use crate::query::system;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{SchemaName, Statement as Tree};
use std::fmt;
use std::sync::Arc;

#[derive(Debug)]
struct CreateSchema {
    tree: Tree,
    name: Written,
    if_not_exists: bool,
}

pub fn read(tree: Tree, text: &str) -> Result<Arc<dyn AnyStatement>> {
    let Tree::CreateSchema { schema_name, if_not_exists, with, options, default_collate_spec, clone } = &tree else {
        return Err(Error::internal("the statement must be CREATE SCHEMA"));
    };
    refuse(with.is_some() || options.is_some() || default_collate_spec.is_some() || clone.is_some(), "this clause")?;
    let SchemaName::Simple(name) = schema_name else {
        return Err(Error::unsupported("CREATE SCHEMA … AUTHORIZATION is not supported"));
    };
    let (name, if_not_exists) = (Written::new(name, text)?, *if_not_exists);
    Ok(Arc::new(CreateSchema { tree, name, if_not_exists }))
}

impl fmt::Display for CreateSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree.fmt(f)
    }
}

impl Statement for CreateSchema {
    async fn run(&self, session: &mut Session, _: &[ScalarValue]) -> Result<Response> {
        let name = self.name.last().to_string();
        if name.starts_with("pg_") {
            let message = format!("unacceptable schema name \"{name}\"");
            return Err(Error::new(Kind::InsufficientPrivilege, message)
                .detail("the prefix \"pg_\" is reserved for system schemas")
                .at(self.name.offset));
        }
        let exists = || Error::new(Kind::DuplicateSchema, format!("schema \"{name}\" already exists"));
        if system::SCHEMAS.contains(&name.as_str()) {
            return Err(exists().at(self.name.offset));
        }
        if self.if_not_exists && session.snapshot().schemas.contains_key(&name) {
            session.notice(format!("schema \"{name}\" already exists, skipping"));
        } else {
            let change = Change::CreateSchema { name, uuid: None };
            session.change(vec![change], "CREATE SCHEMA").map_err(|error| error.at(self.name.offset))?;
        }
        Ok(Response::Done { tag: "CREATE SCHEMA".to_string() })
    }
}
