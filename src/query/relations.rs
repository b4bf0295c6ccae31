//! The relations that a statement names, found before it is planned.

use super::planner::Planner;
use super::rewrite::{Version, folded, parts};
use super::system::SCHEMAS;
use super::{Context, References};
use crate::base::error::did_you_mean;
use crate::base::name::{self, DEFAULT_SCHEMA};
use crate::base::{Error, Kind, Name, Result};
use crate::catalog::{Relation, temporary};
use crate::lake::At;
use datafusion::catalog::TableProvider;
use datafusion::common::{ScalarValue, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::TableSource;
use datafusion::sql::sqlparser::ast::{ObjectName, Query, Spanned, Statement, TableFactor, Visit, Visitor};
use datafusion::sql::sqlparser::tokenizer::Location;
use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

/// A relation's name as it is written in a statement.
#[derive(Clone, Debug)]
pub struct Named {
    pub parts: Vec<String>,
    pub at: Location,
}

/// Relations that a statement names, but for its own WITH queries and functions in FROM.
pub fn named(statement: &impl Visit) -> Vec<Named> {
    let mut names = Names { found: vec![], scopes: vec![], calls: BTreeSet::new() };
    let _ = statement.visit(&mut names);
    names.found
}

struct Names {
    found: Vec<Named>,
    scopes: Vec<Vec<With>>,
    /// Places of functions in FROM, whose names are visited like relations.
    calls: BTreeSet<*const ObjectName>,
}

/// A WITH query; its name means something once it has been passed, or at once in WITH RECURSIVE.
struct With {
    query: *const Query,
    name: String,
    visible: bool,
}

impl Visitor for Names {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let with = query.with.iter().flat_map(|with| {
            with.cte_tables.iter().map(|cte| With {
                query: std::ptr::from_ref(cte.query.as_ref()),
                name: folded(&cte.alias.name),
                visible: with.recursive,
            })
        });
        self.scopes.push(with.collect());
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.scopes.pop();
        if let Some(scope) = self.scopes.last_mut() {
            scope.iter_mut().filter(|with| std::ptr::eq(with.query, query)).for_each(|with| with.visible = true);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => {
                self.calls.insert(std::ptr::from_ref(name));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        let parts = parts(name);
        let own = |parts: &[String]| match parts {
            [name] => self.scopes.iter().flatten().any(|with| with.visible && with.name == *name),
            _ => false,
        };
        if !self.calls.contains(&std::ptr::from_ref(name)) && !own(&parts) {
            self.found.push(Named { parts, at: name.span().start });
        }
        ControlFlow::Continue(())
    }
}

/// What a name turned out to be.
pub struct Found {
    pub provider: Arc<dyn TableProvider>,
    pub references: References,
}

/// Sources by the names that the planner will ask for.
pub type Sources = HashMap<TableReference, Arc<dyn TableSource>>;

impl Planner {
    /// Finds every relation of a statement. `views` are those whose definition this statement is, outermost first.
    pub(super) async fn relations(
        self: &Arc<Self>,
        context: &Arc<Context>,
        statement: &Statement,
        versions: &HashMap<String, Version>,
        places: &super::places::Places<'_>,
        views: &[Name],
    ) -> Result<(Sources, References)> {
        let mut sources = HashMap::new();
        let mut references = References::default();
        for named in named(statement) {
            let Some(reference) = reference(&named.parts) else {
                return Err(improper(&named.parts).at(places.offset(named.at)));
            };
            if sources.contains_key(&reference) {
                continue;
            }
            let version = match named.parts.as_slice() {
                [name] => versions.get(name),
                _ => None,
            };
            let found = match version {
                Some(version) => self.past(context, version).await.map_err(|error| error.at(version.offset)),
                None => self.relation(context, &named.parts, views).await,
            };
            let found = found.map_err(|error| error.at(places.offset(named.at)))?;
            references.include(found.references);
            sources.insert(reference, provider_as_source(found.provider));
        }
        Ok((sources, references))
    }

    /// The relation of a dotted name.
    pub(super) async fn relation(
        self: &Arc<Self>,
        context: &Arc<Context>,
        parts: &[String],
        views: &[Name],
    ) -> Result<Found> {
        match parts {
            [name] => self.unqualified(context, name, views).await,
            [schema, name] => self.qualified(context, schema, name, views).await,
            [catalog, schema, name] if catalog == name::database() => {
                self.qualified(context, schema, name, views).await
            }
            [connection, schema, name] => self.remote(context, connection, schema, name).await,
            _ => Err(improper(parts)),
        }
    }

    async fn unqualified(self: &Arc<Self>, context: &Arc<Context>, name: &str, views: &[Name]) -> Result<Found> {
        if let Some(provider) = context.relations.get(name) {
            let relations = BTreeSet::from([name.to_string()]);
            return Ok(Found {
                provider: provider.clone(),
                references: References { relations, ..References::default() },
            });
        }
        // A temporary relation hides even one of the system.
        let (own, path): (Vec<_>, Vec<_>) =
            context.search_path.iter().map(String::as_str).partition(|schema| *schema == temporary::SCHEMA);
        let schemas = own.into_iter().chain(["pg_catalog"]).chain(path);
        for schema in schemas {
            if let Some(found) = self.look_up(context, schema, name, views).await? {
                return Ok(found);
            }
        }
        Err(undefined(context, name))
    }

    async fn qualified(
        self: &Arc<Self>,
        context: &Arc<Context>,
        schema: &str,
        name: &str,
        views: &[Name],
    ) -> Result<Found> {
        if let Some(found) = self.look_up(context, schema, name, views).await? {
            return Ok(found);
        }
        if context.snapshot.connections.contains_key(schema) && !context.snapshot.schemas.contains_key(schema) {
            return Err(Error::new(Kind::UndefinedTable, format!("relation \"{schema}.{name}\" does not exist"))
                .hint(format!("\"{schema}\" is a connection: {schema}.public.{name}")));
        }
        let error = context.snapshot.undefined_relation(&Name::new(schema, name));
        Err(Error { message: format!("relation \"{schema}.{name}\" does not exist"), ..error })
    }

    async fn look_up(
        self: &Arc<Self>,
        context: &Arc<Context>,
        schema: &str,
        name: &str,
        views: &[Name],
    ) -> Result<Option<Found>> {
        if SCHEMAS.contains(&schema) {
            let provider = match self.system_schema(context, schema) {
                Some(schema) => schema.table(name).await?,
                None => None,
            };
            let references = References { momentary: true, ..References::default() };
            return Ok(provider.map(|provider| Found { provider, references }));
        }
        let name = Name::new(schema, name);
        let Some(relation) = context.snapshot.relation(&name) else { return Ok(None) };
        let mut references = References { reads: BTreeSet::from([name.clone()]), ..References::default() };
        let provider = match relation {
            Relation::Table(table) => self.lake.provider(table),
            Relation::External(external) => self.connections.external(external)?,
            Relation::View(view) => {
                let plan = self.view(context, view, views).await?;
                references.include(plan.references().clone());
                plan.relation()
            }
        };
        context.reads.lock().extend(references.reads.iter().cloned());
        Ok(Some(Found { provider, references }))
    }

    async fn remote(&self, context: &Context, connection: &str, schema: &str, name: &str) -> Result<Found> {
        let known = context.snapshot.connection(connection)?;
        let missing = |hint: Option<String>| {
            Error::new(Kind::UndefinedTable, format!("relation \"{connection}.{schema}.{name}\" does not exist"))
                .hint(hint)
        };
        let catalog = self.connections.catalog(known, &context.snapshot)?;
        let Some(tables) = catalog.schema(schema) else {
            let known = catalog.schema_names();
            return Err(missing(did_you_mean(schema, known.iter().map(String::as_str))));
        };
        let Some(provider) = tables.table(name).await? else {
            let known = tables.table_names();
            return Err(missing(did_you_mean(name, known.iter().map(String::as_str))));
        };
        let remotes = BTreeSet::from([(connection.to_string(), schema.to_string(), name.to_string())]);
        Ok(Found { provider, references: References { remotes, momentary: true, ..References::default() } })
    }

    /// A managed table as it was.
    pub(super) async fn past(self: &Arc<Self>, context: &Arc<Context>, version: &Version) -> Result<Found> {
        let name = self.past_name(context, &version.table)?;
        let at = self.constant(context, version.at.clone()).await?;
        let at = match (version.by_time, at) {
            (true, at) => {
                let cast = super::functions::cast::Cast::new(crate::base::Type::Timestamptz, context.time_zone());
                match cast.value(&at)? {
                    ScalarValue::TimestampMicrosecond(Some(micros), _) => {
                        let at = chrono::DateTime::from_timestamp_micros(micros);
                        At::Timestamp(at.ok_or_else(|| Error::new(Kind::DatetimeOverflow, "timestamp out of range"))?)
                    }
                    _ => return Err(Error::new(Kind::NullNotAllowed, "a table's past cannot be NULL")),
                }
            }
            (false, ScalarValue::Utf8(Some(text))) => match text.parse() {
                Ok(number) => At::Version(number),
                Err(_) => At::Run(text),
            },
            (false, at) => match at.cast_to(&datafusion::arrow::datatypes::DataType::Int64)? {
                ScalarValue::Int64(Some(number)) => At::Version(number),
                _ => return Err(Error::new(Kind::NullNotAllowed, "a table's version cannot be NULL")),
            },
        };
        let table = self.lake.table_at(self.catalog.store(), &name, &at).await?;
        let references = References { reads: BTreeSet::from([name]), ..References::default() };
        Ok(Found { provider: self.lake.provider(&table), references })
    }

    /// The name of the table whose past is asked for: it may be gone by now.
    fn past_name(&self, context: &Context, table: &[String]) -> Result<Name> {
        let name = match table {
            [name] => context
                .search_path
                .iter()
                .map(|schema| Name::new(schema, name))
                .find(|name| context.snapshot.relation(name).is_some())
                .unwrap_or_else(|| Name::new(context.creation_schema().unwrap_or_else(|| DEFAULT_SCHEMA.into()), name)),
            [schema, name] => Name::new(schema, name),
            [catalog, schema, name] if catalog == name::database() => Name::new(schema, name),
            _ => return Err(Error::unsupported("only managed tables have a past")),
        };
        match context.snapshot.relation(&name) {
            Some(Relation::View(_) | Relation::External(_)) => {
                Err(Error::new(Kind::WrongObjectType, format!("\"{name}\" is not a managed table"))
                    .detail("only managed tables have a past"))
            }
            _ => Ok(name),
        }
    }
}

impl References {
    pub(super) fn include(&mut self, other: References) {
        self.reads.extend(other.reads);
        self.relations.extend(other.relations);
        self.remotes.extend(other.remotes);
        self.writes.extend(other.writes);
        self.models.extend(other.models);
        self.momentary |= other.momentary;
    }
}

fn undefined(context: &Context, name: &str) -> Error {
    let here = context.relations.keys().cloned();
    let inside = context.snapshot.relations.keys().map(|known| match context.search_path.contains(&known.schema) {
        true => known.name.clone(),
        false => known.to_string(),
    });
    let known: Vec<_> = here.chain(inside).collect();
    let elsewhere = context.snapshot.relations.keys().find(|known| known.name == name);
    let hint = match elsewhere {
        Some(known) => Some(format!("did you mean \"{}.{}\"?", known.schema, known.name)),
        None => did_you_mean(name, known.iter().map(String::as_str)),
    };
    Error::new(Kind::UndefinedTable, format!("relation \"{name}\" does not exist")).hint(hint)
}

fn reference(parts: &[String]) -> Option<TableReference> {
    match parts {
        [name] => Some(TableReference::bare(name.as_str())),
        [schema, name] => Some(TableReference::partial(schema.as_str(), name.as_str())),
        [catalog, schema, name] => Some(TableReference::full(catalog.as_str(), schema.as_str(), name.as_str())),
        _ => None,
    }
}

fn improper(parts: &[String]) -> Error {
    Error::new(Kind::Syntax, format!("improper relation name (too many dotted names): {}", parts.join(".")))
}
