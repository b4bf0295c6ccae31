//! What a query reads: past versions of tables, and functions that return rows.

use super::{Rewriter, call, folded, parts};
use crate::base::{Error, Kind, Result};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, Spanned, TableAlias, TableAliasColumnDef, TableFactor, TableVersion,
};

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
            TableFactor::Table { with_ordinality: true, name, .. } => {
                Err(Error::unsupported("WITH ORDINALITY is not supported").at(self.places.offset(name.span().start)))
            }
            TableFactor::Table { name, alias, args: Some(_), .. } => {
                // Postgres names the only column of such a function by its alias.
                let called = Ident::new(parts(name).pop().unwrap_or_default());
                let alias = alias.get_or_insert_with(|| named(called.clone()));
                if alias.columns.is_empty() && matches!(called.value.as_str(), "generate_series" | "unnest") {
                    alias.columns = vec![TableAliasColumnDef { name: alias.name.clone(), data_type: None }];
                }
                Ok(())
            }
            TableFactor::UNNEST { alias, .. } => {
                let alias = alias.get_or_insert_with(|| named(Ident::new("unnest")));
                if alias.columns.is_empty() {
                    alias.columns = vec![TableAliasColumnDef { name: alias.name.clone(), data_type: None }];
                }
                Ok(())
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

    /// `generate_series(…)` among the columns of a SELECT stands for as many rows.
    pub(super) fn series(args: Vec<Expr>) -> Expr {
        call("unnest", vec![call("generate_series", args)])
    }
}

fn named(name: Ident) -> TableAlias {
    TableAlias { explicit: true, name, columns: vec![], at: None }
}
