//! What a query reads: past versions of tables, and functions that return rows.

use super::{Rewriter, folded, parts};
use crate::base::{Error, Kind, Result};
use datafusion::sql::sqlparser::ast::{Expr, Ident, ObjectName, Spanned, TableAlias, TableFactor, TableVersion};

/// A table as it was.
#[derive(Clone, Debug)]
pub struct Version {
    /// The table, as it was named.
    pub table: Vec<String>,
    /// `FOR TIMESTAMP AS OF`, else `FOR VERSION AS OF`.
    pub by_time: bool,
    pub at: Expr,
    pub offset: Option<usize>,
}

impl Rewriter<'_> {
    pub(super) fn source(&mut self, factor: &mut TableFactor) -> Result<()> {
        match factor {
            TableFactor::Table { sample: Some(_), name, .. } => {
                Err(Error::unsupported("TABLESAMPLE is not supported").at(self.places.offset(name.span().start)))
            }
            TableFactor::Table { name, alias, version: version @ Some(_), .. } => {
                let Some(taken) = version.take() else { return Ok(()) };
                self.version(name, alias, taken)
            }
            _ => Ok(()),
        }
    }

    /// Gives the past table a name of its own, and the name it had as its alias.
    fn version(&mut self, name: &mut ObjectName, alias: &mut Option<TableAlias>, version: TableVersion) -> Result<()> {
        let offset = self.places.offset(name.span().start);
        let (by_time, at) = match version {
            TableVersion::VersionAsOf(at) => (false, at),
            TableVersion::ForSystemTimeAsOf(at) | TableVersion::TimestampAsOf(at) => (true, at),
            TableVersion::Function(_) | TableVersion::Changes { .. } => {
                return Err(
                    Error::new(Kind::Syntax, "a table's past is FOR VERSION AS OF or FOR TIMESTAMP AS OF").at(offset)
                );
            }
        };
        let table = parts(name);
        let Some(last) = name.0.last().and_then(|part| part.as_ident()).cloned() else { return Ok(()) };
        let internal = format!("{} as of {}", folded(&last), self.rewritten.versions.len() + 1);
        alias.get_or_insert_with(|| named(last.clone()));
        *name = ObjectName::from(vec![Ident { value: internal.clone(), quote_style: Some('"'), span: last.span }]);
        self.rewritten.versions.insert(internal, Version { table, by_time, at, offset });
        Ok(())
    }
}

fn named(name: Ident) -> TableAlias {
    TableAlias { explicit: true, name, columns: vec![], at: None }
}
