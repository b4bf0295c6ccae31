//! How large a statement is once the names of its WITH queries stand for the queries: each use is planned anew, so
//! that a few lines can mean gigabytes.

use super::places::Places;
use super::rewrite::{folded, parts};
use crate::base::{Error, Kind, Result};
use datafusion::sql::sqlparser::ast::{Query, Spanned, Statement, TableFactor, Visit, Visitor};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// Relations of a statement.
const RELATIONS_MAX: usize = 5_000;
/// WITH queries that read each other.
const DEPTH_MAX: usize = 500;

/// Refuses what could not be planned in time.
pub fn check(statement: &Statement, places: &Places<'_>) -> Result<()> {
    match statement.visit(&mut Unfolding { places, queries: vec![Reading::default()] }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(*error),
    }
}

struct Unfolding<'a> {
    places: &'a Places<'a>,
    /// The queries around the node that is visited, the innermost last.
    queries: Vec<Reading>,
}

/// What a query reads.
#[derive(Default)]
struct Reading {
    /// Names of its WITH queries, while they have not been visited.
    names: HashMap<*const Query, String>,
    known: HashMap<String, Size>,
    size: Size,
}

#[derive(Clone, Copy, Default)]
struct Size {
    relations: usize,
    depth: usize,
}

impl Size {
    fn add(&mut self, inner: Size) {
        self.relations = self.relations.saturating_add(inner.relations);
        self.depth = self.depth.max(inner.depth);
    }
}

impl Visitor for Unfolding<'_> {
    type Break = Box<Error>;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Box<Error>> {
        let with = query.with.iter().flat_map(|with| &with.cte_tables);
        let names = with.map(|cte| (std::ptr::from_ref(cte.query.as_ref()), folded(&cte.alias.name)));
        self.queries.push(Reading { names: names.collect(), ..Reading::default() });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<Box<Error>> {
        let size = self.queries.pop().map(|reading| reading.size).unwrap_or_default();
        let Some(outer) = self.queries.last_mut() else { return ControlFlow::Continue(()) };
        match outer.names.remove(&std::ptr::from_ref(query)) {
            Some(name) => drop(outer.known.insert(name, size)),
            None => outer.size.add(size),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Box<Error>> {
        let TableFactor::Table { name, args: None, .. } = factor else { return ControlFlow::Continue(()) };
        let unfolded = match parts(name).as_slice() {
            [name] => self.queries.iter().rev().find_map(|query| query.known.get(name)).copied(),
            _ => None,
        };
        let Some(reading) = self.queries.last_mut() else { return ControlFlow::Continue(()) };
        let unfolded = unfolded.map(|size| Size { depth: size.depth + 1, ..size }).unwrap_or_default();
        reading.size.add(Size { relations: unfolded.relations.saturating_add(1), ..unfolded });
        let refused = match reading.size {
            Size { relations, .. } if relations > RELATIONS_MAX => {
                format!("the limit is {RELATIONS_MAX} relations, each as often as a name in WITH stands for it")
            }
            Size { depth, .. } if depth > DEPTH_MAX => {
                format!("the limit is {DEPTH_MAX} queries in WITH that read each other")
            }
            _ => return ControlFlow::Continue(()),
        };
        let error = Error::new(Kind::TooComplex, "statement reads too many relations")
            .detail(refused)
            .hint("write what is read again and again to a table first: CREATE TEMP TABLE … AS SELECT …".to_string());
        ControlFlow::Break(Box::new(error.at(self.places.offset(factor.span().start))))
    }
}
